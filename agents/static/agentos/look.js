// Looks at a page again for the scripts that keep it fresh, as the view that is open: one who reads, once on the trail.
globalThis.lookAgain = async (address) => {
  const region = document.getElementById("inbox-live");
  const headers = { Accept: "text/html", "X-View": region?.dataset.view || "" };
  const response = await fetch(address, { headers }).catch(() => null);
  if (!response || !response.ok) return null;
  if (region && response.headers.get("X-View")) region.dataset.view = response.headers.get("X-View");
  return new DOMParser().parseFromString(await response.text(), "text/html");
};

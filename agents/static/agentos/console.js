// Small comforts of the admin's pages; each of them works without this file.
document.addEventListener("DOMContentLoaded", () => {
  const units = [["day", 86400], ["h", 3600], ["min", 60], ["s", 1]];

  function tick() {
    for (const time of document.querySelectorAll("time[data-countdown]")) {
      let left = Math.floor((new Date(time.dateTime) - Date.now()) / 1000);
      const parts = [];
      for (const [unit, size] of units) {
        const count = Math.floor(left / size);
        left -= count * size;
        if (count > 0 && parts.length < 2) parts.push(`${count} ${unit}${unit === "day" && count > 1 ? "s" : ""}`);
      }
      time.textContent = parts.join(" ") || "expired";
    }
  }
  tick();
  setInterval(tick, 1000);

  // While the decided call is under way its card looks again, so that the outcome comes by itself.
  async function reload(id, tries) {
    const response = await fetch(location.pathname, { headers: { Accept: "text/html" } }).catch(() => null);
    const page = response && response.ok && new DOMParser().parseFromString(await response.text(), "text/html");
    const old = document.getElementById(id), fresh = page && page.getElementById(id);
    if (fresh && fresh.textContent !== old.textContent) old.replaceWith(fresh);
    if (tries > 0 && (!fresh || fresh.dataset.reload)) setTimeout(reload, 1500, id, tries - 1);
  }
  for (const part of document.querySelectorAll("[data-reload]")) setTimeout(reload, 1000, part.dataset.reload, 200);
});

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

  // While something is under way its part of the page looks again, so that what comes of it shows by itself. Only what
  // differs is changed: the focus, what is unfolded and what somebody is typing stay.
  function renew(old, fresh) {
    if (old.nodeName !== fresh.nodeName || (old.id || "") !== (fresh.id || "")) return old.replaceWith(fresh);
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    for (const { name } of [...old.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
    const before = [...old.childNodes], after = [...fresh.childNodes];
    after.forEach((node, place) => before[place] ? renew(before[place], node) : old.append(node));
    before.slice(after.length).forEach(node => node.remove());
  }

  async function freshen() {
    const response = await fetch(location.pathname, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!response || !response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const part of document.querySelectorAll("[data-reload]")) {
      const fresh = page.getElementById(part.id);
      if (fresh) renew(part, fresh);
    }
    tick();
  }

  // The next request opens after a decision: the second click of a double click must not decide it.
  const opened = performance.now();
  if (document.querySelector("[data-decided]")) for (const form of document.querySelectorAll("form[data-unhurried]")) {
    form.addEventListener("submit", (event) => { if (performance.now() - opened < 700) event.preventDefault(); });
  }

  async function look(pause) {
    if (!document.querySelector("[data-reload]")) return;
    if (!document.hidden) await freshen();
    setTimeout(look, pause, Math.min(pause * 1.05, 10000));
  }
  setTimeout(look, 1000, 1500);
});

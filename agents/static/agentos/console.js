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

  async function freshen(parts = "[data-reload]") {
    const own = document.querySelector("[data-own]")?.dataset.own || location.pathname;
    const page = await lookAgain(own);
    if (!page) return;
    for (const part of document.querySelectorAll(parts)) {
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

  // The page of a request hears how it stands. What somebody has typed stays, and the form can't send what no longer
  // counts; where scripts are off the server says so when it is sent.
  const request = document.querySelector("[data-approval]"), told = document.getElementById("stands");
  function offer(href, textContent, testid) {
    const link = Object.assign(document.createElement("a"), { href, textContent, className: "ao-link" });
    link.dataset.testid = testid;
    return link;
  }
  function hear({ detail: { id, key, status, may_decide, says, next } }) {
    if (!request || id !== request.dataset.approval || key === request.dataset.stands) return;
    request.dataset.stands = key;
    const form = request.querySelector("form[data-unhurried]"), held = request.contains(document.activeElement) && document.activeElement;
    const ends = status !== "pending", badge = request.querySelector('[data-testid="approval-status"]');
    for (const one of ends ? request.querySelectorAll("form") : form ? [form] : []) {
      for (const button of one.querySelectorAll("button")) button.disabled = !may_decide;
      for (const field of one.querySelectorAll("textarea")) field.readOnly = !may_decide;
    }
    badge.textContent = status;
    if (ends) { badge.className = "ao-badge"; request.querySelector("time[data-countdown]")?.parentElement.remove(); }
    const words = document.createElement("p"), links = document.createElement("p"), differs = ends || (form ? !may_decide : may_decide);
    words.textContent = says;
    links.className = "ao-meta";
    if (differs) links.append(offer(request.dataset.own, "Show how it stands", "stands-reload"));
    if (next && !may_decide) links.append(offer(next.link, `Next: ${next.effect_text}`, "stands-next"));
    told.className = "ao-card ao-attention";
    told.replaceChildren(words, links);
    if (held && held.disabled) told.focus(); // a button that is switched off would drop the focus
    if (!ends) freshen("[data-live]");
  }
  document.addEventListener("agentos:approval", hear);

  // The filters open over the list and stand after it: whoever opens them is led there, and back.
  const filters = document.querySelector("[data-filters]"), panel = document.getElementById("changelist-filter");
  filters?.addEventListener("click", () => requestAnimationFrame(() => setTimeout(() => panel.querySelector("a[href], input, select")?.focus(), 50)));
  panel?.addEventListener("keydown", ({ key }) => { if (key === "Escape") setTimeout(() => filters.focus()); });
  panel?.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget && !panel.contains(relatedTarget)) document.getElementById("changelist-filter-close").click();
  });

  async function look(pause) {
    if (!document.querySelector("[data-reload]")) return;
    if (!document.hidden) await freshen();
    setTimeout(look, pause, Math.min(pause * 1.05, 10000));
  }
  setTimeout(look, 1000, 1500);
});

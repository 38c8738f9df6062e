// What waits and what happened, as it happens: the inbox's badge, its list, and a note for each thing that one is told.
// Nothing is decided here: a note is a link. Without this file all of it shows when the page is loaded again.
document.addEventListener("DOMContentLoaded", () => {
  const region = document.getElementById("inbox-live");
  if (!region) return;
  const inbox = region.dataset.inbox, SEEN = "agentos:told", MOST_NOTES = 3, MOST_SEEN = 100;
  const ENDED = [4401, 4403];
  let waiting = null, pause = 1000, isTold = false;

  // A note is shown in one tab, once: what was shown is kept for all of them. A browser that is new begins with nothing.
  function seen() {
    try { return JSON.parse(localStorage.getItem(SEEN)); } catch { return []; }
  }
  function remember(ids) {
    try { localStorage.setItem(SEEN, JSON.stringify([...ids, ...(seen() || [])].slice(0, MOST_SEEN))); } catch { /* then it shows again */ }
  }

  function note(words, href) {
    const box = document.createElement("div"), link = document.createElement("a"), close = document.createElement("button");
    box.className = "inbox-note";
    box.dataset.testid = "toast";
    Object.assign(link, { href, textContent: words });
    Object.assign(close, { type: "button", textContent: "×", onclick: () => box.remove() });
    close.setAttribute("aria-label", "Dismiss");
    box.append(link, close);
    region.append(box);
    while (region.children.length > MOST_NOTES) region.firstElementChild.remove();
  }

  function tell(told) {
    const before = seen(), known = new Set(before || []);
    const fresh = told.filter(({ id }) => !known.has(id)).reverse();
    remember(fresh.map(({ id }) => id));
    if (before === null) return;
    for (const { title, effect_text, link } of fresh) {
      if (link !== location.pathname) note(effect_text ? `${title}: ${effect_text}` : title, link);
    }
  }

  // The badge stands in the menu, or over the chat; it is the link's last part, where there is one.
  function mark(count) {
    for (const link of document.querySelectorAll(`#nav-sidebar-apps a[href="${inbox}"], nav a[data-testid="inbox-link"]`)) {
      for (const old of link.querySelectorAll("[data-inbox-count], .count, .font-semibold")) old.remove();
      if (!count) continue;
      const badge = document.createElement("span");
      Object.assign(badge, { className: link.dataset.testid ? "count" : "ao-count inbox-count", textContent: count });
      badge.dataset.inboxCount = "";
      badge.setAttribute("aria-label", `${count} waiting`);
      link.append(" ", badge);
    }
  }

  // The list keeps the focus on the row that had it. While rows are ticked it stays as it is: what one has ticked must
  // be what one sees.
  async function renew() {
    const list = document.getElementById("changelist-form");
    if (location.pathname !== inbox || !list) return;
    const page = await lookAgain(location.href);
    const fresh = page?.getElementById("changelist-form");
    if (!fresh) return;
    if (list.querySelector("#result_list input:checked")) return note("The list has changed. Load it again.", location.href);
    const focused = document.activeElement?.closest("#result_list a")?.getAttribute("href");
    const rows = list.querySelector("#result_list"), newRows = fresh.querySelector("#result_list");
    rows && newRows ? rows.replaceWith(document.adoptNode(newRows)) : list.replaceWith(document.adoptNode(fresh));
    const tabs = document.querySelector(".ao-tabs"), newTabs = page.querySelector(".ao-tabs");
    if (tabs && newTabs && !tabs.contains(document.activeElement)) tabs.replaceWith(document.adoptNode(newTabs));
    if (focused) document.querySelector(`#result_list a[href="${focused}"]`)?.focus();
  }

  // What is halted, in the server's own words. Each socket begins with it, or says nothing when nothing is.
  function warn(html) {
    const stands = document.getElementById("halted"), now = new DOMParser().parseFromString(html, "text/html").getElementById("halted");
    if (stands && stands.textContent !== (now?.textContent ?? "")) stands.replaceChildren(...(now ? document.adoptNode(now).childNodes : []));
  }

  function heard({ data }) {
    pause = 1000;
    const said = JSON.parse(data);
    if (said.ping) return;
    if ("halted" in said || !isTold) warn(said.halted ?? "");
    isTold = true;
    if (said.approval) document.dispatchEvent(new CustomEvent("agentos:approval", { detail: said.approval }));
    tell(said.notices);
    const isNew = waiting !== null && (said.waiting !== waiting || said.notices.length);
    waiting = said.waiting;
    region.dataset.waiting = waiting;
    mark(waiting);
    if (isNew) renew();
  }

  function listen() {
    const open = document.querySelector("[data-approval]")?.dataset.approval;
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws/inbox${open ? `?approval=${open}` : ""}`);
    isTold = false;
    socket.onmessage = heard;
    socket.onclose = ({ code }) => {
      if (ENDED.includes(code)) return;
      setTimeout(listen, pause * (0.5 + Math.random()));
      pause = Math.min(pause * 2, 30000);
    };
  }
  listen();
});

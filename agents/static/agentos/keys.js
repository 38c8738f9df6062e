// Shortcuts of the admin's pages. No key decides anything: it follows a link, or puts the focus where Enter or typing
// does the rest. What has one carries it in data-key; `?` lists them and turns them off for whoever needs her keys.
document.addEventListener("DOMContentLoaded", () => {
  const OFF = "agentos:keys-off", root = document.documentElement;
  const isOn = () => localStorage.getItem(OFF) === null;
  const isSeen = (node) => node.getClientRects().length > 0;
  const keyed = () => [...document.querySelectorAll("[data-key]")].filter(isSeen);
  const rows = () => [...document.querySelectorAll("#result_list tr.data-row")].map((row) => row.querySelector("a[href]")).filter(Boolean);
  const isTyping = (node) => node.matches("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=submit])");

  function act(node) {
    node.focus();
    if (node.matches("a[href], summary, [data-key-press]")) node.click();
  }

  function step(by) {
    const links = rows(), at = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
    const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  function line(key, words) {
    const item = document.createElement("li"), kbd = document.createElement("kbd");
    kbd.textContent = key;
    kbd.className = "ao-kbd";
    item.append(kbd, " ", words);
    return item;
  }

  const dialog = document.createElement("dialog");
  dialog.className = "ao-card ao-dialog";
  dialog.dataset.testid = "keys-dialog";
  dialog.setAttribute("aria-label", "Keyboard shortcuts");

  function list() {
    const title = document.createElement("h2"), keys = document.createElement("ul");
    title.textContent = "Keyboard";
    keys.className = "ao-plain";
    if (rows().length) keys.append(line("j", "Next row"), line("k", "Previous row"));
    for (const node of keyed()) keys.append(line(node.dataset.key, node.dataset.keySays || node.textContent.trim()));
    keys.append(line("Esc", "Leave a field"), line("?", "This list"));
    const label = document.createElement("label"), box = document.createElement("input"), close = document.createElement("button");
    Object.assign(box, { type: "checkbox", checked: isOn() });
    box.onchange = () => { box.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1"); show(); };
    label.append(box, " Shortcuts are on");
    Object.assign(close, { className: "ao-button ao-primary", textContent: "Close", onclick: () => dialog.close() });
    dialog.replaceChildren(title, keys, label, close);
    dialog.showModal();
  }

  function show() { root.classList.toggle("ao-keys", isOn()); }
  document.body.append(dialog);
  for (const button of document.querySelectorAll("[data-keys-list]")) Object.assign(button, { hidden: false, onclick: list });
  show();

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || dialog.open) return;
    if (isTyping(target)) { if (key === "Escape") target.blur(); return; }
    if (key === "?") { event.preventDefault(); return list(); }
    if (!isOn()) return;
    const node = keyed().find((one) => one.dataset.key === key);
    if (!node && key !== "j" && key !== "k") return;
    event.preventDefault();
    node ? act(node) : step(key === "j" ? 1 : -1);
  });
});

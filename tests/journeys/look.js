// What the journeys ask of a page: functions that return what is wrong, in words.
const REACHED = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
const isShown = (node) => node.getClientRects().length > 0 && getComputedStyle(node).visibility !== "hidden"
  && !node.closest("[inert], [aria-hidden=true]");
const words = (text) => (text || "").replace(/\s+/g, " ").trim();
const what = (node) => `<${node.tagName.toLowerCase()}${node.id ? ` #${node.id}` : ""}${node.name ? ` ${node.name}` : ""}> ${words(node.innerText || node.value || node.className.baseVal || node.className).slice(0, 50)}`;
const all = () => [...document.querySelectorAll("*")];

// What only a mouse can press: the theme's script listens on it, and Tab passes it by.
function mouseOnly() {
  return all().filter((node) => node.hasAttribute("x-on:click") && isShown(node) && !node.matches(`${REACHED}, #changelist-filter-close`)).map((node) => `for a mouse only: ${what(node)}`);
}

function reachable() {
  const radios = new Set();
  return [...document.querySelectorAll(REACHED)].filter((node) => {
    if (node.disabled || node.tabIndex < 0 || !isShown(node)) return false;
    if (node.closest("details:not([open])") && node.tagName !== "SUMMARY") return false;
    if (node.type !== "radio") return true;
    const one = `${node.form?.id} ${node.name}`;  // Tab goes to one of a group
    return radios.has(one) ? false : radios.add(one);
  });
}

function stops() {
  const nodes = all();
  return reachable().filter((node) => node.type !== "radio").map((node) => [nodes.indexOf(node), what(node)]);
}

// Takes the links of the menu out of Tab's way, but for that of this page, or puts them back.
function passMenu(isPassed) {
  const links = [...document.querySelectorAll("#nav-sidebar-apps a[href]")];
  links.filter((link) => link.pathname !== location.pathname).forEach((link) => { link.inert = isPassed; });
}

// A focus shows by an outline or a shadow, or by a border or ground that differs from when it is elsewhere.
function focused() {
  const node = document.activeElement;
  if (!node || node === document.body || node === document.documentElement) return null;
  const looks = () => [node, node.parentElement, node.nextElementSibling].filter(Boolean).map((one) => {
    const style = getComputedStyle(one);
    return [style.boxShadow, style.borderColor, style.borderWidth, style.backgroundColor, style.textDecorationLine,
      style.outlineStyle === "none" ? "" : `${style.outlineStyle} ${style.outlineWidth} ${style.outlineColor}`];
  });
  const own = getComputedStyle(node), outlined = own.outlineStyle !== "none" && parseFloat(own.outlineWidth) >= 1;
  const number = all().indexOf(node), name = what(node);
  const box = node.getBoundingClientRect();
  const onScreen = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth && box.width > 0;
  let differs = outlined || number === globalThis.lastLooked;  // again: it has stops inside, where a new focus begins anew
  globalThis.lastLooked = number;
  if (!differs) {
    const with_focus = JSON.stringify(looks());
    node.blur();
    differs = JSON.stringify(looks()) !== with_focus;
    node.focus();
  }
  return { number, what: name, visible: differs && onScreen };
}

// Each Tab moves the focus on: what has it is looked at before the next one does.
function watchTab() {
  globalThis.tabbed = null;
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Tab") return;
    if (globalThis.tabbed) globalThis.tabbed.push(focused()); else globalThis.tabbed = [];
  }, { capture: true });
}

function stopsOfTab() {
  return (globalThis.tabbed || []).splice(0).concat([focused()]);
}

// The console's theme listens to its switch, other pages to what the reader's machine prefers.
async function wear(mode) {
  const theme = globalThis.Alpine?.$data(document.documentElement);
  if (theme && "adminTheme" in theme) {
    theme.adminTheme = mode;
    await Alpine.nextTick();
  }
  document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < Infinity).forEach((one) => one.finish());
  return theme?.adminTheme ? ["light", "dark"].filter((one) => document.documentElement.classList.contains(one)).join() : mode;
}

function nameless() {
  const called = (node) => {
    const by = (node.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.textContent || "").join(" ");
    const inside = [...node.querySelectorAll("img[alt], [aria-label], [title], title")].map((one) => one.getAttribute("alt") || one.getAttribute("aria-label") || one.title || one.textContent).join(" ");
    const own = node.matches("input, select, textarea") ? (node.type === "submit" ? node.value : "") : [...node.childNodes].map(spoken).join(" ");
    const labels = [...(node.labels || [])].map((label) => label.textContent).join(" ");
    return words([by, node.getAttribute("aria-label"), labels, own, inside, node.title].join(" "));
  };
  const spoken = (node) => node.nodeType === Node.TEXT_NODE ? node.textContent : node.nodeType !== Node.ELEMENT_NODE
    || node.matches("[aria-hidden=true], .material-symbols-outlined") ? "" : [...node.childNodes].map(spoken).join(" ");
  return reachable().filter((node) => !called(node)).map((node) => `no name: ${what(node)} ${node.outerHTML.slice(0, 120)}`);
}

function headings() {
  const levels = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter(isShown).map((node) => [Number(node.tagName[1]), words(node.textContent)]);
  const found = levels.filter(([level]) => level === 1).length === 1 ? [] : [`${levels.filter(([level]) => level === 1).length} first headings`];
  let last = 0;
  for (const [level, text] of levels) {
    if (level > last + 1 && last > 0) found.push(`h${level} after h${last}: ${text}`);
    last = level;
  }
  return found;
}

function sticksOut() {
  const wide = document.documentElement.scrollWidth;
  return wide > innerWidth ? [`${wide} px wide in ${innerWidth}`] : [];
}

// What a thumb misses: WCAG 2.2 asks for 24 px, but in a line of text; what is hidden until it has the focus is 1 px.
function small() {
  return reachable().filter((node) => node.matches("a, button, summary") && getComputedStyle(node).display !== "inline")
    .map((node) => [node, Math.round(node.getBoundingClientRect().height)])
    .filter(([, height]) => height > 1 && height < 24).map(([node, height]) => `${height} px high: ${what(node)}`);
}

function faint() {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = (of, found = new Map()) => (it) => found.has(it) ? found.get(it) : (found.set(it, of(it)), found.get(it));
  const rgba = known((color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  });
  const over = ([r, g, b, a], under) => [r, g, b].map((part, at) => part * a + under[at] * (1 - a));
  const ground = known((node) => {
    const layers = [];
    for (let one = node; one; one = one.parentElement) {
      layers.push(rgba(getComputedStyle(one).backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    const dark = getComputedStyle(document.documentElement).colorScheme.includes("dark");
    return layers.reverse().reduce((under, layer) => over(layer, under), dark ? [18, 18, 18] : [255, 255, 255]);
  });
  const opacity = known((node) => node ? Number(getComputedStyle(node).opacity) * opacity(node.parentElement) : 1);
  const light = (color) => {
    const [r, g, b] = color.map((part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!words(walker.currentNode.data) || !node || !isShown(node) || node.closest("svg, script, style, noscript, option, .material-symbols-outlined, :disabled")) continue;
    const style = getComputedStyle(node), under = ground(node);
    if (opacity(node) === 0) continue;
    const [r, g, b, a] = rgba(style.color), above = over([r, g, b, a * opacity(node)], under);
    const [high, low] = [light(above), light(under)].sort((one, other) => other - one);
    const ratio = (high + 0.05) / (low + 0.05), large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5) - 0.01) found.set(`${style.color} ${node.className}`, `contrast ${ratio.toFixed(2)}: ${words(walker.currentNode.data).slice(0, 40)} (${style.color} on ${under.map(Math.round)}) .${node.className}`);
  }
  return [...found.values()];
}

// All that is wrong with how a page looks by day or by night, and which of both it wears.
async function looksIn(mode) {
  return [await wear(mode), [nameless, headings, sticksOut, faint].flatMap((problems) => problems())];
}

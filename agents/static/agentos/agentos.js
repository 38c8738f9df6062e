// The chat of the home page: start a run, follow it through pauses and lost connections, answer, cancel.
const $ = (id) => document.getElementById(id);
const chat = $("chat"), log = $("log");
const key = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
// As this page got it: after a change of the tenant in another tab it is no longer good, as the forms' are not
const csrf = /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
const pretty = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 1));
// What would hide or reorder text is spelled out wherever somebody decides by reading it
const shown = (value) => pretty(value ?? "").replace(/[^\S\n\t ]|[\p{C}\u034f\u115f\u1160\u2800\u3164\uffa0\ufe00-\ufe0f]/gu,
  (c) => ("\n\t".includes(c) ? c : `[U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`));
let agent = null, run = null;

function el(tag, props = {}, ...children) {
  const { data = {}, ...rest } = props, node = Object.assign(document.createElement(tag), rest);
  Object.assign(node.dataset, data);
  node.append(...children.filter((child) => child != null));
  return node;
}

async function api(path, body, headers = {}) {
  const post = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(`/api${path}`, { ...post, headers: { "Content-Type": "application/json", "X-CSRFToken": csrf, ...headers } });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  const unexplained = response.status === 403 ? "This page is from before a sign-in or a change of tenant. Reload it." : `The server answered ${response.status}.`;
  throw Object.assign(new Error(problem.detail || unexplained), { status: response.status });
}

const storageKey = () => `agentos:${chat.dataset.user}:${agent.id}`;
const say = (text) => { $("status").textContent = text; };
const add = (node) => { const low = log.scrollHeight - log.scrollTop - log.clientHeight < 80; log.append(node); if (low) log.scrollTop = log.scrollHeight; return node; };
const bubble = (who, text = "") => add(el("div", { className: `bubble ${who}`, data: { testid: who } }, el("span", { className: "speaker", textContent: who === "user" ? "You" : agent.label + (chat.dataset.sandbox && " (sandbox model)") }), el("p", { textContent: text })));

// Events: one function each. `run.deltas` remembers which text came with which event, so that a reset can drop it.
function text(seq, piece) {
  run.text ??= bubble("agent").querySelector("p");
  run.deltas.push([seq, run.text.appendChild(document.createTextNode(piece))]);
  if (log.scrollHeight - log.scrollTop - log.clientHeight < 120) log.scrollTop = log.scrollHeight;
}
const events = {
  RunStarted: () => working(),
  RunContinued: () => working(),
  RunContent: (data, seq) => typeof data.content === "string" && text(seq, data.content),
  RunContentReset: (data) => {
    for (const [seq, node] of run.deltas) if (seq >= data.from_seq) node.remove();
    run.deltas = run.deltas.filter(([seq]) => seq < data.from_seq);
  },
  ToolCallStarted: ({ tool }) => card(tool, "running"),
  ToolCallCompleted: ({ tool }) => card(tool, /^Refused: /.test(tool.result) ? "refused" : "done"),
  ToolCallError: ({ tool }) => card(tool, "failed"),
  RunPaused: ({ tools, reason, content }) => {
    for (const tool of tools) card(tool, "waiting", question(tool));
    const others = tools.every((tool) => ["approval", "reconcile"].includes(tool.kind));
    const waits = others ? "Waiting for someone else to decide. You will see it here." : "Waiting for your answer.";
    busy(true, [reason && `${content}.`, tools.length && waits].filter(Boolean).join(" "));
    log.ariaBusy = "false";
  },
  RunCompleted: (data) => {
    if (typeof data.content === "string" && run.text?.textContent !== data.content) { run.text = null; text(0, data.content); }
    const tokens = data.metrics?.total_tokens;
    end(tokens ? `Done, ${tokens} tokens.` : "Done.");
  },
  RunError: (data) => { add(el("p", { className: "note bad", data: { testid: "error" } }, data.content, " ", el("code", { textContent: data.error_id ?? "" }))); end(data.error_id === "input_blocked" ? "Blocked." : "The run failed."); },
  RunCancelled: () => end("Cancelled."),
};
const working = () => { for (const form of log.querySelectorAll("form.ask")) form.remove(); busy(true, `${agent.label} is working…`); };
function end(word) {
  run.ended = true;
  for (const form of log.querySelectorAll("form.ask, .waits")) form.remove();
  for (const open of log.querySelectorAll(".card.waiting, .card.running")) { open.className = "card"; open.dataset.state = open.querySelector(".state").textContent = "ended"; }
  busy(false, word);
}
function busy(on, word) { $("send").hidden = on; $("cancel").hidden = !on; $("cancel").disabled = false; log.ariaBusy = String(on); say(word); }

function card(tool, state, form) {
  run.text = null;
  const old = run.cards[tool.tool_call_id], open = old?.querySelector("details")?.open ?? false;
  const facts = el("details", { open: open || (state === "waiting" && tool.kind !== "feedback") }, el("summary", { textContent: "Details" }), el("pre", { textContent: shown(tool.tool_args) }));
  if (tool.result != null) facts.append(el("p", { textContent: "Result" }), el("pre", { textContent: shown(tool.result), data: { testid: "tool-result" } }));
  const title = shown(tool.effect_text || tool.tool_name.replaceAll("_", " ").replace(/^./, (c) => c.toUpperCase()));
  const node = el("section", { className: `card ${state}`, data: { testid: "tool-card", tool: tool.tool_name, state } },
    el("h3", {}, title, el("span", { className: "state", textContent: state })),
    state === "waiting" && tool.asked_again ? el("p", { textContent: `Asked again. ${tool.asked_again}`, data: { testid: "asked-again" } }) : null, facts, form);
  if (old) old.replaceWith(node); else add(node);
  run.cards[tool.tool_call_id] = node;
  if (form) { log.scrollTop = log.scrollHeight; form.querySelector("input, select, textarea, button")?.focus(); }
}

// Questions: one form for each kind of pause
function question(tool) {
  if (tool.kind === "approval" || tool.approval_id) {
    const link = chat.dataset.mayDecide && el("a", { href: tool.approval_url, textContent: "Open it in the inbox", data: { testid: "approval-link" } });
    const asked = el("ul", { className: "asked", ariaLive: "polite", data: { testid: "asked" } });
    if (tool.approval_id) setTimeout(listen, 0, tool, asked);
    return el("div", { className: "waits" }, "Waits for an approver. ", link || null, asked);
  }
  if (tool.kind === "reconcile") return el("p", { className: "waits", textContent: "It is not known whether this happened: an operator has to say." });
  if (tool.requires_user_input) return ask(tool, tool.user_input_schema.map(field), ["Send"], (form) => ({ values: Object.fromEntries(tool.user_input_schema.map((f) => [f.name, value(form, f)])) }));
  if (tool.user_feedback_schema?.length) return ask(tool, tool.user_feedback_schema.map(choices), ["Send"], (form) => ({ selected: tool.user_feedback_schema.map((_, i) => new FormData(form).getAll(`q${i}`)) }));
  if (tool.external_execution_required) return ask(tool, [el("label", {}, "Run it yourself and paste the result", el("textarea", { name: "result", rows: 4, required: true }))], ["Send"], (form) => ({ result: form.result.value }));
  return ask(tool, [el("label", {}, "Note (optional)", el("textarea", { name: "note", rows: 1, maxLength: 2000 }))], ["Yes", "No"], (form, word) => ({ confirmed: word === "Yes", note: form.note.value }));
}
// What whoever decides asks meanwhile, answered here; an item that is there stays, with what is being typed into it
async function listen(tool, list) {
  const items = {};
  for (; list.isConnected; await sleep(5000)) {
    const found = document.hidden ? null : await api(`/approvals/${tool.approval_id}`).then((r) => r.json()).catch(() => null);
    for (const q of found?.questions ?? []) {
      const said = q.answered_at ? `You have answered: ${shown(q.answer)}` : "";
      if (items[q.id]?.said === said) continue;
      const node = el("li", { data: { testid: "asked-question" } }, `You are asked: ${shown(q.text)} `, said || reply(tool, q));
      if (items[q.id]) items[q.id].node.replaceWith(node); else list.append(node);
      items[q.id] = { node, said };
      if (!said) log.scrollTop = log.scrollHeight;
    }
  }
}
function reply(tool, q) {
  const words = el("textarea", { name: "text", rows: 2, maxLength: 2000, required: true, data: { testid: "asked-answer" } });
  const button = el("button", { textContent: "Answer", className: "button", data: { testid: "asked-send" } }), problem = el("p", { className: "bad", role: "alert" });
  const form = el("form", { className: "reply" }, el("label", {}, "Your answer", words), el("div", { className: "buttons" }, button), problem);
  form.onsubmit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    try { await api(`/approvals/${tool.approval_id}/questions/${q.id}/answer`, { text: words.value }); form.replaceWith(`You have answered: ${shown(words.value)}`); }
    catch (error) { problem.textContent = error.message; button.disabled = false; }
  };
  return form;
}
function field({ name, field_type: type, description, value: given, options }) {
  const common = { name, required: type !== "bool" }, label = el("label", {}, el("span", { textContent: description ? `${name.replaceAll("_", " ")}: ${description}` : name.replaceAll("_", " ") }));
  if (options) label.append(el("select", common, ...options.map((option) => el("option", { value: option, textContent: option, selected: option === given }))));
  else if (type === "bool") label.prepend(el("input", { ...common, type: "checkbox", checked: Boolean(given) }));
  else if (type === "int" || type === "float") label.append(el("input", { ...common, type: "number", step: type === "int" ? 1 : "any", value: given ?? "" }));
  else label.append(el("textarea", { ...common, rows: type === "str" ? 1 : 3, value: given == null ? "" : pretty(given) }));
  return label;
}
function value(form, { name, field_type: type, options }) {
  const input = form.elements[name];
  if (options) return options[input.selectedIndex];
  if (type === "bool") return input.checked;
  if (type === "int" || type === "float") return Number(input.value);
  return type === "list" || type === "dict" ? JSON.parse(input.value) : input.value;
}
const choices = ({ question: title, header, options, multi_select: many }, i) => el("fieldset", {}, el("legend", {}, el("span", { className: "topic", textContent: header }), " ", title),
  ...options.map(({ label, description }) => el("label", { className: "choice" }, el("input", { type: many ? "checkbox" : "radio", name: `q${i}`, value: label, required: !many }), el("span", {}, el("b", { textContent: label }), description ? ` ${description}` : ""))));
function ask(tool, fields, words, answer) {
  const buttons = words.map((word, i) => el("button", { textContent: word, value: word, className: i ? "button plain" : "button", data: { testid: `answer-${word.toLowerCase()}` } }));
  const form = el("form", { className: "ask" }, ...fields, el("div", { className: "buttons" }, ...buttons), el("p", { className: "bad", role: "alert" }));
  form.onsubmit = async (event) => {
    event.preventDefault();
    for (const button of buttons) button.disabled = true;
    try { await api(`/runs/${run.id}/answers`, { answers: [{ tool_call_id: tool.tool_call_id, ...answer(form, event.submitter?.value ?? words[0]) }] }); say("Sent."); form.remove(); }
    catch (error) { form.lastChild.textContent = error.message; for (const button of buttons) button.disabled = false; }
  };
  return form;
}

// Runs: start one, or attach to one; read frames until it ends, again and again when the connection is lost
function begin(id = null) { run?.abort.abort(); run = { id, last: 0, text: null, deltas: [], cards: {}, ended: false, abort: new AbortController() }; return run; }
function took(mine, frame) {
  const line = frame.split("\n").find((part) => part.startsWith("data: ")), seq = Number(/^id: (\d+)/m.exec(frame)?.[1] ?? 0);
  if (!line || mine !== run || seq <= mine.last) return;
  const data = JSON.parse(line.slice(6));
  mine.last = seq;
  if (!mine.id) { mine.id = data.run_id; history.replaceState(null, "", `?run=${mine.id}`); }
  events[data.event]?.(data, seq);
}
async function read(mine, response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { value: chunk, done } = await reader.read();
    if (done || mine !== run) { reader.cancel().catch(() => {}); return; }
    const frames = (rest + chunk).split("\n\n");
    rest = frames.pop();
    frames.forEach((frame) => took(mine, frame));
  }
}
async function follow(mine, response = null) {
  for (let wait = 500; mine === run && !mine.ended; wait = Math.min(wait * 2, 8000)) {
    const before = mine.last;
    if (!response && !mine.id) throw new Error("The connection was lost before the answer began.");
    try {
      response ??= await fetch(`/api/runs/${mine.id}/events`, { headers: { "Last-Event-ID": String(mine.last) }, signal: mine.abort.signal });
      if (response.status === 204) return end("Done.");
      if (response.status >= 400 && response.status < 500 && response.status !== 429) return end("This run can't be read (any more).");
      if (response.ok) await read(mine, response);
    } catch (error) { if (error.name === "AbortError") return; }
    response = null;
    if (mine.last > before) { wait = 250; continue; }
    if (!mine.ended && mine === run) { say("Connection lost. Trying again…"); await sleep(wait); }
  }
}
async function start(message) {
  const temporary = $("temporary").checked && !localStorage[storageKey()];
  const mine = begin(), session = localStorage[storageKey()] ??= key(), sent = bubble("user", message);
  busy(true, `${agent.label} is asked…`);
  try { await follow(mine, await api(`/agents/${agent.id}/runs`, { message, session_id: session, stream: true, temporary }, { "Idempotency-Key": key() })); }
  catch (error) { sent.classList.add("unsent"); $("message").value ||= message; add(el("p", { className: "note bad", data: { testid: "error" }, textContent: error.message })); end("Not sent."); }
}
async function restore(session) {
  begin(); log.replaceChildren(); busy(false, "");
  const mine = run, runs = session ? await api(`/sessions/${encodeURIComponent(session)}/runs`).then((r) => r.json()).catch(() => null) : [];
  if (!runs) { delete localStorage[storageKey()]; return say("That conversation is somebody else's. Its runs are under Runs, for who may see them."); }
  for (const [i, old] of mine === run ? runs.entries() : []) {
    bubble("user", old.run_input ?? "(blocked by a guardrail)");
    if (i < runs.length - 1) { if (old.content) bubble("agent", old.content); continue; }
    history.replaceState(null, "", `?run=${old.run_id}`); // the last one is replayed, tool cards and all
    follow(Object.assign(mine, { id: old.run_id }));
  }
}
async function choose(id, session) {
  const radio = document.querySelector(`input[name="agent"][value="${CSS.escape(id)}"]`);
  if (!radio) return;
  radio.checked = true;
  agent = { id, label: radio.dataset.label };
  $("chat-title").textContent = agent.label;
  if (session) localStorage[storageKey()] = session;
  for (const group of document.querySelectorAll("[data-prompts]")) group.hidden = group.dataset.prompts !== id;
  await restore(localStorage[storageKey()]);
}

if (chat) {
  document.body.classList.add("scripted");
  for (const radio of document.querySelectorAll('input[name="agent"]')) radio.onchange = () => { history.replaceState(null, "", "/"); choose(radio.value); };
  for (const button of document.querySelectorAll(".prompt")) button.onclick = () => { if (!$("send").hidden) start(button.textContent); };
  $("composer").onsubmit = (event) => { event.preventDefault(); const message = $("message").value.trim(); if (message && !$("send").hidden) { $("message").value = ""; start(message); } };
  $("message").onkeydown = (event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); $("composer").requestSubmit(); } };
  $("cancel").onclick = () => { $("cancel").disabled = Boolean(run.id); if (run.id) api(`/runs/${run.id}/cancel`, {}).catch((error) => { say(error.message); $("cancel").disabled = false; }); };
  $("fresh").onclick = () => { delete localStorage[storageKey()]; history.replaceState(null, "", "/"); restore(null); $("message").focus(); };
  const wanted = new URLSearchParams(location.search).get("run"), first = document.querySelector('input[name="agent"]:checked')?.value;
  const found = wanted && (await api(`/runs/${encodeURIComponent(wanted)}`).then((r) => r.json()).catch((error) => { say(error.message); return null; }));
  if (found || first) await choose(found ? found.agent_id : first, found?.session_id);
}

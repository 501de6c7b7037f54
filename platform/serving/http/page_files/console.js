"use strict";
// Everything is put into the page as text, never as HTML: names and reasons come from files that others made.

const EVERY_MS = 2000;
const AT_ONCE = 4;
const UNSURE = 0.9;
const KEPT = 100; // results, unless more were asked for at once
const MOST = 1000; // at once
const LOOK_MS = 10000; // a service that hangs takes connections still
const ASK_MS = 60000;
const byId = (id) => document.getElementById(id);
const READS = new Set(["/captcha/v1", "/captcha/v3", "/captcha/auth/v2", "/b", "/captcha", "/predict", "predict", "predict_stream"]);
const reads = ({ route }) => READS.has(route) || route.endsWith("/infer");
const IDLE = new Set(["discovered", "unloaded", "standby"]);
const BUSY = new Set(["active", "validating", "loading", "warming"]);
const USABLE = new Set([...IDLE, ...BUSY, "draining"]);
const BAD = new Set(["rejected", "failed"]);

function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function withKey(headers = {}) {
  const key = sessionStorage.getItem("key");
  return key ? { ...headers, Authorization: `Bearer ${key}` } : headers;
}

// Our own form of answers, whatever the fields are called for this installation's old clients.
const NATIVE = { Accept: "application/vnd.captcha-foundry+json" };

class GoneError extends Error {}

async function fetched(path, { ms = ASK_MS, ...options } = {}) {
  try {
    const response = await fetch(path, { ...options, signal: AbortSignal.timeout(ms) });
    const { ok, status, statusText } = response;
    return { ok, code: status, status: `${status} ${statusText}`.trim(), text: await response.text() };
  } catch (error) {
    throw new GoneError(`The service does not answer: ${error.message}`, { cause: error });
  }
}

async function call(path, { headers, ...options } = {}) {
  const answer = await fetched(path, { ...options, headers: withKey({ ...NATIVE, ...headers }) });
  let body = null; // also where a proxy answers, in a form of its own
  try { body = JSON.parse(answer.text); } catch { /* no JSON */ }
  if (!answer.ok || body === null) throw new Error(body?.message || `The answer is ${answer.status}.`);
  return body;
}

// Reading pictures

const waiting = [];
let running = 0;

function read(given) {
  const pictures = given.filter((file) => !file.type || file.type.startsWith("image/"));
  const files = pictures.slice(0, MOST);
  if (files.length < pictures.length) say(`Only the first ${MOST} of ${pictures.length} pictures are read: use python -m serving ask for more.`);
  makeRoom(KEPT - files.length);
  for (const file of files) {
    const item = element("li");
    const picture = element("img", "", { alt: file.name || "pasted picture", src: URL.createObjectURL(file) });
    const about = element("div");
    about.append(element("div", "reading", { class: "about" }));
    item.append(picture, about, element("div", "", { class: "sure" }));
    byId("results").prepend(item);
    waiting.push(() => readOne(file, item));
  }
  byId("clear").hidden = !byId("results").children.length;
  next();
}

// Drops the oldest results until so many are left; what is still to be read stays.
function makeRoom(most) {
  const items = [...byId("results").children];
  for (const item of items.slice(Math.max(0, most)).filter((one) => one.dataset.done)) {
    URL.revokeObjectURL(item.firstChild.src);
    item.remove();
  }
}

function next() {
  while (running < AT_ONCE && waiting.length) {
    running += 1;
    waiting.shift()().finally(() => { running -= 1; next(); });
  }
}

async function readOne(file, item) {
  const [, middle, right] = item.children;
  const form = new FormData();
  form.append("image", file);
  form.append("need_confidence", "true");
  if (byId("model").value) form.append("model_name", byId("model").value);
  const started = performance.now();
  try {
    const answer = await call("/captcha/v1", { method: "POST", body: form });
    const time = `${(performance.now() - started).toFixed(0)} ms`;
    middle.replaceChildren(spelled(answer), element("div", `${answer.model} ${answer.version} · ${time}`, { class: "about" }));
    const share = answer.confidence;
    right.replaceChildren(
      document.createTextNode(`${(100 * share).toFixed(share > 0.99 ? 2 : 1)} %`),
      element("meter", "", { min: 0, max: 1, low: 0.5, high: UNSURE, optimum: 1, value: share, "aria-label": "confidence" }),
    );
  } catch (error) {
    middle.replaceChildren(element("div", error.message, { class: "failed" }), element("div", file.name, { class: "about" }));
  }
  item.dataset.done = "yes";
}

function spelled(answer) {
  const text = element("div", "", { class: "text" });
  for (const symbol of answer.symbols || []) {
    const title = `${(100 * symbol.confidence).toFixed(1)} %`;
    text.append(element("span", symbol.text, symbol.confidence < UNSURE ? { class: "unsure", title } : { title }));
  }
  if (text.textContent !== answer.message) text.textContent = answer.message || "(nothing read)";
  return text;
}

byId("drop").addEventListener("click", () => byId("files").click());
byId("files").addEventListener("change", (event) => { read([...event.target.files]); event.target.value = ""; });
byId("clear").addEventListener("click", () => {
  waiting.length = 0;
  for (const picture of byId("results").querySelectorAll("img")) URL.revokeObjectURL(picture.src);
  byId("results").replaceChildren();
  byId("clear").hidden = true;
  byId("drop").focus();
});
document.addEventListener("paste", (event) => read([...event.clipboardData.files]));
document.addEventListener("dragover", (event) => { event.preventDefault(); byId("drop").classList.add("over"); });
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) byId("drop").classList.remove("over"); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  byId("drop").classList.remove("over");
  read([...event.dataTransfer.files]);
});

// Models

function showModels(told, samples) {
  const models = [...new Map(told.map((model) => [JSON.stringify(model), model])).values()];
  models.sort((one, other) => one.name.localeCompare(other.name) || compareVersions(other.version, one.version));
  byId("models").hidden = !models.length;
  byId("no-models").hidden = models.length > 0;
  const rows = models.map((model) => kept({ ...model, loadable: isLoadable(model, models), lower: hasLower(model, models) }));
  const body = byId("models").tBodies[0];
  if (rows.length !== body.rows.length || rows.some((one, at) => one !== body.rows[at])) {
    const focused = document.activeElement?.dataset?.action;
    body.replaceChildren(...rows);
    const again = [...body.querySelectorAll("button")].find((one) => one.dataset.action === focused);
    if (focused) (again || byId("models-title")).focus(); // else the keyboard would have to begin at the top
  }
  models.forEach((model, at) => count(rows[at], model, samples));
  const select = byId("model");
  const names = [...new Set(models.filter((one) => one.state === "active").map((one) => one.name))];
  if ([...select.options].slice(1).map((one) => one.value).join("\n") === names.join("\n")) return;
  const chosen = select.value;
  select.replaceChildren(select.options[0], ...names.map((name) => element("option", name, { value: name })));
  select.value = names.includes(chosen) ? chosen : "";
}

// A model of which no version serves or is on its way can be loaded; the button stands at its highest version.
function isLoadable(model, models) {
  const versions = models.filter((one) => one.name === model.name && IDLE.has(one.state));
  return versions[0] === model && !models.some((one) => one.name === model.name && BUSY.has(one.state));
}

// Without a lower version that can serve there is nothing to roll back to.
function hasLower(model, models) {
  return models.some((one) => one.name === model.name && USABLE.has(one.state) && compareVersions(one.version, model.version) < 0);
}

// A row stays the same element as long as its model is told of in the same words, so that no click goes astray.
let shownRows = new Map();

function kept(model) {
  const words = JSON.stringify(model);
  const known = shownRows.get(words) || row(model);
  shownRows = new Map([...shownRows, [words, known]].slice(-500));
  return known;
}

function count(line, model, samples) {
  const own = (labels) => labels.model === model.name && labels.version === model.version;
  const runs = total(samples, "cps_run_seconds_count", own);
  const seconds = total(samples, "cps_run_seconds_sum", own);
  line.querySelector(".run").textContent = runs ? `${((1000 * seconds) / runs).toFixed(1)} ms` : "–";
  line.querySelector(".read").textContent = samples.length ? String(total(samples, "cps_pictures_total", own)) : "–";
}

function row(model) {
  const line = element("tr");
  const title = element("td", "", { "data-label": "Model" });
  title.append(named(model));
  const state = element("td", "", { "data-label": "State" });
  const words = element("div");
  const kind = model.state === "active" ? " good" : BAD.has(model.state) ? " bad" : IDLE.has(model.state) ? " idle" : "";
  words.append(element("span", model.state, { class: `badge${kind}` }), element("span", model.reason, { class: "reason" }));
  state.append(words);
  const accuracy = model.accuracy === null ? "–" : `${(100 * model.accuracy).toFixed(2)} %`;
  const golden = model.golden ? `${model.golden} golden${["active", "standby"].includes(model.state) ? " ✓" : ""}` : "";
  const quality = element("td", "", { "data-label": "Accuracy", class: "short" });
  quality.append(stacked(accuracy, golden));
  const speed = element("td", "", { "data-label": "Run", class: "short" });
  const promised = model.latency === null ? "" : `YAML: ${model.latency.toFixed(1)} ms`;
  speed.append(stacked("", promised));
  speed.firstChild.prepend(element("span", "", { class: "run" }));
  line.append(
    title,
    state,
    element("td", model.size[0] ? `${model.size[0]}×${model.size[1]}` : "–", { "data-label": "Size", class: "short" }),
    quality,
    speed,
    element("td", "", { "data-label": "Read", class: "read" }),
    actions(model),
  );
  return line;
}

function named(model) {
  const box = element("div");
  box.append(element("strong", model.name), element("span", model.version, { class: "quiet" }));
  if (model.sites.length) box.append(element("span", model.sites.join(", "), { class: "reason" }));
  return box;
}

function stacked(first, second) {
  const box = element("div", first);
  if (second) box.append(element("span", second, { class: "reason" }));
  return box;
}

function actions(model) {
  const cell = element("td", "", { "data-label": "Change" });
  const box = element("div", "", { class: "row" });
  const add = (text, path, body) => {
    const button = element("button", text, { type: "button", "aria-label": `${text} ${model.name} ${model.version}` });
    button.dataset.action = `${path} ${model.version}`;
    button.addEventListener("click", () => change(button, path, body));
    box.append(button);
  };
  const name = encodeURIComponent(model.name);
  if (model.state === "active") {
    add("Unload", `/v2/repository/models/${name}/unload`);
    if (model.lower) add("Roll back", `/admin/models/${name}/rollback`);
    add("Unpin", `/admin/models/${name}/unpin`);
  } else if (IDLE.has(model.state)) {
    if (model.loadable) add("Load", `/v2/repository/models/${name}/load`);
    add("Pin", `/admin/models/${name}/pin`, { version: model.version });
  }
  cell.append(box);
  if (!box.children.length) cell.className = "empty";
  return cell;
}

async function change(button, path, body) {
  if (button.ariaDisabled === "true") return;
  button.ariaDisabled = "true"; // and not disabled, which would take the focus away
  try {
    await call(path, { method: "POST", body: body && JSON.stringify(body), headers: { "Content-Type": "application/json" } });
    say("");
  } catch (error) {
    say(error.message);
  } finally {
    await look();
    button.ariaDisabled = null;
  }
}

function compareVersions(one, other) {
  const [left, right] = [one, other].map((version) => version.split(".").map(Number));
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const difference = (left[at] || 0) - (right[at] || 0);
    if (difference) return difference;
  }
  return 0;
}

// What a look says the next good one takes back; what a click says stays until the next click.
function say(text, kind = "click") {
  byId("notice").textContent = text;
  byId("notice").hidden = !text;
  byId("notice").dataset.kind = kind;
}

// Looking, again and again

const charts = Object.fromEntries([...document.querySelectorAll("[data-chart]")].map((figure) => [
  figure.dataset.chart, new Chart(figure, figure.dataset.chart === "latency" ? 2 : 1),
]));
let before = null;

function showLoad(samples) {
  const now = {
    at: performance.now() / 1000,
    answers: total(samples, "cps_requests_total", reads),
    times: buckets(samples, "cps_request_seconds", reads),
  };
  if (before && !fell(before.times, now.times)) {
    const rate = (now.answers - before.answers) / (now.at - before.at);
    const [half, most] = [0.5, 0.95].map((share) => quantile(share, before.times, now.times));
    charts.rate.add([rate], rate.toFixed(1));
    const known = half !== null;
    charts.latency.add(known ? [1000 * half, 1000 * most] : [null, null], known ? `${(1000 * half).toFixed(1)} · ${(1000 * most).toFixed(1)}` : "–");
  } else {
    charts.rate.add([null], "–");
    charts.latency.add([null, null], "–");
  }
  const queue = total(samples, "cps_queue_depth");
  charts.queue.add([queue], String(queue));
  const memory = total(samples, "process_resident_memory_bytes") / 2 ** 20;
  charts.memory.add([memory], memory ? memory.toFixed(0) : "–");
  before = now;
}

async function metrics() {
  const answer = await fetched("/metrics", { ms: LOOK_MS, headers: withKey() });
  const box = byId("no-metrics");
  box.hidden = answer.ok;
  if (answer.ok) return parseMetrics(answer.text);
  const wanted = answer.code === 401 || answer.code === 403;
  box.textContent = wanted ? "Load is shown with a key of scope metrics: enter it under Key." : `Load is not shown: the answer is ${answer.status}.`;
  before = null;
  return [];
}

let looking = null;
let lookingAgain = null;

// One at a time. Who asks for one while another is under way waits for the next, which sees what has changed meanwhile.
function look() {
  if (looking) return lookingAgain ??= looking.then(() => { lookingAgain = null; return look(); });
  looking = lookOnce().finally(() => { looking = null; });
  return looking;
}

async function lookOnce() {
  const health = byId("health");
  try {
    const answer = await fetched("/v2/health/ready", { ms: LOOK_MS });
    health.textContent = answer.ok ? "ready" : "not ready";
    health.className = answer.ok ? "badge good" : "badge";
    const samples = await metrics();
    if (samples.length) showLoad(samples);
    const told = await call("/v2/models", { ms: LOOK_MS });
    showModels(told.models, samples);
    byId("concerns").replaceChildren(
      ...told.degraded.map((text) => element("li", text)),
      ...told.ambiguities.map((text) => element("li", `Several models answer to ${text}`)),
    );
    if (byId("notice").dataset.kind === "look") say("");
  } catch (error) {
    const gone = error instanceof GoneError;
    if (gone) { health.textContent = "not reachable"; health.className = "badge bad"; }
    if (byId("notice").hidden || byId("notice").dataset.kind === "look") {
      say(gone ? "The service does not answer; looking again." : error.message, "look");
    }
  }
}

async function keepLooking() {
  if (!document.hidden) await look();
  setTimeout(keepLooking, EVERY_MS);
}

byId("key").value = sessionStorage.getItem("key") || "";
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("key", byId("key").value.trim());
  byId("key-box").open = false;
  byId("key-box").querySelector("summary").focus();
  look();
});
byId("key-box").addEventListener("keydown", (event) => { if (event.key === "Escape") event.currentTarget.open = false; });
keepLooking();

"use strict";
// Looks at the service again and again, and shows what it finds.

const EVERY_MS = 2000;
const LOOK_MS = 10000; // a service that hangs takes connections still
const READS = new Set(["/captcha/v1", "/captcha/v3", "/captcha/auth/v2", "/b", "/captcha", "/predict", "predict", "predict_stream"]);
const reads = ({ route }) => READS.has(route) || route.endsWith("/infer");

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

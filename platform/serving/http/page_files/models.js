"use strict";
// The table of models, and what can be done to them.

const IDLE = new Set(["discovered", "unloaded", "standby"]);
const BUSY = new Set(["active", "validating", "loading", "warming"]);
const USABLE = new Set([...IDLE, ...BUSY, "draining"]);
const BAD = new Set(["rejected", "failed"]);

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

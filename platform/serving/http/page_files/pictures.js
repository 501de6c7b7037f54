"use strict";
// Pictures that are dropped, pasted or picked, and what was read in them.

const AT_ONCE = 4;
const UNSURE = 0.9;
const KEPT = 100; // results, unless more were asked for at once
const MOST = 1000; // at once

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

"use strict";
// Reads the text of /metrics, and draws the last two minutes of it.

const POINTS = 60;

/** Return the samples of Prometheus' text: [{name, labels, value}]. */
function parseMetrics(text) {
  const samples = [];
  for (const line of text.split("\n")) {
    const found = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!found) continue;
    const labels = {};
    for (const [, key, value] of (found[2] || "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[key] = value;
    samples.push({ name: found[1], labels, value: Number(found[3]) });
  }
  return samples;
}

/** Return the sum of all samples of a name for which a condition on the labels holds. */
function total(samples, name, holds = () => true) {
  return samples.filter((one) => one.name === name && holds(one.labels)).reduce((sum, one) => sum + one.value, 0);
}

/** Return how many of a histogram's observations lie at or under each bound, summed over its labels. */
function buckets(samples, name, holds) {
  const counts = new Map();
  for (const one of samples) {
    if (one.name !== `${name}_bucket` || !holds(one.labels)) continue;
    const bound = one.labels.le === "+Inf" ? Infinity : Number(one.labels.le);
    counts.set(bound, (counts.get(bound) || 0) + one.value);
  }
  return counts;
}

/** Return whether a histogram counts anew, as after a restart. */
function fell(before, now) {
  return [...before].some(([bound, count]) => (now.get(bound) ?? 0) < count);
}

/** Return the quantile of what came between two readings of a histogram; null if nothing came. */
function quantile(share, before, now) {
  const bounds = [...now.keys()].sort((a, b) => a - b);
  const counts = bounds.map((bound) => now.get(bound) - (before.get(bound) || 0));
  const wanted = share * counts[counts.length - 1];
  if (!(wanted > 0)) return null;
  const at = counts.findIndex((count) => count >= wanted);
  const low = at ? bounds[at - 1] : 0;
  if (bounds[at] === Infinity) return low;
  const under = at ? counts[at - 1] : 0;
  return low + ((bounds[at] - low) * (wanted - under)) / (counts[at] - under);
}

/** One chart: lines over the last readings. */
class Chart {
  constructor(figure, lines) {
    this.output = figure.querySelector("output");
    this.series = Array.from({ length: lines }, () => []);
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", `0 0 ${POINTS - 1} 100`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    const names = ["area", ...Array.from({ length: lines }, (_, index) => (index ? "second" : "first"))];
    this.paths = names.map((name) => {
      const path = document.createElementNS(svg.namespaceURI, "path");
      path.setAttribute("class", name);
      svg.append(path);
      return path;
    });
    figure.append(svg);
  }

  /** Add a reading: a number for each line, or null for a gap. */
  add(values, text) {
    this.output.textContent = text;
    this.series.forEach((line, index) => {
      line.push(values[index]);
      if (line.length > POINTS) line.shift();
    });
    const top = Math.max(1e-9, ...this.series.flat().filter((value) => value !== null)) * 1.1;
    this.series.forEach((line, index) => this.paths[index + 1].setAttribute("d", outline(line, top)));
    this.paths[0].setAttribute("d", area(this.series[0], top));
  }
}

function outline(line, top) {
  const at = (index) => line[index] ?? null;
  return line.map((value, index) => {
    if (value === null) return "";
    const x = POINTS - line.length + index;
    const y = (100 - (100 * value) / top).toFixed(2);
    if (at(index - 1) !== null) return `L${x} ${y}`;
    return at(index + 1) !== null ? `M${x} ${y}` : `M${x - 0.5} ${y}H${x + 0.5}`; // alone between gaps: a dash
  }).join("");
}

function area(line, top) {
  const whole = line.map((value) => value ?? 0);
  return `M${POINTS - line.length} 100${outline(whole, top).replace("M", "L")}L${POINTS - 1} 100Z`;
}

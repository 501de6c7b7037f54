"use strict";
// What all parts of the console use: the page's elements, and requests to the service.
//
// Everything is put into the page as text, never as HTML: names and reasons come from files that others made.

const ASK_MS = 60000;
const byId = (id) => document.getElementById(id);

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

// What a look says the next good one takes back; what a click says stays until the next click.
function say(text, kind = "click") {
  byId("notice").textContent = text;
  byId("notice").hidden = !text;
  byId("notice").dataset.kind = kind;
}

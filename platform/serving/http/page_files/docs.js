"use strict";
// Shows /openapi.json: each operation, what it takes, what it answers.

function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

/** Return a schema as JSON, a reference as the name of what it leads to. */
function shown(schema) {
  return JSON.stringify(schema, null, 2).replace(/\{\s*"\$ref": "#\/components\/schemas\/(\w+)"\s*\}/g, "$1");
}

function schemaText(content) {
  return Object.entries(content).map(([kind, media]) => `${kind}: ${shown(media.schema)}`).join("\n");
}

function operation(path, method, told) {
  const box = element("details", "", "operation");
  const summary = element("summary");
  summary.append(element("span", method.toUpperCase(), "method"), element("code", path), element("span", told.summary, "quiet"));
  box.append(summary);
  if (told.description) box.append(element("p", told.description));
  if (told.requestBody) box.append(element("h3", "Body"), element("pre", schemaText(told.requestBody.content)));
  for (const [status, response] of Object.entries(told.responses)) {
    box.append(element("h3", `${status} ${response.description}`));
    if (status === "200") box.append(element("pre", schemaText(response.content)));
  }
  return box;
}

async function show() {
  const api = await (await fetch("/openapi.json")).json();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, told] of Object.entries(methods)) {
      document.getElementById("operations").append(operation(path, method, told));
    }
  }
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    const box = element("details", "", "operation");
    box.append(element("summary", name, ""), element("pre", shown(schema)));
    document.getElementById("schemas").append(box);
  }
}

show();

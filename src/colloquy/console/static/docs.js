/* Shows /v2/openapi.json to people. Everything is inserted as text. */

function make(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

/* Words in backticks are code. */
function prose(tag, text) {
  const pieces = text.split("`");
  return make(tag, "", ...pieces.map((piece, at) => (at % 2 ? make("code", "", piece) : piece)));
}

const shown = (value) => make("pre", "", JSON.stringify(value, null, 2));

function body(node, title, kinds) {
  const [kind, content] = Object.entries(kinds ?? {})[0] ?? [];
  if (!kind) return;
  node.append(make("h3", "", `${title} · ${kind}`));
  for (const example of Object.values(content.examples ?? {})) {
    if (example.summary) node.append(make("p", "", example.summary));
    node.append(shown(example.value));
  }
  const alternatives = content.schema?.oneOf ?? [];
  if (!content.examples && alternatives.length) {
    const names = alternatives.map((one) => (one.$ref ?? "").split("/").pop()).filter(Boolean);
    node.append(make("p", "", `One of: ${names.join(", ")}`));
  }
}

function parameters(node, list) {
  if (!list?.length) return;
  const rows = make("dl", "");
  for (const one of list) {
    const name = make("dt", "", make("code", "", one.name), one.required ? "" : " (optional)");
    rows.append(name, prose("dd", one.description ?? ""));
  }
  node.append(make("h3", "", "Parameters"), rows);
}

function responses(node, all) {
  const entries = Object.entries(all).sort();
  for (const [status, response] of entries.filter(([status]) => status < "300")) {
    body(node, `Answer ${status}`, response.content);
    if (!response.content) node.append(make("h3", "", `Answer ${status}`));
    node.append(prose("p", response.description));
  }
  const rows = make("dl", "");
  for (const [status, response] of entries.filter(([status]) => status >= "300")) {
    rows.append(make("dt", "", status), prose("dd", response.description));
  }
  if (rows.childElementCount) node.append(make("h3", "", "Errors"), rows);
}

function needed([way]) {
  if (way?.visitor) return "Needs a visitor's token.";
  if (!way?.key) return "Needs no key.";
  return `Needs a key with the scope ${way.key.map((scope) => `\`${scope}\``).join(" or ")}.`;
}

function operation(path, method, one, security) {
  const inside = make("div", "body");
  for (const text of (one.description ?? "").split("\n\n")) inside.append(prose("p", text));
  inside.append(prose("p", needed(one.security ?? security)));
  parameters(inside, one.parameters);
  body(inside, "Request", one.requestBody?.content);
  responses(inside, one.responses);
  const head = make(
    "summary",
    "",
    make("code", `method ${method}`, method.toUpperCase()),
    make("code", "path", path),
    make("span", "", one.summary),
  );
  const node = make("details", "", head, inside);
  node.id = one.operationId;
  return node;
}

async function show() {
  const response = await fetch("/v2/openapi.json");
  const api = await response.json();
  document.getElementById("title").textContent = `${api.info.title} ${api.info.version}: HTTP API`;
  document.getElementById("about").replaceWith(prose("p", api.info.description));
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [method, one] of Object.entries(item)) {
      const tag = one.tags[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(path, method, one, api.security));
    }
  }
  const main = document.getElementById("operations");
  for (const [tag, nodes] of groups) {
    const heading = make("h2", "", tag);
    heading.id = tag.replaceAll(" ", "-");
    const link = make("a", "", tag);
    link.href = `#${heading.id}`;
    document.getElementById("tags").append(link);
    main.append(heading, ...nodes);
  }
  main.setAttribute("aria-busy", "false");
  const wanted = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (wanted) {
    if (wanted.tagName === "DETAILS") wanted.open = true;
    wanted.scrollIntoView();
  }
}

show();

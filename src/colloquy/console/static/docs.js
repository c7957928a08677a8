/* Shows /v2/openapi.json to people: contents with a filter, and each operation with its parameters,
   bodies, answers, samples, and a form to try it out. */

import { block, jsonBlock, make, prose, tabs } from "./docs-parts.js";
import { curl, examplePath, python } from "./docs-samples.js";
import { fields, parameterRow, resolved, rows } from "./docs-schema.js";
import { credentials, tryOut } from "./docs-try.js";

const byId = (id) => document.getElementById(id);

const examplesOf = (content) => Object.values(content?.examples ?? {});

function section(title, ...children) {
  return make("section", {}, make("h4", {}, title), ...children);
}

function needs(operation) {
  const [way] = operation.security;
  if (way?.visitor) return "Needs a visitor's token.";
  if (!way?.key) return "Needs no key.";
  if (!way.key.length) return "Needs a key.";
  return `Needs a key with the scope ${way.key.map((scope) => `\`${scope}\``).join(" or ")}.`;
}

function parametersOf(api, operation, place, title) {
  const found = operation.parameters.filter((one) => one.in === place);
  return found.length ? [section(title, rows(found.map((one) => parameterRow(api, one))))] : [];
}

function schemaOf(api, content) {
  if (!content?.schema) return undefined;
  const node = make("details", { class: "nested" }, make("summary", {}, "Fields"));
  node.addEventListener("toggle", () => {
    if (node.childElementCount === 1) node.append(fields(api, content.schema));
  });
  return node;
}

function bodyOf(api, operation) {
  const [kind, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (!kind) return [];
  return [section("Body", make("p", { class: "note" }, kind), fields(api, content.schema))];
}

function answersOf(api, operation) {
  const nodes = [];
  const errors = [];
  for (const [status, answer] of Object.entries(operation.responses).sort()) {
    const [kind, content] = Object.entries(answer.content ?? {})[0] ?? [];
    const headers = Object.keys(answer.headers ?? {}).map((name) => `\`${name}\``);
    const about = prose("p", answer.description);
    const notes = headers.length ? prose("p", `Headers: ${headers.join(" ")}`, { class: "note" }) : "";
    const shown = examplesOf(content).map((one) =>
      typeof one.value === "string"
        ? block(one.value, `Example of ${status}`)
        : jsonBlock(one.value, `Example of ${status}`));
    if (status >= "400") {
      const code = examplesOf(content)[0]?.value.code ?? "";
      const line = make("summary", {}, make("span", { class: "status bad" }, status), code && make("code", {}, code));
      errors.push(make("details", { class: "answer" }, line, about, notes, ...shown));
    } else {
      const line = make("summary", {}, make("span", { class: "status good" }, status), make("span", {}, kind ?? "no body"));
      const open = nodes.length === 0;
      nodes.push(make("details", { class: "answer", open }, line, about, notes, schemaOf(api, content) ?? "", ...shown));
    }
  }
  const found = [section("Answers", ...nodes)];
  if (errors.length) found.push(section("Errors", ...errors));
  return found;
}

function linksOf(api, operation) {
  const names = new Set(Object.values(operation.responses).flatMap((one) => Object.keys(one.links ?? {})));
  if (!names.size) return [];
  const links = [...names].map((name) => make("a", { href: `#${name}` }, api.operations.get(name).summary));
  return [section("Goes on to", make("ul", { class: "links" }, ...links.map((link) => make("li", {}, link))))];
}

const samples = [];

/* One choice for the whole page: who reads Python reads it everywhere. */
function sampleTabs(operation, request) {
  const panels = { curl: block(curl(request), "curl"), Python: block(python(request), "Python") };
  const node = tabs(`Samples of ${operation.operationId}`, panels, (title) => {
    for (const other of samples) if (other !== node) other.choose(title);
  });
  samples.push(node);
  return node;
}

function show(api, { path, method, operation }) {
  const bodies = examplesOf(Object.values(operation.requestBody?.content ?? {})[0]).map((one) => one.value);
  const answer = Object.entries(operation.responses).sort()[0][1];
  const kinds = Object.keys(answer.content ?? {});
  const credential = operation.security[0]?.visitor ? "VISITOR" : operation.security[0]?.key && "KEY";
  const request = {
    method, path: examplePath(path, operation), body: bodies[0], credential,
    streams: kinds.includes("text/event-stream"), hasText: !kinds.includes("application/json"),
  };
  const id = operation.operationId;
  const heading = make(
    "h3", { id: `${id}-title` },
    operation.summary, " ",
    make("a", { class: "anchor", href: `#${id}`, "aria-label": `Link to ${operation.summary}` }, "#"),
  );
  const trying = make("details", { class: "trying" }, make("summary", {}, "Try it"));
  trying.addEventListener("toggle", () => {
    if (trying.childElementCount === 1) trying.append(tryOut(operation, method, path, bodies));
  });
  const about = (operation.description ?? "").split("\n\n").map((text) => prose("p", text.replaceAll("\n", " ")));
  return make(
    "article", { id, "aria-labelledby": `${id}-title` },
    heading,
    make("p", { class: "route" }, make("span", { class: `method ${method}` }, method.toUpperCase()), make("code", { class: "path" }, path)),
    make(
      "div", { class: "columns" },
      make(
        "div", { class: "words" },
        ...about, prose("p", needs(operation), { class: "needs" }),
        ...parametersOf(api, operation, "path", "Path"),
        ...parametersOf(api, operation, "query", "Query"),
        ...bodyOf(api, operation),
        ...parametersOf(api, operation, "header", "Headers"),
        ...answersOf(api, operation),
        ...linksOf(api, operation),
      ),
      make("div", { class: "code" }, sampleTabs(operation, request), trying),
    ),
  );
}

/* The document with its references to parameters resolved and every operation's credentials said. */
function prepared(api) {
  api.operations = new Map();
  const found = [];
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      operation.parameters = (operation.parameters ?? []).map((one) =>
        one.$ref ? api.components.parameters[one.$ref.split("/").pop()] : one);
      operation.security ??= api.security;
      api.operations.set(operation.operationId, operation);
      const codes = Object.values(operation.responses).flatMap((one) =>
        Object.values(one.content ?? {}).flatMap(examplesOf).map((each) => each.value?.code ?? ""));
      const words = [
        method, path, operation.operationId, operation.summary, operation.description, ...operation.tags,
        ...Object.keys(operation.responses), ...codes,
        ...Object.keys(resolved(api, Object.values(operation.requestBody?.content ?? {})[0]?.schema)?.properties ?? {}),
      ];
      found.push({ path, method, operation, words: words.join(" ").toLowerCase() });
    }
  }
  return found;
}

function build(api, all) {
  const groups = new Map();
  for (const one of all) {
    const tag = one.operation.tags[0];
    if (!groups.has(tag)) groups.set(tag, []);
    groups.get(tag).push(one);
  }
  for (const [tag, members] of groups) {
    const id = tag.replaceAll(" ", "-");
    const list = make("ul", {});
    const part = make("section", { id, class: "group", "aria-labelledby": `${id}-title` }, make("h2", { id: `${id}-title` }, tag));
    for (const one of members) {
      one.link = make(
        "a", { href: `#${one.operation.operationId}` },
        make("span", { class: `method ${one.method}` }, one.method === "delete" ? "DEL" : one.method.toUpperCase()),
        make("span", {}, one.operation.summary),
      );
      one.entry = make("li", {}, one.link);
      one.node = show(api, one);
      list.append(one.entry);
      part.append(one.node);
    }
    const entry = make("div", { class: "group" }, make("h2", {}, make("a", { href: `#${id}` }, tag)), list);
    byId("contents").append(entry);
    byId("operations").append(part);
    members[0].group = [entry, part, members];
  }
}

function filter(all) {
  const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const one of all) {
    const fits = words.every((word) => one.words.includes(word));
    one.node.hidden = one.entry.hidden = !fits;
    count += fits;
  }
  for (const { group } of all) {
    if (!group) continue;
    const [entry, part, members] = group;
    entry.hidden = part.hidden = members.every((one) => one.node.hidden);
  }
  byId("found").textContent = words.length ? `${count} of ${all.length} operations` : `${all.length} operations`;
  byId("nothing").hidden = count > 0;
  byId("about").hidden = words.length > 0;
}

/* Marks in the contents what is being read. */
function follow(all) {
  const links = new Map(all.map((one) => [one.node, one.link]));
  const seen = new Set();
  const watcher = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) {
      if (isIntersecting) seen.add(target);
      else seen.delete(target);
    }
    const first = all.find((one) => seen.has(one.node));
    for (const link of links.values()) link.removeAttribute("aria-current");
    first?.link.setAttribute("aria-current", "true");
    first?.link.scrollIntoView({ block: "nearest" });
  }, { rootMargin: "-80px 0px -60% 0px" });
  for (const node of links.keys()) watcher.observe(node);
}

function wire(all) {
  const search = byId("filter");
  search.addEventListener("input", () => filter(all));
  byId("clear").addEventListener("click", () => {
    search.value = "";
    filter(all);
    search.focus();
  });
  document.addEventListener("keydown", (event) => {
    const writes = event.target.matches("input, textarea, select");
    if (event.key === "/" && !writes && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      openMenu(true);
      search.focus();
    } else if (event.key === "Escape" && byId("menu").getAttribute("aria-expanded") === "true") {
      openMenu(false);
      byId("menu").focus();
    }
  });
  const key = byId("key");
  key.value = credentials.get("key");
  key.addEventListener("input", () => credentials.set("key", key.value.trim()));
  byId("credentials").addEventListener("submit", (event) => event.preventDefault());
  byId("forget").addEventListener("click", () => {
    credentials.set("key", "");
    credentials.set("visitor", "");
    key.value = "";
    key.focus();
  });
  byId("menu").addEventListener("click", () => openMenu(byId("menu").getAttribute("aria-expanded") !== "true"));
  byId("contents").addEventListener("click", (event) => {
    if (event.target.closest("a")) openMenu(false);
  });
}

/* Only on narrow screens is the side hidden behind a menu. */
function openMenu(open) {
  byId("menu").setAttribute("aria-expanded", String(open));
  byId("side").classList.toggle("open", open);
}

/* What the address names is shown, whatever the filter says. */
function goToHash(all) {
  const wanted = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!wanted) return;
  if (wanted.hidden) {
    byId("filter").value = "";
    filter(all);
  }
  wanted.scrollIntoView();
}

async function start() {
  const main = byId("reference");
  try {
    const response = await fetch("/v2/openapi.json");
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    const api = await response.json();
    byId("version").textContent = api.info.version;
    byId("about").append(...api.info.description.split("\n\n").map((text) => prose("p", text)));
    const all = prepared(api);
    build(api, all);
    filter(all);
    wire(all);
    follow(all);
    goToHash(all);
    addEventListener("hashchange", () => goToHash(all));
  } catch (error) {
    byId("about").append(make("p", { role: "alert" }, `The description of the API did not load: ${error.message}`));
  }
  main.setAttribute("aria-busy", "false");
}

start();

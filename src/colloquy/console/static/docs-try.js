/* Trying an operation out: a form for its parameters and body, and what the server answers. */

import { block, make } from "./docs-parts.js";

const KEY = "colloquy.reference.";
const LONGEST = 200_000;
/* Characters of an answer that are shown: a stream may go on for hours. */

/* Credentials live in this tab's session storage and nowhere else. */
export const credentials = {
  get: (kind) => sessionStorage.getItem(KEY + kind) ?? "",
  set: (kind, value) => {
    if (value) sessionStorage.setItem(KEY + kind, value);
    else sessionStorage.removeItem(KEY + kind);
  },
};

function field(id, label, input, hint) {
  const node = make("div", { class: "field" }, make("label", { for: id }, label), input);
  if (hint) node.append(make("span", { class: "note" }, hint));
  return node;
}

function parameterField(operation, one) {
  const id = `${operation.operationId}-${one.in}-${one.name}`;
  const input = make("input", {
    id, name: one.name, "data-in": one.in, autocomplete: "off", spellcheck: "false",
    required: one.required, placeholder: one.example ?? one.schema.default ?? "",
  });
  return field(id, `${one.name}${one.required ? "" : " (optional)"}`, input);
}

function request(operation, path, form) {
  let filled = path;
  const query = new URLSearchParams();
  const headers = new Headers();
  for (const input of form.querySelectorAll("[data-in]")) {
    const place = input.dataset.in;
    if (place === "path") filled = filled.replace(`{${input.name}}`, encodeURIComponent(input.value));
    else if (input.value && place === "query") query.append(input.name, input.value);
    else if (input.value) headers.set(input.name, input.value);
  }
  const kind = Object.keys(operation.security[0] ?? {})[0];
  const credential = kind && credentials.get(kind);
  if (credential) headers.set("Authorization", `Bearer ${credential}`);
  const body = form.querySelector("textarea")?.value;
  if (body !== undefined) headers.set("Content-Type", "application/json");
  const asked = query.size ? `${filled}?${query}` : filled;
  return [asked, { headers, body, cache: "no-store", credentials: "omit" }];
}

function pretty(text) {
  try {
    return [JSON.stringify(JSON.parse(text), null, 2), true];
  } catch {
    return [text, false];
  }
}

async function receive(response, show) {
  if (!response.body) return show(await response.text(), false);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    text = (text + value).slice(-LONGEST);
    show(text, true);
  }
  show(text, false);
}

async function run(operation, method, path, form, output, stop) {
  output.replaceChildren(make("p", { role: "status" }, "Sending …"));
  const started = performance.now();
  const [asked, options] = request(operation, path, form);
  try {
    const response = await fetch(asked, { ...options, method: method.toUpperCase(), signal: stop });
    const took = Math.round(performance.now() - started);
    const state = response.ok || response.status === 304 ? "good" : "bad";
    const line = make(
      "p", { role: "status" },
      make("strong", { class: state }, `${response.status} ${response.statusText}`),
      ` in ${took} ms`,
    );
    const names = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    const headers = make("details", {}, make("summary", {}, "Headers"), block(names, "Headers"));
    const body = make("div", {});
    output.replaceChildren(line, headers, body);
    await receive(response, (text, more) => {
      const [shown, json] = more ? [text, false] : pretty(text);
      if (shown) body.replaceChildren(block(shown, "Answer", { json }));
    });
  } catch (error) {
    if (error.name === "AbortError") output.append(make("p", { role: "status" }, "Stopped."));
    else output.replaceChildren(make("p", { role: "status", class: "bad" }, `No answer: ${error.message}`));
  }
}

/* The form of one operation, made when it is first opened. */
export function tryOut(operation, method, path, examples) {
  const output = make("div", { class: "output" });
  const form = make("form", { class: "try", autocomplete: "off" });
  const headers = make("details", { class: "nested" }, make("summary", {}, "Headers"));
  for (const one of operation.parameters) {
    (one.in === "header" ? headers : form).append(parameterField(operation, one));
  }
  if (operation.security[0]?.visitor) {
    const id = `${operation.operationId}-visitor`;
    const input = make("input", {
      id, type: "password", autocomplete: "off", value: credentials.get("visitor"),
      oninput: (event) => credentials.set("visitor", event.target.value.trim()),
    });
    form.append(field(id, "Visitor's token", input, "From “Begin or renew a visit”; stays in this tab."));
  }
  if (examples.length) {
    const id = `${operation.operationId}-body`;
    const text = JSON.stringify(examples[0], null, 2);
    const rows = String(Math.min(16, text.split("\n").length + 1));
    const input = make("textarea", { id, rows, spellcheck: "false" });
    input.value = text;
    form.append(field(id, "Body", input));
  }
  form.append(headers);
  const send = make("button", { type: "submit", class: "primary" }, "Send");
  const stop = make("button", { type: "button", hidden: true }, "Stop");
  form.append(make("p", { class: "actions" }, send, stop, make("span", { class: "note" }, "A real request to this server.")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const abort = new AbortController();
    stop.onclick = () => abort.abort();
    send.disabled = true;
    stop.hidden = false;
    await run(operation, method, path, form, output, abort.signal);
    send.disabled = false;
    stop.hidden = true;
  });
  return make("div", {}, form, output);
}

/* Small pieces of the API reference. Everything from the document is inserted as text. */

/* An element; attributes named on… are listeners, absent ones are undefined or false. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== ""));
  return node;
}

/* A paragraph in which words between backticks are code. */
export function prose(tag, text, attributes = {}) {
  const pieces = text.split("`");
  return make(
    tag,
    attributes,
    ...pieces.map((piece, at) => (at % 2 ? make("code", {}, piece) : piece)),
  );
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/* JSON with a class for each kind of token. */
function coloured(text) {
  const code = make("code", {});
  let done = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [whole, string, colon] = match;
    const kind = string ? (colon ? "name" : "string") : "literal";
    const shown = string ?? whole;
    code.append(text.slice(done, match.index), make("span", { class: kind }, shown));
    done = match.index + shown.length;
  }
  code.append(text.slice(done));
  return code;
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Press Ctrl+C";
    getSelection().selectAllChildren(button.parentElement.querySelector("pre"));
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

/* A block of code with a button that copies it; `label` says to screen readers what it is. */
export function block(text, label, { json = false } = {}) {
  const code = json ? coloured(text) : make("code", {}, text);
  const pre = make("pre", { tabindex: "0", role: "group", "aria-label": label }, code);
  const button = make("button", { type: "button", class: "copy", "aria-live": "polite" }, "Copy");
  button.addEventListener("click", () => copy(text, button));
  return make("div", { class: "block" }, pre, button);
}

export const jsonBlock = (value, label) =>
  block(JSON.stringify(value, null, 2), label, { json: true });

/* Tabs (WAI-ARIA pattern): one panel shown, arrow keys go from one to the next. `chosen` is called
   with the name of a tab that was chosen by hand. */
export function tabs(name, panels, chosen = () => {}) {
  const list = make("div", { role: "tablist", "aria-label": name });
  const node = make("div", { class: "tabs" }, list);
  const buttons = [];
  const show = (at, byHand) => {
    buttons.forEach((button, index) => {
      const selected = index === at;
      button.setAttribute("aria-selected", String(selected));
      button.tabIndex = selected ? 0 : -1;
      node.children[index + 1].hidden = !selected;
    });
    if (!byHand) return;
    buttons[at].focus();
    chosen(buttons[at].textContent);
  };
  Object.entries(panels).forEach(([title, panel], at) => {
    const id = `${name}-${title}`.replaceAll(/[^A-Za-z0-9]+/g, "-");
    buttons.push(
      make("button", {
        type: "button", role: "tab", id, "aria-controls": `${id}-panel`,
        onclick: () => show(at, true),
        onkeydown: (event) => {
          const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
          if (step) show((at + step + buttons.length) % buttons.length, true);
        },
      }, title),
    );
    list.append(buttons[at]);
    node.append(
      make("div", { role: "tabpanel", id: `${id}-panel`, "aria-labelledby": id }, panel),
    );
  });
  node.choose = (title) => {
    const at = buttons.findIndex((button) => button.textContent === title);
    if (at >= 0) show(at, false);
  };
  show(0, false);
  return node;
}

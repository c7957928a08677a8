/* The elements that a conversation is made of. All text is inserted as text, never as HTML. */

const clock = new Intl.DateTimeFormat([], { hour: "numeric", minute: "2-digit" });
const whole = new Intl.DateTimeFormat([], { dateStyle: "full", timeStyle: "short" });

const THUMB = "M7 10v10H4V10zm3 10V10l4-7a2 2 0 0 1 2 2v4h4.5a1.5 1.5 0 0 1 1.5 1.8l-1.3 7A2 2 0 0 1 18.7 20z";
const RATINGS = { up: "Helpful", down: "Not helpful" };

export function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

export function icon(d) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", d);
  svg.append(path);
  return svg;
}

/* Web addresses become links; everything else stays text. */
export function fill(node, text) {
  let from = 0;
  for (const found of text.matchAll(/https?:\/\/[^\s<>"'`]*[^\s<>"'`.,;:!?)\]}]/g)) {
    node.append(text.slice(from, found.index), anchor(found[0], found[0]));
    from = found.index + found[0].length;
  }
  node.append(text.slice(from));
}

function anchor(address, label) {
  const node = make("a", "", label);
  node.href = address;
  node.target = "_blank";
  node.rel = "noopener noreferrer nofollow";
  return node;
}

/* An attachment: a link if it leads into the web, else only its name. */
export function attachment({ url, name }) {
  const node = /^https?:\/\//i.test(url) ? anchor(url, name || url) : make("span", "", name || url);
  node.classList.add("link");
  return node;
}

export function timeOf(at) {
  const node = make("time", "", clock.format(at));
  node.dateTime = new Date(at).toISOString();
  node.title = whole.format(at);
  return node;
}

/* Two buttons below a reply. `press(rating)` shows which one is chosen. */
export function thumbs(onRate) {
  const group = make("span", "thumbs");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", "Was this helpful?");
  const buttons = Object.entries(RATINGS).map(([rating, label]) => {
    const button = make("button", `thumb ${rating}`);
    button.type = "button";
    button.title = label;
    button.setAttribute("aria-label", label);
    button.append(icon(THUMB));
    button.addEventListener("click", () => onRate(rating));
    group.append(button);
    return [rating, button];
  });
  const press = (chosen) => {
    for (const [rating, button] of buttons) {
      button.setAttribute("aria-pressed", String(rating === chosen));
    }
  };
  press(null);
  return { group, press };
}

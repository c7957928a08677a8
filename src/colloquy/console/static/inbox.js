// The inbox: the list follows what happens without moving under the pointer; one pane at a time on
// a phone; the keyboard.

import { elementsOf, keyed, settle, update } from "./merging.js";
import { opened, talk, write } from "./talk.js";

const PACE_MS = 500;
const COUNT_MS = 3000;

const inbox = () => document.querySelector("[data-inbox]");
const rowsBox = () => document.getElementById("rows");

// Going back loads the page anew: what it showed is old by then.
window.htmx.config.refreshOnHistoryMiss = true;

// -- the list ----------------------------------------------------------------------------------

let changed = new Set();
let isUnknown = false;
let waiting = false;
/** Rows that wait until the pointer leaves the list. */
let held = [];

function look() {
  if (waiting) return;
  waiting = true;
  setTimeout(async () => {
    waiting = false;
    const rows = rowsBox();
    if (!rows) return;
    const ids = changed;
    const all = isUnknown;
    changed = new Set();
    isUnknown = false;
    const answer = await fetch(rows.dataset.fresh, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (answer?.ok && rowsBox() === rows) mergeRows(rows, elementsOf(await answer.text()), ids, all);
  }, PACE_MS);
}

function mergeRows(rows, fresh, ids, all) {
  const items = [...fresh.querySelectorAll("[data-key]")];
  const keys = new Set(items.map((item) => item.dataset.key));
  const oldest = items.at(-1)?.dataset.at ?? "";
  for (const row of rows.querySelectorAll(":scope > [data-key]")) {
    const isNewer = row.dataset.at >= oldest;
    const isGone = !keys.has(row.dataset.key) && (ids.has(row.dataset.key) || (all && isNewer));
    if (!isGone) continue;
    // The open one stays, though it may fit no longer: it was unread until it was opened.
    if (row.dataset.key === talk()?.dataset.id) showRead(row);
    else row.remove();
  }
  held = [];
  for (const item of items) {
    const old = keyed(rows, item.dataset.key);
    if (!old) held.push(item);
    else update(old, item);
  }
  if (rows.matches(":hover")) showHeld();
  else arrange();
}

function showRead(row) {
  row.classList.remove("unread");
  row.querySelector(".unread-mark")?.remove();
}

/** Puts every row in its place, newest activity first. */
function arrange() {
  const rows = rowsBox();
  if (!rows) return;
  for (const item of held) {
    rows.prepend(item);
    settle(item);
  }
  held = [];
  const focused = rows.contains(document.activeElement) ? document.activeElement : null;
  const items = [...rows.querySelectorAll(":scope > [data-key]")];
  const sorted = items.toSorted((a, b) => (a.dataset.at < b.dataset.at ? 1 : a.dataset.at > b.dataset.at ? -1 : 0));
  sorted.forEach((item, place) => {
    if (rows.children[place] !== item) rows.insertBefore(item, rows.children[place]);
  });
  if (focused && document.activeElement !== focused) focused.focus({ preventScroll: true });
  const isEmpty = items.length === 0;
  rows.hidden = isEmpty;
  document.querySelector("[data-rows-empty]").hidden = !isEmpty;
  showHeld();
  mark();
}

function showHeld() {
  const button = document.querySelector("[data-show-fresh]");
  if (!button) return;
  button.hidden = held.length === 0;
  button.textContent = held.length === 1 ? "1 new conversation" : `${held.length} new conversations`;
}

/** Marks the row of the open conversation, and offers what the list knows to the filters. */
function mark() {
  const id = talk()?.dataset.id;
  for (const row of document.querySelectorAll("#rows > [data-key]")) {
    const link = row.querySelector(".row-link");
    if (row.dataset.key === id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  offer("known-intents", "intent");
  offer("known-channels", "channel");
  const used = [...document.querySelectorAll(".filter-card [name]")].filter((field) => field.value);
  const count = document.querySelector("[data-filter-count]");
  count.textContent = used.length;
  count.hidden = used.length === 0;
}

function offer(listId, name) {
  const known = [...document.querySelectorAll("#rows > [data-key]")].map((row) => row.dataset[name]);
  const options = [...new Set(known.filter(Boolean))].sort().map((value) => new Option(value, value));
  document.getElementById(listId).replaceChildren(...options);
}

let countedAt = 0;
let counting;
function count() {
  clearTimeout(counting);
  counting = setTimeout(async () => {
    countedAt = Date.now();
    const answer = await fetch("/console/inbox/counts", { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok) return;
    for (const [view, text] of Object.entries(await answer.json())) {
      const element = document.querySelector(`[data-tab-count="${view}"]`);
      if (!element) continue;
      element.textContent = text;
      element.hidden = text === "";
    }
  }, Math.max(0, countedAt + COUNT_MS - Date.now()));
}

document.body.addEventListener("colloquy:conversations", (event) => {
  for (const id of event.detail) changed.add(id);
  isUnknown ||= event.detail.length === 0;
  look();
  count();
});
for (const kind of ["colloquy:read", "colloquy:acted"]) {
  document.body.addEventListener(kind, () => {
    if (talk()) changed.add(talk().dataset.id);
    look();
    count();
  });
}
document.addEventListener("pointerout", (event) => {
  const rows = rowsBox();
  if (rows?.contains(event.target) && !rows.contains(event.relatedTarget)) arrange();
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-show-fresh]")) arrange();
});

// -- panes -------------------------------------------------------------------------------------

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "conversation") {
    inbox().setAttribute("data-opened", "");
    mark();
    opened();
    if (isPhone()) document.getElementById("conversation").focus({ preventScroll: true });
  } else if (event.detail.target.id === "list" || event.target.closest?.("#rows")) mark();
});

const isPhone = () => matchMedia("(max-width: 800px)").matches;

/** Shows the list again, where it was left. */
function back(link) {
  const row = document.querySelector("#rows [aria-current=true]");
  inbox().removeAttribute("data-opened");
  history.pushState({ htmx: true }, "", link.href);
  document.getElementById("conversation").replaceChildren();
  document.title = "Inbox · Colloquy";
  mark();
  (row ?? document.querySelector("#rows .row-link"))?.focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-back]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  back(link);
});

// -- the keyboard ------------------------------------------------------------------------------

function step(by) {
  const links = [...document.querySelectorAll("#rows .row-link")];
  if (links.length === 0) return;
  const now = document.activeElement.closest?.(".row-link") ?? document.querySelector("#rows [aria-current=true]");
  const place = links.indexOf(now);
  const next = links[Math.min(Math.max(place < 0 ? 0 : place + by, 0), links.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  r: () => write("reply"),
  n: () => write("note"),
  t: () => document.querySelector("[data-take]")?.click(),
  u: () => document.querySelector("[data-mark-unread]")?.click(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("dialog")) return;
  if (event.key === "Escape") {
    const card = document.querySelector("details.more[open], details.filters[open]");
    if (card) card.open = false;
    else if (event.target.closest("textarea")) event.target.blur();
    else if (document.querySelector("[data-side-open]")) document.querySelector("[data-toggle-side]").click();
    else document.querySelector("[data-back]")?.click();
    return;
  }
  if (event.target.closest("input, textarea, select")) return;
  const act = KEYS[event.key];
  if (!act || event.repeat && !"jk".includes(event.key)) return;
  event.preventDefault();
  act();
}, { capture: true });

mark();
opened();
count();

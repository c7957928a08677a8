// What every page of the console shares: times in the viewer's zone, live events, confirmation,
// toasts, copying, the theme, the keyboard. Pages mark up; nothing here knows a page.

const root = document.documentElement;

// -- times -------------------------------------------------------------------------------------

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const dayOfYear = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

/** "3 min. ago", "14:05", "3 Feb": the shortest that is still clear. */
export function shortTime(moment, now = new Date()) {
  const ago = (now - moment) / 1000;
  const distance = Math.abs(ago);
  if (distance < 45) return relative.format(0, "second");
  if (distance < HOUR) return relative.format(-Math.round(ago / MINUTE), "minute");
  if (distance < 12 * HOUR) return relative.format(-Math.round(ago / HOUR), "hour");
  if (moment.toDateString() === now.toDateString()) return clock.format(moment);
  if (distance < 7 * DAY) return `${day.format(moment)}, ${clock.format(moment)}`;
  return moment.getFullYear() === now.getFullYear() ? day.format(moment) : dayOfYear.format(moment);
}

export function showTimes(within = document) {
  const now = new Date();
  for (const element of within.querySelectorAll("time.when")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    const text = exact.format(moment);
    element.title = text;
    element.textContent = element.dataset.style === "exact" ? text : shortTime(moment, now);
  }
}

setInterval(showTimes, 30_000);

// -- toasts ------------------------------------------------------------------------------------

const TOAST_MS = 6000;
const MAX_TOASTS = 4;

/** Says something in the corner; screen readers hear it. `kind`: "" or "bad". */
export function toast(text, kind = "") {
  const box = document.getElementById("toasts");
  const element = document.createElement("div");
  element.className = `toast ${kind}`;
  element.append(icon(kind === "bad" ? "alert" : "check"), text);
  box.append(element);
  while (box.children.length > MAX_TOASTS) box.firstElementChild.remove();
  setTimeout(() => element.remove(), TOAST_MS);
}

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const use = document.createElementNS(space, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `/console/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

// What the action before this page did: said once, and gone from the address.
const done = document.getElementById("toasts")?.dataset.done;
if (done) {
  const here = new URL(location.href);
  here.searchParams.delete("done");
  history.replaceState(history.state, "", here);
  // A live region speaks of changes only: it must be there before the text is.
  setTimeout(toast, 100, done);
}

// -- confirmation ------------------------------------------------------------------------------

/** Asks in a dialog. `asked`: an element with data-confirm, data-confirm-title, data-confirm-go. */
function confirmed(asked, text) {
  const dialog = document.getElementById("confirm");
  dialog.querySelector("h2").textContent = asked.dataset.confirmTitle ?? "Are you sure?";
  dialog.querySelector("[data-text]").textContent = text;
  dialog.querySelector("[data-go]").textContent = asked.dataset.confirmGo ?? "Continue";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "go"), { once: true });
  });
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const { submitter } = event;
  const asked = submitter?.dataset.confirm ? submitter : form;
  if (!asked.dataset.confirm || form.dataset.confirmed) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!(await confirmed(asked, asked.dataset.confirm))) return;
  form.dataset.confirmed = "true";
  form.requestSubmit(submitter);
  delete form.dataset.confirmed;
}, { capture: true });

document.addEventListener("htmx:confirm", async (event) => {
  if (!event.detail.question) return;
  event.preventDefault();
  if (await confirmed(event.detail.elt, event.detail.question)) event.detail.issueRequest(true);
});

// -- parts that htmx loads ---------------------------------------------------------------------

document.addEventListener("htmx:afterSwap", (event) => showTimes(event.target.parentNode ?? document));
document.addEventListener("htmx:responseError", (event) => {
  toast(event.detail.xhr.responseText.slice(0, 300) || "Something went wrong.", "bad");
});
document.addEventListener("htmx:sendError", () => toast("The server cannot be reached.", "bad"));
document.addEventListener("htmx:timeout", () => toast("The server took too long to answer.", "bad"));
// A handler may say what it did: `HX-Trigger: {"toast": {"text": "…", "kind": "bad"}}`.
document.addEventListener("toast", (event) => toast(event.detail.text, event.detail.kind));

// -- live events -------------------------------------------------------------------------------

const LIVE = ["statistics", "conversations", "dead_letters", "flags", "rollouts", "migration"];
const RETRY_MS = 3000;

function follow(path) {
  const source = new EventSource(path);
  source.addEventListener("open", () => {
    showLive("live", "Live");
    // Something may have changed while nobody listened; an empty list says: it is not known what.
    document.body.dispatchEvent(new CustomEvent("colloquy:conversations", { detail: [] }));
    document.body.dispatchEvent(new CustomEvent("colloquy:opened"));
  });
  source.addEventListener("error", () => {
    showLive("lost", "Reconnecting…");
    // The browser tries again by itself, except after an answer that was no stream.
    if (source.readyState === EventSource.CLOSED) setTimeout(followAgain, RETRY_MS, path);
  });
  for (const kind of LIVE) {
    source.addEventListener(kind, (event) => {
      const detail = JSON.parse(event.data);
      document.body.dispatchEvent(new CustomEvent(`colloquy:${kind}`, { detail }));
    });
  }
  addEventListener("pagehide", () => source.close(), { once: true });
}

/** Follows again, unless the log-in has ended: then the log-in page would answer. */
async function followAgain(path) {
  const answer = await fetch("/console/login", { redirect: "manual" }).catch(() => null);
  if (answer?.ok) {
    showLive("lost", "Logged out");
    toast("Your log-in has ended. Reload the page to log in again.", "bad");
  } else follow(path);
}

function showLive(state, text) {
  for (const element of document.querySelectorAll("[data-live-state]")) {
    element.dataset.liveState = state;
    element.querySelector("[data-live-text]").textContent = text;
  }
}

document.body.addEventListener("colloquy:dead_letters", (event) => {
  for (const element of document.querySelectorAll("[data-count-of=dead_letters]")) {
    element.textContent = event.detail.count > 999 ? "999+" : event.detail.count;
    element.hidden = event.detail.count === 0;
  }
});

if (document.body.dataset.live) follow(document.body.dataset.live);
// Back from the browser's page cache: the stream was closed when the page was left.
addEventListener("pageshow", (event) => {
  if (event.persisted && document.body.dataset.live) follow(document.body.dataset.live);
});

// -- the theme ---------------------------------------------------------------------------------

function toggleTheme() {
  const isDark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  try {
    localStorage.setItem("colloquy.theme", root.dataset.theme);
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
  document.body.dispatchEvent(new CustomEvent("colloquy:theme"));
}

// -- clicks ------------------------------------------------------------------------------------

async function copy(button) {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied.");
  } catch {
    // Without https browsers give no clipboard: select it, so that the viewer can copy it.
    const code = button.parentElement.querySelector("code");
    if (code) getSelection().selectAllChildren(code);
    toast("Press Ctrl+C to copy what is selected.");
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if ("copy" in button.dataset) copy(button);
  else if ("help" in button.dataset) document.getElementById("help").showModal();
  else if ("toggleTheme" in button.dataset) toggleTheme();
  else if ("toggleMenu" in button.dataset) {
    const menu = document.getElementById("menu");
    const isOpen = menu.toggleAttribute("data-open");
    button.setAttribute("aria-expanded", String(isOpen));
  } else if (button.dataset.open) document.getElementById(button.dataset.open).showModal();
});

// -- the keyboard ------------------------------------------------------------------------------

const SEQUENCE_MS = 1200;
let before = "";
let forget;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
  const sequence = before ? `${before} ${event.key}` : event.key;
  before = "";
  clearTimeout(forget);
  if (event.key === "g") {
    before = "g";
    forget = setTimeout(() => { before = ""; }, SEQUENCE_MS);
    return;
  }
  const link = document.querySelector(`[data-shortcut="${CSS.escape(sequence)}"]`);
  if (link) {
    event.preventDefault();
    link.click();
  } else if (sequence === "/") {
    const search = document.querySelector("input[type=search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  } else if (sequence === "?") {
    document.getElementById("help")?.showModal();
  } else if (sequence === "T") toggleTheme();
});

showTimes();

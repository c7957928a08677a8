// A page that follows what happens: when something else is to be seen it is loaded again, and what is
// other than before goes into the place of what is on the screen. A form that somebody is at work
// in stays until that is over.

import { showTimes } from "./console.js";
import { elementsOf, essence, isAtWork, settle, update } from "./merging.js";

const PACE_MS = 300;
const page = document.getElementById("content");

// -- when --------------------------------------------------------------------------------------

let timer;
let isLoading = false;
let isAgain = false;
/** Something was left as it was, because somebody was at work in it. */
let isBehind = false;

function look() {
  isAgain = isLoading;
  if (isLoading) return;
  clearTimeout(timer);
  timer = setTimeout(load, PACE_MS);
}

async function load() {
  isLoading = true;
  const answer = await fetch(address()).catch(() => null);
  const fresh = answer && elementsOf(await answer.text()).querySelector("#content[data-fresh-on]");
  isLoading = false;
  // Nothing where the log-in page answers, or one that says what is wrong.
  if (fresh) take(fresh);
  if (isAgain) look();
}

/** This page, with what is searched and asked for in it now. */
function address() {
  const url = new URL(page.dataset.fresh, location.href);
  for (const form of page.querySelectorAll("form[data-fresh-with]")) {
    // Only where the answer is on the screen: what was not asked yet is not to be answered.
    if (!page.querySelector(form.getAttribute("hx-target"))?.childElementCount) continue;
    for (const [name, value] of new FormData(form)) url.searchParams.set(name, value);
  }
  return url;
}

function take(fresh) {
  isBehind = document.querySelector("dialog[open]") !== null;
  if (isBehind) return;
  mergeChildren(page, fresh);
  document.body.dispatchEvent(new CustomEvent("colloquy:fresh"));
}

function again() {
  if (isBehind) look();
}

if (page.dataset.fresh) {
  for (const kind of page.dataset.freshOn.split(" ")) document.body.addEventListener(`colloquy:${kind}`, look);
  document.body.addEventListener("colloquy:opened", look);
  for (const kind of ["focusout", "change", "pointerup", "htmx:afterRequest"]) document.addEventListener(kind, again);
  document.addEventListener("close", again, { capture: true });
}

// -- what somebody is at work in ---------------------------------------------------------------

/** Is there something else in a control than the server put there? */
function isChanged(control) {
  if (control.type === "hidden" || control.type === "range") return false;
  if (control.matches("select")) {
    const said = [...control.options].findLast((option) => option.defaultSelected) ?? control.options[0];
    return said !== undefined && !said.selected;
  }
  if (control.matches("[type=checkbox], [type=radio]")) return control.checked !== control.defaultChecked;
  return control.matches("input, textarea") && control.value !== control.defaultValue;
}

function isInUse(form) {
  const focused = document.activeElement;
  return isAtWork(form)
    || (form.contains(focused) && focused.matches("input, textarea, select"))
    || [...form.elements].some(isChanged);
}

/** Is it part of a form in use, or has one in it? */
const holdsWork = (element) => [element.closest("form"), ...element.querySelectorAll("form")]
  .some((form) => form && isInUse(form));

// -- from the fresh page into this one ---------------------------------------------------------

const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
const isWhole = (element) => element.matches("form, time, summary") || element.childElementCount === 0 || hasText(element);

/** By what an element is found again in a fresh page: its name, else its place among its like. */
function names(parent) {
  const seen = new Map();
  return [...parent.children].map((child) => {
    const label = child.id || child.getAttribute("aria-labelledby") || child.getAttribute("aria-label") || "";
    const name = `${child.tagName} ${label}`;
    seen.set(name, (seen.get(name) ?? 0) + 1);
    return `${name} ${seen.get(name)}`;
  });
}

function mergeChildren(old, fresh) {
  const wanted = names(fresh);
  const there = new Map(names(old).map((name, index) => [name, old.children[index]]));
  for (const [name, child] of there) {
    if (wanted.includes(name)) continue;
    if (holdsWork(child)) isBehind = true;
    else child.remove();
  }
  let place = old.firstElementChild;
  for (const [index, child] of [...fresh.children].entries()) {
    const kept = there.get(wanted[index]);
    if (kept) {
      if (kept !== place) old.insertBefore(kept, place);
      place = merge(kept, child).nextElementSibling;
    } else {
      old.insertBefore(child, place);
      settle(child);
    }
  }
}

/** Makes `old` say what `fresh` says; returns what is on the screen. */
function merge(old, fresh) {
  if (old.matches("time")) {
    copyTime(old, fresh);
    return old;
  }
  const isSame = essence(old) === essence(fresh);
  if (!isSame && (isWhole(old) || isWhole(fresh))) {
    if (holdsWork(old)) isBehind = true;
    else return update(old, fresh);
    return old;
  }
  if (!old.matches("form")) copyAttributes(old, fresh);
  if (!isSame) mergeChildren(old, fresh);
  return old;
}

function copyTime(old, fresh) {
  if (old.dateTime === fresh.dateTime) return;
  old.dateTime = fresh.dateTime;
  old.textContent = fresh.textContent;
  showTimes(old.parentNode);
}

/** All but whether it is folded, which is the viewer's. */
function copyAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

// Fresh elements from the server into a list that is on the screen: what is the same stays, with its
// focus and whatever the viewer opened in it.

import { showTimes } from "./console.js";

/** The elements that a part of HTML holds; nothing in it runs. */
export function elementsOf(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

/** What the server says, without what the browser made of it. */
export function essence(element) {
  const copy = element.cloneNode(true);
  for (const time of copy.querySelectorAll("time")) {
    time.textContent = "";
    time.removeAttribute("title");
  }
  for (const button of copy.querySelectorAll("[aria-expanded]")) button.removeAttribute("aria-expanded");
  for (const card of copy.querySelectorAll(".why-card")) card.hidden = true;
  for (const fold of [copy, ...copy.querySelectorAll("details")]) fold.removeAttribute("open");
  for (const slider of copy.querySelectorAll("[data-slider-of]")) {
    slider.hidden = true;
    slider.removeAttribute("aria-valuetext");
  }
  for (const link of copy.querySelectorAll("[aria-current=true]")) link.removeAttribute("aria-current");
  for (const changed of [copy, ...copy.querySelectorAll("[class*=htmx-]")]) {
    changed.classList.remove("htmx-request", "htmx-added", "htmx-settling", "htmx-swapping");
  }
  return `${copy.className} ${copy.innerHTML.replace(/\s+/g, " ")}`;
}

/** Makes htmx and the clock know what was put into the page. */
export function settle(element) {
  window.htmx.process(element);
  showTimes(element);
}

/** Something was left as it was, because somebody was at work in it. */
let isBehind = false;

for (const kind of ["pointerup", "pointercancel", "htmx:afterRequest"]) {
  document.addEventListener(kind, () => {
    if (!isBehind) return;
    isBehind = false;
    document.body.dispatchEvent(new CustomEvent("colloquy:conversations", { detail: [] }));
  });
}

/** Pressed, or waiting for the answer to what was pressed in it. */
export const isAtWork = (element) =>
  element.matches(":active, .htmx-request") || element.querySelector(".htmx-request") !== null;

/**
 * Puts `fresh` in the place of `old` if it says something else; returns what is on the screen.
 *
 * What somebody is at work in stays until that is over: a click on what is gone by then would be
 * lost, and so would what an answer says to a form that is gone (htmx tells the form).
 */
export function update(old, fresh) {
  if (essence(old) === essence(fresh)) return old;
  if (isAtWork(old)) {
    isBehind = true;
    return old;
  }
  const hadFocus = old.contains(document.activeElement);
  old.replaceWith(fresh);
  settle(fresh);
  if (hadFocus) fresh.querySelector("a, button, input")?.focus({ preventScroll: true });
  return fresh;
}

export function keyed(list, key) {
  return list.querySelector(`:scope > [data-key="${CSS.escape(key)}"]`);
}

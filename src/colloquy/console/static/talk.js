// The open conversation: what is new appears below, older messages above, drafts are kept.

import { elementsOf, keyed, settle, update } from "./merging.js";

const NEAR_PX = 48;
/** After a change the next look waits this long, so that a burst is one look. */
const PACE_MS = 500;

export const talk = () => document.querySelector("[data-talk]");
const scroller = () => document.querySelector("[data-talk][data-tab=chat] [data-scroll]");

/** The conversation that was marked as unread stays so while it is open. */
let keptUnread = "";
let looking = false;
let again = false;

// -- scrolling ---------------------------------------------------------------------------------

const isNearEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;

function toEnd(box) {
  box.scrollTop = box.scrollHeight;
  showNewer(false);
}

function showNewer(isShown) {
  const button = document.querySelector("[data-newer]");
  if (button) button.hidden = !isShown;
}

// -- what is new -------------------------------------------------------------------------------

/** Looks at the open conversation again, now or when the look under way is over. */
export async function refresh() {
  if (looking) {
    again = true;
    return;
  }
  const open = talk();
  if (!open) return;
  looking = true;
  try {
    const query = new URLSearchParams(location.search);
    query.set("tab", open.dataset.tab);
    const answer = await fetch(`${open.dataset.base}/parts?${query}`, {
      headers: { "HX-Request": "true" },
    });
    if (answer.ok && talk() === open) apply(open, elementsOf(await answer.text()));
  } catch {
    // No connection: the live line says so, and every next event leads here again.
  } finally {
    setTimeout(() => {
      looking = false;
      if (!again) return;
      again = false;
      refresh();
    }, PACE_MS);
  }
}

function apply(open, fresh) {
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const old = open.querySelector(`[data-part=${part.dataset.part}]`);
    if (old) updatePart(old, part);
  }
  const box = scroller();
  if (box) {
    const follows = isNearEnd(box);
    const added = addItems(open.querySelector("[data-items]"), fresh.querySelector("[data-items]"));
    if (follows) toEnd(box);
    else if (added) showNewer(true);
  }
  markRead();
}

/** The contents of a part, unless somebody is at work in it. */
function updatePart(old, fresh) {
  if (old.querySelector("details[open]") && old.dataset.part === "head") return;
  const ticked = old.querySelector("[name=take_over]")?.checked;
  const wasSeen = old.querySelector("[name=seen]")?.value;
  const holder = old.cloneNode(false);
  holder.append(...fresh.childNodes);
  const shown = update(old, holder);
  if (shown === old) return;
  const box = shown.querySelector("[name=take_over]");
  if (box && wasSeen === shown.querySelector("[name=seen]").value) box.checked = ticked;
}

/** Returns whether something was added. */
function addItems(list, fresh) {
  const items = [...fresh.querySelectorAll(":scope > [data-key]")];
  const last = list.querySelector(":scope > [data-key]:last-of-type");
  if (last && items.length > 0 && Number(items[0].dataset.key) > Number(last.dataset.key)) {
    // More happened than a page holds: begin anew, with the way to what was before.
    list.replaceChildren(...fresh.children);
    settle(list);
    return true;
  }
  let added = false;
  for (const item of items) {
    const old = keyed(list, item.dataset.key);
    if (old) update(old, item);
    else {
      list.append(item);
      settle(item);
      added = true;
    }
  }
  return added;
}

document.body.addEventListener("colloquy:conversations", (event) => {
  const ids = event.detail;
  const open = talk();
  if (open && (ids.length === 0 || ids.includes(open.dataset.id))) refresh();
});
document.body.addEventListener("colloquy:acted", (event) => {
  if (event.detail.what === "unread") {
    keptUnread = talk()?.dataset.id ?? "";
  }
  for (const more of document.querySelectorAll("[data-more][open]")) more.open = false;
  refresh();
});
// Somebody else was quicker: show it.
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 409) refresh();
});

// -- read and unread ---------------------------------------------------------------------------

async function markRead() {
  const open = talk();
  const about = open?.querySelector("[data-last-seq]");
  if (!about || !("unread" in about.dataset) || !("mayAct" in about.dataset)) return;
  if (document.hidden || keptUnread === open.dataset.id) return;
  delete about.dataset.unread;
  const answer = await fetch(`${open.dataset.base}/read`, {
    method: "POST",
    headers: { "HX-Request": "true", ...JSON.parse(document.body.getAttribute("hx-headers")) },
    body: new URLSearchParams({ seq: about.dataset.lastSeq }),
  }).catch(() => null);
  if (answer?.ok) document.body.dispatchEvent(new CustomEvent("colloquy:read"));
}

document.addEventListener("visibilitychange", markRead);

// -- drafts ------------------------------------------------------------------------------------

/** 128 random bits: crypto.randomUUID is there over https only. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const place = (form) => `colloquy.draft.${talk().dataset.id}.${form.dataset.draft}`;

/** A draft is {id, text, sent}: `sent` is the text that was tried with this id. */
function draftOf(form) {
  try {
    return JSON.parse(sessionStorage.getItem(place(form)));
  } catch {
    return null;
  }
}

function keep(form, draft) {
  form.elements.id.value = draft.id;
  try {
    if (draft.text) sessionStorage.setItem(place(form), JSON.stringify(draft));
    else sessionStorage.removeItem(place(form));
  } catch {
    // Storage is full or switched off: the draft lasts as long as the page.
  }
}

function restore(form) {
  const draft = draftOf(form) ?? { id: newId(), text: "" };
  form.elements.text.value = draft.text;
  keep(form, draft);
}

document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form?.dataset.draft || event.target.name !== "text") return;
  const { sent = null, id } = draftOf(form) ?? {};
  const text = event.target.value;
  // Another text is another reply, even if the first one never got an answer.
  const isOther = sent !== null && sent !== text;
  keep(form, { id: isOther || !id ? newId() : id, text, sent: isOther ? null : sent });
});
document.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.target;
  if (!form.dataset?.draft) return;
  const text = form.elements.text.value;
  keep(form, { id: form.elements.id.value, text, sent: text });
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target;
  if (!form.dataset?.draft || !event.detail.successful) return;
  keep(form, { id: newId(), text: "" });
  form.elements.text.value = "";
  const box = scroller();
  if (box) toEnd(box);
});
document.addEventListener("keydown", (event) => {
  const form = event.target.form;
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !form?.dataset.draft) return;
  event.preventDefault();
  form.requestSubmit();
});

/** Shows the reply or the note box. */
export function write(kind) {
  for (const tab of document.querySelectorAll("[data-write]")) {
    const isChosen = tab.dataset.write === kind;
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
    document.getElementById(`write-${tab.dataset.write}`).hidden = !isChosen;
  }
  document.getElementById(kind)?.elements.text.focus();
}

// -- opening, clicks ---------------------------------------------------------------------------

/** Whatever was put into the pane: begin at its end, with its drafts. */
export function opened() {
  const open = talk();
  if (!open) return;
  if (keptUnread !== open.dataset.id) keptUnread = "";
  document.title = `${open.dataset.title} · Colloquy`;
  for (const form of open.querySelectorAll("[data-draft]")) restore(form);
  const box = scroller();
  if (box) {
    toEnd(box);
    box.addEventListener("scroll", () => isNearEnd(box) && showNewer(false), { passive: true });
  }
  markRead();
}

let heightBefore = 0;
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.matches("[data-earlier]")) heightBefore = scroller().scrollHeight;
});
document.addEventListener("htmx:afterSettle", () => {
  const box = scroller();
  if (!heightBefore || !box) return;
  // What the viewer reads stays where it is.
  box.scrollTop += box.scrollHeight - heightBefore;
  heightBefore = 0;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if ("newer" in button.dataset) toEnd(scroller());
  else if ("write" in button.dataset) write(button.dataset.write);
  else if ("why" in button.dataset) {
    const card = document.getElementById(button.getAttribute("aria-controls"));
    card.hidden = !card.hidden;
    button.setAttribute("aria-expanded", String(!card.hidden));
  } else if ("openAll" in button.dataset) {
    for (const event of document.querySelectorAll(".log-events details")) event.open = true;
  } else if ("toggleSide" in button.dataset) {
    const isOpen = talk().toggleAttribute("data-side-open");
    button.setAttribute("aria-expanded", String(isOpen));
  }
});
document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.("[data-write]");
  if (!tab || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  const other = tab.dataset.write === "reply" ? "note" : "reply";
  write(other);
  document.getElementById(`tab-${other}`).focus();
});
// A card closes when the viewer turns to something else.
document.addEventListener("click", (event) => {
  for (const card of document.querySelectorAll("details.more[open], details.filters[open]")) {
    if (!card.contains(event.target)) card.open = false;
  }
});

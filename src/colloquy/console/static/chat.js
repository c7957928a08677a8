/* The chat page's script.
 *
 * Nothing is lost: what the visitor sends lies in an outbox in this browser until the server has
 * given its receipt, and is sent again under the same id (which the server recognises) after a
 * reload, an outage or a restart. Nothing is shown twice: every line has an id, and the stream is
 * taken up again after the last number seen.
 */

import { Connection } from "./connection.js";
import { Embedded } from "./embedded.js";
import { Faces } from "./face.js";
import { Look } from "./look.js";
import { Outbox, keep, recall } from "./outbox.js";
import { View } from "./view.js";

const FACE = "colloquy.face";
const RESEND_MS = 2000;
const NOTICE_MS = 1500; // a short hiccup is not worth a notice
const WAITING_MS = 6000; // before a turn that takes longer says that it is at work

const element = (id) => document.getElementById(id);
const outbox = new Outbox();
const refused = new Map(); // messages that the server will not take, by id
const receipts = new Map(); // the server's id of a message -> the page's id
const repeats = new Set(); // the server's ids of messages that it took for repeats
const faces = new Faces([element("avatar"), element("empty-avatar")]);
const field = element("text");
const view = new View({
  onQuick: send,
  onRetry: retry,
  onRate: rate,
  onStop: stop,
  onUnread: showUnread,
  onDrawn: drawFace,
});
const connection = new Connection({
  onSession: begin,
  onItem: apply,
  onOnline: isOnline,
  onStranger: () => view.clear(),
});
const isFramed = window.parent !== window && new URLSearchParams(location.search).has("embed");
const embedded = isFramed ? new Embedded({ onOpen: opened }) : null;

let title = "Chat";
let hasFace = true; // as the operator wants it
let unread = 0;
let earliest = null; // ask for what is before this number
let isFlushing = false;
let noticeTimer = null;

/* -- sending ------------------------------------------------------------------------------------ */

function send(text) {
  const trimmed = text.trim();
  if (!trimmed) return;
  const entry = outbox.add(trimmed);
  view.own(entry.body.id, trimmed, entry.at, { state: "pending" });
  view.offer([]);
  flush();
}

function retry(id) {
  const entry = refused.get(id);
  if (!entry) return;
  refused.delete(id);
  view.remove(`own:${id}`);
  send(entry.body.text);
}

/* Sends what lies in the outbox, one after the other, until it is empty. */
async function flush() {
  if (isFlushing || !connection.token) return;
  isFlushing = true;
  try {
    for (let entry = outbox.list()[0]; entry; entry = outbox.list()[0]) {
      const { id } = entry.body;
      const response = await connection.post("/chat/messages", entry.body);
      if (response.status === 401) {
        connection.startAnew();
        return;
      }
      if (response.status === 429 || response.status >= 500) {
        await connection.pause(1000 * Number(response.headers.get("retry-after") || 1));
        continue;
      }
      const answer = await response.json();
      outbox.remove(id);
      if (response.ok) {
        receipts.set(answer.message_id, id);
        if (repeats.has(answer.message_id)) {
          view.remove(`own:${id}`); // the stream was quicker than the receipt
          continue;
        }
        view.own(id, entry.body.text, entry.at, { state: "sent", seq: seqOf(id) });
        if (view.owner === "assistant" && seqOf(id) === null) view.waiting.showDots(WAITING_MS);
      } else {
        // The number that is missing now must not hold up what follows.
        outbox.renewStream();
        refused.set(id, entry);
        view.own(id, entry.body.text, entry.at, { state: "failed", note: reasonOf(answer) });
      }
    }
  } catch {
    setTimeout(flush, RESEND_MS); // no connection; a stream that comes back calls sooner
  } finally {
    isFlushing = false;
  }
}

function seqOf(id) {
  return view.lines.get(`own:${id}`)?.seq ?? null;
}

function reasonOf(problem) {
  return problem.code === "too_large" ? "The message is too long." : `${problem.title}.`;
}

async function rate(id, rating) {
  const before = view.ratings.get(id);
  if (before?.rating === rating) {
    view.ask(id, sayMore); // it is known; perhaps there is more to say
    return;
  }
  view.rated(id, rating, Infinity);
  let seq = before?.seq ?? 0;
  let kept = before?.rating ?? null;
  try {
    const response = await connection.post("/chat/feedback", { reply_id: id, rating });
    if (!response.ok) throw new Error(`feedback: ${response.status}`);
    ({ seq } = await response.json());
    kept = rating;
    view.announce("Thank you for your feedback. You can say more below the answer.");
  } catch {
    view.announce("Your feedback could not be sent.");
  }
  view.ratings.delete(id);
  view.rated(id, kept, seq);
  if (kept === rating) view.ask(id, sayMore);
}

/* What the visitor adds to a rating. Returns whether it arrived. */
async function sayMore(id, { category, comment }) {
  const { rating } = view.ratings.get(id);
  try {
    const body = { reply_id: id, rating, category, comment };
    const response = await connection.post("/chat/feedback", body);
    if (!response.ok) return false;
    apply(await response.json());
    view.announce("Thank you, it was added.");
    return true;
  } catch {
    return false;
  }
}

/* The stream brings what becomes of it; the button stays where that fails. */
async function stop(turn) {
  try {
    const response = await connection.post("/chat/stop", { turn });
    if (!response.ok) throw new Error(`stop: ${response.status}`);
    setTimeout(() => view.waiting.letStop(), RESEND_MS); // the signal may have been lost
  } catch {
    view.waiting.letStop();
    view.announce("The answer could not be stopped.");
  }
}

/* -- receiving ---------------------------------------------------------------------------------- */

const SHOWN = {
  message(item) {
    outbox.remove(item.id); // the receipt may have been lost, the message was not
    refused.delete(item.id);
    view.own(item.id, item.text ?? "", Date.parse(item.at), { seq: item.seq });
  },
  duplicate(item) {
    repeats.add(item.message_id);
    const id = receipts.get(item.message_id);
    if (id) view.remove(`own:${id}`);
    view.waiting.hideDots();
  },
  reply: (item) => view.reply(item),
  chunk: (item) => view.waiting.chunk(item),
  chunk_end: (item) => view.waiting.chunkEnd(item),
  withdrawn: (item) => view.remove(`reply:${item.id}`),
  feedback: (item) =>
    view.rated(item.id, item.rating, item.seq, { category: item.category, comment: item.text }),
  owner(item) {
    view.changedOwner(item);
    if (item.seq >= (connection.last ?? 0)) view.setOwner(item.owner);
  },
};

function apply(item) {
  SHOWN[item.kind]?.(item);
}

function begin(session) {
  earliest = session.after ? session.after + 1 : null;
  view.setOwner(session.owner);
  view.setEarlier(earliest === null ? null : showEarlier);
  showOutbox();
}

function showOutbox() {
  for (const entry of outbox.list()) {
    view.own(entry.body.id, entry.body.text, entry.at, { state: "pending" });
  }
}

async function showEarlier() {
  const response = await connection.request(`/chat/history?before=${earliest}`);
  if (!response.ok) return;
  const page = await response.json();
  await view.above(() => page.items.forEach(apply));
  earliest = page.before;
  if (earliest === null) view.setEarlier(null);
}

function isOnline(online) {
  view.setOnline(online);
  clearTimeout(noticeTimer);
  if (online) {
    view.notice("");
    view.waiting.clear(); // a turn that is still at work says so again
    flush();
    setTimeout(() => view.loaded(), 150); // what was there already has come by then
  } else {
    noticeTimer = setTimeout(
      () => view.notice("No connection. What you write is kept and sent as soon as possible."),
      NOTICE_MS,
    );
  }
}

/* -- around it ---------------------------------------------------------------------------------- */

function showTitle() {
  document.title = unread ? `(${unread}) ${title}` : title;
}

function showUnread(count) {
  unread = count;
  showTitle();
  embedded?.setUnread(count);
}

function drawFace() {
  const isListening = document.activeElement === field && field.value.trim() !== "";
  if (view.waiting.isThinking) faces.set("thinking");
  else if (isListening) faces.set("listening");
  else faces.set(view.tone);
}

/* The visitor's wish counts where the operator leaves the choice. */
function showFace() {
  const toggle = element("face");
  const isOn = hasFace && recall(FACE) !== "off";
  toggle.hidden = !hasFace;
  toggle.setAttribute("aria-pressed", String(isOn));
  faces.show(isOn);
}

element("face").addEventListener("click", () => {
  keep(FACE, recall(FACE) === "off" ? "on" : "off");
  showFace();
});

function opened(isOpen) {
  view.reading.setAway(!isOpen);
  if (isOpen && !matchMedia("(pointer: coarse)").matches) field.focus();
}

/* -- the form ----------------------------------------------------------------------------------- */

const form = element("form");
const button = element("send");

function fit() {
  button.disabled = !field.value.trim();
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 3}px`;
  drawFace();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send(field.value);
  field.value = "";
  fit();
  field.focus();
});

field.addEventListener("input", fit);
field.addEventListener("blur", drawFace);
field.addEventListener("keydown", (event) => {
  const plain = event.key === "Enter" && !event.shiftKey && !event.isComposing;
  if (plain && !matchMedia("(pointer: coarse)").matches) {
    event.preventDefault();
    form.requestSubmit();
  }
});

const look = new Look((chosen) => {
  if (chosen.title) {
    title = chosen.title;
    element("title").textContent = title;
    showTitle();
  }
  hasFace = chosen.avatar;
  showFace();
});
look.load().catch(() => {}); // what was kept, or the defaults, will do

fit();
if (embedded) view.reading.setAway(true);
else if (!matchMedia("(pointer: coarse)").matches) field.focus();
showOutbox();
connection.follow();

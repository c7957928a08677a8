/* The chat page's script.
 *
 * Nothing is lost: what the visitor sends lies in an outbox in this browser until the server has
 * given its receipt, and is sent again under the same id (which the server recognises) after a
 * reload, an outage or a restart. Nothing is shown twice: every line has an id, and the stream is
 * taken up again after the last number seen. All text is inserted as text, never as HTML.
 */

import { Outbox, forget, keep, recall } from "./outbox.js";
import { View } from "./view.js";

const TOKEN = "colloquy.visitor";
const SILENCE_MS = 40_000; // the server says something every 15 s; after this the line is dead
const REQUEST_MS = 15_000;
const BACKOFF_MS = [300, 700, 1500, 3000, 6000, 10_000];
const RESEND_MS = 2000;
const NOTICE_MS = 1500; // a short hiccup is not worth a notice
const TYPING_MS = 20_000;

const outbox = new Outbox();
const refused = new Map(); // messages that the server will not take, by id
const receipts = new Map(); // the server's id of a message -> the page's id
const view = new View({ onQuick: send, onRetry: retry });

let token = recall(TOKEN);
let conversation = null;
let last = null; // the number of the newest event seen
let earliest = null; // ask for what is before this number
let flushing = false;
let failures = 0;
let stream = null; // aborts the connection that is open now
let noticeTimer = null;
const pauses = new Set(); // each can be ended early

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
  if (flushing || !token) return;
  flushing = true;
  try {
    for (let entry = outbox.list()[0]; entry; entry = outbox.list()[0]) {
      const { id } = entry.body;
      const response = await post("/chat/messages", entry.body);
      if (response.status === 401) {
        startAnew();
        return;
      }
      if (response.status === 429 || response.status >= 500) {
        await pause(1000 * Number(response.headers.get("retry-after") || 1));
        continue;
      }
      const answer = await response.json();
      outbox.remove(id);
      if (response.ok) {
        receipts.set(answer.message_id, id);
        view.own(id, entry.body.text, entry.at, { state: "sent", seq: seqOf(id) });
        if (view.owner === "assistant" && seqOf(id) === null) view.showTyping(TYPING_MS);
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
    flushing = false;
  }
}

function seqOf(id) {
  return view.lines.get(`own:${id}`)?.seq ?? null;
}

function reasonOf(problem) {
  return problem.code === "too_large" ? "The message is too long." : `${problem.title}.`;
}

/* -- receiving ---------------------------------------------------------------------------------- */

function apply(item) {
  if (item.kind === "message") {
    outbox.remove(item.id); // the receipt may have been lost, the message was not
    refused.delete(item.id);
    view.own(item.id, item.text ?? "", Date.parse(item.at), { seq: item.seq });
  } else if (item.kind === "duplicate") {
    const id = receipts.get(item.message_id);
    if (id) view.remove(`own:${id}`);
    view.hideTyping();
  } else if (item.kind === "reply") {
    view.reply(item);
  } else if (item.kind === "withdrawn") {
    view.remove(`reply:${item.id}`);
  } else if (item.kind === "owner") {
    view.changedOwner(item);
    if (item.seq >= (last ?? 0)) {
      view.setOwner(item.owner);
      if (item.owner !== "assistant") view.hideTyping();
    }
  }
}

/* Who the visitor is; the same one as last time if the server still knows them. */
async function begin() {
  let response = await post("/chat/session", null);
  if (response.status === 401 && token) {
    token = null;
    forget(TOKEN);
    response = await post("/chat/session", null);
  }
  if (!response.ok) throw new Error(`session: ${response.status}`);
  const session = await response.json();
  token = session.token;
  keep(TOKEN, token);
  if (session.conversation_id !== conversation) {
    conversation = session.conversation_id;
    last = session.after;
    earliest = session.after ? session.after + 1 : null;
    view.setOwner(session.owner);
    view.setEarlier(earliest === null ? null : showEarlier);
    showOutbox();
  }
}

/* The server does not know this visitor (any more). */
function startAnew() {
  conversation = null;
  view.clear();
  stream?.abort();
}

function showOutbox() {
  for (const entry of outbox.list()) {
    view.own(entry.body.id, entry.body.text, entry.at, { state: "pending" });
  }
}

async function showEarlier() {
  const response = await request(`/chat/history?before=${earliest}`, {});
  if (!response.ok) return;
  const page = await response.json();
  await view.above(() => page.items.forEach(apply));
  earliest = page.before;
  if (earliest === null) view.setEarlier(null);
}

/* Follows the stream for ever: a broken one is taken up again where it broke. */
async function follow() {
  for (;;) {
    try {
      if (conversation === null || !token) await begin();
      await listen();
    } catch {
      // Whatever it was: wait a moment and connect again.
    }
    isOnline(false);
    await pause(BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)] * (0.75 + Math.random() / 2));
    failures += 1;
  }
}

async function listen() {
  stream = new AbortController();
  const stop = stream;
  let silence = setTimeout(() => stop.abort(), REQUEST_MS);
  try {
    const response = await fetch(`/chat/stream?after=${last}`, {
      headers: { authorization: `Bearer ${token}` },
      signal: stop.signal,
      cache: "no-store",
    });
    if (response.status === 401) {
      startAnew();
      return;
    }
    if (!response.ok) throw new Error(`stream: ${response.status}`);
    failures = 0;
    isOnline(true);
    flush();
    setTimeout(() => view.loaded(), 150); // what was there already has come by then
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(silence);
      silence = setTimeout(() => stop.abort(), SILENCE_MS);
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      events.forEach(receive);
    }
  } finally {
    clearTimeout(silence);
    stop.abort();
  }
}

/* One server-sent event. */
function receive(text) {
  for (const line of text.split("\n")) {
    if (!line.startsWith("data: ")) continue;
    const item = JSON.parse(line.slice(6));
    apply(item);
    last = Math.max(last, item.seq);
  }
}

function isOnline(online) {
  view.setOnline(online);
  clearTimeout(noticeTimer);
  if (online) view.notice("");
  else {
    noticeTimer = setTimeout(
      () => view.notice("No connection. What you write is kept and sent as soon as possible."),
      NOTICE_MS,
    );
  }
}

/* -- small things --------------------------------------------------------------------------------- */

function request(path, options) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  return fetch(path, {
    ...options,
    headers: { ...headers, ...options.headers },
    signal: AbortSignal.timeout(REQUEST_MS),
    cache: "no-store",
  });
}

function post(path, body) {
  if (body === null) return request(path, { method: "POST" });
  return request(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  });
}

/* Ends early when there is reason to hope: the network is back, the page is looked at again. */
function pause(ms) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      pauses.delete(end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    pauses.add(end);
  });
}

function wake() {
  pauses.forEach((end) => end());
}

addEventListener("online", wake);
document.addEventListener("visibilitychange", () => document.hidden || wake());

/* -- the form ----------------------------------------------------------------------------------- */

const form = document.getElementById("form");
const field = document.getElementById("text");
const button = document.getElementById("send");

function fit() {
  button.disabled = !field.value.trim();
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 3}px`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send(field.value);
  field.value = "";
  fit();
  field.focus();
});

field.addEventListener("input", fit);
field.addEventListener("keydown", (event) => {
  const plain = event.key === "Enter" && !event.shiftKey && !event.isComposing;
  if (plain && !matchMedia("(pointer: coarse)").matches) {
    event.preventDefault();
    form.requestSubmit();
  }
});

fit();
if (!matchMedia("(pointer: coarse)").matches) field.focus();
showOutbox();
follow();

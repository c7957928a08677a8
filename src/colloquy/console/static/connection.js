/* The line to the server: who the visitor is, and the stream of what happens, taken up again after the
 * last number seen whenever it breaks. */

import { forget, keep, recall } from "./outbox.js";

const TOKEN = "colloquy.visitor";
const SILENCE_MS = 40_000; // the server says something every 15 s; after this the line is dead
const REQUEST_MS = 15_000;
const BACKOFF_MS = [300, 700, 1500, 3000, 6000, 10_000];

export class Connection {
  /* `onSession(session)` when it is known who the visitor is, `onItem(item)` for everything that
   * happens, `onOnline(isOnline)`, `onStranger()` when the server does not know the visitor. */
  constructor({ onSession, onItem, onOnline, onStranger }) {
    this.on = { session: onSession, item: onItem, online: onOnline, stranger: onStranger };
    this.token = recall(TOKEN);
    this.conversation = null;
    this.last = null; // the number of the newest event seen
    this.failures = 0;
    this.stream = null; // aborts the connection that is open now
    this.pauses = new Set(); // each can be ended early
    addEventListener("online", () => this.wake());
    document.addEventListener("visibilitychange", () => document.hidden || this.wake());
  }

  /* Follows the stream for ever. */
  async follow() {
    for (;;) {
      try {
        if (this.conversation === null || !this.token) await this.begin();
        await this.listen();
      } catch {
        // Whatever it was: wait a moment and connect again.
      }
      this.on.online(false);
      const pause = BACKOFF_MS[Math.min(this.failures, BACKOFF_MS.length - 1)];
      await this.pause(pause * (0.75 + Math.random() / 2));
      this.failures += 1;
    }
  }

  /* Who the visitor is; the same one as last time if the server still knows them. */
  async begin() {
    let response = await this.post("/chat/session", null);
    if (response.status === 401 && this.token) {
      this.token = null;
      forget(TOKEN);
      response = await this.post("/chat/session", null);
    }
    if (!response.ok) throw new Error(`session: ${response.status}`);
    const session = await response.json();
    this.token = session.token;
    keep(TOKEN, this.token);
    if (session.conversation_id === this.conversation) return;
    this.conversation = session.conversation_id;
    this.last = session.after;
    this.on.session(session);
  }

  /* The server does not know this visitor (any more). */
  startAnew() {
    this.conversation = null;
    this.on.stranger();
    this.stream?.abort();
  }

  async listen() {
    this.stream = new AbortController();
    const stop = this.stream;
    let silence = setTimeout(() => stop.abort(), REQUEST_MS);
    try {
      const response = await fetch(`/chat/stream?after=${this.last}`, {
        headers: { authorization: `Bearer ${this.token}` },
        signal: stop.signal,
        cache: "no-store",
      });
      if (response.status === 401) {
        this.startAnew();
        return;
      }
      if (!response.ok) throw new Error(`stream: ${response.status}`);
      this.failures = 0;
      this.on.online(true);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        clearTimeout(silence);
        silence = setTimeout(() => stop.abort(), SILENCE_MS);
        const events = (rest + value).split("\n\n");
        rest = events.pop();
        events.forEach((event) => this.receive(event));
      }
    } finally {
      clearTimeout(silence);
      stop.abort();
    }
  }

  /* One server-sent event. */
  receive(text) {
    for (const line of text.split("\n")) {
      if (!line.startsWith("data: ")) continue;
      const item = JSON.parse(line.slice(6));
      this.on.item(item);
      this.last = Math.max(this.last, item.seq ?? 0);
    }
  }

  request(path, options = {}) {
    const headers = this.token ? { authorization: `Bearer ${this.token}` } : {};
    return fetch(path, {
      ...options,
      headers: { ...headers, ...options.headers },
      signal: AbortSignal.timeout(REQUEST_MS),
      cache: "no-store",
    });
  }

  post(path, body) {
    if (body === null) return this.request(path, { method: "POST" });
    return this.request(path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });
  }

  /* Ends early when there is reason to hope: the network is back, the page is looked at again. */
  pause(ms) {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.pauses.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.pauses.add(end);
    });
  }

  wake() {
    this.pauses.forEach((end) => end());
  }
}

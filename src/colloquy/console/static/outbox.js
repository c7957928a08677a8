/* What the visitor has sent and the server has not confirmed yet.
 *
 * One entry of localStorage per message, so that two tabs never overwrite each other's. Each entry
 * holds the request's body as it was first made: a repeat must be the same, byte for byte.
 */

const PREFIX = "colloquy.outbox.";

/* Where localStorage is not allowed or full, the page works without surviving a reload. */
const memory = new Map();

export function recall(name) {
  try {
    return memory.get(name) ?? localStorage.getItem(name);
  } catch {
    return memory.get(name) ?? null;
  }
}

export function keep(name, value) {
  try {
    localStorage.setItem(name, value);
    memory.delete(name);
  } catch {
    memory.set(name, value);
  }
}

export function forget(name) {
  memory.delete(name);
  try {
    localStorage.removeItem(name);
  } catch {
    // Not allowed: then it was never there.
  }
}

function names() {
  const found = [...memory.keys()];
  try {
    for (let index = 0; index < localStorage.length; index += 1) found.push(localStorage.key(index));
  } catch {
    // Not allowed: memory has it all.
  }
  return found.filter((name) => name.startsWith(PREFIX));
}

export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Outbox {
  constructor() {
    this.entries = new Map();
    this.renewStream();
    for (const name of names()) {
      try {
        const entry = JSON.parse(recall(name));
        this.entries.set(entry.body.id, entry);
      } catch {
        forget(name); // not ours, or written by an older page
      }
    }
  }

  /* A numbered stream of messages per visit: the server keeps their order by it. */
  renewStream() {
    this.stream = randomId();
    this.sequence = 0;
  }

  add(text) {
    this.sequence += 1;
    const entry = {
      at: Date.now(),
      body: {
        id: randomId(),
        text,
        stream: this.stream,
        sequence: this.sequence,
        time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone || null,
      },
    };
    this.entries.set(entry.body.id, entry);
    keep(PREFIX + entry.body.id, JSON.stringify(entry));
    return entry;
  }

  remove(id) {
    this.entries.delete(id);
    forget(PREFIX + id);
  }

  /* The oldest first. */
  list() {
    return [...this.entries.values()].sort(
      (a, b) => a.at - b.at || a.body.sequence - b.body.sequence,
    );
  }
}

/* What the visitor sees: lines ordered by their number in the conversation, each once. */

import { attachment, fill, make, thumbs, timeOf } from "./lines.js";
import { Reading } from "./reading.js";
import { RemarkForm } from "./remark.js";
import { Waiting } from "./waiting.js";

const GROUP_MS = 3 * 60 * 1000; // lines of one side within this time are shown as one group

const JOINED = {
  assistant: "The assistant is back",
  human: "A colleague has joined",
  team: "A colleague will answer here soon",
  agent: "A specialist has joined",
};

const day = new Intl.DateTimeFormat([], { weekday: "long", day: "numeric", month: "long" });

const element = (id) => document.getElementById(id);

export class View {
  /* `onQuick(text)`, `onRetry(id)`, `onRate(id, rating)`, `onStop(turn)`, `onUnread(count)`; `onDrawn()`
   * after every change. */
  constructor({ onQuick, onRetry, onRate, onStop, onUnread, onDrawn }) {
    this.log = element("log");
    this.quick = element("quick");
    this.lines = new Map(); // key -> {node, seq, at, side, …}
    this.ratings = new Map(); // reply -> {seq, rating}
    this.on = { quick: onQuick, retry: onRetry, rate: onRate, drawn: onDrawn };
    this.owner = "assistant";
    this.isLoading = true;
    this.isDrawing = false;
    this.reading = new Reading(element("scroll"), element("newest"), { onUnread });
    this.waiting = new Waiting((change) => {
      const follow = this.reading.isNearEnd();
      change();
      this.draw(follow);
    }, onStop);
  }

  clear() {
    this.log.replaceChildren();
    this.lines.clear();
    this.ratings.clear();
    this.waiting.clear();
    this.offer([]);
  }

  /* -- lines ------------------------------------------------------------------------------ */

  /* The visitor's own message, before or after the server has it. */
  own(id, text, at, { seq = null, state = "sent", note = "" } = {}) {
    const key = `own:${id}`;
    let line = this.lines.get(key);
    if (!line) {
      line = this.line(key, "own", at);
      fill(line.bubble, text);
    }
    line.state = seq !== null ? "sent" : state;
    line.reason = note;
    line.id = id;
    this.place(line, seq);
    if (line.state === "failed") this.announce(`Not sent. ${note}`);
    return line;
  }

  reply(item) {
    const key = `reply:${item.id}`;
    const isDrafted = this.waiting.replied(item.turn);
    if (this.lines.has(key)) return;
    const line = this.line(key, "other", Date.parse(item.at));
    line.id = item.id;
    line.isAutomatic = (item.author ?? "assistant") === "assistant";
    line.name = item.author_name;
    line.isInterrupted = item.interrupted;
    line.by = `${item.author ?? "assistant"}:${item.author_name ?? ""}`;
    line.tone = item.tone;
    line.quick = item.quick_replies ?? [];
    if (item.author_name) line.node.prepend(make("p", "author", item.author_name));
    if (item.text) fill(line.bubble, item.text);
    for (const link of item.links ?? []) line.bubble.append(attachment(link));
    if (isDrafted) line.node.classList.remove("fresh"); // it stood there already
    this.place(line, item.seq);
    this.announce(`${item.author_name ?? (line.isAutomatic ? "Assistant" : "Team")}: ${line.bubble.textContent}`);
  }

  changedOwner(item) {
    const key = `owner:${item.seq}`;
    if (this.lines.has(key)) return;
    const text = JOINED[item.owner] ?? "Somebody else answers now";
    const node = make("li", "note", text);
    const line = this.hold(key, { node, side: "note", at: Date.parse(item.at), owner: item.owner });
    this.place(line, item.seq);
    this.announce(text);
  }

  /* The newest rating of a reply counts, in whatever order they become known. */
  rated(id, rating, seq, said = {}) {
    if ((this.ratings.get(id)?.seq ?? 0) > seq) return;
    this.ratings.set(id, { seq, rating, said });
    this.lines.get(`reply:${id}`)?.press?.(rating);
  }

  /* Asks for more about a rating, unless that form is there. */
  ask(id, onSend) {
    const line = this.lines.get(`reply:${id}`);
    if (!line || line.remark?.node.isConnected) return;
    line.node.querySelector(".remark-done")?.remove();
    const follow = this.reading.isNearEnd();
    line.remark = new RemarkForm(line, this.ratings.get(id)?.said ?? {}, {
      onSend: (said) => onSend(id, said),
      onClose: () => {
        line.meta.querySelector("[aria-pressed=true]")?.focus();
        this.draw(follow);
      },
    });
    this.draw(follow);
  }

  remove(key) {
    const line = this.lines.get(key);
    if (!line) return;
    line.node.remove();
    this.lines.delete(key);
    this.draw();
  }

  line(key, side, at) {
    const node = make("li", side === "own" ? "line own fresh" : "line fresh");
    const bubble = make("p", "bubble");
    bubble.dir = "auto";
    const meta = make("div", "meta");
    node.append(bubble, meta);
    return this.hold(key, { node, bubble, meta, side, at, by: side });
  }

  hold(key, line) {
    line.key = key;
    line.seq = undefined;
    this.lines.set(key, line);
    return line;
  }

  /* By number; what has none yet comes last, in the order it was written. */
  place(line, seq) {
    if (line.seq === seq) {
      this.draw();
      return;
    }
    const follow = this.reading.isNearEnd() || line.side === "own";
    line.seq = seq;
    line.node.dataset.seq = seq ?? "";
    if (seq === null) {
      if (!line.node.isConnected) this.log.append(line.node);
    } else {
      let after = this.log.lastElementChild;
      while (after && (after === line.node || after.dataset.seq === "" || Number(after.dataset.seq) > seq)) {
        after = after.previousElementSibling;
      }
      if (after) after.after(line.node);
      else this.log.prepend(line.node);
    }
    if (line.side === "other" && !this.isLoading) this.reading.arrived();
    this.draw(follow);
  }

  /* -- drawing: once per frame, however much has changed ---------------------------------------- */

  draw(follow = false) {
    this.follow = this.follow || follow;
    if (this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      this.isDrawing = false;
      this.group();
      if (this.follow && !this.reading.isHeld) this.reading.toEnd();
      this.follow = false;
    });
  }

  group() {
    for (const node of this.log.querySelectorAll(".day")) node.remove();
    const byNode = new Map(Array.from(this.lines.values(), (line) => [line.node, line]));
    let before = null;
    let note = null;
    let date = "";
    let last = null;
    for (const node of [...this.log.children]) {
      const line = byNode.get(node);
      const today = day.format(line.at);
      if (today !== date) {
        if (date || today !== day.format(Date.now())) {
          const separator = make("li", "day", today);
          separator.dataset.seq = node.dataset.seq;
          node.before(separator);
          before = null;
        }
        date = today;
      }
      if (line.side === "note") {
        note = line;
        before = null;
        continue;
      }
      if (note && line.name && !line.isAutomatic) {
        if (note.owner === "human") note.node.textContent = `${line.name} has joined`;
        note.name = line.name;
      }
      const follows =
        before && before.side === line.side && before.by === line.by && line.at - before.at < GROUP_MS;
      node.classList.toggle("follows", Boolean(follows));
      before?.node.classList.toggle("leads", Boolean(follows));
      node.classList.remove("leads");
      this.drawMeta(line);
      last = line;
      before = line;
    }
    this.showOwner(note?.owner === this.owner ? note.name : undefined);
    this.tone = [...byNode.values()].reduce(newest, null)?.tone;
    element("empty").hidden = this.log.childElementCount > 0 || this.isLoading;
    this.offer(last && last.side === "other" && !this.waiting.isOn ? last.quick : []);
    this.on.drawn();
  }

  /* Below a line: when, and what became of it. Drawn only when that has changed: focus stays. */
  drawMeta(line) {
    const state = line.side === "own" ? `${line.state} ${line.reason}` : "";
    if (line.drawn === state) return;
    line.drawn = state;
    line.node.classList.toggle("pending", line.state === "pending");
    line.node.classList.toggle("failed", line.state === "failed");
    if (line.state === "pending") {
      line.meta.replaceChildren(make("span", "", "Sending…"));
    } else if (line.state === "failed") {
      const again = make("button", "", "Try again");
      again.type = "button";
      again.addEventListener("click", () => this.on.retry(line.id));
      line.meta.replaceChildren(make("span", "", `Not sent. ${line.reason}`), again);
    } else {
      line.meta.replaceChildren(timeOf(line.at));
      if (line.side === "own") line.meta.append(make("span", "", "· Sent"));
      if (line.isInterrupted) line.meta.append(make("span", "", "· Stopped"));
      if (line.side === "other" && line.isAutomatic) this.addThumbs(line);
    }
  }

  addThumbs(line) {
    const { group, press } = thumbs((rating) => this.on.rate(line.id, rating));
    line.press = press;
    press(this.ratings.get(line.id)?.rating);
    line.meta.append(group);
  }

  offer(texts) {
    const shown = JSON.stringify(texts ?? []);
    if (this.quick.dataset.shown === shown) return;
    this.quick.dataset.shown = shown;
    this.quick.hidden = !texts?.length;
    this.quick.replaceChildren(
      ...(texts ?? []).map((text) => {
        const button = make("button", "", text);
        button.type = "button";
        button.addEventListener("click", () => this.on.quick(text));
        return button;
      }),
    );
  }

  /* -- around the lines ------------------------------------------------------------------- */

  setOwner(owner) {
    this.owner = owner;
    if (owner !== "assistant") this.waiting.clear();
    this.draw();
  }

  setOnline(isOnline) {
    this.isOnline = isOnline;
    document.body.dataset.online = String(isOnline);
    this.draw();
  }

  showOwner(name) {
    const here = this.owner === "assistant" ? "Online" : `${name ?? "A person"} answers here`;
    const text = this.isOnline ? here : "Connecting…";
    if (element("state-text").textContent !== text) element("state-text").textContent = text;
  }

  notice(text) {
    const node = element("notice");
    node.textContent = text;
    node.hidden = !text;
  }

  /* For screen readers: each thing once, and nothing of what was there already. */
  announce(text) {
    if (!this.isLoading && !this.reading.isHeld) element("announcement").textContent = text;
  }

  loaded() {
    this.isLoading = false;
    this.log.setAttribute("aria-busy", "false");
    this.draw(true);
  }

  setEarlier(action) {
    const button = element("earlier");
    button.hidden = !action;
    button.onclick = action;
  }

  /* Draws what `work` puts in above the lines that are there. */
  above(work) {
    return this.reading.above(async () => {
      await work();
      this.group();
    });
  }
}

function newest(found, line) {
  if (line.side !== "other" || !line.isAutomatic) return found;
  return found === null || line.seq > found.seq ? line : found;
}

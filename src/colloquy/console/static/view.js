/* What the visitor sees: lines ordered by their number in the conversation, each once. */

const NEAR_END = 80; // pixels from the end that still count as "reading the newest"
const GROUP_MS = 3 * 60 * 1000; // lines of one side within this time are shown as one group

const OWNERS = {
  assistant: "The assistant is back",
  human: "A colleague has joined",
  team: "A colleague will answer here soon",
  agent: "A specialist has joined",
};

const clock = new Intl.DateTimeFormat([], { hour: "numeric", minute: "2-digit" });
const day = new Intl.DateTimeFormat([], { weekday: "long", day: "numeric", month: "long" });

const element = (id) => document.getElementById(id);

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

/* Web addresses become links; everything else stays text. */
function fill(node, text) {
  let from = 0;
  for (const found of text.matchAll(/https?:\/\/[^\s<>"'`]*[^\s<>"'`.,;:!?)\]}]/g)) {
    node.append(text.slice(from, found.index), anchor(found[0], found[0]));
    from = found.index + found[0].length;
  }
  node.append(text.slice(from));
}

function anchor(address, label) {
  const node = make("a", "", label);
  node.href = address;
  node.target = "_blank";
  node.rel = "noopener noreferrer nofollow";
  return node;
}

const isWeb = (address) => /^https?:\/\//i.test(address);

export class View {
  constructor({ onQuick, onRetry }) {
    this.log = element("log");
    this.scroll = element("scroll");
    this.typing = element("typing");
    this.quick = element("quick");
    this.lines = new Map(); // key -> {node, seq, at, side, …}
    this.onQuick = onQuick;
    this.onRetry = onRetry;
    this.owner = "assistant";
    this.unread = 0;
    this.drawing = false;
    this.loading = true;
    element("newest").addEventListener("click", () => this.toEnd());
    this.scroll.addEventListener("scroll", () => this.isNearEnd() && this.seen(), { passive: true });
    document.addEventListener("visibilitychange", () => this.seen());
    // A keyboard that opens on a phone must not hide the newest line.
    new ResizeObserver(() => this.followed && this.toEnd()).observe(this.scroll);
    this.followed = true;
    this.scroll.addEventListener("scroll", () => (this.followed = this.isNearEnd()), { passive: true });
  }

  clear() {
    this.log.replaceChildren();
    this.lines.clear();
    this.hideTyping();
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
    return line;
  }

  reply(item) {
    const key = `reply:${item.id}`;
    if (this.lines.has(key)) return;
    const line = this.line(key, "other", Date.parse(item.at));
    line.by = `${item.author ?? "assistant"}:${item.author_name ?? ""}`;
    line.quick = item.quick_replies ?? [];
    if (item.author_name) line.node.prepend(make("p", "author", item.author_name));
    if (item.text) fill(line.bubble, item.text);
    for (const link of item.links ?? []) {
      const label = link.name || link.url;
      const node = isWeb(link.url) ? anchor(link.url, label) : make("span", "", label);
      node.classList.add("link");
      line.bubble.append(node);
    }
    this.hideTyping();
    this.place(line, item.seq);
  }

  changedOwner(item) {
    const key = `owner:${item.seq}`;
    if (this.lines.has(key)) return;
    const node = make("li", "note", OWNERS[item.owner] ?? "Somebody else answers now");
    this.place(this.hold(key, { node, side: "note", at: Date.parse(item.at) }), item.seq);
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
    const follow = this.isNearEnd() || line.side === "own";
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
    if (line.side === "other") this.count();
    this.draw(follow);
  }

  /* -- drawing: once per frame, however much has changed ---------------------------------------- */

  draw(follow = false) {
    this.follow = this.follow || follow;
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      this.group();
      if (this.follow && !this.holding) this.toEnd();
      this.follow = false;
    });
  }

  group() {
    for (const node of this.log.querySelectorAll(".day")) node.remove();
    const byNode = new Map(Array.from(this.lines.values(), (line) => [line.node, line]));
    let before = null;
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
      if (line.side !== "note") {
        const follows =
          before && before.side === line.side && before.by === line.by && line.at - before.at < GROUP_MS;
        line.node.classList.toggle("follows", Boolean(follows));
        if (before) before.node.classList.toggle("leads", Boolean(follows));
        line.node.classList.remove("leads");
        this.drawMeta(line);
        last = line;
      }
      before = line.side === "note" ? null : line;
    }
    element("empty").hidden = this.log.childElementCount > 0 || this.loading;
    this.offer(last && last.side === "other" && this.typing.hidden ? last.quick : []);
  }

  drawMeta(line) {
    line.node.classList.toggle("pending", line.side === "own" && line.state === "pending");
    line.node.classList.toggle("failed", line.side === "own" && line.state === "failed");
    const time = make("time", "", clock.format(line.at));
    time.dateTime = new Date(line.at).toISOString();
    if (line.side !== "own" || line.state === "sent") {
      line.meta.replaceChildren(time);
      if (line.side === "own") line.meta.append(make("span", "", "· Sent"));
    } else if (line.state === "pending") {
      line.meta.replaceChildren(make("span", "", "Sending…"));
    } else {
      const again = make("button", "", "Try again");
      again.type = "button";
      again.addEventListener("click", () => this.onRetry(line.id));
      line.meta.replaceChildren(make("span", "", `Not sent. ${line.reason}`), again);
    }
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
        button.addEventListener("click", () => this.onQuick(text));
        return button;
      }),
    );
  }

  /* -- around the lines ------------------------------------------------------------------- */

  showTyping(forMs) {
    clearTimeout(this.typingTimer);
    this.typingTimer = setTimeout(() => this.hideTyping(), forMs);
    if (!this.typing.hidden) return;
    const follow = this.isNearEnd();
    this.typing.hidden = false;
    this.draw(follow);
  }

  hideTyping() {
    clearTimeout(this.typingTimer);
    if (this.typing.hidden) return;
    this.typing.hidden = true;
    this.draw();
  }

  setOwner(owner) {
    this.owner = owner;
    element("title").textContent = owner === "human" || owner === "team" ? "Support team" : "Assistant";
    this.setOnline(this.online);
  }

  setOnline(online) {
    this.online = online;
    document.body.dataset.online = String(online);
    const here = this.owner === "assistant" ? "Online" : "A person answers here";
    element("state-text").textContent = online ? here : "Connecting…";
  }

  notice(text) {
    const node = element("notice");
    node.textContent = text;
    node.hidden = !text;
  }

  loaded() {
    this.loading = false;
    this.log.setAttribute("aria-busy", "false");
    this.draw(true);
  }

  setEarlier(action) {
    const button = element("earlier");
    button.hidden = !action;
    button.onclick = action;
  }

  /* Lines are put in above: what is being read stays where it is. */
  async above(work) {
    const fromEnd = this.scroll.scrollHeight - this.scroll.scrollTop;
    this.holding = true;
    await work();
    this.group();
    this.scroll.scrollTop = this.scroll.scrollHeight - fromEnd;
    this.holding = false;
  }

  isNearEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroll;
    return scrollHeight - scrollTop - clientHeight < NEAR_END;
  }

  toEnd() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.seen();
  }

  count() {
    if (this.loading || this.holding) return;
    if (document.hidden || !this.isNearEnd()) this.unread += 1;
    this.drawUnread();
  }

  seen() {
    if (document.hidden || !this.isNearEnd()) return;
    this.unread = 0;
    this.drawUnread();
  }

  drawUnread() {
    element("newest").hidden = this.unread === 0 || this.isNearEnd();
    document.title = this.unread ? `(${this.unread}) Chat` : "Chat";
  }
}

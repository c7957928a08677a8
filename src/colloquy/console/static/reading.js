/* Where the visitor is reading, and how much they have not seen. */

const NEAR_END = 80; // pixels from the end that still count as "reading the newest"

export class Reading {
  constructor(scroll, button, { onUnread }) {
    this.scroll = scroll;
    this.button = button;
    this.onUnread = onUnread;
    this.unread = 0;
    this.isAway = false; // the widget's panel is closed
    this.isHeld = false; // lines are put in above
    this.followed = true;
    button.addEventListener("click", () => this.toEnd());
    scroll.addEventListener("scroll", () => this.scrolled(), { passive: true });
    document.addEventListener("visibilitychange", () => this.seen());
    // A keyboard that opens on a phone must not hide the newest line.
    new ResizeObserver(() => this.followed && this.toEnd()).observe(scroll);
  }

  scrolled() {
    this.followed = this.isNearEnd();
    this.seen();
  }

  isNearEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroll;
    return scrollHeight - scrollTop - clientHeight < NEAR_END;
  }

  isLooking() {
    return !document.hidden && !this.isAway && this.isNearEnd();
  }

  toEnd() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.seen();
  }

  /* Lines are put in above: what is being read stays where it is. */
  async above(work) {
    const fromEnd = this.scroll.scrollHeight - this.scroll.scrollTop;
    this.isHeld = true;
    await work();
    this.scroll.scrollTop = this.scroll.scrollHeight - fromEnd;
    this.isHeld = false;
  }

  setAway(isAway) {
    this.isAway = isAway;
    this.seen();
  }

  /* Something new was said. */
  arrived() {
    if (this.isHeld) return;
    if (!this.isLooking()) this.unread += 1;
    this.tell();
  }

  seen() {
    if (!this.isLooking()) return;
    this.unread = 0;
    this.tell();
  }

  tell() {
    this.button.hidden = this.unread === 0 || this.isNearEnd();
    this.onUnread(this.unread);
  }
}

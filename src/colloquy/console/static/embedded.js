/* The chat inside the widget's frame: what it and the page around it tell each other.
 *
 * Only the page that frames this one is listened to, under the origin of its first word, and only it
 * is told anything: how many messages are unread, and that the panel is to be closed. Nothing that
 * was said crosses. Who may frame this page is decided by its Content-Security-Policy.
 */

const PROTOCOL = 1;
const FOCUSABLE = "a[href], button:not([disabled]):not([hidden]), textarea, [tabindex='0']";

function reachable() {
  return [...document.querySelectorAll(FOCUSABLE)].filter((node) => node.checkVisibility());
}

export class Embedded {
  /* `onOpen(isOpen)`: the panel was opened or closed. */
  constructor({ onOpen }) {
    this.origin = null;
    this.unread = 0;
    this.onOpen = onOpen;
    document.body.classList.add("embedded");
    addEventListener("message", (event) => this.receive(event));
    addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    const button = document.getElementById("close");
    button.hidden = false;
    button.addEventListener("click", () => this.close());
  }

  receive(event) {
    const isHost = event.source === window.parent && event.data?.colloquy === PROTOCOL;
    if (!isHost || (this.origin !== null && event.origin !== this.origin)) return;
    const { type, value } = event.data;
    if (type === "hello" && event.origin !== "null") {
      this.origin = event.origin;
      this.tell("ready");
      this.tell("unread", this.unread);
    } else if (this.origin !== null && type === "open") {
      this.onOpen(value === true);
    } else if (this.origin !== null && type === "focus") {
      reachable().at(value === "last" ? -1 : 0)?.focus();
    }
  }

  setUnread(count) {
    this.unread = count;
    this.tell("unread", count);
  }

  close() {
    this.tell("close");
  }

  tell(type, value) {
    if (this.origin === null) return;
    window.parent.postMessage({ colloquy: PROTOCOL, type, value }, this.origin);
  }
}

/* The small form below a reply that was rated: what it is about, and words, if somebody likes. */

import { make } from "./lines.js";

const MAX_COMMENT = 2000; // as the server takes it
const ABOUT = {
  "": "Choose, if you like",
  accuracy: "What it says",
  understanding: "How well I was understood",
  completeness: "Something is missing",
  tone: "Its tone",
  speed: "How long it took",
  other: "Something else",
};

export class RemarkForm {
  /* Below this line. `said` is what was said before: {category, comment}. `onSend(said)` resolves to
   * whether it arrived; `onClose()` when the form is gone, so that focus can go elsewhere. */
  constructor(line, said, { onSend, onClose }) {
    this.on = { send: onSend, close: onClose };
    this.node = make("form", "remark");
    this.node.setAttribute("aria-label", "More about your rating");
    this.about = this.field(line, "select", "about", "What is it about?");
    for (const [value, label] of Object.entries(ABOUT)) {
      this.about.append(new Option(label, value, false, value === (said.category ?? "")));
    }
    this.comment = this.field(line, "textarea", "comment", "Comment");
    this.comment.rows = 2;
    this.comment.maxLength = MAX_COMMENT;
    this.comment.value = said.comment ?? "";
    this.trouble = make("p", "trouble");
    this.trouble.setAttribute("role", "alert");
    this.add = make("button", "primary", "Add");
    const cancel = make("button", "", "Not now");
    cancel.type = "button";
    cancel.addEventListener("click", () => this.close());
    const row = make("div", "buttons");
    row.append(this.add, cancel);
    this.node.append(this.trouble, row);
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.node.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation(); // the widget closes with it, too
      this.close();
    });
    line.node.append(this.node);
  }

  field(line, tag, name, text) {
    const field = make(tag);
    field.id = `${name}-${line.id}`;
    const label = make("label", "", text);
    label.htmlFor = field.id;
    this.node.append(label, field);
    return field;
  }

  async send() {
    const said = { category: this.about.value || null, comment: this.comment.value.trim() || null };
    if (!said.category && !said.comment) {
      this.close();
      return;
    }
    this.trouble.textContent = "";
    this.add.disabled = true;
    const arrived = await this.on.send(said);
    this.add.disabled = false;
    if (arrived) this.close("Thank you, it was added.");
    else this.trouble.textContent = "It could not be sent. Please try again.";
  }

  close(thanks = "") {
    if (!this.node.isConnected) return;
    if (thanks) this.node.replaceWith(make("p", "remark-done", thanks));
    else this.node.remove();
    this.on.close();
  }
}

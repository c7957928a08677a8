/* The place of the answer that is on its way: three dots, or what has been written of it so far. */

const element = (id) => document.getElementById(id);

export class Waiting {
  /* `onChange` is called whenever something else stands there, `onStop(turn)` when the visitor wants no
   * more of the answer. */
  constructor(onChange, onStop) {
    this.dots = element("typing");
    this.line = element("draft");
    this.text = element("draft-text");
    this.button = element("stop");
    this.button.addEventListener("click", () => {
      this.button.disabled = true;
      onStop(this.turn);
    });
    this.onChange = onChange;
    this.answered = new Set(); // turns whose reply is here
    this.turn = null; // whose text it is
    this.length = 0; // its characters, counted as the server does
  }

  get isOn() {
    return !this.dots.hidden || !this.line.hidden;
  }

  get isThinking() {
    return !this.dots.hidden;
  }

  /* A piece of an answer; offset 0 begins anew. What does not fit is left out: the reply comes. */
  chunk({ turn, offset = 0, text = "" }) {
    if (this.answered.has(turn)) return;
    if (offset === 0) {
      if (this.turn !== turn) this.letStop();
      this.turn = turn;
      this.length = 0;
      this.text.textContent = "";
    }
    if (this.turn === turn && this.length === offset) {
      this.length += [...text].length;
      this.text.append(text);
      this.text.normalize();
    }
    this.show({ dots: this.length === 0, line: this.length > 0 });
  }

  chunkEnd({ turn }) {
    if (this.turn === turn) this.clear();
    else this.hideDots();
  }

  /* The reply of a turn is here. Returns whether it takes the place of what stands there. */
  replied(turn) {
    if (turn) this.answered.add(turn);
    const takesPlace = Boolean(turn) && this.turn === turn && !this.line.hidden;
    if (takesPlace) this.clear();
    else this.hideDots();
    return takesPlace;
  }

  /* The button may be pressed, again if it came to nothing. */
  letStop() {
    this.button.disabled = false;
  }

  clear() {
    this.turn = null;
    this.length = 0;
    this.show({ dots: false, line: false });
  }

  /* For the time before the server says more. */
  showDots(forMs) {
    if (!this.isOn) this.show({ dots: true, line: false });
    this.timer = setTimeout(() => this.hideDots(), forMs);
  }

  hideDots() {
    if (this.isThinking) this.show({ dots: false, line: !this.line.hidden });
  }

  show({ dots, line }) {
    clearTimeout(this.timer);
    this.onChange(() => {
      this.dots.hidden = !dots;
      this.line.hidden = !line;
      // Dots before the server has said which turn is at work cannot be stopped.
      this.button.hidden = !this.isOn || this.turn === null;
    });
  }
}

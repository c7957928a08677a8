/* The assistant's face: decoration, which screen readers pass over. Its moods are made in face.css.
 *
 * neutral, positive, empathetic: the tone of the newest reply. listening: the visitor is writing.
 * thinking: an answer is on its way.
 */

const NAMESPACE = "http://www.w3.org/2000/svg";
const MOODS = new Set(["neutral", "positive", "empathetic", "listening", "thinking"]);

function shape(tag, attributes, ...children) {
  const node = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const part = (className, ...children) => shape("g", { class: className }, ...children);

function draw() {
  const eye = (x) => shape("ellipse", { cx: x, cy: 21, rx: 3, ry: 4 });
  const brow = (d) => shape("path", { d });
  return shape(
    "svg",
    { viewBox: "0 0 48 48", class: "face", "aria-hidden": "true", focusable: "false" },
    part(
      "head",
      part("brow left", brow("M12.5 13.5q4-2.5 8 0")),
      part("brow right", brow("M27.5 13.5q4-2.5 8 0")),
      part("eyes", part("lids", eye(17), eye(31))),
      part("mouth", shape("path", { d: "M16 31q8 8 16 0" })),
    ),
  );
}

export class Faces {
  /* One in each of these places, all in the same mood; `icon` is what stands there otherwise. */
  constructor(places) {
    this.places = places;
    this.icons = places.map((place) => [...place.children]);
    this.drawn = places.map(draw);
    this.mood = "neutral";
  }

  set(mood) {
    this.mood = MOODS.has(mood) ? mood : "neutral";
    for (const face of this.drawn) face.dataset.mood = this.mood;
  }

  show(on) {
    this.places.forEach((place, index) => {
      place.replaceChildren(...(on ? [this.drawn[index]] : this.icons[index]));
    });
    this.set(this.mood);
  }
}

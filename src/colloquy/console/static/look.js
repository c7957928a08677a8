/* How the chat looks: what the operator set (GET /chat/config), or the site whose widget shows it.
 *
 * The answer is kept, so that the next visit begins in the right colours.
 */

import { fill } from "./lines.js";
import { keep, recall } from "./outbox.js";

const KEPT = "colloquy.look";
const COLOUR = /^#[0-9a-f]{6}$/i;
const LIGHT = "#ffffff";
const DARK = "#14171f";

/* The relative luminance of WCAG 2.2. */
function luminance(colour) {
  const [red, green, blue] = [1, 3, 5].map((start) => {
    const share = parseInt(colour.slice(start, start + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/* White or near-black, whichever is easier to read on this colour. */
function readableOn(colour) {
  const of = luminance(colour);
  return 1.05 / (of + 0.05) >= (of + 0.05) / (luminance(DARK) + 0.05) ? LIGHT : DARK;
}

/* What the widget asks for; only a page in a frame listens to its address. */
function wishes() {
  if (window.parent === window) return {};
  const asked = new URLSearchParams(location.search);
  return {
    accent: COLOUR.test(asked.get("accent") ?? "") ? asked.get("accent") : undefined,
    title: asked.get("title")?.slice(0, 60) || undefined,
    direction: asked.get("dir") === "rtl" ? "rtl" : "ltr",
  };
}

export class Look {
  /* `changed` is called with what is to be shown, at once with what was kept, and when it comes. */
  constructor(changed) {
    this.changed = changed;
    this.wishes = wishes();
    document.documentElement.dir = this.wishes.direction ?? "ltr";
    try {
      this.apply(JSON.parse(recall(KEPT)) ?? {});
    } catch {
      this.apply({}); // kept by an older page
    }
  }

  async load() {
    const response = await fetch("/chat/config", { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) return;
    const config = await response.json();
    keep(KEPT, JSON.stringify(config));
    this.apply(config);
  }

  apply(config) {
    const accent = this.wishes.accent ?? config.accent;
    if (COLOUR.test(accent ?? "")) {
      const style = document.documentElement.style;
      style.setProperty("--accent", accent);
      style.setProperty("--on-accent", readableOn(accent));
    }
    if (config.greeting) document.getElementById("greeting").textContent = config.greeting;
    if (config.placeholder) document.getElementById("text").placeholder = config.placeholder;
    const privacy = document.getElementById("privacy");
    privacy.hidden = !config.privacy;
    document.documentElement.classList.toggle("unrated", config.ratings === false);
    privacy.replaceChildren();
    fill(privacy, config.privacy ?? "");
    this.changed({ title: this.wishes.title ?? config.title, avatar: config.avatar ?? true });
  }
}

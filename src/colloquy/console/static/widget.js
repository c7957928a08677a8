/* The chat on any site: <script src="https://HOST/widget.js" async></script>
 *
 * A launcher and a panel in a shadow root, which the page's styles cannot reach; the chat itself is in
 * a frame of HOST, which its scripts cannot reach. The page needs `script-src HOST; frame-src HOST`
 * and nothing else. What crosses the frame: hello/ready, open, focus, unread, close.
 */
(() => {
  "use strict";
  if (window.Colloquy) return;
  const script = document.currentScript ?? document.querySelector("script[src$='/widget.js']");
  if (!script) return;

  const PROTOCOL = 1;
  const ORIGIN = new URL(script.src).origin;
  const USED = "colloquy.widget"; // in the page's session: the chat was opened here, and is it open
  const LATE_MS = 8000; // a frame that says nothing for so long is not coming
  const { position, accent, title, open, dir } = script.dataset;
  const LOOK = {}; // the operator's, filled in by the server
  const COLOUR = /^#[0-9a-f]{6}$/i.test(accent ?? "") ? accent : LOOK.accent;
  const NAME = title || LOOK.title;

  const STYLES = `
    :host {
      all: initial !important;
      position: fixed !important;
      inset: auto !important;
      z-index: 2147483000 !important;
      color-scheme: light dark !important;
      font: 15px/1.4 system-ui, sans-serif !important;
    }
    *, *::before { box-sizing: border-box; }
    button { font: inherit; cursor: pointer; }
    .launcher {
      position: fixed; bottom: max(20px, env(safe-area-inset-bottom)); right: 20px;
      display: grid; place-items: center; width: 58px; height: 58px; padding: 0; border: 0;
      border-radius: 50%; background: var(--accent); color: var(--on-accent);
      box-shadow: 0 4px 18px rgb(0 0 0 / 28%);
    }
    .left .launcher, .left .panel { right: auto; left: 20px; }
    .launcher svg { width: 28px; height: 28px; fill: none; stroke: currentColor; stroke-width: 2;
      stroke-linecap: round; stroke-linejoin: round; }
    .launcher .shut, .open .launcher .talk { display: none; }
    .open .launcher .shut { display: block; }
    :focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
    .badge {
      position: absolute; top: -3px; inset-inline-end: -3px; min-width: 22px; height: 22px;
      padding: 0 6px; border-radius: 11px; background: #c4313c; color: #fff;
      font: 600 13px/22px system-ui, sans-serif; text-align: center;
    }
    [hidden] { display: none !important; }
    .panel {
      position: fixed; bottom: max(92px, calc(env(safe-area-inset-bottom) + 72px));
      right: 20px; width: min(400px, calc(100vw - 40px));
      height: min(640px, calc(100vh - 116px)); overflow: hidden; border-radius: 20px;
      background: Canvas; color: CanvasText; box-shadow: 0 12px 48px rgb(0 0 0 / 32%);
      visibility: hidden; opacity: 0; transform: translateY(12px);
    }
    .open .panel { visibility: visible; opacity: 1; transform: none; }
    iframe { display: block; position: relative; width: 100%; height: 100%; border: 0; }
    .late { position: absolute; inset: 0; z-index: 1; background: Canvas; display: flex; flex-direction: column; gap: 14px;
      align-items: center; justify-content: center; padding: 24px; text-align: center; }
    .late button { min-height: 40px; padding: 8px 18px; border: 1.5px solid; border-radius: 20px;
      background: none; color: inherit; }
    .late a { color: inherit; }
    .edge { position: absolute; width: 1px; height: 1px; overflow: hidden; }
    @media (max-width: 520px) {
      .root .panel { inset: 0; width: 100%; height: 100%; max-height: var(--height, none);
        border-radius: 0; box-shadow: none; }
      .open .launcher { display: none; }
    }
    @media (prefers-reduced-motion: no-preference) {
      .panel { transition: opacity .18s, transform .18s, visibility .18s; }
      .launcher { transition: transform .15s; }
      .launcher:hover { transform: scale(1.05); }
    }
    @media print { .root { display: none; } }
  `;

  function make(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  function icon(name, d) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    for (const [key, value] of [["class", name], ["viewBox", "0 0 24 24"], ["aria-hidden", "true"]]) {
      svg.setAttribute(key, value);
    }
    path.setAttribute("d", d);
    svg.append(path);
    return svg;
  }

  /* White on dark colours, black on light ones (relative luminance of WCAG 2.2). */
  function readableOn(colour) {
    const parts = [1, 3, 5].map((start) => (parseInt(colour.slice(start, start + 2), 16) / 255) ** 2.2);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2] > 0.18 ? "#14171f" : "#ffffff";
  }

  /* What this page remembers for the visitor's next one; where that is not allowed, nothing. */
  function recall() {
    try {
      return sessionStorage.getItem(USED);
    } catch {
      return null;
    }
  }

  function keep(value) {
    try {
      sessionStorage.setItem(USED, value);
    } catch {
      // Then the next page begins with a closed panel.
    }
  }

  const host = make("colloquy-widget");
  const shadow = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLES);
  shadow.adoptedStyleSheets = [sheet];

  const badge = make("span", { class: "badge", hidden: "" });
  const launcher = make(
    "button",
    { class: "launcher", type: "button", "aria-expanded": "false", "aria-controls": "panel" },
    icon("talk", "M5 5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-7l-5 4v-4H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2z"),
    icon("shut", "M6 9.5l6 6 6-6"),
    badge,
  );
  const close = make("button", { type: "button" }, "Close");
  const late = make(
    "div",
    { class: "late", role: "status", hidden: "" },
    make("span", {}, "The chat cannot be shown here."),
    make("a", { href: `${ORIGIN}/chat`, target: "_blank", rel: "noopener" }, "Open it in a new tab"),
    close,
  );
  const before = make("span", { class: "edge", tabindex: "0" });
  const after = make("span", { class: "edge", tabindex: "0" });
  const panel = make(
    "div",
    { class: "panel", id: "panel", role: "dialog", "aria-modal": "true", "aria-label": NAME },
    before,
    late,
    after,
  );
  const root = make("div", { class: position === "left" ? "root left" : "root" }, panel, launcher);
  root.dir = dir === "rtl" ? "rtl" : "ltr";
  root.style.setProperty("--accent", COLOUR);
  root.style.setProperty("--on-accent", readableOn(COLOUR));
  shadow.append(root);

  let frame = null;
  let isReady = false;
  let isOpen = false;
  let unread = 0;

  function load() {
    if (frame) return;
    const query = new URLSearchParams({ embed: "1" });
    if (accent) query.set("accent", COLOUR);
    if (title) query.set("title", title);
    if (dir) query.set("dir", dir);
    frame = make("iframe", { src: `${ORIGIN}/chat?${query}`, title: NAME });
    frame.addEventListener("load", () => tell("hello"));
    after.before(frame);
    setTimeout(() => (late.hidden = isReady), LATE_MS);
  }

  function tell(type, value) {
    frame?.contentWindow?.postMessage({ colloquy: PROTOCOL, type, value }, ORIGIN);
  }

  function label() {
    const waiting = unread ? `, ${unread} unread` : "";
    launcher.setAttribute("aria-label", isOpen ? `Close: ${NAME}` : `Open: ${NAME}${waiting}`);
    launcher.setAttribute("aria-expanded", String(isOpen));
    badge.hidden = unread === 0 || isOpen;
    badge.textContent = unread > 99 ? "99+" : String(unread);
  }

  /* `byHand`: the visitor asked for it, so the focus goes along. */
  function set(open, byHand) {
    isOpen = open;
    if (open) load();
    root.classList.toggle("open", open);
    keep(open ? "open" : "closed");
    label();
    if (isReady) tell("open", open);
    if (byHand && open) focusInside("first");
    else if (byHand) launcher.focus();
  }

  function focusInside(where) {
    if (!isReady) {
      panel.querySelector("button, a")?.focus();
      return;
    }
    frame.focus();
    tell("focus", where);
  }

  launcher.addEventListener("click", () => set(!isOpen, true));
  close.addEventListener("click", () => set(false, true));
  // Whoever leaves the frame at one end comes in at the other.
  before.addEventListener("focus", () => focusInside("last"));
  after.addEventListener("focus", () => focusInside("first"));
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && isOpen) set(false, true);
  });

  addEventListener("message", (event) => {
    const isOurs = event.origin === ORIGIN && frame && event.source === frame.contentWindow;
    if (!isOurs || event.data?.colloquy !== PROTOCOL) return;
    const { type, value } = event.data;
    if (type === "ready") {
      isReady = true;
      late.hidden = true;
      tell("open", isOpen);
    } else if (type === "unread" && Number.isInteger(value)) {
      unread = Math.max(0, value);
      label();
    } else if (type === "close" && isOpen) {
      set(false, true);
    }
  });

  // The keyboard of a phone covers a part of the page: the panel takes what is left.
  window.visualViewport?.addEventListener("resize", () => {
    root.style.setProperty("--height", `${window.visualViewport.height}px`);
  });

  window.Colloquy = Object.freeze({
    open: () => set(true, true),
    close: () => set(false, true),
  });

  function begin() {
    document.body.append(host);
    label();
    const used = recall();
    if (open === "true" ? used !== "closed" : used === "open") set(true, false);
    else if (used) load(); // who has talked here hears of answers
  }

  if (document.body) begin();
  else addEventListener("DOMContentLoaded", begin, { once: true });
})();

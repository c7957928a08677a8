// The charts of feedback, once the figures are there. The table beneath has the same figures.

import { show } from "./charts.js";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

const seconds = (value) => `${short.format(value)} s`;
const percent = (value) => `${whole.format(value * 100)} %`;
const CHARTS = {
  feedback: { lines: [["feedback", "Ratings", "--series-1"]], format: (value) => whole.format(value), least: 1, bars: true },
  rating: { lines: [["average_rating", "Average rating", "--series-2"]], format: (value) => short.format(value), least: 0.1, points: true, range: () => [0.9, 5.1] },
  completion: { lines: [["completion_rate", "Completed", "--series-3"]], format: percent, least: 0.1, points: true, range: () => [0, 1.05] },
  response: { lines: [["response_s", "Mean response", "--series-1"]], format: seconds, least: 0.1, points: true },
};

async function load() {
  const place = document.querySelector("[data-trend]");
  if (!place || place.dataset.shown) return;
  place.dataset.shown = "true";
  const answer = await fetch(place.dataset.trend).catch(() => null);
  if (answer?.ok) show(place, CHARTS, { ...(await answer.json()), step_s: 86400 });
}

load();
document.body.addEventListener("htmx:afterSettle", load);

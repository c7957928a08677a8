// The ledger's dashboard: charts of what is stored. The table beneath has the same figures.

import { show } from "./charts.js";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

const seconds = (value) => (value < 1 ? `${short.format(value * 1000)} ms` : `${short.format(value)} s`);
const CHARTS = {
  changes: { lines: [["changes", "Changes", "--series-1"]], format: (value) => whole.format(value), least: 1, bars: true },
  operations: { lines: [["completed", "Completed", "--series-2"], ["failed", "Failed", "--bad"]], format: (value) => whole.format(value), least: 1 },
  times: { lines: [["mean_s", "Mean", "--series-1"], ["longest_s", "Longest", "--series-3"]], format: seconds, least: 0.001, points: true },
};

const place = document.querySelector("[data-trend]");

async function load() {
  const answer = await fetch(place.dataset.trend).catch(() => null);
  if (answer?.ok) show(place, CHARTS, await answer.json());
}

load();

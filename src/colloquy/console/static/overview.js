// The overview: live figures in the tiles, charts that grow, parts that are loaded again when what
// they show has changed.

const SPANS = {
  ten_minutes: { points: 600, step: 30 },
  day: { points: 1440, step: 60 },
};
const SPARK_POINTS = 60;

const series = { ten_minutes: emptySeries(), day: emptySeries() };
let span = "ten_minutes";
const charts = [];

function emptySeries() {
  const columns = ["at", "accepted_per_s", "turns_per_s", "replies_per_s", "p50_ms", "p95_ms", "p99_ms", "waiting"];
  return Object.fromEntries(columns.map((name) => [name, []]));
}

// -- figures -----------------------------------------------------------------------------------

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const SHOWN = {
  rate: (value) => (value >= 100 ? whole : tenths).format(value),
  count: (value) => whole.format(value),
  ms(value) {
    if (value === null || value === undefined) return "–";
    if (value >= 1000) return `${tenths.format(value / 1000)} s`;
    return `${(value < 10 ? tenths : whole).format(value)} ms`;
  },
  seconds: (value) => `${(value < 10 ? tenths : whole).format(value)} s`,
  bytes(value) {
    const units = ["B", "KB", "MB", "GB"];
    let rest = value;
    let unit = 0;
    while (rest >= 1024 && unit < units.length - 1) {
      rest /= 1024;
      unit += 1;
    }
    return `${(unit ? tenths : whole).format(rest)} ${units[unit]}`;
  },
};

function showFigures(now) {
  for (const element of document.querySelectorAll("[data-value]")) {
    const value = element.dataset.value.split(".").reduce((part, name) => part?.[name], now);
    const text = SHOWN[element.dataset.format](value);
    if (element.textContent !== text) element.textContent = text;
  }
}

function drawSparks() {
  const recent = series.ten_minutes;
  for (const spark of document.querySelectorAll("[data-spark]")) {
    const values = recent[spark.dataset.spark].slice(-SPARK_POINTS).map((value) => value ?? 0);
    const most = Math.max(...values, 1e-9);
    const offset = SPARK_POINTS - values.length;
    const points = values.map((value, index) => {
      const x = ((offset + index) * 100) / (SPARK_POINTS - 1);
      return `${x.toFixed(1)},${(22 - (value / most) * 20).toFixed(1)}`;
    });
    spark.firstElementChild.setAttribute("points", points.join(" "));
  }
}

// -- charts ------------------------------------------------------------------------------------

const CHARTS = {
  rates: [["accepted_per_s", "Accepted"], ["turns_per_s", "Turns"], ["replies_per_s", "Replies"]],
  latency: [["p50_ms", "p50"], ["p95_ms", "p95"], ["p99_ms", "p99"]],
};
const FORMATS = { rates: SHOWN.rate, latency: SHOWN.ms };
const PLOT_HEIGHT = 208;
const DASHES = [[], [6, 4], [2, 3]];

const minute = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function data(kind) {
  const shown = series[span];
  return [shown.at, ...CHARTS[kind].map(([column]) => shown[column])];
}

/** The span ends now and has its whole width from the beginning, so that nothing jumps. */
function range() {
  const newest = series[span].at.at(-1) ?? Date.now() / 1000;
  const seconds = span === "day" ? SPANS.day.points * 60 : SPANS.ten_minutes.points;
  return [newest - seconds, newest];
}

function makeCharts() {
  for (const chart of charts.splice(0)) chart.plot.destroy();
  const grid = { stroke: token("--line"), width: 1 };
  const axis = { stroke: token("--soft"), grid, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  for (const figure of document.querySelectorAll("[data-chart]")) {
    const kind = figure.dataset.chart;
    const place = figure.querySelector(".plot");
    const lines = CHARTS[kind].map(([, label], index) => ({
      label,
      stroke: token(`--series-${index + 1}`),
      width: 1.5,
      dash: DASHES[index], // told apart without colour
      points: { show: false },
      spanGaps: false,
      value: (_, value) => (value === null ? "–" : FORMATS[kind](value)),
    }));
    const plot = new uPlot({
      width: place.clientWidth,
      height: PLOT_HEIGHT,
      padding: [8, 8, 0, 0],
      cursor: { drag: { x: false, y: false }, points: { size: 6 } },
      scales: { x: { range }, y: { range: (_, __, most) => [0, Math.max(most ?? 0, 1) * 1.1] } },
      axes: [{ ...axis, size: 32, space: 70, values: (_, splits) => splits.map((at) => minute.format(at * 1000)) }, { ...axis, size: 52, space: 36 }],
      series: [{ value: (_, at) => (at ? new Date(at * 1000).toLocaleTimeString() : "now") }, ...lines],
    }, data(kind), place);
    charts.push({ kind, plot, place });
  }
}

function updateCharts() {
  for (const { kind, plot } of charts) {
    plot.setData(data(kind));
    // Where nobody points, the legend shows the newest figures.
    if (plot.cursor.idx == null) plot.setLegend({ idx: series[span].at.length - 1 });
  }
}

new ResizeObserver(() => {
  for (const { plot, place } of charts) {
    if (place.clientWidth !== plot.width) plot.setSize({ width: place.clientWidth, height: PLOT_HEIGHT });
  }
}).observe(document.querySelector(".charts"));

// -- the same as a table -----------------------------------------------------------------------

const details = document.querySelector(".as-table");

function fillTable() {
  if (!details.open) return;
  const shown = series[span];
  const rows = [];
  for (let index = shown.at.length - 1; index >= 0; index -= SPANS[span].step) {
    const row = document.createElement("tr");
    const texts = [
      new Date(shown.at[index] * 1000).toLocaleTimeString(),
      ...CHARTS.rates.map(([column]) => SHOWN.rate(shown[column][index])),
      ...CHARTS.latency.map(([column]) => SHOWN.ms(shown[column][index])),
      SHOWN.count(shown.waiting[index]),
    ];
    for (const [position, text] of texts.entries()) {
      const cell = document.createElement(position ? "td" : "th");
      if (position) cell.className = "number";
      else cell.scope = "row";
      cell.textContent = text;
      row.append(cell);
    }
    rows.push(row);
  }
  document.getElementById("as-table").replaceChildren(...rows);
}

// -- what happens ------------------------------------------------------------------------------

let shownHealth;
let shownCensus;

function add(point) {
  const recent = series.ten_minutes;
  if (!point.at.length || point.at[0] <= (recent.at.at(-1) ?? 0)) return false;
  for (const [name, column] of Object.entries(recent)) {
    column.push(...point[name]);
    if (column.length > SPANS.ten_minutes.points) column.shift();
  }
  return true;
}

document.body.addEventListener("colloquy:statistics", ({ detail }) => {
  showFigures(detail.now);
  tell("health", `${detail.now.health.status} ${detail.now.health.score}`, shownHealth);
  shownHealth = `${detail.now.health.status} ${detail.now.health.score}`;
  tell("census", detail.now.census?.at, shownCensus);
  shownCensus = detail.now.census?.at;
  if (!add(detail.point)) return;
  drawSparks();
  if (span !== "ten_minutes") return;
  updateCharts();
  if (detail.point.at[0] % SPANS.ten_minutes.step === 0) fillTable();
});

/** Lets a part of the page load itself again when what it shows is another than before. */
function tell(kind, value, before) {
  if (value !== before && value !== undefined) {
    document.body.dispatchEvent(new CustomEvent(`colloquy:${kind}`));
  }
}

async function load() {
  const answer = await fetch("/console/statistics").catch(() => null);
  if (!answer?.ok) return;
  const { ten_minutes, day } = await answer.json();
  Object.assign(series.ten_minutes, ten_minutes);
  Object.assign(series.day, day);
  drawSparks();
  updateCharts();
  fillTable();
}

for (const input of document.querySelectorAll("input[name=span]")) {
  input.addEventListener("change", async () => {
    span = input.value;
    await load();
    updateCharts();
    fillTable();
  });
}
details.addEventListener("toggle", fillTable);
document.body.addEventListener("colloquy:theme", makeCharts);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", makeCharts);

makeCharts();
load();

// Charts of columns over time, drawn again when the look changes. Beside each is a table with the same figures.

const HEIGHT = 176;
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const DASHES = [[], [6, 4]];

function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/* `figures` each name a chart of `kinds` in data-chart; `trend` has the columns, `at` and `step_s` in seconds. */
function draw(plots, figures, kinds, trend) {
  for (const { plot } of plots.splice(0)) plot.destroy();
  const grid = { stroke: token("--line"), width: 1 };
  const axis = { stroke: token("--soft"), grid, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const end = trend.at.at(-1) + trend.step_s;
  const when = end - trend.at[0] > 2 * 86400 ? day : hour;
  for (const figure of figures) {
    const chart = kinds[figure.dataset.chart];
    const within = figure.querySelector(".plot");
    const lines = chart.lines.map(([, label, colour], index) => ({
      label,
      stroke: token(colour),
      fill: chart.bars ? token(colour) : undefined,
      width: chart.bars ? 0 : 1.5,
      dash: DASHES[index], // told apart without colour
      paths: chart.bars ? uPlot.paths.bars({ size: [0.7, 40], align: 1 }) : undefined,
      points: { show: chart.points ?? false, size: 5 },
      value: (_, value) => (value === null ? "–" : chart.format(value)),
    }));
    const plot = new uPlot({
      width: within.clientWidth,
      height: HEIGHT,
      padding: [8, 26, 0, 0],
      cursor: { drag: { x: false, y: false }, points: { show: !chart.bars, size: 6 } },
      scales: {
        x: { range: () => [trend.at[0], end] },
        y: { range: chart.range ?? ((_, __, most) => [0, Math.max(most ?? 0, chart.least) * 1.1]) },
      },
      axes: [
        { ...axis, size: 32, space: 60, values: (_, splits) => splits.map((at) => when.format(at * 1000)) },
        { ...axis, size: 60, space: 36, incrs: chart.least === 1 ? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6] : undefined, values: (_, splits) => splits.map(chart.format) },
      ],
      // Where nobody points, the legend shows the newest figures.
      hooks: { ready: [(made) => made.setLegend({ idx: trend.at.length - 1 })] },
      series: [{ value: (_, at) => (at ? moment.format(at * 1000) : "now") }, ...lines],
    }, [trend.at, ...chart.lines.map(([column]) => trend[column])], within);
    plots.push({ plot, within });
  }
}

/* Draws them now, and whenever the place changes its size or the page its look. */
export function show(place, kinds, trend) {
  const plots = [];
  const again = () => draw(plots, place.querySelectorAll("[data-chart]"), kinds, trend);
  again();
  new ResizeObserver(() => {
    for (const { plot, within } of plots) {
      if (within.clientWidth !== plot.width) plot.setSize({ width: within.clientWidth, height: HEIGHT });
    }
  }).observe(place);
  document.body.addEventListener("colloquy:theme", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
}

// Figures as pictures: bars of our own, and lines over time by uPlot, if it was fetched at set-up.

import { h, show } from "./dom.js";
import { count, shortly } from "./format.js";

const COLOURS = 8;
const HEIGHT = 190;

/** Return one bar that is made of parts: {name, value, kind}. */
export function partsBar(parts, label) {
  const total = parts.reduce((sum, one) => sum + one.value, 0);
  const shown = parts.filter((one) => one.value > 0);
  return h(
    "div.parts-bar",
    { role: "img", "aria-label": `${label}: ${shown.map((one) => `${one.name} ${count(one.value)}`).join(", ") || "none"}` },
    total > 0 &&
      shown.map((one) =>
        h("div", { class: `fill-${one.kind}`, title: `${one.name}: ${count(one.value)}`, style: { "--part": one.value / total } }),
      ),
  );
}

/** Return rows with a bar each: {name, value, kind, href}. */
export function barRows(rows, label) {
  const most = Math.max(1, ...rows.map((one) => one.value));
  return h(
    "ul.bar-rows",
    { "aria-label": label },
    rows.map((one) =>
      h(
        "li",
        { key: one.key ?? one.name },
        h("div.bar-row-head", one.href ? h("a", { href: one.href, title: one.name }, one.name) : h("span", { title: one.name }, one.name), h("span.number", count(one.value))),
        h("div.bar", h("div", { class: `fill-${one.kind ?? "accent"}`, style: { "--part": `${(one.value / most) * 100}%` } })),
      ),
    ),
  );
}

/** Return series of versions over time, the most frequent ones and the rest, for `drawVersions`. */
export function versionSeries(samples, versions) {
  const times = [...new Set(samples.map((one) => one.at_s))].sort((one, other) => one - other);
  const at = new Map(times.map((one, index) => [one, index]));
  const byName = new Map();
  const products = new Set([...samples, ...versions].map((one) => one.product));
  const named = (one) => (products.size > 1 ? `${one.product} ${one.version || "?"}` : one.version || "not known");
  for (const one of samples) {
    const name = named(one);
    if (!byName.has(name)) byName.set(name, new Array(times.length).fill(0));
    byName.get(name)[at.get(one.at_s)] += one.devices;
  }
  const sum = (values) => values.reduce((total, one) => total + one, 0);
  const order = [...byName].sort(([, one], [, other]) => sum(other) - sum(one));
  const first = order.slice(0, COLOURS - 1);
  const rest = order.slice(COLOURS - 1);
  if (rest.length) first.push(["others", times.map((_one, index) => sum(rest.map(([, values]) => values[index])))]);
  first.sort(([one], [other]) => (one === "others") - (other === "others") || one.localeCompare(other, "en", { numeric: true }));
  return { times, series: first.map(([name, values]) => ({ name, values })) };
}

let uplot = null;

async function library() {
  uplot ??= document.body.dataset.charts === "yes" ? (await import("./vendor/uPlot.esm.js")).default : null;
  return uplot;
}

/** Draw how many devices ran which version when, one above the other; returns how to end it. */
export async function drawVersions(place, { times, series }) {
  const Plot = await library().catch(() => null);
  if (Plot === null) {
    show(place, h("p.note", "There are no charts here: uPlot was not fetched when the console was set up (", h("code", "tools/setup"), ")."));
    return () => {};
  }
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const sums = series.map((_one, index) => times.map((_at, time) => series.slice(index).reduce((sum, one) => sum + one.values[time], 0)));
  const axis = { stroke: colour("--text-faint"), grid: { stroke: colour("--line-soft"), width: 1 }, ticks: { show: false }, font: `11px ${colour("--sans")}` };
  const hovered = h("div.chart-tip", { hidden: true });
  const plot = new Plot(
    {
      width: place.clientWidth || 600,
      height: HEIGHT,
      padding: [8, 4, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: { x: { time: true }, y: { range: (_u, _low, high) => [0, Math.max(1, high * 1.06)] } },
      axes: [
        { ...axis, size: 26, space: 70, values: (_u, splits, _a, _s, step) => splits.map((at) => tick(at, step)) },
        { ...axis, size: 40, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6] },
      ],
      series: [{}, ...series.map((one, index) => ({ label: one.name, stroke: colour(`--chart-${(index % COLOURS) + 1}`), fill: colour(`--chart-${(index % COLOURS) + 1}-soft`), width: 1.5, points: { show: false } }))],
      hooks: { setCursor: [(u) => point(u, hovered, times, series)] },
    },
    [times, ...sums],
    place,
  );
  place.append(hovered);
  const sized = new ResizeObserver(() => place.clientWidth && plot.setSize({ width: place.clientWidth, height: HEIGHT }));
  sized.observe(place);
  return () => {
    sized.disconnect();
    plot.destroy();
    hovered.remove();
  };
}

function tick(atS, stepS) {
  const date = new Date(atS * 1000);
  const hour = { hour: "2-digit", minute: "2-digit", hour12: false };
  return stepS >= 86400 ? date.toLocaleDateString("en", { month: "short", day: "numeric" }) : date.toLocaleTimeString("en", hour);
}

function point(u, hovered, times, series) {
  const at = u.cursor.idx;
  hovered.hidden = at === null || at === undefined;
  if (hovered.hidden) return;
  show(
    hovered,
    h("p", shortly(times[at])),
    series.map((one, index) => one.values[at] > 0 && h("div", h("span.swatch", { class: `chart-${index + 1}` }), h("span", one.name), h("span.number", count(one.values[at])))),
  );
  const left = u.valToPos(times[at], "x") + u.bbox.left / devicePixelRatio;
  const isRight = left > u.width / 2;
  hovered.style.setProperty("left", isRight ? "auto" : `${left + 10}px`);
  hovered.style.setProperty("right", isRight ? `${u.width - left + 10}px` : "auto");
}

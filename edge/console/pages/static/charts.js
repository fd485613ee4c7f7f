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
export function drawVersions(place, { times, series }) {
  return drawCurves(place, { times, series: series.map((one, at) => ({ ...one, colour: `--chart-${(at % COLOURS) + 1}`, swatch: `chart-${at + 1}` })) });
}

/**
 * Draw counts over time; returns how to end it.
 *
 * Args: series of {name, values, colour: "--name", swatch: class}, null where nothing is known; isStacked: one above the
 * other; top: what is shown at least; name(at): of a place in time, if it is none of the clock; unit behind the values.
 */
export async function drawCurves(place, { times, series }, { isStacked = true, top = 1, name = null, unit = "" } = {}) {
  const Plot = await library().catch(() => null);
  if (Plot === null) {
    show(place, h("p.note", "There are no charts here: uPlot was not fetched when the console was set up (", h("code", "tools/setup"), ")."));
    return () => {};
  }
  const style = getComputedStyle(document.documentElement);
  const colour = (one) => style.getPropertyValue(one).trim();
  const sums = series.map((one, index) => (isStacked ? times.map((_at, time) => series.slice(index).reduce((sum, each) => sum + each.values[time], 0)) : one.values));
  const axis = { stroke: colour("--text-faint"), grid: { stroke: colour("--line-soft"), width: 1 }, ticks: { show: false }, font: `11px ${colour("--sans")}` };
  const hovered = h("div.chart-tip", { hidden: true });
  const line = (one) => ({ label: one.name, stroke: colour(one.colour), fill: isStacked ? colour(`${one.colour}-soft`) : null, width: isStacked ? 1.5 : 2, points: { show: false }, spanGaps: true });
  const plot = new Plot(
    {
      width: place.clientWidth || 600,
      height: HEIGHT,
      padding: [8, 24, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: { x: { time: name === null }, y: { range: (_u, _low, high) => [0, Math.max(top, high) * (top > 1 ? 1.02 : 1.06)] } },
      axes: [
        { ...axis, size: 26, space: 70, values: (_u, splits, _a, _s, step) => splits.map((at) => (name ?? tick)(at, step)) },
        { ...axis, size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6], values: (_u, splits) => splits.map((value) => `${count(value)}${unit}`) },
      ],
      series: [{}, ...series.map(line)],
      hooks: { setCursor: [(u) => point(u, hovered, times, series, name ?? shortly, unit)] },
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

/**
 * Return a place for a chart that is drawn anew when the theme changes, until the screen is left.
 *
 * Args: screen; name that tells it from others; draw(place, data) returns how to end it.
 */
export function chart(screen, name, draw) {
  const place = h("div.chart", { own: name });
  let end = () => {};
  let last = null;
  let turn = 0;
  const again = async (data) => {
    const mine = (turn += 1);
    last = data;
    end();
    end = () => {};
    place.replaceChildren();
    if (data === null) return;
    const ended = await draw(place, data);
    if (mine === turn) end = ended;
    else ended();
  };
  const anew = () => last && again(last);
  window.addEventListener("edge-theme", anew);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", anew);
  screen.atEnd(() => {
    turn += 1;
    end();
    window.removeEventListener("edge-theme", anew);
    dark.removeEventListener("change", anew);
  });
  return { place, draw: again };
}

function tick(atS, stepS) {
  const date = new Date(atS * 1000);
  const hour = { hour: "2-digit", minute: "2-digit", second: stepS < 60 ? "2-digit" : undefined, hour12: false };
  return stepS >= 86400 ? date.toLocaleDateString("en", { month: "short", day: "numeric" }) : date.toLocaleTimeString("en", hour);
}

function point(u, hovered, times, series, name, unit) {
  const at = u.cursor.idx;
  hovered.hidden = at === null || at === undefined;
  if (hovered.hidden) return;
  show(
    hovered,
    h("p", name(times[at])),
    series.map((one) => one.values[at] > 0 && h("div", h("span.swatch", { class: one.swatch }), h("span", one.name), h("span.number", `${count(one.values[at])}${unit}`))),
  );
  const left = u.valToPos(times[at], "x") + u.bbox.left / devicePixelRatio;
  const isRight = left > u.width / 2;
  hovered.style.setProperty("left", isRight ? "auto" : `${left + 10}px`);
  hovered.style.setProperty("right", isRight ? `${u.width - left + 10}px` : "auto");
}

// How campaigns went, as curves: from samples, and how they stand now.

import { drawCurves } from "../charts.js";
import { nowS, span } from "../format.js";
import { PARTS, failuresOf, sumOf } from "./words.js";

const SHOWN = ["good", "soak", "info", "warn", "bad", "back", "back-2"];

const elapsed = (at) => (at < 120 ? `${Math.round(at)} s` : at < 7200 && at % 60 ? `${span(at)} ${Math.round(at % 60)} s` : span(at));

/** Return the samples of a campaign with its beginning and how it stands now. */
export function course(one, samples) {
  const found = samples.filter((each) => each.at_s >= (one.began_at_s || one.created_at_s));
  const first = one.began_at_s ? [{ at_s: one.began_at_s - 1, counts: { waiting: one.devices } }] : [];
  const last = found.at(-1);
  const now = Math.floor(one.is_live || !last ? nowS() : last.at_s);
  const isNewer = !last || now > last.at_s;
  return [...first, ...found, ...(isNewer && one.began_at_s ? [{ at_s: now, counts: one.counts }] : [])];
}

/** Return what a burn-up chart shows: times, and how many devices stood how. */
export function burnUp(one, samples) {
  const all = course(one, samples);
  const times = all.map((each) => each.at_s);
  // What is done stands at the bottom, and grows.
  const series = PARTS.filter((part) => SHOWN.includes(part.kind))
    .reverse()
    .map((part) => ({ name: part.name, colour: part.colour, swatch: `fill-${part.kind}`, values: all.map((each) => sumOf(each.counts, ...part.states)) }))
    .filter((each) => each.values.some((value) => value > 0));
  return { times, series, top: one.devices };
}

export const drawBurnUp = (place, data) => drawCurves(place, data, { top: data.top });

/** Return curves of several campaigns by the time since they began: one axis, what is not known is null. */
export function overlaid(all, isShare) {
  const curves = all.map(({ one, samples }) => {
    const points = course(one, samples);
    const whole = Math.max(1, one.devices);
    const asked = (count) => (isShare ? Math.round((count / whole) * 1000) / 10 : count);
    return { one, points: points.map((each) => ({ at: each.at_s - one.began_at_s, good: asked(sumOf(each.counts, "succeeded", "present")), bad: asked(failuresOf(each.counts)) })) };
  });
  const times = [...new Set(curves.flatMap((each) => each.points.map((point) => Math.max(0, point.at))))].sort((one, other) => one - other);
  const filled = (points, key) => {
    let at = -1;
    return times.map((time) => {
      while (at + 1 < points.length && Math.max(0, points[at + 1].at) <= time) at += 1;
      // Past its last sample nothing is known.
      return at < 0 || time > Math.max(0, points.at(-1).at) ? null : points[at][key];
    });
  };
  return { times, curves: curves.map(({ one, points }) => ({ one, good: filled(points, "good"), bad: filled(points, "bad") })) };
}

export const drawOverlaid = (place, data) => drawCurves(place, data, { isStacked: false, top: data.top, name: elapsed, unit: data.unit });

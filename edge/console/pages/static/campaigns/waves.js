// The waves of a campaign as rows: how each stands, how far the next one is, and how near a stop.

import { h } from "../dom.js";
import { count, plural, span } from "../format.js";
import { badge, panel } from "../parts.js";
import { gauge } from "./gauge.js";
import { countedOf, isBack, legend, limitWords, standing, statesBar, sumOf } from "./words.js";

const UNENDED = ["waiting", "offered", "updating", "between", "held", "soaking"];

/** Return how many of a wave have to succeed for the next one to begin. */
export const neededOf = (wave) => Math.ceil((wave.success_percent * countedOf(wave)) / 100);

/** Return what follows, in a sentence. */
export function nextWords(one) {
  const wave = one.wave_views[one.open_wave - 1];
  const needed = neededOf(wave);
  switch (one.state) {
    case "draft":
      return "Nobody has started it yet; nothing was ordered.";
    case "waiting-for-approval":
      return `${count(one.approved_by.length)} of ${plural(one.plan.approvals, "person has", "people have")} approved it. Nothing is ordered before all have.`;
    case "scheduled":
      return "It begins at its time.";
    case "running":
      if (one.open_wave === one.waves) return one.plan.is_dynamic ? "The last wave is open; devices that come to fit join it." : `The last wave is open: ${plural(sumOf(one.counts, ...UNENDED), "device")} left.`;
      if (wave.succeeded >= needed) return `Wave ${wave.number + 1} begins${wave.wait_s ? ` ${span(wave.wait_s)} after wave ${wave.number} had enough successes` : " now"}.`;
      return `Wave ${wave.number + 1} begins when ${count(needed)} of ${count(countedOf(wave))} in wave ${wave.number} have succeeded; ${count(wave.succeeded)} have by now.`;
    case "paused":
      return "No device is ordered until somebody decides: resume, stop, or go back.";
    case "closing":
      return "It orders no more devices; what is under way comes to its end.";
    case "aborting":
      return "It was stopped; orders under way are taken back.";
    case "reverting":
      return `${plural(sumOf(one.counts, "reverting"), "device")} are going back to what they ran before.`;
    case "aborted":
      return "It was stopped. Devices that run the release keep it, unless they are ordered back.";
    case "reverted":
      return "Its devices run again what they ran before.";
    default:
      return "All its devices have come to their end.";
  }
}

/** Return the panel with all waves. */
export function waves(one) {
  return panel("Waves", [h("ol.waves", one.wave_views.map((wave) => row(wave, one))), h("div.inside", legend(one.counts))], { kind: "is-flush" });
}

function row(wave, one) {
  const isBegun = wave.is_open && one.began_at_s > 0;
  const isLast = wave.number === one.waves;
  return h(
    "li.wave",
    { key: wave.number, class: isBegun ? (wave.number === one.open_wave && one.is_live ? "is-now" : "is-begun") : "" },
    h(
      "div.wave-head",
      h("strong", `Wave ${wave.number}`),
      h("span.wave-size.mono", { title: wave.size }, wave.size),
      h("span.faint", plural(wave.devices, "device")),
      h("span.push", badge(...stateOf(wave, one, isBegun))),
    ),
    wave.devices > 0 && statesBar(wave.counts, `Wave ${wave.number}`),
    isBegun && wave.devices > 0 && isBack(one) && h("p.faint.number", backWords(wave)),
    isBegun && wave.devices > 0 && !isBack(one) && h("div.wave-gauges", success(wave, isLast || wave.number < one.open_wave), failure(wave)),
    !isBegun && h("p.faint", limitWords(wave.gauge)),
  );
}

function stateOf(wave, one, isBegun) {
  if (!isBegun) return ["not begun", "none"];
  if (!wave.devices) return ["no device", "none"];
  const left = sumOf(wave.counts, ...UNENDED);
  if (!left) return wave.gauge.failures ? ["ended", "none"] : ["done", "good"];
  return one.state === "running" ? ["open", "info"] : [standing(one).text.toLowerCase(), standing(one).kind];
}

function backWords({ counts }) {
  const said = [["reverted", "went back"], ["reverting", "are going back"], ["stranded", "did not go back"], ["failed", "failed"], ["silent", "silent"]];
  return said.filter(([state]) => counts[state]).map(([state, words]) => `${count(counts[state])} ${words}`).join(", ") || "nothing to take back";
}

function success(wave, isLast) {
  const meant = Math.max(1, countedOf(wave));
  const needed = neededOf(wave);
  const text = `${count(wave.succeeded)} of ${count(countedOf(wave))} succeeded${isLast ? "" : `; ${count(needed)} are needed for the next wave`}`;
  return h("div", gauge({ value: wave.succeeded / meant, mark: isLast ? null : wave.success_percent / 100, kind: "good", label: `Successes of wave ${wave.number}`, text }), h("p.faint.number", text));
}

/** Return how near the failures of a wave are to its limit: full is where it stops. */
function failure(wave) {
  const { failures, ended, count: most, percent, sample } = wave.gauge;
  const parts = [0];
  if (most !== null) parts.push(failures / most);
  if (percent !== null && ended > 0) parts.push(failures / Math.max(1, Math.floor((percent * Math.max(ended, sample)) / 100) + 1));
  const value = Math.max(...parts);
  const rate = ended ? ` (${Math.round((failures / ended) * 1000) / 10} %)` : "";
  const early = percent !== null && most === null && ended < sample ? ` The share counts once ${count(sample)} ended.` : "";
  const text = `${count(failures)} of ${count(ended)} that ended failed${rate}; ${limitWords(wave.gauge)}.${early}`;
  return h("div", gauge({ value, mark: 1, kind: failures ? "bad" : "none", label: `Failures of wave ${wave.number}`, text }), h("p.faint.number", `${count(failures)} of ${count(ended)} that ended failed${rate}; ${shortLimit(wave.gauge)}`));
}

function shortLimit({ ended, count: most, percent, sample }) {
  const found = [];
  if (most !== null) found.push(`${count(most)} ${most === 1 ? "stops" : "stop"} it`);
  if (percent !== null) found.push(ended < sample ? `above ${percent} % stops it once ${count(sample)} ended` : `above ${percent} % stops it`);
  return found.join(", ") || "none stops it";
}

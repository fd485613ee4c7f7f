// How campaigns and their devices stand: words, colours, and what is counted together.

import { count, plural } from "../format.js";
import { partsBar } from "../charts.js";
import { h } from "../dom.js";

const STATES = {
  draft: ["Draft", "none"],
  "waiting-for-approval": ["Waits for approval", "warn"],
  scheduled: ["Scheduled", "info"],
  running: ["Running", "info"],
  paused: ["Paused", "warn"],
  closing: ["Closing", "info"],
  aborting: ["Stopping", "warn"],
  reverting: ["Going back", "warn"],
  finished: ["Finished", "good"],
  aborted: ["Stopped", "none"],
  reverted: ["Went back", "none"],
};

/** Return how a campaign stands: {text, kind}. One that its own rule stopped is a matter for somebody. */
export function standing(one) {
  const [text, kind] = STATES[one.state] ?? [one.state, "none"];
  return one.tripped && one.state !== "finished" ? { text: one.state === "paused" ? "Paused by its rule" : text, kind: "bad" } : { text, kind };
}

const MEMBERS = {
  waiting: ["waits for its turn", "none"],
  offered: ["ordered", "info"],
  updating: ["updating", "info"],
  between: ["between two releases", "info"],
  held: ["waits for its user or window", "warn"],
  soaking: ["in its soak", "info"],
  succeeded: ["succeeded", "good"],
  failed: ["failed", "bad"],
  silent: ["silent", "bad"],
  refused: ["can not be ordered", "warn"],
  present: ["ran it already", "good"],
  overtaken: ["ordered otherwise", "none"],
  cancelled: ["taken back", "none"],
  gone: ["takes no part any more", "none"],
  reverting: ["going back", "warn"],
  "half-back": ["system is back", "warn"],
  reverted: ["went back", "none"],
  stranded: ["did not go back", "bad"],
};
export const MEMBER_STATES = ["failed", "silent", "stranded", "refused", "reverting", "half-back", "updating", "between", "held", "offered", "soaking", "overtaken", "cancelled", "gone", "reverted", "succeeded", "present", "waiting"];
export const RETRIABLE = ["failed", "silent", "refused", "overtaken", "cancelled", "gone"];
/** Return what a campaign brings: its release, or all of a set. */
export const releaseOf = (one) => [one.version, ...one.also].join(" + ");
/** Return how a device stands: [words, kind]. */
export const memberWords = (state) => MEMBERS[state] ?? [state, "none"];

// What bars and curves show as one, in their order.
export const PARTS = [
  { name: "Succeeded", kind: "good", states: ["succeeded", "present"], colour: "--good-line" },
  { name: "In their soak", kind: "soak", states: ["soaking"], colour: "--soak-line" },
  { name: "Under way", kind: "info", states: ["updating", "between", "offered"], colour: "--info-line" },
  { name: "Waiting for a user or window", kind: "warn", states: ["held"], colour: "--warn-line" },
  { name: "Failed", kind: "bad", states: ["failed", "silent", "stranded"], colour: "--bad-line" },
  { name: "Going back", kind: "back", states: ["reverting", "half-back"], colour: "--back-line" },
  { name: "Went back", kind: "back-2", states: ["reverted"], colour: "--back-2-line" },
  { name: "Left out", kind: "none", states: ["refused", "overtaken", "cancelled", "gone"], colour: "--none-line" },
  { name: "Not ordered yet", kind: "open", states: ["waiting"], colour: "--none-line" },
];

export const sumOf = (counts, ...states) => states.reduce((sum, one) => sum + (counts[one] ?? 0), 0);
export const failuresOf = (counts) => sumOf(counts, "failed", "silent");
export const underWayOf = (counts) => sumOf(counts, "offered", "updating", "between", "held");
/** Devices that have the release, or may have it: those that go back. */
export const backOf = (counts) => sumOf(counts, "soaking", "succeeded", "silent");
/** Whether devices go back, or went: then nothing is measured any more, for they are counted no longer. */
export const isBack = (one) => one.state === "reverting" || one.state === "reverted";
/** Devices of a wave of which a share has to succeed: not those that take no part, nor failures that nobody minds. */
export const countedOf = (wave) => wave.devices - sumOf(wave.counts, "refused", "overtaken", "cancelled", "gone") - Math.max(0, failuresOf(wave.counts) - wave.gauge.failures);

const partsOf = (counts) => PARTS.map((one) => ({ ...one, value: sumOf(counts, ...one.states) }));

/** Return a bar of devices by how they stand. */
export const statesBar = (counts, label) => partsBar(partsOf(counts), label);

/** Return what the colours of the bar are, for what there is. */
export function legend(counts) {
  return h(
    "ul.legend",
    partsOf(counts)
      .filter((one) => one.value > 0)
      .map((one) => h("li", { key: one.kind }, h("span.swatch", { class: `fill-${one.kind}` }), h("span", one.name), h("span.number", count(one.value)))),
  );
}

const EVENTS = {
  started: "started it",
  approved: "approved it",
  began: "It began",
  opened: "began the next wave",
  paused: "paused it",
  resumed: "went on with it",
  aborted: "stopped it",
  reverted: "ordered all devices back",
  retried: "gave devices another try",
  edited: "changed its plan",
  expired: "let it order no more",
  ended: "It came to its end",
  away: "The console was away, or its clock was set",
  tripped: "Its rule stopped it",
};
const BY_TIME = { opened: "The next wave began", expired: "Its time was over: it orders no more", paused: "It paused", aborted: "It stopped", reverted: "It orders all devices back" };
const DEVICE_EVENTS = {
  offered: "was ordered",
  refused: "could not be ordered",
  found: "runs the release already",
  left: "takes no part any more",
  "took-up": "took the order up",
  held: "waits for its user or window",
  downloaded: "has written it",
  restarting: "restarts",
  passed: "took a release on the way",
  committed: "kept the new slot",
  started: "started once more in its soak",
  soaked: "ran it long enough",
  failed: "failed",
  again: "failed, and may try again",
  silent: "is silent",
  unanswered: "did not take the order up",
  cancelled: "had its order taken back",
  overtaken: "was ordered something else",
  retried: "gets another try",
  "called-back": "was ordered back",
  "went-back": "went back",
  stayed: "did not go back",
  joined: "joined",
};
export const deviceEvent = (name) => DEVICE_EVENTS[name] ?? name;
/** Return what was decided: [who is named first, words]. */
export const decided = (entry) => (entry.by ? [true, EVENTS[entry.what] ?? entry.what] : [false, BY_TIME[entry.what] ?? EVENTS[entry.what] ?? entry.what]);

const TRIPS = {
  pause: "Pause: no device more is ordered; what is under way comes to its end; a person decides.",
  abort: "Stop: no device more is ordered, and orders under way are taken back. Devices that run the release keep it.",
  revert: "Go back: as stop, and devices that took the release start their other slot again, without a download.",
};
export const tripWords = (name) => TRIPS[name];

/** Return what was seen when a rule stopped a campaign; nothing of other entries. */
export const seenWords = ({ trip }) => trip && `${count(trip.failures)} of ${plural(trip.ended, "device")} that had ended ${trip.wave ? `in wave ${trip.wave} ` : ""}had failed, ${count(trip.reached)} had been ordered.`;

/** Return the rule over all reports in words. */
export function evidenceWords({ good_permille: good, bad_permille: bad, alarm_permille: alarm }) {
  const percent = (permille) => `${permille / 10} %`;
  return `A release that fails on ${percent(bad)} of devices or more is stopped as soon as the reports show it; one that fails on ${percent(good)} is stopped in ${percent(alarm)} of all campaigns at most.`;
}

/** Return the limit of a wave in words. */
export function limitWords({ count: most, percent, sample }) {
  const found = [];
  if (most !== null && most !== undefined) found.push(most === 1 ? "one failure stops it" : `${count(most)} failures stop it`);
  if (percent !== null && percent !== undefined) found.push(`more than ${percent} % of failures stop it, once ${plural(sample, "device")} ended`);
  return found.join("; ") || "no number of failures stops it";
}

// A campaign that is being planned: what people have written, what it means, and its command.

import { line } from "../command.js";

export const STEPS = [
  { id: "release", name: "Release" },
  { id: "devices", name: "Devices" },
  { id: "waves", name: "Waves" },
  { id: "safety", name: "Safety" },
  { id: "pace", name: "Pace and time" },
  { id: "preview", name: "Preview" },
];
// To which step belongs what the console says of a place in the plan.
const PLACES = [
  [/^(version|also|product|releases)/, "release"],
  [/^(target|is_dynamic)/, "devices"],
  [/^waves/, "waves"],
  [/^(on_trip|evidence|approvals|times)/, "safety"],
];

const LIMIT = { success: "80", stop: "10%", wait: "0 s" };
const wave = (kind, amount, words = {}) => ({ kind, amount, filter: "", devices: "", ...LIMIT, ...words });
const shares = (...all) => all.map((one) => wave("percent", String(one)));
export const ADDED = () => wave("percent", "100");

export const PRESETS = {
  careful: { name: "Careful", what: "1 %, 10 %, 50 %, then all: a bad release is met by few", waves: () => shares(1, 10, 50, 100) },
  canary: { name: "Canaries by number", what: "5 devices first, drawn by lot, then all", waves: () => [wave("count", "5"), wave("percent", "100")] },
  named: { name: "Canaries by name", what: "devices that you name first, then 10 % and all", waves: () => [wave("devices", "", { stop: "1" }), wave("percent", "10"), wave("percent", "100")] },
  once: { name: "All at once", what: "one wave; only the pace and the stop rules hold it", waves: () => shares(100) },
};

/** Return a plan with which somebody who only goes on has a careful campaign. */
export const fresh = () => ({
  name: "",
  version: "",
  also: [],
  product: "",
  target: "",
  is_dynamic: false,
  preset: "careful",
  waves: PRESETS.careful.waves(),
  sample: "10",
  on_trip: "pause",
  hasEvidence: true,
  good: "1",
  bad: "5",
  alarm: "5",
  soak: "5 min",
  silence: "15 min",
  timeout: "1 d",
  answer: "1 h",
  seen: "1 d",
  approvals: "0",
  at_once: "50",
  per_minute: "",
  bandwidth: "",
  start_at: "",
  end_at: "",
  priority: "100",
  tries: "1",
  mode: "now",
  window: "",
  confirm: "as-set",
  confirm_until: "",
});

/** Return the draft of a plan that is to be changed: with its times. */
export function changing(one) {
  const local = (atS) => (atS ? new Date((atS - new Date(atS * 1000).getTimezoneOffset() * 60) * 1000).toISOString().slice(0, 16) : "");
  return Object.assign(like(one), { start_at: local(one.plan.start_at_s), end_at: local(one.plan.end_at_s), confirm_until: local(one.plan.confirm_until_s) });
}

/** Return the draft that a plan was made by: of an earlier campaign, to make one like it. */
export function like(one) {
  const { plan } = one;
  const { pace, times, evidence } = plan;
  const sample = String(plan.waves.find((each) => each.limit.percent !== null)?.limit.sample ?? 10);
  const stopOf = ({ count, percent }) => (count !== null ? String(count) : percent !== null ? `${percent}%` : "never");
  const draft = Object.assign(fresh(), {
    version: plan.version,
    also: [...plan.also],
    product: plan.product,
    target: plan.target,
    is_dynamic: plan.is_dynamic,
    preset: "",
    waves: plan.waves.map((each) =>
      wave(each.devices.length ? "devices" : each.filter ? "filter" : each.count !== null ? "count" : "percent", String(each.count ?? each.percent ?? ""), {
        filter: each.filter,
        devices: each.devices.join(" "),
        success: String(each.success_percent),
        stop: stopOf(each.limit),
        // One word can not say all limits that there are: as long as it stays, so does the limit.
        kept: { limit: each.limit, stop: stopOf(each.limit), sample },
        wait: spanText(each.wait_s),
      }),
    ),
    sample,
    on_trip: plan.on_trip,
    hasEvidence: evidence !== null,
    approvals: String(plan.approvals),
    at_once: String(pace.at_once),
    per_minute: pace.per_minute === null ? "" : String(pace.per_minute),
    bandwidth: pace.bytes_per_s === null ? "" : `${pace.bytes_per_s} B`,
    priority: String(plan.priority),
    tries: String(plan.tries),
    mode: plan.download_only ? "download" : plan.reboot,
    window: plan.window,
    confirm: plan.confirm,
  });
  for (const name of ["soak", "silence", "timeout", "answer", "seen"]) draft[name] = spanText(times[`${name}_s`]);
  if (evidence) Object.assign(draft, { good: String(evidence.good_permille / 10), bad: String(evidence.bad_permille / 10), alarm: String(evidence.alarm_permille / 10) });
  return draft;
}

const SPANS = { s: 1, min: 60, h: 3600, d: 86400 };
/** Return seconds of `90`, `5 min`, `1 h`; null if it can not be read. */
export function secondsOf(text) {
  const said = /^\s*(\d{1,9})\s*(s|min|h|d)?\s*$/.exec(text);
  return said ? Number(said[1]) * SPANS[said[2] ?? "s"] : null;
}

export function spanText(seconds) {
  const unit = ["d", "h", "min"].find((name) => seconds > 0 && seconds % SPANS[name] === 0) ?? "s";
  return `${seconds / SPANS[unit]} ${unit}`;
}

const UNITS = { "": 1, k: 1e3, m: 1e6, g: 1e9 };
export function speedOf(text) {
  const said = /^\s*(\d{1,13}(?:\.\d{1,3})?)\s*([kmg]?)b?(?:\/s)?\s*$/i.exec(text);
  return said ? Math.max(1, Math.floor(Number(said[1]) * UNITS[said[2].toLowerCase()])) : null;
}

/** Return the limit of `10%`, `3`, `never`. */
function limitOf(text, sample) {
  const said = /^\s*(\d{1,9})\s*(%?)\s*$/.exec(text);
  if (/^\s*never\s*$/i.test(text)) return { count: null, percent: null, sample };
  if (!said || (said[2] && Number(said[1]) > 100) || (!said[2] && Number(said[1]) < 1)) return null;
  return said[2] ? { count: null, percent: Number(said[1]), sample } : { count: Number(said[1]), percent: null, sample };
}

/** Return a maintenance window as it is sent; empty for that of the device, null if it can not be read. */
function windowOf(text) {
  const said = text.replaceAll(/\s|–/g, (one) => (one === "–" ? "-" : ""));
  return !said || /^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/.test(said) ? said : null;
}

const timeOf = (text) => (text ? Math.floor(new Date(text).getTime() / 1000) : 0);
export const namesOf = (text) => text.split(/[\s,]+/).filter(Boolean);

/**
 * Read a draft: returns {body, mistakes}, the request that it means and what can not be read: {step, text}.
 */
export function read(draft) {
  const mistakes = [];
  const need = (value, step, text) => {
    if (value === null || Number.isNaN(value)) mistakes.push({ step, text });
    return value;
  };
  const whole = (name, step, what, least = 0) => {
    const value = /^\s*\d{1,9}\s*$/.test(draft[name]) ? Number(draft[name]) : null;
    return need(value !== null && value >= least ? value : null, step, `${what}: '${draft[name]}' is not a number from ${least} on`);
  };
  const span = (name, what) => need(secondsOf(draft[name]), "safety", `${what}: '${draft[name]}' is no time such as 90 s, 5 min, 1 h`);
  const permille = (name, what) => need(/^\d{1,2}(\.\d)?$/.test(draft[name].trim()) ? Math.round(Number(draft[name]) * 10) : null, "safety", `${what}: '${draft[name]}' is no percent such as 1 or 2.5`);
  if (!draft.version) mistakes.push({ step: "release", text: "No release is chosen" });
  const sample = whole("sample", "safety", "Ended before a share counts", 1) ?? 10;
  const body = {
    version: draft.version,
    also: draft.also,
    product: draft.product,
    target: draft.target,
    is_dynamic: draft.is_dynamic,
    waves: draft.waves.map((one, at) => readWave(one, at, sample, need)),
    evidence: draft.hasEvidence ? { good_permille: permille("good", "Usual failures"), bad_permille: permille("bad", "Failures to notice"), alarm_permille: permille("alarm", "Good releases stopped") } : null,
    pace: { at_once: whole("at_once", "pace", "At once", 1), per_minute: draft.per_minute.trim() ? whole("per_minute", "pace", "Orders a minute", 1) : null, bytes_per_s: draft.bandwidth.trim() ? need(speedOf(draft.bandwidth), "pace", `Bandwidth: '${draft.bandwidth}' is none such as 500 kB or 5 MB`) : null },
    times: { soak_s: span("soak", "Soak"), silence_s: span("silence", "Silence"), timeout_s: span("timeout", "Longest update"), answer_s: span("answer", "Time to answer"), seen_s: span("seen", "Seen within") },
    download_only: draft.mode === "download",
    reboot: draft.mode === "window" ? "window" : "now",
    window: draft.mode === "window" ? need(windowOf(draft.window), "pace", `Window: '${draft.window}' is none such as 22:00-05:00`) : "",
    confirm: draft.confirm,
    confirm_until_s: draft.confirm === "never" ? 0 : need(timeOf(draft.confirm_until), "pace", "Asked until: no time"),
    start_at_s: need(timeOf(draft.start_at), "pace", "Begins: no time"),
    end_at_s: need(timeOf(draft.end_at), "pace", "Orders until: no time"),
    approvals: whole("approvals", "safety", "Approvals"),
    priority: whole("priority", "pace", "Priority"),
    tries: whole("tries", "pace", "Tries", 1),
    on_trip: draft.on_trip,
  };
  if (body.end_at_s && body.end_at_s <= Math.max(body.start_at_s, Date.now() / 1000)) mistakes.push({ step: "pace", text: "Orders until: it is over before it begins" });
  return { body, mistakes };
}

function readWave(one, at, sample, need) {
  const place = `Wave ${at + 1}`;
  const isKept = one.kept && one.kept.stop === one.stop && Number(one.kept.sample) === sample;
  const found = { limit: isKept ? one.kept.limit : need(limitOf(one.stop, sample), "waves", `${place}: '${one.stop}' is neither a share, a count, nor never`), wait_s: need(secondsOf(one.wait), "waves", `${place}: '${one.wait}' is no time such as 10 min`) };
  found.success_percent = need(/^\s*\d{1,3}\s*$/.test(one.success) && Number(one.success) <= 100 ? Number(one.success) : null, "waves", `${place}: '${one.success}' is no percent of successes`);
  if (one.kind === "filter") found.filter = need(one.filter.trim() || null, "waves", `${place}: a filter is missing`);
  else if (one.kind === "devices") {
    found.devices = namesOf(one.devices);
    need(found.devices.length || null, "waves", `${place}: name at least one device`);
  } else {
    const most = one.kind === "percent" ? 100 : 1e8;
    const amount = /^\s*\d{1,9}\s*$/.test(one.amount) ? Number(one.amount) : 0;
    found[one.kind] = need(amount >= 1 && amount <= most ? amount : null, "waves", `${place}: '${one.amount}' is not ${one.kind === "percent" ? "1 to 100 percent" : "a number of devices"}`);
  }
  return found;
}

/** Return the command that changes a campaign to what the draft says. */
export const changed = (draft, id) => command(draft).replace("edge campaign create", () => line("campaign", "edit", id));

/** Return the step that a mistake of the console is about. */
export const stepOf = (error) => PLACES.find(([pattern]) => pattern.test(error.place || error.message))?.[1] ?? "pace";

/** Whether options of the command say all waves: they have one limit for all, and canaries by name first. */
export function isSaid(draft) {
  const [first, ...rest] = draft.waves;
  const sized = first?.kind === "devices" ? rest : draft.waves;
  const isOne = (name) => new Set(sized.map((one) => one[name])).size <= 1;
  const isCanary = sized === draft.waves || (first.stop === "1" && first.success === sized[0]?.success && first.wait === sized[0]?.wait);
  const isPlain = draft.waves.every((one) => !one.kept || one.kept.limit.count === null || one.kept.limit.count === 1 || one.kept.limit.percent === null);
  return isPlain && isCanary && ["success", "stop", "wait"].every(isOne) && sized.every((one) => one.kind === "percent" || one.kind === "count");
}

/** Return the command that makes the same campaign, as far as options can say it. */
export function command(draft, { name = "", seed = null, isStarted = false } = {}) {
  const { body } = read(draft);
  const sized = draft.waves.filter((one) => one.kind === "percent" || one.kind === "count");
  const canaries = draft.waves[0]?.kind === "devices" ? namesOf(draft.waves[0].devices) : [];
  const [one] = sized;
  const option = (word, value, usual) => (value === usual || value === null || value === "" ? [] : [word, String(value)]);
  const times = { soak: 300, silence: 900, timeout: 86400, answer: 3600, seen: 86400 };
  const waves = sized.map((each) => each.amount + (each.kind === "percent" ? "%" : "")).join(",");
  const { evidence } = body;
  const rates = evidence ? `${evidence.good_permille / 10}%,${evidence.bad_permille / 10}%,${evidence.alarm_permille / 10}%` : "none";
  return line(
    ...["campaign", "create"],
    option("--name", name, ""),
    ["--release", draft.version || "VERSION"],
    draft.also.flatMap((each) => ["--release", each]),
    option("--product", draft.product, ""),
    option("--target", draft.target, ""),
    option("--waves", waves, "1%,10%,50%,100%"),
    canaries.flatMap((each) => ["--canary", each]),
    one && [option("--success", one.success, "80"), option("--stop-at", one.stop, "10%"), option("--wait", secondsOf(one.wait), 0)].flat(),
    option("--sample", draft.sample, "10"),
    option("--evidence", rates, "1%,5%,5%"),
    option("--on-trip", draft.on_trip, "pause"),
    Object.entries(times).flatMap(([name, usual]) => option(`--${name}`, body.times[`${name}_s`], usual)),
    option("--at-once", draft.at_once, "50"),
    option("--per-minute", draft.per_minute, ""),
    option("--bandwidth", body.pace.bytes_per_s === null ? "" : `${body.pace.bytes_per_s}B`, ""),
    option("--start-at", draft.start_at, ""),
    option("--end-at", draft.end_at, ""),
    option("--approvals", draft.approvals, "0"),
    option("--priority", draft.priority, "100"),
    option("--tries", draft.tries, "1"),
    draft.is_dynamic && "--dynamic",
    draft.mode === "download" && "--download-only",
    draft.mode === "window" && ["--reboot", "window"],
    option("--window", body.window, ""),
    option("--confirm", draft.confirm, "as-set"),
    body.confirm_until_s > 0 && option("--confirm-until", draft.confirm_until, ""),
    seed === null ? [] : ["--seed", String(seed)],
    isStarted && "--start",
  );
}

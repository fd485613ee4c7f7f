// One campaign, live: how it stands, what can be decided, its waves, its devices.

import { get, may, part } from "../api.js";
import { chart } from "../charts.js";
import { h, paced, say, show } from "../dom.js";
import { count, plural } from "../format.js";
import { icon } from "../icons.js";
import { onScreen } from "../keys.js";
import { menu } from "../menu.js";
import { knowNames } from "../names.js";
import { heading, panel, skeleton, time, trouble } from "../parts.js";
import { go, title } from "../router.js";
import { burnUp, drawBurnUp } from "../campaigns/course.js";
import { about, decide, decisions } from "../campaigns/decide.js";
import { members } from "../campaigns/members.js";
import { approvals, evidence, exposure, journal, plan, reasons } from "../campaigns/sides.js";
import { nextWords, waves } from "../campaigns/waves.js";
import { failuresOf, releaseOf, standing, sumOf, underWayOf } from "../campaigns/words.js";

const ENTRIES = 40;
const SAMPLES_MS = 5_000;
// Always in reach, the others by a menu if there are many.
const SHOWN = ["start", "approve", "resume", "pause", "abort", "revert"];

export function campaign(screen) {
  const id = screen.words.campaign;
  title("Campaign");
  const state = { id, one: null, error: null, reasons: [], entries: [], decisions: [], given: [], samples: [], part: "whole", known: "" };
  const acts = {};
  const draw = () => show(screen.main, view(state, acts));
  acts.members = members(id, draw);
  acts.curve = chart(screen, "burn-up", drawBurnUp);
  acts.setPart = (name) => {
    state.part = name;
    draw();
  };
  acts.decide = async (name) => {
    if (!state.one || !decisions(state.one).includes(name)) return;
    if (!(await decide(name, state.one))) return;
    if (name === "remove") go("/campaigns");
    else acts.load();
  };
  const path = `/campaigns/${part(id)}`;
  const drawCurve = () => {
    const data = state.one && burnUp(state.one, state.samples);
    acts.curve.draw(data && data.times.length > 1 && data.series.length ? data : null);
  };
  const loadSamples = async () => {
    state.samples = (await get(`${path}/samples`)).samples;
    draw();
    drawCurve();
  };
  const curveLater = paced(() => loadSamples().catch(() => {}), SAMPLES_MS);
  acts.load = async () => {
    try {
      const [one, why, told] = await Promise.all([get(path), get(`${path}/reasons`), get(`${path}/journal`, { newest: true, limit: ENTRIES }), acts.members.load()]);
      tell(state.one, one);
      Object.assign(state, { one, reasons: why.reasons, entries: told.entries, error: null });
      await loadDecisions(state, path);
      title(one.name);
      curveLater();
    } catch (error) {
      if (!state.one || error.status === 404) Object.assign(state, { error, one: null });
    }
    draw();
  };
  draw();
  acts.load();
  knowNames().then(draw);
  const again = paced(acts.load, 1000);
  screen.onChange(["campaign"], (changed) => {
    const which = changed.get("campaign");
    if (which.has(id) || which.has("")) again();
  });
  screen.every(30_000, acts.load);
  keys(acts);
}

/** Ask for what was decided, if something has: a large campaign has a long journal. */
async function loadDecisions(state, path) {
  const { one } = state;
  const known = JSON.stringify([one.state, one.open_wave, one.reason, one.tripped, one.approved_by, state.entries.some((entry) => !entry.device) && state.entries[0].number]);
  if (known === state.known) return;
  if (one.plan.approvals && !one.is_part) state.given = (await get(`${path}/approval`)).given;
  state.decisions = (await get(`${path}/journal`, { newest: true, whole: true, limit: ENTRIES })).entries;
  state.known = known;
}

function keys(acts) {
  onScreen("u", "Back to the campaigns", () => go("/campaigns"));
  if (!may("campaigns:write")) return;
  onScreen("s", "Start, or resume", () => ["start", "resume"].forEach(acts.decide));
  onScreen("p", "Pause", () => acts.decide("pause"));
  onScreen("w", "Begin the next wave", () => acts.decide("next-wave"));
}

function tell(before, now) {
  if (before && (before.state !== now.state || before.open_wave !== now.open_wave)) say(`${now.name}: ${standing(now).text}, wave ${now.open_wave} of ${now.waves}`);
}

function view(state, acts) {
  const above = h("a.crumb", { href: "/campaigns" }, icon("left"), "Campaigns");
  if (state.error) return [heading("Campaign", { above }), trouble(state.error, acts.load)];
  const { one } = state;
  if (!one) return [heading("Campaign", { above }), skeleton(12)];
  const note = [h("span.mono", releaseOf(one)), one.products.length > 0 && ` ${one.products.join(", ")}`, " · ", plural(one.devices, "device"), one.began_at_s > 0 && [" · ", time(one.began_at_s, "began ")]];
  return [
    heading([h("span.campaign-name", one.name)], { above, note, actions: buttons(one, acts) }),
    banner(one),
    figures(one),
    h(
      "div.columns",
      h("div.column", waves(one), burnUpPanel(state, acts), acts.members.view(one)),
      h("div.column.is-narrow", approvals(one, state.given), exposure(one), evidence(one), reasons(state.reasons), journal(state, acts.setPart), plan(one)),
    ),
  ];
}

function buttons(one, acts) {
  const can = decisions(one);
  const rest = can.filter((name) => !SHOWN.includes(name));
  const items = [
    ...rest.map((name) => ({ text: `${about(name).verb}…`, isDangerous: about(name).kind === "danger", act: () => acts.decide(name) })),
    may("campaigns:write") && one.acts.includes("edit") && (one.state === "draft" || !one.plan.approvals) && { text: "Change the plan…", act: () => go(`/campaigns/new?change=${encodeURIComponent(one.campaign)}`) },
    may("campaigns:write") && !one.is_part && { text: "New one like it", act: () => go(`/campaigns/new?like=${encodeURIComponent(one.campaign)}`) },
  ].filter(Boolean);
  return [
    SHOWN.filter((name) => can.includes(name)).map((name) => h("button.button", { type: "button", key: name, class: about(name).kind ?? "", on: { click: () => acts.decide(name) } }, icon(about(name).picture), about(name).verb)),
    items.length > 0 && menu("More decisions", items),
  ];
}

function banner(one) {
  const { text, kind } = standing(one);
  return h(
    "section.standing",
    { class: `is-${kind}`, "aria-label": "How it stands", "aria-live": "polite" },
    h("div.standing-head", h("strong.standing-state", text), one.state !== "draft" && h("span.faint", `wave ${one.open_wave} of ${one.waves}`), one.is_live && one.state === "running" && h("span.pulse", { "aria-hidden": "true" })),
    (one.tripped || one.reason) && h("p.standing-reason", one.tripped || one.reason),
    one.is_part ? h("p", `What you see is of your devices alone${one.is_least ? ", of which not all were counted" : ""}. Who reaches all of its devices decides over it.`) : h("p", nextWords(one)),
  );
}

function figures(one) {
  const { counts } = one;
  const ended = one.devices - sumOf(counts, "waiting", "offered", "updating", "between", "held", "soaking", "reverting", "half-back");
  const failed = failuresOf(counts);
  const good = sumOf(counts, "succeeded", "present");
  const under = underWayOf(counts) + sumOf(counts, "soaking");
  const back = sumOf(counts, "reverting", "half-back", "reverted", "stranded");
  return h(
    "dl.figures",
    figure("Reached", count(one.reached), `of ${count(one.devices)}`),
    figure("Succeeded", count(good), one.devices ? `${Math.floor((good / one.devices) * 100)} % of all` : ""),
    figure("Under way", count(under), under ? `${count(sumOf(counts, "soaking"))} of them in their soak` : "no device", under ? "is-info" : ""),
    figure("Failed", count(failed), ended && failed ? `${Math.round((failed / ended) * 1000) / 10} % of ${count(ended)} that ended` : "no device", failed ? "is-bad" : ""),
    back ? figure("Went back", count(sumOf(counts, "reverted")), `of ${count(back)}${counts.stranded ? `, ${count(counts.stranded)} did not` : ""}`) : figure("Left", count(sumOf(counts, "waiting")), "not ordered yet"),
  );
}

const figure = (name, value, what, kind = "") => h("div.figure", { class: kind, key: name }, h("dt", name), h("dd", h("span.figure-value", value), h("span.figure-what", what)));

function burnUpPanel(state, acts) {
  const data = burnUp(state.one, state.samples);
  const isThere = data.times.length > 1 && data.series.length > 0;
  return panel(
    "Course",
    [
      h("div.chart-box", { hidden: !isThere }, acts.curve.place, isThere && h("ul.legend", data.series.map((one) => h("li", { key: one.name }, h("span.swatch", { class: one.swatch }), one.name)))),
      !isThere && h("p.faint", "The curve begins when the first device is ordered."),
    ],
    { id: "course" },
  );
}


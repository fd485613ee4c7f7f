// Beside the waves of a campaign: what the reports say, why devices failed, its plan, who decided what.

import { barRows } from "../charts.js";
import { commandLine, line } from "../command.js";
import { h } from "../dom.js";
import { bytes, count, plural, span, when } from "../format.js";
import { icon } from "../icons.js";
import { whoIs } from "../names.js";
import { facts, panel, time } from "../parts.js";
import { gauge } from "./gauge.js";
import { decided, deviceEvent, evidenceWords, isBack, memberWords, seenWords } from "./words.js";

/** Return what the reports of all waves say of the release. */
export function evidence(one) {
  const found = one.evidence;
  if (one.is_part) return null;
  if (!found) return panel("Evidence", h("p.faint", "This plan has no rule over all reports: only the limits of its waves stop it."));
  const text = `${count(found.failures)} of ${count(found.failures + found.good)} that ended failed; ${count(found.stops_at)} would stop it now`;
  if (isBack(one)) return panel("Evidence", [h("p", one.tripped ? `It was enough: ${one.tripped}.` : "The reports were not what stopped it."), h("p.panel-note", evidenceWords(one.plan.evidence))]);
  const isOver = found.failures >= found.stops_at;
  return panel("Evidence", [
    gauge({ value: found.failures / Math.max(1, found.stops_at), mark: 1, kind: found.failures ? "bad" : "none", label: "Failures of all waves", text }),
    h("p.number", h("strong", count(found.failures)), ` of ${count(found.failures + found.good)} that ended failed; `, isOver ? "enough to stop it" : [h("strong", count(found.stops_at)), " would stop it now"]),
    h("p.panel-note", evidenceWords(one.plan.evidence)),
  ]);
}

/** Return how many devices the release has reached. */
export function exposure(one) {
  const left = one.devices - one.reached;
  return panel("Exposure", [
    h("p.figure-line", h("strong", count(one.reached)), ` of ${plural(one.devices, "device")} reached`),
    gauge({ value: one.devices ? one.reached / one.devices : 0, kind: "accent", label: "Devices that were ordered the release", text: `${count(one.reached)} of ${count(one.devices)}` }),
    h("p.panel-note", left ? `${plural(left, "device")} ${left === 1 ? "was" : "were"} never ordered it.` : "All were ordered it."),
  ]);
}

/** Return why devices did not make it. */
export function reasons(found) {
  if (!found.length) return null;
  return panel("Why devices failed", barRows(found.map((one) => ({ key: `${one.state} ${one.reason}`, name: one.reason || `no reason told (${memberWords(one.state)[0]})`, value: one.devices, kind: one.state === "refused" ? "warn" : "bad" })), "Why devices failed"));
}

/** Return who agreed, and who has to. */
export function approvals(one, given) {
  if (!one.plan.approvals) return null;
  const rows = given.map((each) =>
    h("li.feed-row", { key: each.person }, h("div", icon("check"), " ", h("strong", whoIs(each.person)), h("span.faint", { title: each.keyid || null }, each.keyid ? " signed with a key" : " agreed"), each.reason && h("p.faint", each.reason)), h("span.faint", time(each.at_s))),
  );
  const left = one.plan.approvals - one.approved_by.length;
  return panel("Approvals", [rows.length > 0 && h("ul.feed.approvals", rows), left > 0 ? h("p", `${plural(left, "more person has", "more people have")} to agree: who has the role approver or admin.`) : h("p.faint", "All have agreed."), one.acts.includes("approve") && [h("p.panel-note", "Devices whose image names approvers take it only with signatures of their keys:"), h("div.stack", commandLine(line("campaign", "approve", one.campaign, "--key", "file:KEY.pem")))]], { aside: h("span.number.faint", `${one.approved_by.length} of ${one.plan.approvals}`) });
}

/** Return what was planned. */
export function plan(one) {
  const { pace, times } = one.plan;
  const policy = one.plan.download_only ? "only written; the other slot waits" : one.plan.reboot === "window" ? `restarts in the maintenance window${one.plan.window && `, ${one.plan.window} its time`}` : "restarts at once";
  return panel("Plan", [
    facts([
      ["Devices", one.is_part ? "yours among them" : one.target ? h("a.mono", { href: `/devices?filter=${encodeURIComponent(one.target)}` }, one.target) : "all that are accepted"],
      one.within && ["Bound to", `members of ${one.within.join(", ")}`],
      one.plan.is_dynamic && ["Joins", "devices that come to fit later"],
      ["Too many fail", { pause: "it pauses", abort: "it stops", revert: "its devices go back" }[one.plan.on_trip]],
      ["Success", `kept, and run for ${span(times.soak_s)}`],
      ["Silent", `not heard ${span(times.silence_s)} after a restart`],
      ["At once", count(pace.at_once)],
      pace.per_minute !== null && ["A minute", `${count(pace.per_minute)} orders`],
      pace.bytes_per_s !== null && ["Bandwidth", `${bytes(pace.bytes_per_s)}/s together`],
      ["Device", policy],
      one.plan.confirm !== "as-set" && ["User", one.plan.confirm === "always" ? "is always asked" : "is never asked"],
      one.plan.confirm_until_s > 0 && ["Asked until", when(one.plan.confirm_until_s)],
      one.plan.tries > 1 && ["Tries", count(one.plan.tries)],
      one.plan.start_at_s > 0 && ["Begins", when(one.plan.start_at_s)],
      one.plan.end_at_s > 0 && ["Orders until", when(one.plan.end_at_s)],
      one.plan.priority !== 100 && ["Priority", count(one.plan.priority)],
      ["Made", [time(one.created_at_s), ` by ${whoIs(one.made_by)}`]],
      one.began_at_s > 0 && ["Began", time(one.began_at_s)],
      one.ended_at_s > 0 && ["Ended", time(one.ended_at_s)],
      ["Id", h("code", one.campaign)],
    ]),
    h("div.stack.above", [line("campaign", "watch", one.campaign), line("campaign", "journal", one.campaign)].map((text) => commandLine(text))),
  ]);
}

/** Return what happened: the decisions, and what devices did last. */
export function journal(state, setPart) {
  const parts = { whole: "Decisions", all: "All" };
  const rows = (state.part === "whole" ? state.decisions : state.entries).map((entry) => h("li.feed-row", { key: entry.number }, h("div", entry.device ? deviceLine(entry) : wholeLine(entry), entry.reason && h("p.faint.details", entry.reason), entry.trip && h("p.faint.details", seenWords(entry))), h("span.faint", time(entry.at_s))));
  return panel("Journal", rows.length ? h("ul.feed.journal", rows) : h("p.faint", "Nothing yet."), {
    aside: h("div.segments", { role: "group", "aria-label": "What is told" }, Object.entries(parts).map(([name, text]) => h("button", { type: "button", "aria-pressed": String(state.part === name), on: { click: () => setPart(name) } }, text))),
  });
}

function wholeLine(entry) {
  const [isPerson, words] = decided(entry);
  return isPerson ? [h("strong", whoIs(entry.by)), ` ${words}`] : words;
}

const deviceLine = (entry) => [h("a.mono", { href: `/devices/${encodeURIComponent(entry.device)}` }, entry.device), ` ${deviceEvent(entry.what)}`];


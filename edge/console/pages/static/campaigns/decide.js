// What can be decided over a campaign: each question says what will happen, and to how many devices.

import { may, part, post, remove as removeAt, visitor } from "../api.js";
import { commandLine, line } from "../command.js";
import { open } from "../dialog.js";
import { h } from "../dom.js";
import { count, plural } from "../format.js";
import { tellError, toast } from "../toast.js";
import { backOf, releaseOf, sumOf, underWayOf } from "./words.js";

const device = (value) => plural(value, "device");

// verb, what happens, what is told then, and whether it is taken back easily.
const ACTS = {
  start: { verb: "Start", done: "is started", picture: "rocket", kind: "primary", texts: startTexts },
  approve: { verb: "Approve", done: "has your approval", picture: "check", kind: "primary", scope: "campaigns:approve", texts: approveTexts },
  resume: { verb: "Resume", done: "goes on", picture: "rocket", kind: "primary", texts: resumeTexts },
  pause: { verb: "Pause", done: "is paused", picture: "pause", texts: pauseTexts },
  "next-wave": { verb: "Begin the next wave", done: "has begun its next wave", picture: "right", texts: nextTexts },
  finish: { verb: "Order no more", done: "orders no more devices", picture: "check", texts: finishTexts },
  retry: { verb: "Try failed devices again", done: "tries devices again", picture: "refresh", texts: retryTexts },
  abort: { verb: "Stop", done: "is stopped", picture: "stop", kind: "danger", isSure: true, texts: abortTexts },
  revert: { verb: "Go back", done: "lets its devices go back", picture: "back", kind: "danger", isSure: true, texts: revertTexts },
  remove: { verb: "Remove", done: "is removed", picture: "cross", kind: "danger", texts: removeTexts },
};
export const about = (name) => ACTS[name];

/** Return what this visitor may decide now, in the order of `ACTS`. */
export function decisions(one) {
  return Object.keys(ACTS).filter((name) => {
    if (!one.acts.includes(name) || !may(ACTS[name].scope ?? "campaigns:write")) return false;
    // Nobody approves twice, and there has to be something to try again.
    if (name === "approve") return !one.approved_by.includes(`person:${visitor.name}`);
    return name !== "retry" || sumOf(one.counts, "failed", "silent") > 0;
  });
}

/** Return the command that decides the same. */
export function command(name, id, { reason = "", devices = [] } = {}) {
  const isAsked = name === "abort" || name === "revert";
  return line("campaign", name, id, reason ? ["--reason", reason] : [], devices.flatMap((one) => ["--device", one]), isAsked && "--yes");
}

/** Ask, and decide; returns whether it was done. */
export async function decide(name, one, { devices = [] } = {}) {
  const about = ACTS[name];
  const hasReason = !["retry", "remove"].includes(name);
  let reason = "";
  const isGo = await open({
    title: devices.length ? `Try ${devices.join(", ")} again?` : `${about.verb}: ${one.name}?`,
    body: (dialog) => [
      about.texts(one, devices).filter(Boolean).map((text) => h("p", text)),
      hasReason &&
        h("label.field", h("span", "Reason", h("span.faint", " (for the audit log and those who look)")), h("input.input", { value: reason, maxlength: "500", autocomplete: "off", on: { input: (event) => ((reason = event.target.value), dialog.draw()) } })),
      commandLine(command(name, one.campaign, { reason, devices })),
    ],
    actions: (dialog) => [
      h("button.button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"),
      h("button.button", { type: "submit", class: about.kind === "danger" ? "danger" : "primary", on: { click: () => dialog.close(true) } }, about.verb),
    ],
  });
  if (!isGo) return false;
  try {
    const at = `/campaigns/${part(one.campaign)}`;
    if (name === "remove") await removeAt(at);
    else await post(`${at}/${name}`, name === "retry" ? { devices } : { reason });
    toast(`${one.name} ${about.done}`, { kind: "good", command: command(name, one.campaign, { reason, devices }) });
    return true;
  } catch (error) {
    tellError(error, one.name);
    return false;
  }
}

const waiting = (one) => one.counts.waiting ?? 0;
const hasRelease = (one) => sumOf(one.counts, "soaking", "succeeded");

function startTexts(one) {
  const first = one.wave_views[0];
  const lead = one.plan.approvals ? `It waits then until ${plural(one.plan.approvals, "person", "people")} approve it.` : one.plan.start_at_s ? "It begins at the time of its plan." : "It begins at once.";
  return [`${lead} ${releaseOf(one)} is ordered of ${device(first.devices)} first, of ${device(one.devices)} in all.`];
}

function approveTexts(one) {
  const left = one.plan.approvals - one.approved_by.length - 1;
  return [`You agree that ${releaseOf(one)} goes to ${device(one.devices)} in ${plural(one.waves, "wave")}.`, left > 0 ? `${plural(left, "more person has", "more people have")} to agree.` : "It begins then, at once or at its time.", "Devices whose image names approvers need more than your word: a signature with a key of yours, by the command with --key."];
}

function resumeTexts(one) {
  return [one.tripped && `It was stopped by its rule: ${one.tripped}. The failures that were seen count no more; it needs as many new ones to stop again.`, `${device(waiting(one))} that wait are ordered in their turn.`];
}

function pauseTexts(one) {
  return ["No device more is ordered until somebody resumes it.", `${device(underWayOf(one.counts))} under way come to their end.`];
}

function nextTexts(one) {
  const now = one.wave_views[one.open_wave - 1];
  const next = one.wave_views[one.open_wave];
  return [`Wave ${next.number} begins with ${device(next.devices)}, though ${count(now.succeeded)} of ${count(now.devices)} of wave ${now.number} have succeeded by now.`];
}

function finishTexts(one) {
  return [`${device(waiting(one))} that wait are never ordered.`, `${device(underWayOf(one.counts))} under way come to their end. Devices that run ${releaseOf(one)} keep it.`];
}

function retryTexts(one, devices) {
  if (devices.length) return [`${releaseOf(one)} is ordered of it once more, when it is its turn.`];
  return [`${device(sumOf(one.counts, "failed", "silent"))} that failed or are silent get another order, when it is their turn.`];
}

function abortTexts(one) {
  return [
    underWayOf(one.counts) > 0 ? `The orders of ${device(underWayOf(one.counts))} under way are taken back, where they can still be.` : "No device is under way.",
    `${device(waiting(one))} that wait are not ordered.`,
    `${device(hasRelease(one))} that run ${releaseOf(one)} keep it; they can go back afterwards.`,
  ];
}

function revertTexts(one) {
  return [
    `${device(backOf(one.counts))} that took ${releaseOf(one)} start their other slot again, without a download. Each restarts.`,
    underWayOf(one.counts) > 0 && `The orders of ${device(underWayOf(one.counts))} under way are taken back.`,
    waiting(one) > 0 && `${device(waiting(one))} that wait are not ordered.`,
  ];
}

function removeTexts() {
  return ["Its journal and how its devices stood go with it. The audit log keeps what was decided."];
}

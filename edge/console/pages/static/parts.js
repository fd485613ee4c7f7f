// The parts that screens are made of.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { commandLine } from "./command.js";
import { ago, nowS, when } from "./format.js";

const NOW_S = 300;

export function heading(name, { note = "", actions = [], above = null } = {}) {
  return h(
    "header.page-head",
    h("div.page-title", above, h("h1", name), note && h("p.page-note", note)),
    h("div.page-actions", actions),
  );
}

export function panel(name, content, { aside = null, kind = "", id = "" } = {}) {
  return h(
    "section.panel",
    { class: kind, "aria-label": name, key: id || name },
    h("header.panel-head", h("h2", name), aside && h("div.panel-aside", aside)),
    h("div.panel-body", content),
  );
}

/** Return a time as how long it is ago; it goes on by itself. */
export function time(atS, prefix = "") {
  if (!atS) return h("span.faint", `${prefix}never`);
  return h(
    "time",
    { datetime: new Date(atS * 1000).toISOString(), title: when(atS), "data-at": atS, "data-prefix": prefix },
    prefix + ago(atS),
  );
}

setInterval(() => {
  for (const one of document.querySelectorAll("time[data-at]")) {
    const text = one.dataset.prefix + ago(Number(one.dataset.at));
    if (one.textContent !== text) one.textContent = text;
  }
}, 5000);

const KINDS = {
  pending: "warn",
  accepted: "good",
  revoked: "bad",
  decommissioned: "none",
  quarantined: "bad",
  open: "info",
  succeeded: "good",
  failed: "bad",
  cancelled: "none",
  replaced: "none",
  published: "good",
  incomplete: "warn",
};

export function badge(text, kind = KINDS[text] ?? "none") {
  return h("span.badge", { class: `is-${kind}` }, text);
}

/** Whether a device is there: connected, or heard a short while ago. */
export const isHere = (device) => device.is_online || (device.last_seen_s > 0 && nowS() - device.last_seen_s < NOW_S);

export function presence(device) {
  const text = device.is_online ? "connected" : isHere(device) ? "heard lately" : "not heard lately";
  return h("span.dot", { class: isHere(device) ? "is-good" : "", role: "img", "aria-label": text, title: text });
}

/** Return a bar of how far something is; null for not known. */
export function progress(percent, label) {
  const isKnown = percent !== null && percent !== undefined;
  return h(
    "div.progress",
    {
      class: isKnown ? "" : "is-unknown",
      role: "progressbar",
      "aria-label": label,
      "aria-valuemin": "0",
      "aria-valuemax": "100",
      "aria-valuenow": isKnown ? percent : null,
      style: { "--part": `${isKnown ? percent : 100}%` },
    },
    h("div.progress-done"),
  );
}

/** Return what to see where there is nothing yet, and what to do about it. */
export function empty(name, text, { commands = [], actions = [], picture = "devices" } = {}) {
  return h(
    "div.empty",
    h("span.empty-icon", icon(picture)),
    h("h2", name),
    [text].flat().map((one) => h("p", one)),
    commands.length > 0 && h("div.empty-commands", commands.map((one) => commandLine(one))),
    actions.length > 0 && h("div.empty-actions", actions),
  );
}

export function skeleton(lines = 6) {
  return h(
    "div.skeleton",
    { "aria-busy": "true", "aria-label": "Loading" },
    Array.from({ length: lines }, (_one, at) => h("div", { style: { "--part": `${92 - ((at * 37) % 45)}%` } })),
  );
}

export function trouble(error, again) {
  return h(
    "div.empty",
    h("span.empty-icon.is-bad", icon("alert")),
    h("h2", error.message),
    error.hint && h("p", error.hint),
    again && h("div.empty-actions", h("button.button", { type: "button", on: { click: again } }, "Try again")),
  );
}

/** Return names and values, one a line. */
export function facts(pairs) {
  return h(
    "dl.facts",
    pairs.filter(Boolean).map(([name, value]) => h("div", h("dt", name), h("dd", value === "" || value === null ? h("span.faint", "–") : value))),
  );
}

export function button(text, act, { kind = "", picture = "", title = null, disabled = false, type = "button" } = {}) {
  return h("button.button", { type, class: kind, title, disabled, on: { click: act } }, picture && icon(picture), text);
}

/** Return a hash or another long text, cut where it is shown. */
export function short(text, letters = 12) {
  return text ? h("code.short", { title: text }, text.length > letters ? `${text.slice(0, letters)}…` : text) : "";
}

// What happened, in one stream.

import { h } from "../dom.js";
import { act, detailsOf, when } from "../format.js";
import { icon } from "../icons.js";
import { whoIs } from "../names.js";
import { time } from "../parts.js";

const KINDS = {
  succeeded: ["good", "check", "kept the new version"],
  committed: ["good", "check", "kept the new slot"],
  failed: ["bad", "alert", "failed"],
  cancelled: ["none", "cross", "was cancelled"],
  reverted: ["warn", "left", "went back to the slot before"],
  replaced: ["none", "right", "was replaced by a newer order"],
  started: ["info", "rocket", "began"],
  made: ["good", "factory", "was made"],
  scrapped: ["bad", "factory", "was scrapped"],
  "device.quarantine": ["bad", "shield"],
  "device.remade": ["info", "factory"],
  "factory.record": ["none", "factory"],
  "device.accept": ["good", "check"],
  "device.ask": ["warn", "alert"],
  "device.revoke": ["bad", "cross"],
  "device.decommission": ["bad", "cross"],
  "device.deploy": ["info", "rocket"],
  "device.tag": ["none", "tag"],
};

/** Return what happened to a device, newest first. */
export function timeline(items) {
  if (!items.length) return h("p.faint", "Nothing yet.");
  return h("ol.timeline", items.map((one) => entry(one, one.place)));
}

function entry(one, key) {
  const [kind, picture, words] = KINDS[one.what] ?? ["none", one.source === "audit" ? "audit" : "devices"];
  return h(
    "li",
    { key },
    h("span.timeline-icon", { class: `is-${kind}` }, icon(picture)),
    h(
      "div.timeline-text",
      h("p", one.source === "audit" ? byPerson(one) : byDevice(one, words)),
      one.reason && h("p", { class: kind === "bad" ? "reason" : "faint" }, one.reason),
      details(one),
    ),
    h("span.faint", { title: when(one.at_s) }, time(one.at_s)),
  );
}

function byDevice(one, words) {
  const version = one.version && h("strong.mono", one.version);
  if (one.source === "made") return [`It ${words} at `, h("strong", one.who.replace(/^station:/, "")), version && " with ", version];
  if (one.source === "order") return ["The order of ", version, ` ${words ?? one.what}`];
  return version ? ["Update to ", version, ` ${words ?? one.what}`] : [words ? `It ${words}` : one.what];
}

function byPerson(one) {
  const isItself = one.who.startsWith("device:");
  const who = isItself ? "It" : whoIs(one.who);
  const version = typeof one.details.release === "string" ? one.details.release.split("/")[1] : "";
  if (one.what === "device.deploy") return [h("strong", who), " ordered ", h("strong.mono", version)];
  return [isItself ? who : h("strong", who), ` ${act(one.what)}${/ (of|for)$/.test(act(one.what)) ? " it" : isItself ? "" : " it"}`];
}

function details(one) {
  if (!["audit", "made"].includes(one.source) || one.what === "device.deploy") return null;
  const { places, ...said } = one.details;
  const text = detailsOf(Array.isArray(places) ? { ...said, places: places.map((place) => place.address || place.via) } : one.details);
  return text && h("p.faint.details", text);
}

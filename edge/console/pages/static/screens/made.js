// What a factory line told of a device, and why a device is in quarantine.

import { commandLine, copyButton, line } from "../command.js";
import { h } from "../dom.js";
import { icon } from "../icons.js";
import { badge, facts, panel, short, time } from "../parts.js";

// Why, and what to do about it.
const REASONS = {
  unrecorded: ["No line has told of it yet", "A station of yours has signed its certificate. The station may be offline: the device is let in by itself when its record comes. If none is to come, somebody has used the key of the station: revoke both."],
  unlike: ["A line has recorded another certificate for it", "One of the two is not what it says. Look at the device before you accept it; what is revoked stays out."],
  cloned: ["Two devices have its key", "They call by turns, and each goes on from where it was. Find both, and give the right one a new key: make it anew at the line, or re-enrol it. The copy is out then."],
  scrapped: ["A line has scrapped it, and it is in use", "Decommission it if that is right. Accept it if the line was wrong."],
};

export const reasonOf = (found) => REASONS[found.reason]?.[0] ?? found.reason;

/** Return why a device is in quarantine, and what to do. */
export function quarantined(found) {
  const [why, what] = REASONS[found.reason] ?? [found.reason, ""];
  return h(
    "div.banner.is-bad",
    icon("shield"),
    h("div", h("strong", `In quarantine: ${why}.`), h("p", what), places(found), h("p.faint", time(found.since_s, "since "))),
  );
}

/** Return where the copies of a device were heard. */
export function places(found) {
  const some = Array.isArray(found.details.places) ? found.details.places : [];
  return some.length > 0 && h("ul.places", { "aria-label": "Where it was heard" }, some.map((one) => h("li", { key: one.boot_id }, h("strong", one.address || "address not known"), ` by ${one.via.toUpperCase()}, start `, h("code", one.boot_id.slice(0, 13)), ", ", time(one.last_at_s, "heard "))));
}

/** Return where, when and as what a device was made. */
export function made(state) {
  const newest = state.made.find((one) => one.standing === "newest");
  if (!newest) return null;
  const tests = Object.entries(newest.tests);
  const others = state.made.length - 1;
  return panel(
    "Made",
    [
      newest.fate === "scrapped" && h("div.banner.is-bad", icon("alert"), h("div", h("strong", "The line has scrapped it."))),
      facts([
        ["When", time(newest.made_at_s)],
        ["Where", h("span", `${newest.line}, station ${newest.station}`)],
        ["By", newest.operator],
        ["Order", newest.order],
        ["Board", newest.board],
        ["Board serial", newest.board_serial && h("span.mono", newest.board_serial)],
        ["Release", newest.release],
        ["Image", newest.image && h("span.with-copy", short(newest.image), copyButton(newest.image, "Copy the hash of the image"))],
        ["Key", newest.key && h("span.with-copy", short(newest.key), copyButton(newest.key, "Copy the fingerprint of the key"))],
        newest.retired.length > 0 && ["Retired", h("span", newest.retired.map((one) => short(one)))],
      ]),
      tests.length > 0 && h("h3.above", "Tests"),
      tests.length > 0 && facts(tests.map(([name, value]) => [name, value === "ok" ? badge("ok", "good") : h("span.mono", value)])),
      h("div.stack.above", commandLine(line("devices", "made", state.name))),
    ],
    { aside: others > 0 && h("span.faint", `${others} more by command`) },
  );
}

// What both screens of asking show: how the last question stands, and all that were asked.

import { h } from "../dom.js";
import { bytes, shortly } from "../format.js";
import { icon } from "../icons.js";
import { whoIs } from "../names.js";
import { badge, empty, panel, progress, skeleton, time, trouble } from "../parts.js";
import { answersWhen, isOpen, nameOf, stateOf, whyNot } from "../reach.js";

const KINDS = { open: "info", done: "good", refused: "warn", failed: "bad", expired: "none" };
const POLICY = "Its image says what may be asked of it: reach in its agent.json.";

/** Return what is to be shown instead, null if the device can be asked. */
export function hindrance(one, reach) {
  const reason = whyNot(one);
  if (reason) return empty("It can not be asked", reason, { picture: "shield" });
  if (reach.error && !reach.commands) return trouble(reach.error, reach.load);
  return reach.commands ? null : skeleton(8);
}

/** Return how a question stands: awaited, or ended otherwise than well. */
export function standing(one, asked) {
  if (!asked) return null;
  if (isOpen(asked)) {
    return h(
      "div.banner.is-asked",
      { role: "status", key: "standing" },
      icon("clock"),
      h("div", h("strong", `${nameOf(asked)}: waiting for the answer`), h("p", answersWhen(one), " Given up at ", h("span.number", shortly(asked.expires_at_s)), "."), progress(null, "Waiting for the answer")),
    );
  }
  const state = stateOf(asked);
  if (state === "done") return null;
  return h(
    "div.banner",
    { class: state === "failed" ? "is-bad" : "is-warn", role: "status", key: "standing" },
    icon("alert"),
    h("div", h("strong", `${nameOf(asked)}: ${state}`), h("p", asked.reason || "The device has not answered in time; it does not do it later."), state === "refused" && h("p", POLICY)),
  );
}

/** Return all that was asked lately; `read` opens an answer, if it is one that can be read. */
export function asked(reach, read, chosen = "") {
  const rows = reach.commands ?? [];
  if (!rows.length) return panel("Asked lately", h("p.faint", "Nothing yet."));
  return panel("Asked lately", h("ul.asked", rows.map((one) => h("li", { key: one.command, class: one.command === chosen ? "is-here" : "" }, row(one, read)))), { kind: "is-flush" });
}

function row(one, read) {
  const state = stateOf(one);
  const canRead = one.word === "logs" && state === "done";
  return [
    h("div.asked-head", canRead ? h("button.link", { type: "button", on: { click: () => read(one) } }, nameOf(one)) : h("span", nameOf(one)), badge(state, KINDS[state])),
    h("p.faint", whoIs(one.asked_by), " · ", time(one.asked_at_s), canRead && ` · ${bytes(one.length_bytes)}`),
    one.reason && h("p.reason", one.reason),
  ];
}

// The logs of a device: asked for once, awaited, and read; earlier ones as long as the console has them.

import { commandLine } from "../command.js";
import { h } from "../dom.js";
import { plural } from "../format.js";
import { icon } from "../icons.js";
import { panel, skeleton, time, trouble } from "../parts.js";
import { asks, stateOf } from "../reach.js";
import { asked, hindrance, standing } from "./asked.js";
import { inventoryOf } from "./services.js";

const LINES = [100, 200, 500, 1000, 5000, 10_000];

/** Return what a screen keeps of its questions for logs. */
export const logChoice = () => ({ service: "", lines: 200, shown: "" });

export function logs(state, acts) {
  const { device: one, reach, logs: choice } = state;
  const instead = hindrance(one, reach);
  if (instead) return instead;
  const shown = shownOf(reach, choice);
  return h(
    "div.columns",
    h("div.column", question(state, acts), standing(one, reach.newest("logs")), shown && answer(state, shown)),
    h("div.column.is-narrow", asked(reach, acts.readLogs, shown?.command)),
  );
}

/** Return the answer that is shown: the one that was chosen, else the newest. */
function shownOf(reach, choice) {
  const chosen = reach.commands.find((one) => one.command === choice.shown);
  return chosen && stateOf(chosen) === "done" ? chosen : reach.newest("logs", "done");
}

/** Return the services that are known: those of the inventory, and those that were asked of. */
function known(state) {
  const names = inventoryOf(state.reach)?.services.map((one) => one.name) ?? [];
  const others = state.reach.commands.map((one) => one.service).concat(state.logs.service);
  return [...new Set([...names, ...others.filter(Boolean)])];
}

function question(state, acts) {
  const { device: one, reach, logs: choice } = state;
  const isAsked = reach.open("logs") !== null;
  const names = known(state);
  const ask = async (event) => {
    event.preventDefault();
    const made = await reach.ask({ word: "logs", service: choice.service, lines: choice.lines });
    if (made) choice.shown = made.command;
    acts.draw();
  };
  return panel("Get logs", [
    h(
      "form.log-form",
      { on: { submit: ask } },
      h("label.field", h("span", "Service"), h("select", { "aria-label": "Service", on: { change: (event) => ((choice.service = event.target.value), acts.draw()) } }, h("option", { value: "", selected: !choice.service }, "All services"), names.map((name) => h("option", { value: name, selected: name === choice.service }, name)))),
      h("label.field", h("span", "Lines"), h("select", { "aria-label": "Lines", on: { change: (event) => ((choice.lines = Number(event.target.value)), acts.draw()) } }, LINES.map((count) => h("option", { value: String(count), selected: count === choice.lines }, plural(count, "line"))))),
      h("button.button.primary", { type: "submit", disabled: isAsked }, icon("download"), isAsked ? "Waiting…" : "Get logs"),
    ),
    !names.length && h("p.panel-note", "Which services it has is not known yet. ", h("button.link", { type: "button", disabled: reach.open("inventory") !== null, on: { click: () => reach.ask({ word: "inventory" }) } }, reach.open("inventory") ? "It is asked." : "Ask it.")),
    h("div.above", commandLine(asks.logs(one.device, choice.service, choice.lines))),
  ]);
}

function answer(state, shown) {
  const { reach, view, name } = state;
  const found = reach.answerOf(shown);
  const title = `Logs of ${shown.service || "all services"}`;
  const aside = h("span.faint", `the last ${plural(shown.lines, "line")}, `, time(shown.answered_at_s));
  if (!found) return panel(title, skeleton(8), { aside, id: "answer" });
  if (found.error) return panel(title, trouble(found.error, () => (reach.forget(shown), reach.load())), { aside, id: "answer" });
  if (!found.content) return panel(title, h("p.faint", "It has said nothing."), { aside, id: "answer" });
  view.set(found.content, fileOf(name, shown));
  return panel(title, view.element, { aside, kind: "is-flush", id: "answer" });
}

function fileOf(device, shown) {
  const at = new Date(shown.answered_at_s * 1000).toISOString().slice(0, 19).replaceAll(":", "");
  return `${device}-${shown.service || "all"}-${at}.log`.replace(/[^A-Za-z0-9._-]/g, "_");
}

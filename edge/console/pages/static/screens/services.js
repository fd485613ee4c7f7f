// The services of a device and how it is, as it said last; each can be started again.

import { commandLine, line } from "../command.js";
import { confirm } from "../dialog.js";
import { h } from "../dom.js";
import { bytes, span } from "../format.js";
import { icon } from "../icons.js";
import { badge, empty, facts, panel, short, skeleton, time, trouble } from "../parts.js";
import { asks } from "../reach.js";
import { asked, hindrance, standing } from "./asked.js";

const KINDS = { ready: "good", starting: "info", restarting: "warn", stopped: "none" };
const TIGHT_PERCENT = 85;
const FULL_PERCENT = 95;

export function services(state, acts) {
  const { device: one, reach } = state;
  const instead = hindrance(one, reach);
  if (instead) return instead;
  return h(
    "div.columns",
    h("div.column", latest(one, reach), told(one, reach)),
    h("div.column.is-narrow", system(one, reach), asked(reach, acts.readLogs), byCommand(one)),
  );
}

/** Return how the last questions of this screen stand, the newest of each kind. */
function latest(one, reach) {
  const last = reach.commands.find((command) => command.word !== "logs");
  return standing(one, last);
}

/** Return the newest inventory with when it was told, null while it is not known. */
export function inventoryOf(reach) {
  const found = reach.newest("inventory", "done");
  const answer = found && reach.answerOf(found);
  if (!answer || answer.error) return null;
  return { ...JSON.parse(answer.content), at_s: answer.answered_at_s };
}

function refresh(one, reach) {
  const isAsked = reach.open("inventory") !== null;
  return h("button.button.small", { type: "button", disabled: isAsked, title: asks.inventory(one.device), on: { click: () => reach.ask({ word: "inventory" }) } }, icon("refresh"), isAsked ? "Waiting…" : "Refresh");
}

function told(one, reach) {
  const found = reach.newest("inventory", "done");
  if (!found) {
    return panel("Services", empty("It has not said yet how it is", "Ask it for an inventory: services, memory, disk, addresses.", { commands: [asks.inventory(one.device)], actions: [refresh(one, reach)] }));
  }
  const answer = reach.answerOf(found);
  const aside = [time(found.answered_at_s, "as of "), refresh(one, reach)];
  if (answer?.error) return panel("Services", trouble(answer.error, () => (reach.forget(found), reach.load())), { aside });
  const inventory = inventoryOf(reach);
  if (!inventory) return panel("Services", skeleton(5), { aside });
  return panel("Services", table(one, reach, inventory), { aside, kind: "is-flush" });
}

function table(one, reach, inventory) {
  const rows = inventory.services;
  if (!rows.length) return h("p.faint.inside", "It has none.");
  return h(
    "table.table.services",
    h("thead", h("tr", ["Service", "State", "Version", "Since", "Restarts"].map((name) => h("th", { scope: "col", class: name === "Restarts" ? "right" : "" }, name)), h("th", { scope: "col" }, h("span.hidden", "Actions")))),
    h("tbody", rows.map((service) => row(one, reach, inventory, service))),
  );
}

function row(one, reach, inventory, service) {
  const isAsked = reach.open("restart", service.name) !== null;
  return h(
    "tr",
    { key: service.name },
    h("td.name.mono", service.name),
    h("td.state", h("span", { title: service.pid ? `process ${service.pid}` : "does not run" }, badge(service.state, KINDS[service.state]))),
    h("td.faint", { "data-label": "Version" }, short(service.version) || "–"),
    h("td.faint.nowrap", { "data-label": "Since" }, time(inventory.at_s - service.age_s)),
    h("td.right.number", { "data-label": "Restarts", class: service.restarts ? "is-restarted" : "" }, String(service.restarts)),
    h("td.right.act", h("button.button.small", { type: "button", disabled: isAsked, "aria-label": `Restart ${service.name}`, title: asks.restart(one.device, service.name), on: { click: () => restart(one, reach, service.name) } }, isAsked ? "Waiting…" : "Restart…")),
  );
}

async function restart(one, reach, service) {
  const isWanted = await confirm({
    title: `Restart ${service} of ${one.device}?`,
    text: ["What it is doing ends. The answer comes when the service is ready again.", "While its network restarts, a device can not be reached."],
    verb: `Restart ${service}`,
    command: asks.restart(one.device, service),
  });
  if (isWanted) await reach.ask({ word: "restart", service });
}

async function reboot(one, reach) {
  const isWanted = await confirm({
    title: `Restart the system of ${one.device}?`,
    text: ["All of its services end; it is gone until it is back. A device refuses that unless its image allows it, and while an update is under way."],
    verb: `Restart ${one.device}`,
    command: asks.reboot(one.device),
  });
  if (isWanted) await reach.ask({ word: "reboot" });
}

function system(one, reach) {
  const said = inventoryOf(reach);
  const isAsked = reach.open("reboot") !== null;
  return panel(
    "System",
    [
      !said && h("p.faint", "Not known before it has told it."),
      said &&
        facts([
          ["Slots", slots(said)],
          ["Version", [said.product, said.version].filter(Boolean).join(" ")],
          ["Kernel", said.kernel && h("span.mono", said.kernel)],
          ["Up for", said.uptime_s ? h("span", { title: "when it was told" }, span(said.uptime_s)) : ""],
          ["Memory", share(said.memory_bytes, said.memory_free_bytes, "Memory in use")],
          ["Data", share(said.data_bytes, said.data_free_bytes, "Data partition in use")],
          ["Addresses", said.addresses.length > 0 && h("ul.stack", said.addresses.map((address) => h("li.mono", address)))],
        ]),
      h("div.form-end", h("button.button.small.danger", { type: "button", disabled: isAsked, title: asks.reboot(one.device), on: { click: () => reboot(one, reach) } }, isAsked ? "Waiting for the restart…" : "Restart the device…")),
    ],
    { aside: said && time(said.at_s, "as of ") },
  );
}

function slots(said) {
  const order = said.order || said.slot;
  if (!order) return "";
  return h("span.slots", [...order].map((slot) => h("span.slot", { class: slot === said.slot ? "is-on" : "", title: slot === said.slot ? "runs" : "the other one" }, slot.toUpperCase())), h("span.faint", order.length > 1 && ` tried in this order`));
}

function share(all, free, label) {
  if (!all) return "";
  const percent = Math.round(100 * (1 - free / all));
  const kind = percent >= FULL_PERCENT ? "bad" : percent >= TIGHT_PERCENT ? "warn" : "good";
  return h(
    "div.share",
    h("span.number", `${bytes(free)} free of ${bytes(all)}`),
    h("div.bar", { role: "meter", "aria-label": label, "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": percent, "aria-valuetext": `${percent} %` }, h("div", { class: `fill-${kind}`, style: { "--part": `${percent}%` } })),
  );
}

function byCommand(one) {
  const lines = [line("devices", "inventory", one.device), asks.inventory(one.device), line("devices", "restart", one.device, "SERVICE"), line("devices", "reboot", one.device)];
  return panel("By command", h("div.stack", lines.map((text) => commandLine(text))));
}

// Factory lines: what they made, when stations were heard, and who came without a record.

import { accept, revoke } from "../actions.js";
import { get, may, remove } from "../api.js";
import { barRows } from "../charts.js";
import { commandLine, line } from "../command.js";
import { confirm } from "../dialog.js";
import { h, paced, show } from "../dom.js";
import { count, plural } from "../format.js";
import { icon } from "../icons.js";
import { badge, empty, heading, panel, skeleton, time, trouble } from "../parts.js";
import { title } from "../router.js";
import { tellError, toast } from "../toast.js";
import { places, reasonOf } from "./made.js";

export function factory(screen) {
  title("Factory");
  const state = { found: null, error: null };
  const acts = {};
  const draw = () => show(screen.main, view(state, acts));
  acts.load = async () => {
    try {
      Object.assign(state, { found: await get("/factory"), error: null });
    } catch (error) {
      if (!state.found) state.error = error;
    }
    draw();
  };
  draw();
  acts.load();
  screen.onChange(["factory", "device"], paced(acts.load, 2000));
  screen.every(60_000, acts.load);
}

function view(state, acts) {
  const { found, error } = state;
  if (error) return [heading("Factory"), trouble(error, acts.load)];
  if (!found) return [heading("Factory"), skeleton(8)];
  if (!found.stations.length && !found.quarantine.length) return [heading("Factory"), none()];
  return [
    heading("Factory", { note: "What lines made, and who came without a record" }),
    h(
      "div.columns",
      h("div.column", found.quarantine.length > 0 && waiting(found.quarantine, acts), found.conflicts.length > 0 && conflicts(found.conflicts, acts), stations(found.stations)),
      h("div.column.is-narrow", days(found.days), byCommand()),
    ),
  ];
}

function none() {
  return empty("No line has told of a device yet", ["Stations of a factory line tell here what they have made; its devices are let in by that.", "They need a token that can do this alone:"], {
    commands: [line("console", "token", "line hall-3", "--scope", "factory:write"), "edge factory sync line/ --console URL --token-file line.token"],
  });
}

function waiting(some, acts) {
  const then = (act, device) => () => act(device).then(acts.load);
  return panel(
    "In quarantine",
    h(
      "ul.rows",
      { "aria-label": "Devices in quarantine" },
      some.map((one) =>
        h(
          "li.row",
          { key: one.device },
          h("div.told", h("a.mono", { href: `/devices/${encodeURIComponent(one.device)}` }, one.device), " ", badge(one.reason, "bad"), h("p.faint", `${reasonOf(one)}, `, time(one.since_s, "since ")), places(one)),
          may("devices:write") && h("div.row-acts", h("button.button.small", { type: "button", "aria-label": `Accept ${one.device}`, on: { click: () => ask(one).then((is) => is && accept(one.device).then(acts.load)) } }, "Accept…"), h("button.button.small", { type: "button", "aria-label": `Revoke ${one.device}`, on: { click: then(revoke, one.device) } }, "Revoke…")),
        ),
      ),
    ),
    { kind: "has-rows" },
  );
}

const ask = (one) => confirm({ title: `Accept ${one.device}?`, text: `${reasonOf(one)}. Whoever has its key gets orders and the repository.`, verb: `Accept ${one.device}`, command: line("devices", "accept", one.device) });

function conflicts(some, acts) {
  return panel(
    "Records that conflict",
    h(
      "table.table",
      h("thead", h("tr", ["Device", "What is wrong", "Told by"].map((one) => h("th", { scope: "col" }, one)), h("th", { scope: "col" }, h("span.hidden", "Actions")))),
      h(
        "tbody",
        some.map((one) =>
          h(
            "tr",
            { key: String(one.id) },
            h("td.name", h("span.mono", one.device), h("span.faint.under", time(one.made_at_s))),
            h("td", { "data-label": "What is wrong" }, one.problem),
            h("td", { "data-label": "Told by" }, `${one.line} / ${one.station}`, h("span.faint.under", `entry ${one.number}`)),
            h("td.right", may("devices:write") && h("button.button.small", { type: "button", "aria-label": `Dismiss the record of ${one.device}`, on: { click: () => dismiss(one, acts) } }, "Dismiss…")),
          ),
        ),
      ),
    ),
    { kind: "is-flush" },
  );
}

async function dismiss(one, acts) {
  const isGo = await confirm({ title: `Dismiss the record of ${one.device}?`, text: "It changes nothing now and will not later. It stays on the page of the device and in the audit log.", verb: "Dismiss it" });
  if (!isGo) return;
  try {
    await remove(`/factory/conflicts/${one.id}`);
    toast(`The record of ${one.device} is dismissed`, { kind: "good" });
  } catch (error) {
    tellError(error, one.device);
  }
  acts.load();
}

function stations(some) {
  return panel(
    "Stations",
    h(
      "table.table",
      h("thead", h("tr", ["Line", "Station"].map((one) => h("th", { scope: "col" }, one)), ["Good", "Scrapped"].map((one) => h("th.right", { scope: "col" }, one)), ["Made last", "Heard"].map((one) => h("th", { scope: "col" }, one)))),
      h(
        "tbody",
        some.map((one) =>
          h(
            "tr",
            { key: `${one.line}/${one.station}` },
            h("td.name", one.line),
            h("td", { "data-label": "Station" }, one.station, one.conflicts > 0 && [" ", badge(plural(one.conflicts, "conflict"), "bad")]),
            h("td.right.number", { "data-label": "Good" }, count(one.good)),
            h("td.right.number", { "data-label": "Scrapped" }, count(one.scrapped)),
            h("td.nowrap", { "data-label": "Made last" }, time(one.last_made_at_s)),
            h("td.nowrap", { "data-label": "Heard" }, time(one.last_sync_s)),
          ),
        ),
      ),
    ),
    { kind: "is-flush" },
  );
}

function days(some) {
  const isSeveral = new Set(some.map((one) => one.line)).size > 1;
  const name = (one) => new Date(one.begins_at_s * 1000).toLocaleDateString("en", { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" }) + (isSeveral ? `, ${one.line}` : "");
  const rows = some.map((one) => ({ key: `${one.begins_at_s} ${one.line}`, name: name(one), value: one.devices, kind: "accent" })).reverse();
  return panel("Made by day", rows.length ? barRows(rows, "Devices made on each day (UTC)") : h("p.faint", "Nothing in the last 30 days."), { aside: h("span.faint", icon("clock"), " 30 days, UTC") });
}

function byCommand() {
  return panel("By command", h("div.stack", [line("devices", "list", "state=quarantined"), line("devices", "made", "DEVICE"), "edge factory sync line/ --watch"].map((text) => commandLine(text))));
}

// One device: what it is, what it should run, how far it has come, and what happened to it.

import { accept, commands, decommission, reEnrol, reject, revoke } from "../actions.js";
import { get, may, part } from "../api.js";
import { commandLine, copyButton, line } from "../command.js";
import { deploy } from "../deploy.js";
import { open } from "../dialog.js";
import { h, paced, say, show } from "../dom.js";
import { bytes, phase, span, versionOf } from "../format.js";
import { icon } from "../icons.js";
import { onScreen } from "../keys.js";
import { logView } from "../logview.js";
import { menu } from "../menu.js";
import { knowNames } from "../names.js";
import { badge, facts, heading, isHere, panel, presence, progress, short, skeleton, time, trouble } from "../parts.js";
import { reach } from "../reach.js";
import { go, title } from "../router.js";
import { attributes, notes, tags } from "./labels.js";
import { logChoice, logs } from "./logs.js";
import { made, quarantined } from "./made.js";
import { services } from "./services.js";
import { timeline } from "./timeline.js";

const STEPS = [
  { name: "Ordered", phases: ["checking", "permitting"] },
  { name: "Writing", phases: ["installing", "verifying"] },
  { name: "Waiting", phases: ["waiting", "waiting-for-user"] },
  { name: "Restart", phases: ["arming", "rebooting", "switching"] },
  { name: "Trial", phases: ["trial", "proving"] },
  { name: "Kept", phases: ["committing", "keeping", "reporting", "idle"] },
];
// Other tabs are added here: a name, and what draws it.
const TABS = [
  { id: "now", name: "Now", draw: drawNow },
  { id: "services", name: "Services", draw: services, isAsking: true },
  { id: "logs", name: "Logs", draw: logs, isAsking: true },
  { id: "history", name: "History", draw: drawHistory },
];

/** Take the newest page of the history, before what is known of it already. */
function takeNewest(state, page) {
  const last = page.items.at(-1)?.place;
  const at = state.history.findIndex((one) => one.place === last);
  if (at < 0) Object.assign(state, { history: page.items, older: page.next });
  else state.history = page.items.concat(state.history.slice(at + 1));
}

export function device(screen) {
  const name = screen.words.device;
  title(name);
  const state = { name, device: null, orders: [], history: [], older: "", made: [], quarantine: null, error: null, tab: location.hash.slice(1) || "now", going: "" };
  const acts = {};
  const draw = () => show(screen.main, view(state, acts));
  Object.assign(state, { reach: reach(name, draw), logs: logChoice(), view: logView() });
  const path = `/devices/${part(name)}`;
  acts.load = async () => {
    try {
      const [found, orders, history, told] = await Promise.all([get(path), get(`${path}/orders`), get(`${path}/history`), get(`${path}/made`)]);
      tellPhase(state.device, found);
      Object.assign(state, { device: found, orders: orders.orders, made: told.records, quarantine: told.quarantine, error: null });
      takeNewest(state, history);
    } catch (error) {
      if (!state.device || error.status === 404) Object.assign(state, { error, device: null });
    }
    draw();
    // What is asked of it is of no interest to who does not look at it.
    if (isAsking(state) || state.reach.isWaiting()) await state.reach.load();
  };
  acts.setTab = (tab) => {
    state.tab = tab;
    history.replaceState(null, "", `${location.pathname}#${tab}`);
    draw();
    if (isAsking(state)) state.reach.load();
  };
  acts.readLogs = (one) => {
    state.logs.shown = one.command;
    acts.setTab("logs");
  };
  acts.more = async () => {
    try {
      const page = await get(`${path}/history`, { after: state.older });
      Object.assign(state, { history: state.history.concat(page.items), older: page.next });
    } catch (error) {
      tellError(error);
    }
    draw();
  };
  acts.deploy = () => state.device && deploy({ devices: [state.device] }).then(acts.load);
  acts.draw = draw;
  draw();
  acts.load();
  knowNames().then(draw);
  const again = paced(acts.load, 500);
  screen.onChange(["device"], (changed) => {
    const which = changed.get("device");
    if (which.has(name) || which.has("")) again();
  });
  screen.every(60_000, acts.load);
  // Answers are told by the stream; where there is none, they are looked for.
  screen.every(5_000, () => state.reach.isWaiting() && state.reach.load());
  if (may("deploy")) onScreen("d", "Deploy a release", acts.deploy);
  if (may("devices:write")) onScreen("a", "Accept it", () => state.device?.state === "pending" && accept(name).then(acts.load));
  onScreen("u", "Back to the devices", () => go("/devices"));
}

const isAsking = (state) => TABS.some((tab) => tab.id === state.tab && tab.isAsking);

function tellPhase(before, now) {
  if (before && before.phase !== now.phase) say(`${now.device}: ${phase(now.phase)}`);
}

function view(state, acts) {
  const above = h("a.crumb", { href: "/devices" }, icon("left"), "Devices");
  if (state.error) return [heading(state.name, { above }), trouble(state.error, acts.load)];
  const one = state.device;
  if (!one) return [heading(state.name, { above }), skeleton(10)];
  const name = [presence(one), h("span.mono.device-title", one.device), badge(one.state)];
  return [
    heading(name, { above, note: noteOf(one), actions: actions(one, acts) }),
    one.state === "pending" && waiting(one, acts),
    state.quarantine && quarantined(state.quarantine),
    h("div.tabs", { role: "tablist", "aria-label": "Parts of the device" }, TABS.map((tab) => h("button", { type: "button", role: "tab", id: `tab-${tab.id}`, "aria-selected": String(tab.id === state.tab), "aria-controls": "tab-body", on: { click: () => acts.setTab(tab.id) } }, tab.name))),
    h("div", { id: "tab-body", role: "tabpanel", "aria-labelledby": `tab-${state.tab}` }, (TABS.find((tab) => tab.id === state.tab) ?? TABS[0]).draw(state, acts)),
  ];
}

function noteOf(one) {
  const what = [one.product, one.version].filter(Boolean).join(" ");
  return [what || "has not told yet what it runs", one.board && ` on ${one.board}`, " · ", one.is_online ? "connected" : time(one.last_seen_s, "heard ")];
}

function actions(one, acts) {
  const isIn = one.state === "accepted";
  const then = (act) => () => act(one.device).then(acts.load);
  const items = may("devices:write") && [
    ["revoked", "quarantined"].includes(one.state) && { text: "Accept", act: then(accept) },
    (isIn || one.state === "quarantined") && { text: "Revoke…", isDangerous: true, act: then(revoke) },
    one.state === "pending" && { text: "Reject…", isDangerous: true, act: () => reject(one.device).then((is) => (is ? go("/devices") : acts.load())) },
    one.state !== "pending" && { text: "Re-enrol…", act: () => reEnrol(one.device).then((answer) => answer && tellEpoch(one.device, answer.epoch)).then(acts.load) },
    one.state !== "decommissioned" && { text: "Decommission…", isDangerous: true, act: then(decommission) },
  ];
  return [
    one.state === "pending" && may("devices:write") && h("button.button.primary", { type: "button", on: { click: then(accept) } }, icon("check"), "Accept"),
    isIn && may("deploy") && h("button.button.primary", { type: "button", on: { click: acts.deploy } }, icon("rocket"), "Deploy"),
    items && menu("More actions", items),
  ];
}

function tellEpoch(name, epoch) {
  return open({
    title: `${name}: epoch ${epoch}`,
    body: () => [
      h("p", "Bring the device its new certificate and this epoch. Orders of an earlier one are void."),
      commandLine(`printf %s ${epoch} > /var/lib/edge/identity/epoch`, "On the device"),
    ],
  });
}

function waiting(one, acts) {
  return h(
    "div.banner.is-warn",
    icon("alert"),
    h("div", h("strong", "It asks to be let in."), h("p", "Compare its certificate with that of the device before you accept it: ", h("code", one.certificate), copyButton(one.certificate, "Copy the fingerprint"))),
  );
}

function drawNow(state, acts) {
  const one = state.device;
  return h(
    "div.columns",
    // Of one that is not let in nothing is known but that it came.
    h("div.column", one.state !== "pending" && [update(state), desired(one)], recent(state, acts)),
    h("div.column.is-narrow", identity(one), made(state), tags(one, acts), attributes(one, acts), notes(one, acts), byCommand(one)),
  );
}

function drawHistory(state, acts) {
  return panel("History", [timeline(state.history), state.older && h("div.rows-more", h("button.button.small", { type: "button", on: { click: acts.more } }, "Show more"))], {
    aside: copyButton(line("audit", "list", "--subject", `device:${state.name}`), "Copy the command"),
  });
}

function update(state) {
  const one = state.device;
  const order = state.orders[0];
  if (!order) return panel("Update", h("p.faint", one.state === "accepted" ? "Nothing was ordered yet." : "Nothing can be ordered of it as it stands."), { aside: one.state === "accepted" && h("code.faint", line("deploy", "VERSION", "--to", one.device)) });
  const isAtWork = one.action === order.action;
  const isOpen = order.state === "open";
  const at = !isOpen ? STEPS.length : isAtWork ? STEPS.findIndex((step) => step.phases.includes(one.phase)) : 0;
  return panel(
    "Update",
    [
      h("div.update-head", h("span.mono", one.version === order.version && !isOpen ? order.version : order.version ? [one.version || "?", " → ", order.version] : "stays as it is"), badge(order.state), order.campaign && ofCampaign(order), h("span.faint.push", isOpen ? time(order.created_at_s, "ordered ") : time(order.closed_at_s))),
      order.state === "failed" || order.state === "cancelled" ? h("div.banner.is-bad", icon("alert"), h("div", h("strong", order.state === "failed" ? "The update failed" : "It was cancelled"), h("p", order.reason || "The device told no reason."))) : order.version ? steps(at, isOpen) : h("p.faint", "What was ordered before was taken back."),
      isOpen && transfer(one, isAtWork),
      isOpen && one.reason && h("p.note", "It says: ", one.reason),
    ],
    { kind: isOpen ? "is-live" : "" },
  );
}

const ofCampaign = (order) => h("a.of-campaign", { href: `/campaigns/${encodeURIComponent(order.campaign)}`, title: "The campaign that ordered it" }, icon("campaigns"), order.campaign_name);

function steps(at, isOpen) {
  return h(
    "ol.steps",
    STEPS.map((step, index) => {
      const kind = index < at || !isOpen ? "is-done" : index === at ? "is-now" : "";
      return h("li", { class: kind, "aria-current": kind === "is-now" ? "step" : null }, h("span.step-dot", kind === "is-done" && icon("check")), h("span", step.name));
    }),
  );
}

function transfer(one, isAtWork) {
  if (!isAtWork) return h("p.faint", "The device has not begun with it; it takes the order up when it calls next.");
  const isWriting = one.phase === "installing";
  const left = one.bytes_per_s > 0 ? (one.planned_bytes - one.done_bytes) / one.bytes_per_s : 0;
  return [
    h("div.row-progress.is-wide", progress(isWriting ? one.percent : null, "How far it is"), h("span.number", isWriting ? `${one.percent} %` : "")),
    h("p.faint.number", phase(one.phase), isWriting && one.planned_bytes > 0 && ` · ${bytes(one.done_bytes)} of ${bytes(one.planned_bytes)}`, isWriting && one.bytes_per_s > 0 && ` · ${bytes(one.bytes_per_s)}/s`, isWriting && left > 5 && ` · ${span(left)} left`),
  ];
}

function desired(one) {
  const wanted = one.desired_release ? versionOf(one.desired_release) : "";
  const running = Object.entries(one.services);
  const isOf = (name) => wanted.startsWith(`${name}+`);
  const rows = [
    ["Version", running.some(([name]) => isOf(name)) ? "" : wanted, one.version],
    ...running.map(([name, version]) => [`Service ${name}`, isOf(name) ? wanted : "", version]),
    ["Action", one.desired_action, one.action],
    ["Slot", "", one.slot],
    ["Counter", "", one.version ? String(one.counter) : ""],
    ["Phase", "", one.phase && phase(one.phase)],
  ];
  return panel(
    "Desired and reported",
    h(
      "table.table.compare",
      h("thead", h("tr", h("th", { scope: "col" }, h("span.hidden", "What")), h("th", { scope: "col" }, "Desired"), h("th", { scope: "col" }, "Reported"))),
      h("tbody", rows.map(([name, left, right]) => h("tr", { class: left && left !== right ? "is-other" : "" }, h("th", { scope: "row" }, name), h("td.mono", left || h("span.faint", "–")), h("td.mono", right || h("span.faint", "–"))))),
    ),
    { kind: "is-flush" },
  );
}

function recent(state, acts) {
  return panel("Lately", timeline(state.history.slice(0, 8)), { aside: state.history.length > 8 && h("button.link", { type: "button", on: { click: () => acts.setTab("history") } }, "All") });
}

function identity(one) {
  return panel(
    "Identity",
    facts([
      ["Certificate", one.certificate && h("span.with-copy", short(one.certificate, 18), copyButton(one.certificate, "Copy the fingerprint"))],
      ["Epoch", String(one.epoch)],
      ["Board", one.board],
      ["Product", one.product],
      ["Slot", one.slot && h("span.slots", ["a", "b"].map((slot) => h("span.slot", { class: slot === one.slot ? "is-on" : "", title: slot === one.slot ? "runs" : "the other one" }, slot.toUpperCase())))],
      ["First heard", time(one.first_seen_s)],
      ["Last heard", [time(one.last_seen_s), one.via && h("span.faint", ` by ${one.via.toUpperCase()}`)]],
      ["Connected", one.is_online ? "yes, by MQTT" : isHere(one) ? "polls" : "no"],
    ]),
  );
}

function byCommand(one) {
  return panel("By command", h("div.stack", [commands.show(one.device), line("devices", "events", one.device), line("audit", "list", "--subject", `device:${one.device}`)].map((text) => commandLine(text))));
}

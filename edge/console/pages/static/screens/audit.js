// The audit log, newest first; the chain of what is shown is checked here, in the browser.

import { get } from "../api.js";
import { commandLine, line } from "../command.js";
import { h, paced, show } from "../dom.js";
import { act, count, detailsOf, kindOf, nameOf, plural, when } from "../format.js";
import { icon } from "../icons.js";
import { onScreen } from "../keys.js";
import { empty, heading, skeleton, time, trouble } from "../parts.js";
import { setQuery, title } from "../router.js";
import { checked } from "../chain.js";
import { knowNames, whoIs } from "../names.js";

const LIMIT = 100;
const KINDS = [
  ["", "All"],
  ["device.*", "Devices"],
  ["device.deploy", "Deployments"],
  ["campaign.*", "Campaigns"],
  ["release.*", "Releases"],
  ["group.*", "Groups"],
  ["token.*", "Tokens"],
  ["person.*", "People"],
];

export function audit(screen) {
  title("Audit");
  const state = { entries: null, next: 0, subject: screen.query.get("subject") ?? "", actor: screen.query.get("actor") ?? "", act: screen.query.get("act") ?? "", chain: null, error: null };
  const acts = {};
  const draw = () => show(screen.main, view(state, acts));
  const query = (before) => ({ newest: true, limit: LIMIT, subject: state.subject, actor: state.actor, act: state.act, before });
  const isWhole = () => !state.subject && !state.actor && !state.act;

  acts.load = async () => {
    try {
      const found = await get("/audit", query(0));
      const newest = new Set(found.entries.map((one) => one.number));
      const older = (state.entries ?? []).filter((one) => !newest.has(one.number) && one.number < (found.entries.at(-1)?.number ?? 0));
      Object.assign(state, { entries: [...found.entries, ...older], error: null });
      if (!older.length) state.next = found.next;
    } catch (error) {
      if (!state.entries) state.error = error;
    }
    draw();
    await check();
  };
  acts.more = async () => {
    const found = await get("/audit", query(state.next));
    state.entries.push(...found.entries);
    state.next = found.next;
    draw();
    await check();
  };
  const check = async () => {
    state.chain = isWhole() && state.entries?.length ? await checked(state.entries) : null;
    draw();
  };
  acts.set = (values) => {
    Object.assign(state, values, { entries: null });
    setQuery({ subject: state.subject, actor: state.actor, act: state.act });
    draw();
    acts.load();
  };
  draw();
  acts.load();
  knowNames().then(draw);
  screen.onChange(["audit", "release"], paced(acts.load, 1500));
  onScreen("/", "Choose by subject", () => document.getElementById("subject")?.focus());
}

function view(state, acts) {
  return [
    heading("Audit", { note: "Who did what to whom. Each entry holds the digest of the one before.", actions: marker(state) }),
    filters(state, acts),
    state.error ? trouble(state.error, acts.load) : !state.entries ? skeleton(12) : state.entries.length ? table(state, acts) : nothing(state, acts),
    h("div.below", commandLine(state.subject ? line("audit", "list", "--subject", state.subject) : line("audit", "verify"))),
  ];
}

function marker(state) {
  const { chain } = state;
  if (!chain) return state.subject || state.actor || state.act ? h("span.marker", icon("shield"), "Checked in the whole log only") : null;
  if (chain.broken) return h("span.marker.is-bad", { role: "alert" }, icon("alert"), `Entry ${count(chain.broken)} is not the one that was written`);
  return h("span.marker.is-good", { title: `Computed in this browser. Tip: ${chain.tip}` }, icon("shield"), `Chain holds: ${plural(chain.checked, "entry", "entries")} checked`);
}

function filters(state, acts) {
  const input = (name, label, placeholder) =>
    h("input.mono", { id: name, value: state[name], "aria-label": label, placeholder, autocomplete: "off", spellcheck: "false", on: { change: (event) => acts.set({ [name]: event.target.value.trim() }) } });
  return h(
    "div.toolbar",
    h("div.segments.is-wrapping", { role: "group", "aria-label": "Kind" }, KINDS.map(([value, name]) => h("button", { type: "button", "aria-pressed": String(state.act === value), on: { click: () => acts.set({ act: value }) } }, name))),
    h("div.toolbar-end", input("subject", "Subject", "device:unit-7, device:*"), input("actor", "Who", "person:ada")),
  );
}

function nothing(state, acts) {
  const isAll = !state.subject && !state.actor && !state.act;
  return empty(isAll ? "Nothing was done yet" : "No entry is like that", isAll ? "" : "Subjects are written as device:ID, release:PATH, group:NAME, token:ID.", {
    picture: "audit",
    actions: isAll ? [] : [h("button.button", { type: "button", on: { click: () => acts.set({ subject: "", actor: "", act: "" }) } }, "All entries")],
  });
}

function table(state, acts) {
  const broken = state.chain?.broken;
  return [
    h(
      "table.table.audit",
      h("thead", h("tr", ["#", "When", "Who", "Act", "Subject", "Details"].map((one) => h("th", { scope: "col" }, one)))),
      h(
        "tbody",
        state.entries.map((one) =>
          h(
            "tr",
            { key: one.number, class: one.number === broken ? "is-bad" : "" },
            h("td.number.faint", { "data-label": "#", title: one.digest }, count(one.number)),
            h("td.nowrap", { "data-label": "When", title: when(one.at_s) }, time(one.at_s)),
            h("td", { "data-label": "Who" }, h("button.link.mono", { type: "button", title: `Only what ${one.actor} did`, on: { click: () => acts.set({ actor: one.actor }) } }, whoIs(one.actor))),
            h("td.name", h("span", { title: one.act }, act(one.act, one.details))),
            h("td", { "data-label": "Subject" }, subject(one, acts)),
            h("td.faint.details", { "data-label": "Details" }, detailsOf(one.details)),
          ),
        ),
      ),
    ),
    state.next > 0 && h("div.pager", h("button.button.small", { type: "button", on: { click: acts.more } }, "Older ones")),
  ];
}

function subject(one, acts) {
  const [kind, name] = [kindOf(one.subject), nameOf(one.subject)];
  const shown = kind === "device" ? h("a.mono", { href: `/devices/${encodeURIComponent(name)}` }, name) : h("span.mono", { title: one.subject }, name);
  return h("span.with-copy", shown, h("button.icon-button", { type: "button", "aria-label": `Only ${one.subject}`, title: "Only this one", on: { click: () => acts.set({ subject: one.subject }) } }, icon("search")));
}

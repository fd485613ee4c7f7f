// The devices of a campaign by how they stand, those that need somebody first.

import { get, part } from "../api.js";
import { h } from "../dom.js";
import { count, versionOf } from "../format.js";
import { icon } from "../icons.js";
import { badge, panel, skeleton, time } from "../parts.js";
import { tellError } from "../toast.js";
import { decide, decisions } from "./decide.js";
import { MEMBER_STATES, RETRIABLE, memberWords, releaseOf } from "./words.js";

const LIMIT = 25;
const BACK = ["reverting", "half-back", "reverted", "stranded"];

/** Return the list: load() asks for it anew, view(campaign) draws it. */
export function members(id, draw) {
  const state = { filter: "", wave: "", pages: [""], found: null };
  const acts = {};
  acts.load = async () => {
    const query = { sort: "trouble", state: state.filter, wave: state.wave, after: state.pages.at(-1), limit: LIMIT };
    state.found = await get(`/campaigns/${part(id)}/devices`, query);
  };
  const again = () => acts.load().then(draw, tellError);
  acts.set = (key, value) => {
    Object.assign(state, { [key]: value, pages: [""] });
    draw();
    again();
  };
  acts.next = () => {
    if (!state.found?.next) return;
    state.pages.push(state.found.next);
    again();
  };
  acts.back = () => {
    if (state.pages.length < 2) return;
    state.pages.pop();
    again();
  };
  acts.view = (one) => panel("Devices", [filters(state, one, acts), state.found ? list(state, one, again) : h("div.inside", skeleton(4)), pager(state, acts)], { kind: "is-flush" });
  return acts;
}

function filters(state, one, acts) {
  const known = MEMBER_STATES.filter((name) => one.counts[name] > 0 || name === state.filter);
  return h(
    "div.member-filters",
    { role: "group", "aria-label": "Devices shown" },
    h("button.chip", { type: "button", key: "all", "aria-pressed": String(!state.filter), on: { click: () => acts.set("filter", "") } }, "All", h("span.number.faint", count(one.devices))),
    known.map((name) =>
      h(
        "button.chip",
        { type: "button", key: name, "aria-pressed": String(state.filter === name), on: { click: () => acts.set("filter", state.filter === name ? "" : name) } },
        memberWords(name)[0],
        h("span.number.faint", count(one.counts[name] ?? 0)),
      ),
    ),
    one.waves > 1 &&
      h(
        "select.wave-choice",
        { "aria-label": "Wave", key: "wave", value: state.wave, on: { change: (event) => acts.set("wave", event.target.value) } },
        h("option", { value: "", selected: state.wave === "" }, "All waves"),
        one.wave_views.map((wave) => h("option", { value: String(wave.number), selected: state.wave === String(wave.number) }, `Wave ${wave.number}`)),
      ),
  );
}

function list(state, one, again) {
  const rows = state.found.devices;
  if (!rows.length) return h("p.faint.inside", "No device stands so.");
  const mayRetry = decisions(one).includes("retry") || (one.acts.includes("retry") && decisions({ ...one, counts: { failed: 1 } }).includes("retry"));
  return h(
    "table.table.members",
    h("thead", h("tr", ["Device", "State", "Wave", "Why"].map((name) => h("th", { scope: "col" }, name)), h("th.right", { scope: "col" }, "Since"))),
    h("tbody", rows.map((row) => line(row, one, mayRetry, again))),
  );
}

function line(row, one, mayRetry, again) {
  const [words, kind] = memberWords(row.state);
  const isStep = row.release && ![one.version, ...one.also].includes(versionOf(row.release));
  return h(
    "tr",
    { key: row.device, "data-state": row.state },
    h("td.name", h("a.mono", { href: `/devices/${encodeURIComponent(row.device)}` }, row.device)),
    h("td", { "data-label": "State" }, badge(words, kind)),
    h("td.number", { "data-label": "Wave" }, String(row.wave)),
    h(
      "td.member-why",
      { "data-label": "Why" },
      h("span", { class: kind === "bad" ? "reason" : "faint" }, row.reason || versions(row, one, isStep)),
      row.tries > 1 && h("span.faint", ` ${row.tries} tries`),
      mayRetry && RETRIABLE.includes(row.state) && h("button.link.retry", { type: "button", "aria-label": `Try ${row.device} again`, on: { click: () => decide("retry", one, { devices: [row.device] }).then((isDone) => isDone && again()) } }, "Try again"),
    ),
    h("td.right.faint.nowrap", { "data-label": "Since" }, row.changed_at_s ? time(row.changed_at_s) : "–"),
  );
}

function versions(row, one, isStep) {
  if (BACK.includes(row.state)) return row.from_version ? [h("span.mono", releaseOf(one)), " → ", h("span.mono", row.from_version)] : "";
  const after = row.taken.length > 0 && [" after ", h("span.mono", row.taken.map(versionOf).join(" + "))];
  if (row.state === "between") return ["has ", h("span.mono", row.taken.map(versionOf).join(" + "))];
  if (!row.from_version) return after ? [h("span.mono", versionOf(row.release)), after] : "";
  return [h("span.mono", row.from_version), " → ", h("span.mono", isStep ? versionOf(row.release) : row.release && one.also.length ? versionOf(row.release) : one.version), isStep && " on the way", after];
}

function pager(state, acts) {
  if (state.pages.length < 2 && !state.found?.next) return null;
  return h(
    "nav.pager.inside",
    { "aria-label": "Pages of devices" },
    h("span.faint.number", `Page ${state.pages.length}`),
    h("button.button.small", { type: "button", disabled: state.pages.length < 2, on: { click: acts.back } }, icon("left"), "Back"),
    h("button.button.small", { type: "button", disabled: !state.found?.next, on: { click: acts.next } }, "Next", icon("right")),
  );
}

// The devices: which ones are meant, what they are, and what is to be done with many of them.

import { commands } from "../actions.js";
import { get, may, reachesAll } from "../api.js";
import { bulkBar } from "../bulk.js";
import { copyButton, line } from "../command.js";
import { h, paced, show } from "../dom.js";
import { filterBox } from "../filterbox.js";
import { count, phase, versionOf } from "../format.js";
import { icon } from "../icons.js";
import { onScreen } from "../keys.js";
import { badge, empty, heading, presence, progress, skeleton, time, trouble } from "../parts.js";
import { go, setQuery, title } from "../router.js";
import { register, saveFilter } from "./register.js";

const LIMIT = 50;
const SORTS = { id: "Name", version: "Version", seen: "Last heard" };

export function devices(screen) {
  title("Devices");
  const state = {
    filter: screen.query.get("filter") ?? "",
    sort: screen.query.get("sort") ?? "id",
    pages: [""],
    found: null,
    total: null,
    groups: [],
    error: null,
    chosen: new Set(),
    at: -1,
    last: -1,
  };
  const acts = {};
  const box = filterBox({ text: state.filter, onChange: (text) => acts.setFilter(text) });
  const draw = () => show(screen.main, view(state, box, acts));
  let asked = null;

  acts.load = async () => {
    asked?.abort();
    asked = new AbortController();
    try {
      const query = { filter: state.filter, sort: state.sort, after: state.pages.at(-1), limit: LIMIT, total: true };
      const found = await get("/devices", query, asked.signal);
      Object.assign(state, { found, total: found.total, error: null });
    } catch (error) {
      if (error.name === "AbortError") return;
      // What can not be read is told by the box; what was shown stays.
      if (error.status !== 400 || !state.found) state.error = error;
    }
    draw();
  };
  acts.loadGroups = async () => {
    try {
      state.groups = (await get("/groups")).groups;
    } catch {
      state.groups = [];
    }
    draw();
  };
  acts.setFilter = (text) => {
    Object.assign(state, { filter: text, pages: [""], at: -1 });
    setQuery({ filter: text });
    acts.load();
  };
  acts.setSort = (sort) => {
    Object.assign(state, { sort, pages: [""] });
    setQuery({ sort: sort === "id" ? "" : sort });
    acts.load();
  };
  acts.next = () => {
    if (!state.found?.next) return;
    state.pages.push(state.found.next);
    acts.load();
  };
  acts.back = () => {
    if (state.pages.length < 2) return;
    state.pages.pop();
    acts.load();
  };
  acts.choose = (at, isRange) => {
    const rows = state.found.devices;
    const from = isRange && state.last >= 0 ? Math.min(state.last, at) : at;
    const to = isRange && state.last >= 0 ? Math.max(state.last, at) : at;
    const isOn = !state.chosen.has(rows[at].device);
    for (const one of rows.slice(from, to + 1)) state.chosen[isOn ? "add" : "delete"](one.device);
    state.last = at;
    draw();
  };
  acts.chooseAll = () => {
    const names = state.found.devices.map((one) => one.device);
    const isAll = names.every((one) => state.chosen.has(one));
    for (const one of names) state.chosen[isAll ? "delete" : "add"](one);
    draw();
  };
  acts.chooseNone = () => {
    state.chosen.clear();
    draw();
  };
  acts.box = box;
  acts.draw = draw;

  draw();
  acts.load();
  acts.loadGroups();
  screen.onChange(
    ["device"],
    paced(() => Promise.all([acts.load(), box.refresh()]), 1200),
  );
  screen.onChange(["group"], () => acts.loadGroups());
  keys(state, acts);
}

function keys(state, acts) {
  const rows = () => state.found?.devices ?? [];
  const move = (step) => {
    if (!rows().length) return;
    state.at = Math.max(0, Math.min(rows().length - 1, state.at + step));
    acts.draw();
    document.querySelector(".device-row.is-here")?.scrollIntoView({ block: "nearest" });
    document.querySelector(".device-row.is-here a")?.focus({ preventScroll: true });
  };
  onScreen("/", "Write a filter", () => acts.box.focus());
  onScreen("j", "Next device", () => move(1));
  onScreen("k", "Device before", () => move(-1));
  onScreen("x", "Select it", () => state.at >= 0 && acts.choose(state.at));
  onScreen("Enter", "Open it", (event) => {
    if (event.target.closest("a, button")) event.target.click();
    else if (state.at >= 0) go(`/devices/${encodeURIComponent(rows()[state.at].device)}`);
  });
  onScreen("*", "Select all on this page", () => rows().length && acts.chooseAll());
  onScreen("Escape", "Select none", () => acts.chooseNone());
  onScreen("n", "Next page", () => acts.next());
  onScreen("p", "Page before", () => acts.back());
}

function view(state, box, acts) {
  const actions = [
    may("devices:write") && reachesAll && h("button.button", { type: "button", on: { click: () => register(acts.load) } }, icon("plus"), "Register a device"),
  ];
  return [
    heading("Devices", { actions }),
    h("div.toolbar", box.element, sorting(state, acts)),
    saved(state, acts),
    state.error ? trouble(state.error, acts.load) : state.found ? list(state, acts) : skeleton(12),
    state.chosen.size > 0 && bulkBar([...state.chosen], acts, state.groups),
  ];
}

function sorting(state, acts) {
  const [name, isFalling] = state.sort.startsWith("-") ? [state.sort.slice(1), true] : [state.sort, false];
  return h(
    "label.sorting",
    h("span.hidden", "Order"),
    h(
      "select",
      { "aria-label": "Order", value: state.sort, own: "sorting", on: { change: (event) => acts.setSort(event.target.value) } },
      Object.entries(SORTS).flatMap(([key, text]) =>
        [["", key === "id" ? "A–Z" : key === "seen" ? "longest ago first" : "oldest first"], ["-", key === "id" ? "Z–A" : key === "seen" ? "newest first" : "newest first"]].map(([sign, what]) =>
          h("option", { value: sign + key, selected: name === key && isFalling === (sign === "-") }, `${text}, ${what}`),
        ),
      ),
    ),
  );
}

function saved(state, acts) {
  const filters = state.groups.filter((one) => one.filter);
  const isKnown = filters.some((one) => one.filter === state.filter);
  return h(
    "div.saved",
    { "aria-label": "Saved filters" },
    filters.map((one) =>
      h(
        "button.chip",
        { type: "button", key: one.group, title: one.filter, "aria-pressed": String(one.filter === state.filter), on: { click: () => acts.box.set(one.filter === state.filter ? "" : one.filter) } },
        one.group,
        h("span.number.faint", count(one.devices)),
      ),
    ),
    may("devices:write") &&
      reachesAll &&
      state.filter &&
      !isKnown &&
      h("button.chip.is-new", { type: "button", on: { click: () => saveFilter(state.filter, acts.loadGroups) } }, icon("save"), "Save this filter"),
    state.filter && h("span.saved-command", copyButton(line("devices", "list", state.filter), "Copy this list as a command")),
  );
}

function list(state, acts) {
  const rows = state.found.devices;
  if (!rows.length) return nothing(state, acts);
  const isAll = rows.every((one) => state.chosen.has(one.device));
  return [
    h(
      "table.table.devices",
      h(
        "thead",
        h(
          "tr",
          h("th.pick", { scope: "col" }, h("input", { type: "checkbox", "aria-label": "Select all on this page", checked: isAll, indeterminate: !isAll && rows.some((one) => state.chosen.has(one.device)), on: { change: acts.chooseAll } })),
          ["Device", "State", "Version", "Update", "Tags"].map((one) => h("th", { scope: "col" }, one)),
          h("th.right", { scope: "col" }, "Last heard"),
        ),
      ),
      h("tbody", rows.map((one, at) => row(one, at, state, acts))),
    ),
    pager(state, acts),
  ];
}

function row(one, at, state, acts) {
  const isChosen = state.chosen.has(one.device);
  return h(
    "tr.device-row",
    { key: one.device, class: [isChosen && "is-chosen", at === state.at && "is-here"].filter(Boolean).join(" "), "data-device": one.device },
    h("td.pick", h("input", { type: "checkbox", "aria-label": `Select ${one.device}`, checked: isChosen, on: { click: (event) => acts.choose(at, event.shiftKey) } })),
    h("td.name", h("span.device-name", presence(one), h("a.mono", { href: `/devices/${encodeURIComponent(one.device)}`, title: commands.show(one.device) }, one.device))),
    h("td.state", { class: one.state === "accepted" ? "is-usual" : "" }, one.state === "accepted" ? h("span.faint", "accepted") : badge(one.state)),
    h("td.version.mono", one.version || h("span.faint", "–")),
    h("td.update", { class: isUsual(one) ? "is-usual" : "" }, update(one)),
    h("td.tagged", { class: one.tags.length ? "" : "is-usual" }, h("div.tags", one.tags.slice(0, 3).map((tag) => h("span.tag", tag)), one.tags.length > 3 && h("span.faint", `+${one.tags.length - 3}`))),
    h("td.seen.right.faint", time(one.last_seen_s)),
  );
}

function update(one) {
  const wanted = one.desired_release && versionOf(one.desired_release);
  const isAtWork = wanted && one.action === one.desired_action && one.phase !== "idle";
  if (isAtWork) {
    const percent = one.phase === "installing" ? one.percent : null;
    return h("div.update-now", h("span", h("span.mono", `→ ${wanted}`), " ", h("span.faint", phase(one.phase))), progress(percent, `Update of ${one.device}`));
  }
  if (one.reason) return h("span.reason.cut", { title: one.reason }, one.reason);
  if (wanted && wanted !== one.version && one.action !== one.desired_action) return h("span.faint", h("span.mono", `→ ${wanted}`), " ordered");
  return h("span.faint", "–");
}

/** Whether there is nothing to say of its updates. */
function isUsual(one) {
  const wanted = one.desired_release && versionOf(one.desired_release);
  return !one.reason && (!wanted || (one.phase === "idle" && one.action === one.desired_action));
}

function pager(state, acts) {
  const page = state.pages.length;
  const from = (page - 1) * LIMIT + 1;
  return h(
    "nav.pager",
    { "aria-label": "Pages" },
    h("span.faint.number", `${count(from)}–${count(from + state.found.devices.length - 1)} of ${count(state.total)}${state.found.is_total_least ? "+" : ""}`),
    h("button.button.small", { type: "button", disabled: page < 2, on: { click: acts.back } }, icon("left"), "Back"),
    h("button.button.small", { type: "button", disabled: !state.found.next, on: { click: acts.next } }, "Next", icon("right")),
  );
}

function nothing(state, acts) {
  if (state.filter) {
    return empty("No device is meant by this filter", "Take something out of it, or look at all devices.", {
      picture: "search",
      actions: [h("button.button", { type: "button", on: { click: () => acts.box.set("") } }, "All devices")],
    });
  }
  return empty("No device has come yet", "A device comes in by calling with a certificate of the factory, and waits here until it is accepted; or it is registered ahead.", {
    commands: ["edge devices register device-7"],
  });
}

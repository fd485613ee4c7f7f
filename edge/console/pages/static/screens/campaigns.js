// The campaigns: how each one stands, and which are looked at side by side.

import { get, may } from "../api.js";
import { h, paced, show } from "../dom.js";
import { count, plural } from "../format.js";
import { icon } from "../icons.js";
import { onScreen } from "../keys.js";
import { knowNames, whoIs } from "../names.js";
import { badge, empty, heading, skeleton, time, trouble } from "../parts.js";
import { go, title } from "../router.js";
import { releaseOf, standing, statesBar } from "../campaigns/words.js";

const LIMIT = 200;
const COMPARED_MOST = 6;
export const path = (id) => `/campaigns/${encodeURIComponent(id)}`;

export function campaigns(screen) {
  title("Campaigns");
  const state = { found: null, error: null, chosen: new Set(), at: -1 };
  const acts = {};
  const draw = () => show(screen.main, view(state, acts));
  acts.draw = draw;
  acts.load = async () => {
    try {
      Object.assign(state, { found: (await get("/campaigns", { limit: LIMIT })).campaigns, error: null });
    } catch (error) {
      if (!state.found) state.error = error;
    }
    draw();
  };
  acts.choose = (id) => {
    if (state.chosen.has(id)) state.chosen.delete(id);
    else if (state.chosen.size < COMPARED_MOST) state.chosen.add(id);
    draw();
  };
  acts.compare = () => state.chosen.size > 1 && go(`/campaigns/compare?ids=${[...state.chosen].map(encodeURIComponent).join(",")}`);
  draw();
  acts.load();
  knowNames().then(draw);
  screen.onChange(["campaign"], paced(acts.load, 1200));
  screen.every(60_000, acts.load);
  keys(state, acts);
}

function keys(state, acts) {
  const rows = () => state.found ?? [];
  const move = (step) => {
    if (!rows().length) return;
    state.at = Math.max(0, Math.min(rows().length - 1, state.at + step));
    acts.draw();
    document.querySelector(".campaign-row.is-here a")?.focus();
  };
  onScreen("j", "Next campaign", () => move(1));
  onScreen("k", "Campaign before", () => move(-1));
  onScreen("x", "Select it, to compare", () => state.at >= 0 && acts.choose(rows()[state.at].campaign));
  onScreen("Enter", "Open it", (event) => {
    if (event.target.closest("a, button")) event.target.click();
    else if (state.at >= 0) go(path(rows()[state.at].campaign));
  });
  onScreen("c", "Compare those that are selected", acts.compare);
  if (may("campaigns:write")) onScreen("n", "New campaign", () => go("/campaigns/new"));
}

function view(state, acts) {
  const isNew = may("campaigns:write");
  const actions = [
    state.chosen.size > 0 && h("button.button", { type: "button", key: "compare", disabled: state.chosen.size < 2, title: state.chosen.size < 2 ? "Select another one" : null, on: { click: acts.compare } }, icon("compare"), `Compare ${count(state.chosen.size)}`),
    isNew && h("a.button.primary", { href: "/campaigns/new", key: "new" }, icon("plus"), "New campaign"),
  ];
  if (state.error) return [heading("Campaigns"), trouble(state.error, acts.load)];
  if (!state.found) return [heading("Campaigns", { actions }), skeleton(8)];
  if (!state.found.length) return [heading("Campaigns"), nothing(isNew)];
  const live = state.found.filter((one) => one.is_live).length;
  return [heading("Campaigns", { note: live ? `${plural(live, "campaign")} under way` : "None is under way", actions }), table(state, acts)];
}

function nothing(isNew) {
  return empty(
    "There is no campaign yet",
    [
      "A campaign brings a release to many devices in waves: a few first, then more. It goes on by itself as long as devices keep the release, and stops by itself when too many fail.",
      isNew ? "Before anything is ordered you see which devices it reaches, what they fetch, and how far a bad release would come." : "Who may make one has the role operator or admin.",
    ],
    {
      picture: "campaigns",
      actions: isNew ? [h("a.button.primary", { href: "/campaigns/new" }, icon("plus"), "New campaign")] : [],
      commands: ["edge campaign create --release 1.2.0 --preview"],
    },
  );
}

function table(state, acts) {
  return h(
    "table.table.campaigns",
    h("thead", h("tr", h("th.pick", { scope: "col" }, h("span.hidden", "Compare")), ["Campaign", "State", "Devices", "Wave"].map((one) => h("th", { scope: "col" }, one)), h("th.right", { scope: "col" }, "Made"))),
    h("tbody", state.found.map((one, at) => row(one, at, state, acts))),
  );
}

function row(one, at, state, acts) {
  const { text, kind } = standing(one);
  const isChosen = state.chosen.has(one.campaign);
  return h(
    "tr.campaign-row",
    { key: one.campaign, class: [isChosen && "is-chosen", at === state.at && "is-here"].filter(Boolean).join(" ") },
    h("td.pick", h("input", { type: "checkbox", "aria-label": `Compare ${one.name}`, checked: isChosen, on: { change: () => acts.choose(one.campaign) } })),
    h("td.name", h("a", { href: path(one.campaign) }, one.name), h("span.under.faint", h("span.mono", releaseOf(one)), ` ${one.products.join(", ")}`)),
    h("td", { "data-label": "State" }, h("div.campaign-state", badge(text, kind), one.reason && h("span.under.reason-short", { class: kind === "bad" ? "reason" : "faint", title: one.reason }, one.reason))),
    h("td.campaign-bar", { "data-label": "Devices" }, h("div", statesBar(one.counts, `Devices of ${one.name}`), h("span.under.faint.number", devicesOf(one)))),
    h("td.number.nowrap", { "data-label": "Wave" }, one.state === "draft" ? h("span.faint", `none of ${one.waves}`) : `${one.open_wave} of ${one.waves}`),
    h("td.right.faint", { "data-label": "Made" }, h("div", time(one.created_at_s), h("span.under", whoIs(one.made_by)))),
  );
}

function devicesOf(one) {
  const failed = (one.counts.failed ?? 0) + (one.counts.silent ?? 0);
  const good = (one.counts.succeeded ?? 0) + (one.counts.present ?? 0);
  return [`${count(good)} of ${plural(one.devices, "device")}`, failed > 0 && [" · ", h("span.reason", `${count(failed)} failed`)]];
}

/** Return campaigns that are under way, for the overview. */
export function running(found) {
  return h(
    "ul.rows",
    found.map((one) => {
      const { text, kind } = standing(one);
      return h(
        "li.campaign-line",
        { key: one.campaign },
        h("div.campaign-line-head", h("a", { href: path(one.campaign) }, one.name), badge(text, kind), h("span.faint.number", `wave ${one.open_wave} of ${one.waves} · `, devicesOf(one))),
        statesBar(one.counts, `Devices of ${one.name}`),
        one.tripped && h("p.reason", one.reason),
      );
    }),
  );
}


// Campaigns side by side, from their beginning: how far, how fast, with how many failures.

import { get, part } from "../api.js";
import { chart } from "../charts.js";
import { h, paced, show } from "../dom.js";
import { count, nowS, plural, span } from "../format.js";
import { icon } from "../icons.js";
import { onScreen } from "../keys.js";
import { badge, heading, panel, skeleton, trouble } from "../parts.js";
import { go, title } from "../router.js";
import { drawOverlaid, overlaid } from "../campaigns/course.js";
import { failuresOf, releaseOf, standing, statesBar, sumOf } from "../campaigns/words.js";

const MOST = 6;

export function compare(screen) {
  title("Compare campaigns");
  const ids = [...new Set((screen.query.get("ids") ?? "").split(",").filter(Boolean))].slice(0, MOST);
  const state = { all: null, error: null, isShare: true };
  const acts = { good: chart(screen, "successes", drawOverlaid), bad: chart(screen, "failures", drawOverlaid) };
  const draw = () => show(screen.main, view(state, acts));
  const drawCurves = () => {
    const begun = (state.all ?? []).filter(({ one }) => one.began_at_s);
    const { times, curves } = overlaid(begun, state.isShare);
    for (const key of ["good", "bad"]) {
      const series = curves.map((each) => ({ name: each.one.name, colour: `--chart-${colourOf(state, each.one)}`, swatch: `chart-${colourOf(state, each.one)}`, values: each[key] }));
      const top = state.isShare && key === "good" ? 100 : 1;
      acts[key].draw(times.length > 1 ? { times, series, top, unit: state.isShare ? " %" : "" } : null);
    }
  };
  acts.load = async () => {
    try {
      state.all = await Promise.all(ids.map(async (id) => ({ one: await get(`/campaigns/${part(id)}`), samples: (await get(`/campaigns/${part(id)}/samples`)).samples })));
      state.error = null;
    } catch (error) {
      if (!state.all) state.error = error;
    }
    draw();
    drawCurves();
  };
  acts.setShare = (isShare) => {
    state.isShare = isShare;
    draw();
    drawCurves();
  };
  draw();
  acts.load();
  const again = paced(acts.load, 5000);
  screen.onChange(["campaign"], (changed) => [...ids, ""].some((id) => changed.get("campaign").has(id)) && again());
  onScreen("u", "Back to the campaigns", () => go("/campaigns"));
}

const colourOf = (state, one) => state.all.findIndex((each) => each.one.campaign === one.campaign) + 1;

function view(state, acts) {
  const above = h("a.crumb", { href: "/campaigns" }, icon("left"), "Campaigns");
  const head = heading("Compare", { above, note: "From the beginning of each" });
  if (state.error) return [head, trouble(state.error, acts.load)];
  if (!state.all) return [head, skeleton(10)];
  if (state.all.length < 2) return [head, h("p.note", "Select two campaigns or more in the list.")];
  const aside = h("div.segments", { role: "group", "aria-label": "What is counted" }, [true, false].map((isShare) => h("button", { type: "button", "aria-pressed": String(state.isShare === isShare), on: { click: () => acts.setShare(isShare) } }, isShare ? "Share" : "Devices")));
  return [
    head,
    h("div.column", table(state), panel("Succeeded, by the time since it began", [h("div.chart-box", acts.good.place, names(state))], { aside, id: "good" }), panel("Failed, by the time since it began", h("div.chart-box", acts.bad.place), { id: "bad" })),
  ];
}

const names = (state) => h("ul.legend", state.all.map(({ one }) => h("li", { key: one.campaign }, h("span.swatch", { class: `chart-${colourOf(state, one)}` }), one.name)));

const ROWS = [
  ["State", (one) => badge(standing(one).text, standing(one).kind)],
  ["Release", (one) => h("span.mono", releaseOf(one))],
  ["Devices", (one) => [statesBar(one.counts, `Devices of ${one.name}`), h("span.number", count(one.devices))]],
  ["Waves", (one) => `${one.open_wave} of ${one.waves}`],
  ["Reached", (one) => share(one.reached, one.devices)],
  ["Succeeded", (one) => share(sumOf(one.counts, "succeeded", "present"), one.devices)],
  ["Failed", (one) => (failuresOf(one.counts) ? h("span.reason", share(failuresOf(one.counts), one.reached)) : "none")],
  ["Went back", (one) => (sumOf(one.counts, "reverting", "half-back", "reverted", "stranded") ? count(sumOf(one.counts, "reverted")) : "–")],
  ["Stopped by", (one) => one.tripped || one.reason || "–"],
  ["Took", (one) => (one.began_at_s ? `${span(Math.max(0, (one.ended_at_s || nowS()) - one.began_at_s))}${one.ended_at_s ? "" : " by now"}` : "not begun")],
];

const share = (value, all) => `${count(value)}${all ? ` (${Math.round((value / all) * 1000) / 10} %)` : ""}`;

function table(state) {
  return h(
    "div.panel.side-by-side",
    h(
      "table.table.compare.comparison",
      h("caption.hidden", plural(state.all.length, "campaign")),
      h("thead", h("tr", h("th", { scope: "col" }, h("span.hidden", "What")), state.all.map(({ one }) => h("th", { scope: "col", key: one.campaign }, h("span.swatch", { class: `chart-${colourOf(state, one)}` }), " ", h("a", { href: `/campaigns/${encodeURIComponent(one.campaign)}` }, one.name))))),
      h("tbody", ROWS.map(([name, draw]) => h("tr", { key: name }, h("th", { scope: "row" }, name), state.all.map(({ one }) => h("td", { key: one.campaign }, draw(one)))))),
    ),
  );
}

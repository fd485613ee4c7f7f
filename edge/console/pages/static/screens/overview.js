// The fleet as it is: what needs somebody, what is under way, and where it stands.

import { accept, commands, reject } from "../actions.js";
import { get, may } from "../api.js";
import { barRows, chart, drawVersions, partsBar, versionSeries } from "../charts.js";
import { h, paced, say, show } from "../dom.js";
import { act, count, kindOf, nameOf, phase, plural, setClock, wantsSubject } from "../format.js";
import { icon } from "../icons.js";
import { onScreen } from "../keys.js";
import { empty, heading, panel, progress, short, skeleton, time, trouble } from "../parts.js";
import { go, title } from "../router.js";
import { running } from "./campaigns.js";
import { menu } from "../menu.js";
import { knowNames, whoIs } from "../names.js";

const AGES = ["5 minutes", "an hour", "a day", "a week", "longer ago", "never"];
const AGE_KINDS = ["good", "good-2", "info", "warn", "bad", "none"];
const DAYS = [1, 7, 30];
// Of each kind; the list of devices has the others.
const SHOWN = 5;
const CAMPAIGNS = 30;
// Figures of a large fleet may be older than that: they are counted anew meanwhile.
const OLD_S = 2;
// Older ones say how old they are.
const TOLD_S = 30;
const ACTS = 8;
const DAY_S = 86_400;
// What a campaign orders is told by the campaign.
const isByItself = (entry) => kindOf(entry.actor) !== "campaign";

// One that a rule has stopped is told for a day, also when all of it has ended.
const isNews = (one, nowS) => one.is_live || (one.tripped !== "" && one.ended_at_s > nowS - DAY_S);

export function overview(screen) {
  title("Overview");
  const state = { now: null, samples: null, acts: [], campaigns: [], error: null, days: 7, going: new Set(), changedMs: -Infinity };
  const versions = chart(screen, "versions", drawVersions);
  const draw = () => show(screen.main, view(state, versions, { load, setDays }));
  const load = async () => {
    try {
      const [now, acts, campaigns] = await Promise.all([
        get("/overview"),
        may("audit:read") ? get("/audit", { newest: true, limit: 100 }) : { entries: [] },
        get("/campaigns", { limit: CAMPAIGNS }),
      ]);
      setClock(now.now_s);
      Object.assign(state, { now, acts: acts.entries.filter(isByItself).slice(0, ACTS), campaigns: campaigns.campaigns.filter((one) => isNews(one, now.now_s)), error: null });
      askAgain(now);
    } catch (error) {
      if (!state.now) state.error = error;
    }
    draw();
  };
  const askAgain = (now) => {
    clearTimeout(state.again);
    const oldS = now.now_s - now.counted_at_s;
    // Both times are whole seconds: by one of them they may say too little.
    const isBefore = oldS + 1 >= (performance.now() - state.changedMs) / 1000;
    if ((oldS > OLD_S || isBefore) && document.visibilityState === "visible") state.again = setTimeout(load, OLD_S * 1000);
  };
  screen.atEnd(() => clearTimeout(state.again));
  const loadSamples = async () => {
    try {
      state.samples = (await get("/samples", { days: state.days })).samples;
    } catch {
      state.samples = [];
    }
    const data = versionSeries(state.samples, state.now?.versions ?? []);
    versions.draw(data.times.length > 1 ? data : null);
    draw();
  };
  const setDays = (days) => {
    state.days = days;
    loadSamples();
  };
  draw();
  load().then(loadSamples);
  knowNames().then(draw);
  const changed = paced(() => {
    state.changedMs = performance.now();
    return load();
  }, 1200);
  screen.onChange(["device", "release", "campaign", "audit"], changed);
  screen.every(30_000, load);
  screen.every(300_000, loadSamples);
  onScreen("a", "Accept the first device that waits", () => {
    const first = state.now?.pending.devices[0];
    if (first) accept(first.device).then(load);
  });
}

function view(state, versions, acts) {
  const { now } = state;
  if (state.error) return [heading("Overview"), trouble(state.error, acts.load)];
  if (!now) return [heading("Overview"), skeleton(10)];
  const total = Object.values(now.states).reduce((sum, one) => sum + one, 0);
  if (total === 0) return [heading("Overview"), noDevices()];
  return [
    heading("Overview", { note: [`${plural(total, "device")} in all`, now.now_s - now.counted_at_s > TOLD_S && time(now.counted_at_s, ", counted ")] }),
    figures(now),
    h(
      "div.columns",
      h("div.column", attention(now, acts), state.campaigns.length > 0 && panel("Campaigns", running(state.campaigns), { kind: "has-rows", aside: h("a", { href: "/campaigns" }, "All") }), overTime(state, versions, acts), underWay(now)),
      h("div.column.is-narrow", versionsNow(now), standing(now), failures(now), state.acts.length > 0 && lastActs(state.acts)),
    ),
  ];
}

function noDevices() {
  return empty("No device has come yet", ["A device comes in by calling with a certificate of the factory, or because you register it.", "To look around first, let some live that are not there:"], {
    commands: [
      "edge devices register device-7",
      "edge simulate --devices 50 --http https://localhost:8443/ --factory-ca factory-ca.crt --factory-key factory-ca.key --server-ca console/tls/server-ca.crt",
    ],
  });
}

function figures(now) {
  const accepted = now.states.accepted;
  const ended = now.outcomes.succeeded + now.outcomes.failed;
  const rate = ended ? Math.round((now.outcomes.succeeded / ended) * 1000) / 10 : null;
  return h(
    "dl.figures",
    figure("Accepted", count(accepted), others(now.states), "/devices?filter=state%3Daccepted"),
    figure("Here now", count(now.heard[0]), accepted ? `${Math.round((now.heard[0] / accepted) * 100)} % heard within 5 minutes` : "", "/devices?filter=seen%3C5m"),
    figure("Updating", count(now.under_way.total), "orders that are open", null, now.under_way.total ? "is-info" : ""),
    figure("Updates, 7 days", rate === null ? "–" : `${rate} %`, ended ? `${count(now.outcomes.succeeded)} done, ${count(now.outcomes.failed)} failed` : "none has ended", null, now.outcomes.failed ? "is-bad" : ""),
    figure("Waiting for you", count(now.pending.total), now.pending.total ? "devices that ask to come in" : "nobody asks to come in", "/devices?filter=state%3Dpending", now.pending.total ? "is-warn" : ""),
  );
}

function figure(name, value, what, href, kind = "") {
  return h("div.figure", { class: kind, key: name }, h("dt", href ? h("a", { href }, name) : name), h("dd", h("span.figure-value", value), h("span.figure-what", what)));
}

function others(states) {
  const found = ["quarantined", "revoked", "decommissioned"].filter((one) => states[one]).map((one) => `${count(states[one])} ${one}`);
  return found.join(", ") || "none revoked";
}

function attention(now, acts) {
  const sections = [pending(now.pending, acts), failed(now.failed), silent(now.silent)].filter(Boolean);
  const calm = h("div.calm", icon("check"), h("div", h("p", h("strong", "Nothing needs you")), h("p.faint", "No device waits, none failed its last update, and all were heard within a day.")));
  return panel("Needs attention", sections.length ? sections : calm, { kind: sections.length ? "has-rows" : "" });
}

function part(name, kind, some, href, row) {
  return (
    some.total > 0 && [
      h("h3.rows-head", { key: `head ${name}` }, h("span.dot", { class: `is-${kind}` }), name, h("span.number.faint", count(some.total))),
      h("ul.rows", { key: name, "aria-label": name }, some.devices.slice(0, SHOWN).map(row)),
      some.total > SHOWN && h("p.rows-more", { key: `more ${name}` }, h("a", { href }, `All ${count(some.total)}`)),
    ]
  );
}

function pending(some, acts) {
  return part("Waiting to be let in", "warn", some, "/devices?filter=state%3Dpending", (one) =>
    h(
      "li.row",
      { key: one.device },
      h("div.row-main", h("a.mono", { href: `/devices/${encodeURIComponent(one.device)}` }, one.device), h("span.row-note", "certificate ", short(one.certificate, 16), " · ", time(one.at_s, "asked "))),
      may("devices:write") &&
        h(
          "div.row-acts",
          h("button.button.primary.small", { type: "button", title: commands.accept(one.device), "aria-label": `Accept ${one.device}`, on: { click: (event) => optimistic(event, one, acts) } }, "Accept"),
          menu(`More for ${one.device}`, [
            { text: "Look at it", act: () => go(`/devices/${encodeURIComponent(one.device)}`) },
            { text: "Reject…", isDangerous: true, act: () => reject(one.device).then(acts.load) },
          ]),
        ),
    ),
  );
}

async function optimistic(event, one, acts) {
  const row = event.currentTarget.closest("li");
  row.classList.add("is-going");
  if (await accept(one.device)) say(`${one.device} is accepted`);
  row.classList.remove("is-going");
  acts.load();
}

function failed(some) {
  return part("Last update failed", "bad", some, "/devices?filter=reason%21%3D%22%22", (one) =>
    h(
      "li.row",
      { key: one.device },
      h("div.row-main", h("a.mono", { href: `/devices/${encodeURIComponent(one.device)}` }, one.device), h("span.row-note", h("span.reason", { title: one.reason }, one.reason || "no reason told"), " · to ", h("span.mono", one.version), " · ", time(one.at_s))),
    ),
  );
}

function silent(some) {
  return part("Silent for a day or longer", "none", some, "/devices?filter=state%3Daccepted+and+seen%3E1d", (one) =>
    h(
      "li.row",
      { key: one.device },
      h("div.row-main", h("a.mono", { href: `/devices/${encodeURIComponent(one.device)}` }, one.device), h("span.row-note", time(one.at_s, "heard "), one.version && [" · runs ", h("span.mono", one.version)])),
    ),
  );
}

function underWay(now) {
  const { total, orders } = now.under_way;
  if (!total) return panel("Updates under way", h("p.faint", "None. An order is given with ", h("code", "edge deploy"), ", or on the page of a release."));
  const rows = h(
    "ul.rows",
    orders.map((one) =>
      h(
        "li.row",
        { key: one.action },
        h("div.row-main", h("a.mono", { href: `/devices/${encodeURIComponent(one.device)}` }, one.device), h("span.row-note", h("span.mono", one.version || "?"), " → ", h("span.mono", one.wanted || "stays as it is"), " · ", phase(one.phase))),
        h("div.row-progress", progress(one.phase === "installing" ? one.percent : one.phase ? null : 0, `Update of ${one.device}`), h("span.number.faint", one.phase === "installing" ? `${one.percent} %` : "")),
      ),
    ),
  );
  return panel("Updates under way", [rows, total > orders.length && h("p.rows-more", `and ${count(total - orders.length)} more`)], { kind: "has-rows", aside: h("span.number.faint", count(total)) });
}

function overTime(state, versions, acts) {
  const { now, samples } = state;
  const data = samples ? versionSeries(samples, now.versions) : null;
  const buttons = h(
    "div.segments",
    { role: "group", "aria-label": "Time shown" },
    DAYS.map((days) => h("button", { type: "button", "aria-pressed": String(state.days === days), on: { click: () => acts.setDays(days) } }, days === 1 ? "1 day" : `${days} days`)),
  );
  const legend = data && data.times.length > 1 && h("ul.legend", data.series.map((one, at) => h("li", h("span.swatch", { class: `chart-${at + 1}` }), one.name)));
  const isShort = data && data.times.length <= 1;
  return panel(
    "Versions over time",
    [
      h("div.chart-box", { hidden: Boolean(isShort) }, versions.place, legend),
      isShort && h("p.faint", "The curve begins with the second sample: one is taken when versions change, and once an hour."),
    ],
    { aside: buttons },
  );
}

function versionsNow(now) {
  return panel("Versions now", barRows(now.versions.map((one) => ({ key: `${one.product} ${one.version}`, name: [one.product, one.version].filter(Boolean).join(" ") || "not told yet", value: one.devices, href: one.version ? `/devices?filter=${encodeURIComponent(`product="${one.product}" and version="${one.version}"`)}` : null })), "Versions now"));
}

function standing(now) {
  const heard = now.heard.map((value, at) => ({ name: AGES[at], value, kind: AGE_KINDS[at] }));
  return panel("Last heard", [
    partsBar(heard, "When accepted devices were heard last"),
    h("ul.legend.is-list", heard.filter((one) => one.value > 0).map((one) => h("li", h("span.swatch", { class: `fill-${one.kind}` }), h("span", one.name), h("span.number", count(one.value))))),
    h("p.panel-note", `${count(now.connected)} connected by MQTT`),
  ]);
}

function failures(now) {
  if (!now.reasons.length) return panel("Failures, 7 days", h("p.faint", "No update failed."));
  return panel("Failures, 7 days", barRows(now.reasons.map((one) => ({ name: one.reason || "no reason told", value: one.orders, kind: "bad" })), "Why updates failed"));
}

function lastActs(entries) {
  const rows = entries.map((one) => {
    const name = nameOf(one.subject);
    const place = { device: "devices", campaign: "campaigns" }[kindOf(one.subject)];
    const link = place ? h("a.mono", { href: `/${place}/${encodeURIComponent(name)}` }, name) : h("span.mono", { title: one.subject }, name);
    const isItself = one.actor === one.subject && !wantsSubject(one.act);
    return h("li.feed-row", { key: one.number }, h("div", isItself ? [link, ` ${act(one.act, one.details)}`] : [h("strong", whoIs(one.actor)), ` ${act(one.act, one.details)} `, link]), h("span.faint", time(one.at_s)));
  });
  return panel("Last acts", h("ul.feed", rows), { aside: h("a", { href: "/audit" }, "All") });
}

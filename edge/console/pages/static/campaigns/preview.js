// What a campaign would do, before it is made: whom it reaches when, what that costs, how far a bad release would come.

import { h } from "../dom.js";
import { bytes, count, plural, span } from "../format.js";
import { icon } from "../icons.js";
import { badge } from "../parts.js";

const SHOWN = 6;

/** Return the preview; sizes are what the waves are called. */
export function preview(found, sizes) {
  return [
    figures(found),
    found.devices === 0 && h("div.banner.is-warn", icon("alert"), h("div", h("strong", "No device takes part"), h("p", "They run the release, it is not for them, or none fits the filter."))),
    conflicts(found),
    notices(found),
    section("Waves", wavesTable(found, sizes)),
    section("If the release is bad", exposures(found)),
    found.refused.length > 0 && section("Take part, and will be refused as they are now", reasonsOf(found.refused, "warn")),
    found.left_out.length > 0 && section("Take no part", reasonsOf(found.left_out, "none")),
  ];
}

const section = (name, content) => h("section.preview-part", { key: name }, h("h3", name), content);

function figures(found) {
  const figure = (name, value, what) => h("div.figure", { key: name }, h("dt", name), h("dd", h("span.figure-value", value), h("span.figure-what", { title: what }, what)));
  return h(
    "dl.figures.is-four",
    figure("Devices", count(found.devices), found.unseen ? `${count(found.unseen)} not seen lately: at their next call` : "all seen lately"),
    figure("They fetch", bytes(found.planned_bytes), `${count(found.patched)} a patch, ${count(found.full)} all of it`),
    figure("At least", span(found.duration_s), "with the soaks"),
    figure("Can go back", count(found.reverting), found.reverting === found.devices ? "without a download" : `${count(found.devices - found.reverting)} can not`),
  );
}

function notices(found) {
  return [
    found.several > 0 && h("p.note", { key: "several" }, `${plural(found.several, "device takes", "devices take")} several releases, one after the other.`),
    found.steps > 0 && h("p.note", { key: "steps" }, `${plural(found.steps, "device takes", "devices take")} another release first, from which this one can be reached.`),
  ];
}

function conflicts(found) {
  if (!found.conflicts.length) return null;
  return h(
    "div.banner.is-warn",
    icon("alert"),
    h(
      "div",
      h("strong", "Other campaigns have some of these devices"),
      found.conflicts.map((one) => h("p", { key: one.campaign }, h("a", { href: `/campaigns/${encodeURIComponent(one.campaign)}` }, one.name), `: ${plural(one.devices, "device")}, `, one.goes_first ? "and goes first; here they wait for it" : "which wait for this one")),
    ),
  );
}

function wavesTable(found, sizes) {
  return h(
    "table.table.waves-preview",
    h("thead", h("tr", ["Wave", "Devices", "First ones"].map((name) => h("th", { scope: "col" }, name)), h("th.right", { scope: "col" }, "Fetches"), h("th.right", { scope: "col" }, "At least"))),
    h(
      "tbody",
      found.waves.map((wave, at) =>
        h(
          "tr",
          { key: at },
          h("td.name.nowrap", `${at + 1} `, h("span.faint.mono", sizes[at] ?? "")),
          h("td.number", { "data-label": "Devices" }, count(wave.devices)),
          h("td", { "data-label": "First ones" }, wave.devices ? firstOnes(wave) : h("span.faint", "none")),
          h("td.right.number.nowrap", { "data-label": "Fetches" }, bytes(wave.planned_bytes)),
          h("td.right.number.nowrap", { "data-label": "At least" }, span(wave.duration_s)),
        ),
      ),
    ),
  );
}

function firstOnes(wave) {
  const shown = wave.first.slice(0, SHOWN);
  const rest = wave.first.slice(SHOWN);
  const tag = (name) => h("a.tag.mono", { href: `/devices/${encodeURIComponent(name)}`, target: "_blank", key: name }, name);
  const left = wave.devices - wave.first.length;
  return h(
    "div.first-ones",
    h("div.tags", shown.map(tag), !rest.length && left > 0 && h("span.faint", `and ${count(left)} more`)),
    rest.length > 0 && h("details.more", h("summary", `${count(wave.devices - SHOWN)} more`), h("div.tags", rest.map(tag), left > 0 && h("span.faint", `and ${count(left)} more`))),
  );
}

function exposures(found) {
  return [
    h(
      "table.table.exposures",
      h("thead", h("tr", ["It fails on", "Reaches, in half of all cases", "In 19 of 20", "Is stopped", "In wave 1"].map((name) => h("th", { scope: "col" }, name)))),
      h(
        "tbody",
        found.exposures.map((one) =>
          h(
            "tr",
            { key: one.defect_permille },
            h("td.name", `${one.defect_permille / 10} %`),
            h("td.number", { "data-label": "Reaches, in half of all cases" }, `${count(one.median)} at most`),
            h("td.number", { "data-label": "In 19 of 20" }, `${count(one.most)} at most`),
            h("td", { "data-label": "Is stopped" }, badge(`${one.stopped_percent} %`, stopKind(one))),
            h("td.number", { "data-label": "In wave 1" }, `${one.first_wave_percent} %`),
          ),
        ),
      ),
    ),
    h("p.panel-note", `Played 400 times with these rules and ${plural(found.devices, "device")}. A release that fails on 1 % is as most are: it should come through.`),
  ];
}

function stopKind(one) {
  if (one.defect_permille <= 10) return one.stopped_percent > 20 ? "warn" : "none";
  return one.stopped_percent >= 80 ? "good" : one.stopped_percent >= 40 ? "warn" : "bad";
}

function reasonsOf(all, kind) {
  return h("ul.plain", all.map((one) => h("li", { key: one.reason }, badge(count(one.devices), kind), ` ${one.reason}`, one.examples.length > 0 && h("span.faint", `: ${one.examples.join(", ")}${one.devices > one.examples.length ? ", …" : ""}`))));
}

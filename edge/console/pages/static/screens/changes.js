// What changed in a release since another one: services and packages, each with a mark and a word.

import { get, part } from "../api.js";
import { commandLine, line } from "../command.js";
import { h } from "../dom.js";
import { count, plural } from "../format.js";
import { icon } from "../icons.js";
import { badge, empty, panel, short, skeleton } from "../parts.js";
import { places, unknown } from "./packages.js";

const KINDS = {
  added: { name: "Added", sign: "+", kind: "good" },
  removed: { name: "Removed", sign: "−", kind: "bad" },
  changed: { name: "Changed", sign: "~", kind: "info" },
  rebuilt: { name: "Rebuilt", sign: "~", kind: "warn" },
  moved: { name: "Moved", sign: "→", kind: "none" },
};

/** Return what a screen has read of the changes in a release, and how it asks for more. */
export function changeList(product, version, draw) {
  const own = { from: "", found: null, error: null, kind: "" };
  let asked = 0;
  own.load = async (after = 0) => {
    if (!own.from) return;
    const mine = (asked += 1);
    try {
      const page = await get(`/releases/${part(version)}/sbom/difference`, { product, from: own.from, after });
      if (mine !== asked) return;
      own.found = after ? { ...page, packages: [...own.found.packages, ...page.packages] } : page;
      own.error = null;
    } catch (error) {
      if (mine !== asked) return;
      Object.assign(own, { error, found: null });
    }
    draw();
  };
  own.since = (from) => {
    Object.assign(own, { from, found: null, error: null, kind: "" });
    draw();
    own.load();
  };
  own.choose = (kind) => {
    own.kind = own.kind === kind ? "" : kind;
    draw();
  };
  return own;
}

export function changes(state) {
  const { changed, others } = state;
  if (!others.length) return empty("There is nothing to compare with", "This product has no other release here.", { picture: "releases" });
  return h(
    "div.column",
    h("div.since", h("label", h("span", "Since"), h("select", { "aria-label": "Since which release", on: { change: (event) => changed.since(event.target.value) } }, others.map((one) => h("option", { value: one.version, selected: one.version === changed.from }, one.version)))), h("div.since-command", commandLine(line("releases", "sbom", state.version, "--from", changed.from)))),
    changed.error ? unknown(changed.error, changed.load) : changed.found ? [services(changed.found), packages(changed)] : panel("Packages", skeleton(10)),
  );
}

function mark(kind) {
  const one = KINDS[kind];
  return h("td.mark-cell", h("span.change", { class: `is-${one.kind}` }, h("span.sign", { "aria-hidden": "true" }, one.sign), one.name));
}

function services(found) {
  if (!found.services.length) return panel("Services", h("p.faint", "The same services, with the same images."));
  return panel(
    "Services",
    h(
      "table.table.changes",
      h("thead", h("tr", ["How", "Service", "Image", "What"].map((one) => h("th", { scope: "col" }, one)))),
      h(
        "tbody",
        found.services.map((one) =>
          h(
            "tr",
            { key: one.name },
            mark(one.kind),
            h("td.name.mono", one.name),
            h("td", { "data-label": "Image" }, h("span.from-to", fromTo([one.before], [one.after], (text) => short(text)))),
            h("td", { "data-label": "What" }, because(one)),
          ),
        ),
      ),
    ),
    { kind: "is-flush", aside: h("span.faint.number", count(found.services.length)) },
  );
}

function because(one) {
  if (one.kind !== "changed") return h("span.faint", plural(one.packages, "package"));
  return one.packages ? `${plural(one.packages, "package")} differ${one.packages === 1 ? "s" : ""}` : h("span.faint", "its own files or settings");
}

function packages(changed) {
  const { found } = changed;
  const total = Object.values(found.counts).reduce((sum, one) => sum + one, 0);
  if (!total) return panel("Packages", h("div.calm", icon("check"), h("p", "The same packages, in the same versions.")));
  const rows = found.packages.filter((one) => !changed.kind || one.kind === changed.kind);
  return panel(
    "Packages",
    [
      h("div.sbom-bar", { role: "group", "aria-label": "Which changes" }, h("button.chip", { type: "button", "aria-pressed": String(!changed.kind), on: { click: () => changed.choose("") } }, `All ${count(total)}`), Object.entries(KINDS).filter(([kind]) => found.counts[kind]).map(([kind, one]) => h("button.chip", { type: "button", "aria-pressed": String(changed.kind === kind), on: { click: () => changed.choose(kind) } }, h("span.sign", { class: `is-${one.kind}`, "aria-hidden": "true" }, one.sign), `${one.name} ${count(found.counts[kind])}`))),
      h(
        "table.table.changes",
        h("thead", h("tr", ["How", "Package", "Version", "In"].map((one) => h("th", { scope: "col" }, one)))),
        h("tbody", rows.map((one) => row(one))),
      ),
      found.next && h("div.rows-more", h("button.button.small", { type: "button", on: { click: () => changed.load(Number(found.next)) } }, "Show more"), ` ${count(found.packages.length)} of ${count(total)}`),
    ],
    { kind: "is-flush" },
  );
}

function row(one) {
  const hasOtherLicence = one.licence && one.licence_before && one.licence !== one.licence_before;
  const stayed = one.places.filter((name) => !one.joined.includes(name));
  return h(
    "tr",
    { key: `${one.name} ${one.architecture}` },
    mark(one.kind),
    h("td.name", h("span.mono", one.name), hasOtherLicence && h("details.licence", h("summary", badge("another licence", "warn")), h("p.mono", one.licence_before, " → ", one.licence))),
    h("td", { "data-label": "Version" }, h("span.from-to", one.kind === "moved" || one.kind === "rebuilt" ? [h("span.mono", one.after.join(", ")), one.kind === "rebuilt" && h("span.faint", ", other bytes")] : fromTo(one.before, one.after, (text) => h("span.mono", text)))),
    h("td", { "data-label": "In" }, h("div.tags", places(stayed), places(one.joined, "is-new"), places(one.left, "is-gone"))),
  );
}

/** Return what was and what is; one of them may be nothing. */
function fromTo(before, after, drawn) {
  const [was, is] = [before, after].map((texts) => texts.filter(Boolean).map((text) => drawn(text)));
  return [was.length > 0 && h("span.was", spaced(was)), was.length > 0 && is.length > 0 && h("span.arrow", { "aria-label": "to" }, "→"), is.length > 0 && h("span.is", spaced(is))];
}

const spaced = (parts) => parts.flatMap((one, at) => (at ? [" ", one] : [one]));

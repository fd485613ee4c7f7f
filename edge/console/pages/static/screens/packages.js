// The services and packages of a release, as its signed SBOM tells; the console chooses among them.

import { get, part } from "../api.js";
import { commandLine, copyButton, line } from "../command.js";
import { h } from "../dom.js";
import { bytes, count, plural } from "../format.js";
import { icon } from "../icons.js";
import { badge, empty, facts, panel, short, skeleton } from "../parts.js";

const PAGE = 100;
const TYPING_MS = 180;
const NAMES_SHOWN = 2;

/** Return what a screen has read of the SBOM of a release, and how it asks for more. */
export function packageList(product, version, draw) {
  const own = { found: null, error: null, match: "", service: "" };
  let asked = 0;
  let typing = null;
  own.load = async (after = 0) => {
    const mine = (asked += 1);
    try {
      const page = await get(`/releases/${part(version)}/sbom`, { product, match: own.match.trim(), service: own.service, after, limit: PAGE });
      if (mine !== asked) return;
      own.found = after ? { ...page, packages: [...own.found.packages, ...page.packages] } : page;
      own.error = null;
    } catch (error) {
      if (mine !== asked) return;
      own.error = error;
    }
    draw();
  };
  own.type = (text) => {
    own.match = text;
    clearTimeout(typing);
    typing = setTimeout(() => own.load(), TYPING_MS);
  };
  own.choose = (service) => {
    own.service = service;
    draw();
    own.load();
  };
  return own;
}

export function packages(state) {
  const { list } = state;
  if (list.error) return unknown(list.error, list.load);
  if (!list.found) return panel("Packages", skeleton(12));
  return h("div.columns", h("div.column", table(list)), h("div.column.is-narrow", services(list), document(state)));
}

/** Return what to see where there is no SBOM. */
export function unknown(error, again) {
  const name = error.status === 404 ? "What it is made of is not known here" : "It could not be read";
  return empty(name, [error.message, error.hint].filter(Boolean), { actions: [h("button.button", { type: "button", on: { click: () => again() } }, "Try again")] });
}

function table(list) {
  const { packages: rows, total, next } = list.found;
  return panel(
    "Packages",
    [
      search(list),
      rows.length
        ? h(
            "table.table.packages",
            h("thead", h("tr", ["Package", "Version", "Licence", "In"].map((one) => h("th", { scope: "col" }, one)))),
            h("tbody", rows.map((one, at) => row(one, at))),
          )
        : h("p.faint.inside", "No package is like that."),
      next && h("div.rows-more", h("button.button.small", { type: "button", on: { click: () => list.load(Number(next)) } }, "Show more"), ` ${count(rows.length)} of ${count(total)}`),
    ],
    { kind: "is-flush", aside: h("span.faint.number", { role: "status" }, plural(total, "package")) },
  );
}

function search(list) {
  return h(
    "div.sbom-bar",
    h("label.sbom-search", icon("search"), h("input", { type: "search", "aria-label": "Filter packages", placeholder: "Name, version, licence or service", value: list.match, maxlength: "200", on: { input: (event) => list.type(event.target.value) } })),
    list.found.services.length > 0 && h("select", { "aria-label": "Service", on: { change: (event) => list.choose(event.target.value) } }, h("option", { value: "", selected: !list.service }, "All services"), list.found.services.map((one) => h("option", { value: one.name, selected: one.name === list.service }, one.name))),
  );
}

function row(one, at) {
  return h(
    "tr",
    { key: `${one.purl || one.name} ${one.version} ${at}` },
    h("td.name.mono", { title: [one.purl, one.supplier].filter(Boolean).join("\n") || null }, one.name),
    h("td", { "data-label": "Version" }, one.version ? h("span.mono", one.version) : h("span.faint", "–")),
    h("td", { "data-label": "Licence" }, licence(one.licence)),
    h("td", { "data-label": "In" }, places(one.places)),
  );
}

/** Return names of services as tags; the system itself has none. */
export function places(names, kind = "") {
  return h("div.tags", names.map((name) => h("span.tag", { class: [kind, name ? "" : "is-system"].join(" "), title: name || "the system itself: kernel, modules, firmware" }, name || "system")));
}

function licence(text) {
  if (!text) return h("span.faint", "not asserted");
  const [first, rest] = inShort(text);
  if (!rest) return first;
  return h("details.licence", h("summary", first, h("span.faint", ` +${rest}`)), h("p.mono", text));
}

/** Return a few names of an expression, those of the SPDX list first, and how many more there are. */
export function inShort(text) {
  const words = text.match(/[^\s()]+/g)?.filter((word) => !["AND", "OR", "WITH"].includes(word)) ?? [];
  const names = [...new Set(words)];
  const isOwn = (name) => name.startsWith("LicenseRef-");
  const ordered = [...names.filter((name) => !isOwn(name)), ...names.filter(isOwn)];
  if (ordered.length <= NAMES_SHOWN && text.length <= 40) return [text, 0];
  const shown = ordered.slice(0, ordered.some(isOwn) && !ordered.some((name) => !isOwn(name)) ? 1 : NAMES_SHOWN);
  return [shown.join(", "), Math.max(1, ordered.length - shown.length)];
}

function services(list) {
  const all = list.found.services;
  if (!all.length) return null;
  return panel(
    "Services",
    h(
      "ul.service-list",
      all.map((one) =>
        h(
          "li",
          { key: one.name },
          h(
            "button.service-row",
            { type: "button", "aria-pressed": String(one.name === list.service), on: { click: () => list.choose(one.name === list.service ? "" : one.name) } },
            h("span.mono", one.name),
            h("span.faint.number", plural(one.packages, "package")),
          ),
          h("span.service-image", short(one.sha256 || one.version), one.sha256 && copyButton(`sha256:${one.sha256}`, `Copy the digest of ${one.name}`)),
        ),
      ),
    ),
    { kind: "is-flush", aside: h("span.faint.number", count(all.length)) },
  );
}

const chosen = ({ match, service }) => [match.trim() ? ["--match", match.trim()] : [], service ? ["--service", service] : []].flat();

function document(state) {
  const { found } = state.list;
  const words = { product: state.product };
  const path = `/api/v1/releases/${part(state.version)}/sbom/document?${new URLSearchParams(words)}`;
  return panel("Document", [
    facts([
      ["Signed", badge("with the release", "good")],
      ["Describes", found.system],
      ["Made", found.created],
      ["Size", bytes(found.length_bytes)],
      ["SHA-256", h("span.with-copy", short(found.sha256, 18), copyButton(found.sha256, "Copy the SHA-256"))],
    ]),
    h("div.form-end.above", h("a.button.small", { href: path, download: "" }, icon("download"), "Get it as SPDX")),
    h("div.above", commandLine(line("releases", "sbom", state.version, chosen(state.list)))),
  ]);
}

// One release: what it is made of, what a device fetches for it, who runs it, how it differs.

import { get, may, part } from "../api.js";
import { partsBar } from "../charts.js";
import { commandLine, line } from "../command.js";
import { deploy } from "../deploy.js";
import { h, paced, show } from "../dom.js";
import { bytes, count } from "../format.js";
import { icon } from "../icons.js";
import { onScreen } from "../keys.js";
import { badge, facts, heading, panel, short, skeleton, trouble } from "../parts.js";
import { go, title } from "../router.js";
import { changeList, changes } from "./changes.js";
import { packageList, packages } from "./packages.js";

const TABS = [
  { id: "release", name: "Release", draw: drawRelease },
  { id: "packages", name: "Services and packages", draw: packages, list: "list" },
  { id: "changes", name: "What changed", draw: changes, list: "changed" },
];

export function release(screen) {
  const { product, version } = screen.words;
  title(`${product} ${version}`);
  const state = { product, version, release: null, contents: null, before: null, older: null, devices: [], total: 0, failed: 0, error: null, others: [], tab: location.hash.slice(1) || "release" };
  const acts = {};
  const draw = () => show(screen.main, view(state, acts));
  Object.assign(state, { list: packageList(product, version, draw), changed: changeList(product, version, draw) });
  // Only what is looked at is asked for.
  const loadTab = () => state[TABS.find((tab) => tab.id === state.tab)?.list]?.load();
  acts.load = async () => {
    try {
      const filter = `product="${product}" and version="${version}"`;
      const [found, contents, list, running] = await Promise.all([
        get(`/releases/${part(version)}`, { product }),
        get(`/releases/${part(version)}/contents`, { product }),
        get("/releases", { product, limit: 500 }),
        may("devices:read") ? get("/devices", { filter, limit: 12, total: true }) : { devices: [], total: 0 },
      ]);
      const { before, others } = around(found, list.releases);
      Object.assign(state, { release: found, contents, before, others, devices: running.devices, total: running.total, error: null });
      if (!others.some((one) => one.version === state.changed.from)) state.changed.from = (before ?? others[0])?.version ?? "";
      if (before && state.older?.path !== before.path) state.older = await get(`/releases/${part(before.version)}/contents`, { product }).catch(() => null);
    } catch (error) {
      if (!state.release) state.error = error;
    }
    draw();
    await loadTab();
  };
  acts.setTab = (tab) => {
    state.tab = tab;
    history.replaceState(null, "", `${location.pathname}#${tab}`);
    draw();
    loadTab();
  };
  acts.deploy = () => state.release && deploy({ release: state.release, filter: filterFor(state.release) }).then(acts.load);
  draw();
  acts.load();
  screen.onChange(["release", "device"], paced(acts.load, 2000));
  onScreen("u", "Back to the releases", () => go("/releases"));
  if (may("deploy")) onScreen("d", "Deploy it", acts.deploy);
}

const filterFor = (one) => `state=accepted and version!="${one.version}" and board in (${one.boards.join(", ")})`;

/** Return the release before one, and all others of its product, the earlier ones first. */
function around(found, all) {
  const order = (one, other) => one.counter - other.counter || one.version.localeCompare(other.version, "en", { numeric: true });
  const others = all.filter((one) => one.path !== found.path && one.kind === found.kind).sort((one, other) => order(other, one));
  const earlier = others.filter((one) => order(one, found) < 0);
  return { before: earlier[0] ?? null, others: [...earlier, ...others.filter((one) => !earlier.includes(one))] };
}

function view(state, acts) {
  const above = h("a.crumb", { href: "/releases" }, icon("left"), "Releases");
  if (state.error) return [heading(state.version, { above }), trouble(state.error, acts.load)];
  const one = state.release;
  if (!one) return [heading(state.version, { above }), skeleton(10)];
  const name = [h("span.mono", one.version), h("span.title-note", one.product), badge(one.is_published ? "published" : "incomplete")];
  const isForMany = may("campaigns:write");
  const actions = one.is_published && [
    may("deploy") && h("button.button", { type: "button", class: isForMany ? "" : "primary", key: "deploy", on: { click: acts.deploy } }, icon("rocket"), "Deploy to devices"),
    isForMany && h("a.button.primary", { href: `/campaigns/new?version=${encodeURIComponent(one.version)}&product=${encodeURIComponent(one.product)}`, key: "campaign" }, icon("campaigns"), "New campaign"),
  ];
  return [
    heading(name, { above, actions }),
    !one.is_published && h("div.banner.is-warn", icon("alert"), h("div", h("strong", "It can not be sent to devices yet."), h("p", "Files that its documents name are not here: upload their bundles too, or bring them from the repository.", commandLine(line("releases", "add", one.version, "--repo", "repo/"))))),
    h("div.tabs", { role: "tablist", "aria-label": "Parts of the release" }, TABS.map((tab) => h("button", { type: "button", role: "tab", id: `tab-${tab.id}`, "aria-selected": String(tab.id === state.tab), "aria-controls": "tab-body", on: { click: () => acts.setTab(tab.id) } }, tab.name))),
    h("div", { id: "tab-body", role: "tabpanel", "aria-labelledby": `tab-${state.tab}` }, (TABS.find((tab) => tab.id === state.tab) ?? TABS[0]).draw(state, acts)),
  ];
}

function drawRelease(state) {
  const one = state.release;
  return h(
    "div.columns",
    h("div.column", fetching(state), images(state), documents(state)),
    h("div.column.is-narrow", about(one, state), runners(state), byCommand(one)),
  );
}

const sum = (payloads) => payloads.reduce((total, one) => total + one.blob_bytes + one.table_bytes, 0);

/** Return the ways to get a release: what each sends. */
function ways(contents) {
  const kinds = new Map();
  for (const one of contents.payloads) kinds.set(one.kind, [...(kinds.get(one.kind) ?? []), one]);
  const found = [...kinds].map(([kind, payloads]) => ({ name: kind === "full" ? "Full, from any version" : "Chunks, from any version", kind, payloads }));
  return [...found, ...contents.patches.map((one) => ({ name: `Patch from ${one.base_version}`, kind: "patch", payloads: one.payloads }))];
}

function fetching(state) {
  const all = ways(state.contents);
  const full = sum(state.contents.payloads.filter((one) => one.kind === "full"));
  const most = Math.max(1, ...all.map((one) => sum(one.payloads)));
  return panel(
    "What a device fetches",
    [
      h(
        "ul.bar-rows",
        all.map((one) => {
          const size = sum(one.payloads);
          const share = full && one.kind !== "full" ? ` · ${((size / full) * 100).toFixed(size / full < 0.1 ? 1 : 0)} % of full` : "";
          return h(
            "li",
            { key: one.name },
            h("div.bar-row-head", h("span", one.name), h("span.number", bytes(size), h("span.faint", share))),
            h("div.bar", h("div", { class: one.kind === "full" ? "fill-none" : one.kind === "patch" ? "fill-good" : "fill-info", style: { "--part": `${(size / most) * 100}%` } })),
          );
        }),
      ),
      h("p.panel-note", "Upper bounds: parts that a device has already are not fetched, and it takes the way that sends the least."),
    ],
    {},
  );
}

function images(state) {
  const { contents, older, before } = state;
  const was = new Map((older?.images ?? []).map((one) => [one.partition, one]));
  const total = contents.images.reduce((whole, one) => whole + one.length_bytes, 0);
  return panel(
    "Images",
    [
      h("div.images-bar", partsBar(contents.images.map((one, at) => ({ name: one.partition, value: one.length_bytes, kind: at ? "accent" : "info" })), "Sizes of the images"), h("span.number.faint", `${bytes(total)} in a slot`)),
      h(
        "table.table",
        h("thead", h("tr", ["Partition", "Size", before ? `Against ${before.version}` : "Against the one before", "SHA-256", "Root hash"].map((one) => h("th", { scope: "col" }, one)))),
        h(
          "tbody",
          contents.images.map((one) => {
            const old = was.get(one.partition);
            return h(
              "tr",
              { key: one.partition },
              h("td.name.mono", one.partition),
              h("td.number", { "data-label": "Size" }, bytes(one.length_bytes)),
              h("td", { "data-label": "Against" }, difference(one, old)),
              h("td", { "data-label": "SHA-256" }, short(one.sha256)),
              h("td", { "data-label": "Root hash" }, short(one.root_hash) || h("span.faint", "–")),
            );
          }),
        ),
      ),
    ],
    { kind: "is-flush" },
  );
}

function difference(one, old) {
  if (!old) return h("span.faint", "–");
  if (old.sha256 === one.sha256) return h("span.faint", "the same");
  const grown = one.length_bytes - old.length_bytes;
  return h("span", "other bytes", grown !== 0 && h("span.faint.number", `, ${grown > 0 ? "+" : "−"}${bytes(Math.abs(grown))}`));
}

function documents(state) {
  return panel(
    "Signed documents",
    h(
      "table.table",
      h("thead", h("tr", h("th", { scope: "col" }, "Path"), h("th", { scope: "col" }, "SHA-256"), h("th.right", { scope: "col" }, "Size"))),
      h("tbody", state.contents.documents.map((one) => h("tr", { key: one.path }, h("td.name.mono", one.path), h("td", { "data-label": "SHA-256" }, short(one.sha256)), h("td.right.number", { "data-label": "Size" }, bytes(one.length_bytes))))),
    ),
    { kind: "is-flush" },
  );
}

function about(one, state) {
  const { before, contents } = state;
  return panel("About", [
    one.notes && h("p.notes", one.notes),
    facts([
      ["Product", one.product],
      ["Boards", h("div.tags", one.boards.map((board) => h("span.tag", board)))],
      ["Counter", [count(one.counter), before && h("span.faint", ` (${count(before.counter)} of ${before.version})`)]],
      ["Comes from", contents.from_counter ? `counter ${count(contents.from_counter)} or later` : "any version"],
      ["Patches from", contents.patches.map((each) => each.base_version).join(", ")],
    ]),
  ]);
}

function runners(state) {
  const filter = `product="${state.product}" and version="${state.version}"`;
  if (!state.total) return panel("Runs on", h("p.faint", "No device runs it now."));
  return panel(
    "Runs on",
    [
      h("p.figure-line", h("strong", count(state.total)), state.total === 1 ? " device" : " devices"),
      h("div.tags", state.devices.map((one) => h("a.tag.mono", { href: `/devices/${encodeURIComponent(one.device)}`, key: one.device }, one.device)), state.total > state.devices.length && h("span.faint", `and ${count(state.total - state.devices.length)} more`)),
    ],
    { aside: h("a", { href: `/devices?filter=${encodeURIComponent(filter)}` }, "Show") },
  );
}

function byCommand(one) {
  return panel("By command", h("div.stack", [line("releases", "show", one.version), line("deploy", one.version, "--to", "DEVICE")].map((text) => commandLine(text))));
}

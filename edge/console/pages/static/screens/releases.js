// The releases: what there is, who runs it, and how one comes in.

import { get, may, upload } from "../api.js";
import { commandLine, line } from "../command.js";
import { h, paced, say, show } from "../dom.js";
import { bytes, count, plural } from "../format.js";
import { icon } from "../icons.js";
import { onScreen } from "../keys.js";
import { badge, empty, heading, progress, short, skeleton, trouble } from "../parts.js";
import { title } from "../router.js";

export const pathOf = (one) => `/releases/${encodeURIComponent(one.product)}/${encodeURIComponent(one.version)}`;

export function releases(screen) {
  title("Releases");
  const state = { releases: null, running: new Map(), missing: [], uploads: [], error: null, isOver: false };
  const acts = {};
  const draw = () => show(screen.main, view(state, acts));
  acts.load = async () => {
    try {
      const [found, missing, now] = await Promise.all([all(), get("/objects"), get("/overview")]);
      state.running = new Map(now.versions.map((one) => [`${one.product} ${one.version}`, one.devices]));
      Object.assign(state, { releases: found, missing: missing.missing, error: null });
    } catch (error) {
      if (!state.releases) state.error = error;
    }
    draw();
  };
  acts.take = (files) => {
    for (const file of files) send(file, state, acts);
  };
  acts.draw = draw;
  acts.choose = () => document.getElementById("bundle")?.click();
  draw();
  acts.load();
  screen.onChange(["release", "device"], paced(acts.load, 2000));
  if (may("releases:write")) {
    onScreen("u", "Upload a bundle", acts.choose);
    dropping(screen, state, acts);
  }
}

async function all() {
  const found = [];
  let after = "";
  do {
    const page = await get("/releases", { limit: 500, after });
    found.push(...page.releases);
    after = page.next;
  } while (after);
  return found.sort((one, other) => one.product.localeCompare(other.product) || other.counter - one.counter || other.version.localeCompare(one.version, "en", { numeric: true }));
}

async function send(file, state, acts) {
  const control = new AbortController();
  const one = { file, sent: 0, isSent: false, error: null, said: null, stop: () => control.abort() };
  state.uploads.unshift(one);
  acts.draw();
  const drawn = paced(acts.draw, 120);
  try {
    one.said = await upload(
      file,
      (sent, total) => {
        one.sent = sent;
        one.isSent = sent >= total;
        drawn();
      },
      control.signal,
    );
    say(`${file.name} is verified`);
  } catch (error) {
    one.error = error;
  }
  acts.draw();
  acts.load();
}

function dropping(screen, state, acts) {
  let depth = 0;
  const over = (is) => {
    if (state.isOver === is) return;
    state.isOver = is;
    acts.draw();
  };
  const on = {
    dragenter: (event) => {
      event.preventDefault();
      depth += 1;
      over(true);
    },
    dragover: (event) => event.preventDefault(),
    dragleave: () => {
      depth = Math.max(0, depth - 1);
      if (!depth) over(false);
    },
    drop: (event) => {
      event.preventDefault();
      depth = 0;
      over(false);
      acts.take(event.dataTransfer.files);
    },
  };
  for (const [type, act] of Object.entries(on)) window.addEventListener(type, act);
  screen.atEnd(() => {
    for (const [type, act] of Object.entries(on)) window.removeEventListener(type, act);
  });
}

function view(state, acts) {
  const actions = may("releases:write") && [
    h("input.hidden", { id: "bundle", type: "file", accept: ".edge", multiple: true, tabindex: "-1", "aria-label": "Bundles to upload", on: { change: (event) => (acts.take(event.target.files), (event.target.value = "")) } }),
    h("button.button.primary", { type: "button", on: { click: acts.choose } }, icon("upload"), "Upload a bundle"),
  ];
  return [
    heading("Releases", { actions, note: may("releases:write") && "Drop bundles anywhere here: all of each is verified before any of it is kept." }),
    state.uploads.length > 0 && h("ul.uploads", { "aria-label": "Uploads" }, state.uploads.map((one, at) => uploaded(one, state, acts, at))),
    state.isOver && h("div.drop", h("p", icon("upload"), "Drop bundles here")),
    state.error ? trouble(state.error, acts.load) : !state.releases ? skeleton(8) : state.releases.length ? [table(state), missing(state)] : nothing(),
  ];
}

function nothing() {
  return empty("There is no release yet", ["Make one from a build, sign it, and bring its bundle here: drop the file on this page, or use the command.", "The console verifies all of it before it keeps anything."], {
    picture: "releases",
    commands: ["edge build gateway.yml --board rpi4 -o out/", "edge release add out/ --version 1.0.0 --repo repo/", "edge releases add 1.0.0 --repo repo/"],
  });
}

function uploaded(one, state, acts, at) {
  const drop = () => {
    state.uploads = state.uploads.filter((other) => other !== one);
    acts.draw();
  };
  const isOver = one.error || one.said;
  return h(
    "li.upload",
    { key: state.uploads.length - at, class: one.error ? "is-bad" : one.said ? "is-good" : "" },
    h(
      "div.upload-head",
      icon(one.error ? "alert" : one.said ? "check" : "upload"),
      h("strong.cut", one.file.name),
      h("span.faint.number", bytes(one.file.size)),
      h("button.icon-button.push", { type: "button", "aria-label": isOver ? "Dismiss" : "Stop the upload", on: { click: isOver ? drop : one.stop } }, icon("cross")),
    ),
    !isOver && h("div.row-progress.is-wide", progress(one.isSent ? null : Math.round((one.sent / Math.max(1, one.file.size)) * 100), `Upload of ${one.file.name}`), h("span.number.faint", one.isSent ? "verifying" : `${Math.round((one.sent / Math.max(1, one.file.size)) * 100)} %`)),
    one.error && [h("p", "Refused: ", one.error.message), one.error.hint && h("p.faint", one.error.hint)],
    one.said && outcome(one.said),
    one.said && commandLine(line("releases", "add", one.file.name)),
  );
}

function outcome(said) {
  const names = said.changed.map((one) => `${one.product} ${one.version} ${one.is_published ? "is published" : "is here, not whole yet"}`);
  const needed = said.missing.filter((one) => !one.is_optional);
  return [
    h("p", "All signatures and hashes hold. ", names.length ? `${names.join(", ")}.` : "Nothing new was in it."),
    needed.length > 0 && h("p.faint", `${plural(needed.length, "file")} that the signed metadata names ${needed.length === 1 ? "is" : "are"} still missing, see below.`),
  ];
}

function table(state) {
  return h(
    "table.table.releases",
    h("thead", h("tr", ["Version", "Product", "State", "Boards", "Counter", "Patches from"].map((one) => h("th", { scope: "col" }, one)), h("th.right", { scope: "col" }, "Devices"))),
    h(
      "tbody",
      state.releases.map((one) =>
        h(
          "tr",
          { key: one.path },
          h("td.name", h("a.mono", { href: pathOf(one) }, one.version), one.notes && h("span.faint.cut.release-note", { title: one.notes }, one.notes)),
          h("td", { "data-label": "Product" }, one.product),
          h("td", { "data-label": "State" }, badge(one.is_published ? "published" : "incomplete")),
          h("td", { "data-label": "Boards" }, h("div.tags", one.boards.map((board) => h("span.tag", board)))),
          h("td.number", { "data-label": "Counter" }, count(one.counter)),
          h("td.mono", { "data-label": "Patches from" }, one.patches.map(baseOf).join(", ") || h("span.faint", "–")),
          h("td.right.number", { "data-label": "Devices" }, running(state, one)),
        ),
      ),
    ),
  );
}

export const baseOf = (path) => path.split("/").at(-1).replace(/^from-/, "").replace(/\.json$/, "");

function running(state, one) {
  const found = state.running.get(`${one.product} ${one.version}`) ?? 0;
  return found ? h("a", { href: `/devices?filter=${encodeURIComponent(`product="${one.product}" and version="${one.version}"`)}` }, count(found)) : h("span.faint", "0");
}

function missing(state) {
  if (!state.missing.length) return null;
  return h(
    "details.panel.missing",
    h("summary.panel-head", h("h2", `${plural(state.missing.length, "file")} missing`), h("span.faint", "named by signed metadata, and not here")),
    h(
      "div.panel-body",
      h("p.note", "Bundles of these versions bring them, or the repository that they were made in:"),
      commandLine(line("releases", "add", "VERSION", "--repo", "repo/")),
      h("ul.missing-list", state.missing.slice(0, 50).map((one) => h("li", short(one.name, 64), h("span.faint.number", one.is_optional && "SBOM: all is published without it · ", bytes(one.length_bytes))))),
    ),
  );
}

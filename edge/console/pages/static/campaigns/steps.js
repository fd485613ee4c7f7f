// The steps of the wizard, each with what it asks and what that means.

import { commandLine, line } from "../command.js";
import { h } from "../dom.js";
import { count, plural } from "../format.js";
import { icon } from "../icons.js";
import { badge } from "../parts.js";
import { choice, text, tick } from "./fields.js";
import { ADDED, PRESETS } from "./draft.js";
import { evidenceWords, limitWords, tripWords } from "./words.js";

export const DRAWN = { release, devices, waves, safety, pace };

function release({ state, draw }) {
  const { draft } = state;
  if (!state.releases.length) return h("div.field", h("p", "There is no published release yet. Bring one first:"), commandLine(line("releases", "add", "gateway-1.2.0.edge")));
  const choose = (one) => {
    Object.assign(draft, { version: one.version, product: one.product, also: [] });
    draw();
  };
  return [
    h(
      "fieldset.field",
      h("legend", "Which release"),
      h(
        "div.choices.is-list.is-tall",
        options(state.releases).map((one) => releaseRow(one, { type: "radio", name: "release", checked: draft.version === one.version && draft.product === one.product, on: { change: () => choose(one) } })),
      ),
    ),
    draft.version && beside(state, draw),
  ];
}

const releaseRow = (one, words) =>
  h(
    "label.choice.is-row",
    { key: `${one.version} ${one.product}` },
    h("input", words),
    h("span", h("strong.mono", one.version), h("span.faint", ` ${one.what}`), one.notes && h("span.under.faint", one.notes)),
    one.boards && h("span.choice-end", one.boards.map((board) => h("span.tag", board))),
  );

/** What else the same devices can get: versions of services, each of another one. */
function beside({ draft, releases }, draw) {
  const products = new Set(releases.filter((one) => one.version === draft.version && (!draft.product || one.product === draft.product)).map((one) => one.product));
  const serviceOf = (version) => releases.find((one) => one.version === version && one.kind === "service")?.version.split("+")[0] ?? "";
  const found = releases.filter((one) => one.kind === "service" && products.has(one.product) && serviceOf(one.version) !== serviceOf(draft.version));
  if (!found.length) return null;
  const pick = (version, isPicked) => {
    const others = draft.also.filter((one) => one !== version && !(isPicked && serviceOf(one) === serviceOf(version)));
    draft.also = isPicked ? [...others, version] : others;
    draw();
  };
  return h(
    "fieldset.field",
    { key: "beside" },
    h("legend", "And with it, for the same devices"),
    h(
      "div.choices.is-list.is-tall",
      [...new Map(found.map((one) => [one.version, one])).values()].map((one) => releaseRow({ ...one, what: one.product }, { type: "checkbox", checked: draft.also.includes(one.version), on: { change: (event) => pick(one.version, event.target.checked) } })),
    ),
    h("p.field-what", "A device takes them one after the other, the system first. It has succeeded when it runs all of them, and goes back with all of them."),
  );
}

/** Return what can be chosen: a version of one product, or of all that have it. */
function options(releases) {
  const byVersion = new Map();
  for (const one of releases) byVersion.set(one.version, [...(byVersion.get(one.version) ?? []), one]);
  return [...byVersion].flatMap(([version, found]) => {
    if (found.length === 1) return [{ ...found[0], version, product: "", what: found[0].product }];
    const products = found.map((one) => one.product);
    return [{ version, product: "", what: `all products (${products.join(", ")})`, notes: "Each device gets the one that is for it" }, ...found.map((one) => ({ ...one, what: one.product }))];
  });
}

function devices({ state, draw, box }) {
  const groupFilter = (name) => (/^[\w.-]+$/.test(name) ? `group:${name}` : `group:"${name.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`);
  return [
    h("div.field", h("span", "Which devices"), box.element, h("p.field-what", "Empty: all of them. Who is accepted, whom the release is for, and who does not run it yet takes part; the preview says who does not, and why.")),
    state.groups.length > 0 &&
      h(
        "div.saved",
        { "aria-label": "Groups" },
        state.groups.map((one) =>
          h(
            "button.chip",
            { type: "button", key: one.group, title: one.filter || one.notes || null, "aria-pressed": String(state.draft.target.trim() === groupFilter(one.group)), on: { click: () => box.set(state.draft.target.trim() === groupFilter(one.group) ? "" : groupFilter(one.group)) } },
            one.group,
            h("span.number.faint", count(one.devices)),
          ),
        ),
      ),
    tick(draw, state.draft, "is_dynamic", "Devices that come to fit later join", "They wait with the wave that is open; the campaign goes on until somebody ends it."),
  ];
}

function waves({ state, draw }) {
  const { draft } = state;
  const isFixed = state.changed !== null;
  const presets = Object.entries(PRESETS).map(([value, one]) => ({ value, text: one.name, what: one.what }));
  if (draft.preset === "") presets.push({ value: "", text: "Own", what: "as you have it below" });
  return [
    isFixed ? h("p.note", "Which devices are in which wave stays as it is; limits, successes and waits can be changed.") : h(
      "div.is-grid",
      choice(draw, draft, "preset", "How it grows", presets, (value) => {
        if (value) draft.waves = PRESETS[value].waves();
      }),
    ),
    h(
      "div.field",
      h("span", "Waves"),
      h("ol.wave-forms", draft.waves.map((one, at) => waveForm(one, at, draft, draw, isFixed))),
      !isFixed && h("p", h("button.button.small", { type: "button", on: { click: () => addWave(draft, draw) } }, icon("plus"), "Add a wave")),
      h("p.field-what", "Shares and numbers are of all devices up to the end of the wave: 1 %, then up to 10 %. Who comes first is drawn by lot. The last wave is 100 %. A wave stops the campaign at its limit of failures: above a share such as 10%, at a number such as 3, or never. The next one begins when so many percent have succeeded, and after the wait."),
    ),
  ];
}

function addWave(draft, draw) {
  draft.preset = "";
  draft.waves.splice(Math.max(0, draft.waves.length - 1), 0, { ...ADDED(), amount: "" });
  draw();
}

const KINDS = { percent: "% of all", count: "devices", devices: "by name", filter: "by filter" };

function waveForm(one, at, draft, draw, isFixed) {
  const own = () => {
    draft.preset = "";
    draw();
  };
  const field = (name, label, words = {}) => h("label.wave-field", { key: name }, h("span", label), h("input", { value: one[name], "aria-label": `${label}, wave ${at + 1}`, autocomplete: "off", spellcheck: "false", ...words, on: { input: (event) => ((one[name] = event.target.value), own()) } }));
  const sized = { percent: () => field("amount", "Up to", { inputmode: "numeric", disabled: isFixed }), count: () => field("amount", "Up to", { inputmode: "numeric", disabled: isFixed }), devices: () => field("devices", "Names", { class: "mono", disabled: isFixed, placeholder: "lab-1 lab-2" }), filter: () => field("filter", "Filter", { class: "mono", disabled: isFixed, placeholder: "tag:canary" }) };
  return h(
    "li.wave-form",
    { key: `wave-${at}`, role: "group", "aria-label": `Wave ${at + 1}` },
    h("strong.wave-number", String(at + 1)),
    h("div.wave-size-fields", { class: one.kind === "devices" || one.kind === "filter" ? "is-long" : "" }, sized[one.kind](), h("label.wave-field", { key: "kind" }, h("span", "of what"), h("select", { "aria-label": `What wave ${at + 1} is`, disabled: isFixed, value: one.kind, on: { change: (event) => ((one.kind = event.target.value), own()) } }, Object.entries(KINDS).map(([kind, name]) => h("option", { value: kind, selected: kind === one.kind }, name))))),
    field("stop", "Stops at"),
    field("success", "Succeed, %", { inputmode: "numeric" }),
    field("wait", "Then waits"),
    h("button.icon-button", { type: "button", "aria-label": `Remove wave ${at + 1}`, disabled: isFixed || draft.waves.length < 2, on: { click: () => (draft.waves.splice(at, 1), own()) } }, icon("cross")),
  );
}

function safety({ state, draw }) {
  const { draft } = state;
  const rates = { good_permille: Number(draft.good) * 10, bad_permille: Number(draft.bad) * 10, alarm_permille: Number(draft.alarm) * 10 };
  const isRead = Object.values(rates).every((one) => one > 0);
  return [
    choice(draw, draft, "on_trip", "When too many fail", [
      { value: "pause", text: "Pause", what: tripWords("pause").slice(7) },
      { value: "abort", text: "Stop", what: tripWords("abort").slice(6) },
      { value: "revert", text: "Go back", what: tripWords("revert").slice(9) },
    ]),
    h(
      "fieldset.field",
      { key: "evidence" },
      h("legend", "What all reports together say"),
      tick(draw, draft, "hasEvidence", "Stop as soon as the reports speak against the release"),
      draft.hasEvidence && h("p.field-what", isRead ? evidenceWords(rates) : "Say in percent what is usual, what is too much, and how often a good release may be stopped."),
      draft.hasEvidence && h("div.triple", text(draw, draft, "good", "Usual failures", { unit: "%", width: "is-short" }), text(draw, draft, "bad", "Must be noticed", { unit: "%", width: "is-short" }), text(draw, draft, "alarm", "Good ones stopped", { unit: "%", width: "is-short" })),
    ),
    h(
      "div.pair",
      text(draw, draft, "soak", "A device has succeeded when it ran the release for", { what: "It kept the new slot, and called since", width: "is-short" }),
      text(draw, draft, "silence", "It has failed when it was silent for", { what: "After a restart into the release, and in its soak", width: "is-short" }),
      text(draw, draft, "sample", "A share of failures counts once so many ended", { unit: "devices", width: "is-short", what: "Or all of a wave that has fewer" }),
      text(draw, draft, "approvals", "People who have to approve it", { width: "is-short", disabled: state.changed !== null, what: "Approvers and admins; each with a reason, kept in the audit log" }),
    ),
    h(
      "details.more",
      h("summary", "More times"),
      h("div.pair", text(draw, draft, "timeout", "An update may take", { width: "is-short", what: "Without waiting for its user or window" }), text(draw, draft, "answer", "An order that is not taken up goes to another device after", { width: "is-short" }), text(draw, draft, "seen", "Devices not seen so long wait until they call", { width: "is-short", what: "0: none waits" })),
    ),
  ];
}

function pace({ state, draw }) {
  const { draft } = state;
  return [
    h(
      "div.pair",
      text(draw, draft, "at_once", "Devices under way at once", { width: "is-short", what: "Binds late joiners too" }),
      text(draw, draft, "per_minute", "Orders a minute", { width: "is-short", placeholder: "any", what: "Empty: as many as may be at once" }),
      text(draw, draft, "bandwidth", "What all fetch together, a second", { width: "is-short", placeholder: "any", what: "500 kB, 5 MB; by their planned bytes" }),
      text(draw, draft, "tries", "Orders before a device counts as failed", { width: "is-short" }),
      text(draw, draft, "start_at", "Begins, your time", { type: "datetime-local", disabled: state.changed !== null, what: "Empty: at once" }),
      text(draw, draft, "end_at", "Orders nothing from then on", { type: "datetime-local", what: "Empty: until it is done" }),
    ),
    h(
      "div.pair",
      choice(draw, draft, "mode", "When it is written, a device", [
        { value: "now", text: "Restarts at once" },
        { value: "window", text: "Restarts in its maintenance window", what: "In its own local time, also when it is offline" },
        { value: "download", text: "Only writes it", what: "The other slot waits for a later order" },
      ]),
      choice(draw, draft, "confirm", "The consent of its user", [
        { value: "as-set", text: "As the device has it set" },
        { value: "always", text: "Is always asked for" },
        { value: "never", text: "Is never asked for" },
      ]),
    ),
    draft.confirm !== "never" && h("div.pair", { key: "until" }, text(draw, draft, "confirm_until", "Asked for until, your time", { type: "datetime-local", what: "The user may put it off until then; after it, the device goes on. Empty: for as long as he likes" })),
    h("div.pair", draft.mode === "window" && text(draw, draft, "window", "Maintenance window", { width: "is-short", placeholder: "22:00-05:00", what: "In the local time of each device. Empty: as the device has it set" }), text(draw, draft, "priority", "Priority", { width: "is-short", what: "0 to 1000. A device waits for campaigns with a higher one" })),
  ];
}

/** Return the plan in a few sentences. */
export function summary(state, body) {
  const { draft } = state;
  const trips = { pause: "it pauses", abort: "it stops, and takes back what is under way", revert: "its devices go back to what they ran before" };
  return h(
    "ul.plain",
    h("li", draft.version ? [h("strong.mono", [draft.version, ...draft.also].join(" + ")), draft.product && ` ${draft.product}`] : h("span.faint", "No release yet")),
    h("li", draft.target.trim() ? [h("code", draft.target)] : "To all devices that are accepted", draft.is_dynamic && ", and those that come to fit later"),
    h("li", `${plural(draft.waves.length, "wave")}: `, draft.waves.map((one) => (one.kind === "percent" ? `${one.amount} %` : one.kind === "count" ? `${one.amount} devices` : one.kind === "filter" ? "by filter" : "named ones")).join(", ")),
    body.waves[0]?.limit && h("li", "In the first wave ", limitWords(body.waves[0].limit)),
    h("li", "When too many fail, ", trips[draft.on_trip]),
    h("li", `${draft.at_once} at once`, draft.mode === "window" && ", restart in the maintenance window", draft.mode === "download" && ", only written"),
    Number(draft.approvals) > 0 && h("li", badge(`${draft.approvals} to approve`, "warn")),
  );
}

// Keys of enrolment: list, make and revoke them. The key itself is told once.

import { part, post, remove } from "../api.js";
import { commandLine, copyButton, line } from "../command.js";
import { confirm, open } from "../dialog.js";
import { h } from "../dom.js";
import { count, nowS } from "../format.js";
import { icon } from "../icons.js";
import { badge, panel } from "../parts.js";
import { tellError, toast } from "../toast.js";

const PAST_SHOWN = 5;
const LASTS = [
  [1, "an hour"],
  [24, "a day"],
  [24 * 7, "a week"],
  [24 * 30, "30 days"],
];

export function enrolment(found, groups, acts) {
  const past = found.filter((one) => why(one));
  const shown = found.filter((one) => !why(one)).concat(past.slice(-PAST_SHOWN));
  return panel("Keys of enrolment", shown.length ? list(shown, acts) : h("p.faint.inside", "None. A device with such a key gets its certificate here."), {
    kind: "is-flush",
    aside: h("button.button.small", { type: "button", on: { click: () => make(groups, acts) } }, icon("plus"), "Make a key"),
  });
}

/** Return why a key is of no use any more; empty if it is. */
function why(one) {
  if (one.revoked_at_s) return "revoked";
  if (one.expires_at_s <= nowS()) return "ended";
  return one.uses_left ? "" : "used up";
}

function list(shown, acts) {
  return h(
    "table.table",
    h("thead", h("tr", ["Name", "State", "For", "Ends"].map((one) => h("th", { scope: "col" }, one)), h("th.right", { scope: "col" }, "Left"), h("th", { scope: "col" }, h("span.hidden", "Actions")))),
    h(
      "tbody",
      shown.map((one) =>
        h(
          "tr",
          { key: one.key, class: why(one) ? "is-past" : "" },
          h("td.name", one.name, h("span.faint.mono.under", one.key)),
          h("td", { "data-label": "State" }, why(one) ? badge(why(one), "none") : badge(one.is_trusted ? "lets in" : "devices wait", one.is_trusted ? "warn" : "good")),
          h("td", { "data-label": "For" }, h("span.mono.nowrap", one.pattern), one.group && h("span.faint.under", one.group)),
          h("td.nowrap", { "data-label": "Ends" }, new Date(one.expires_at_s * 1000).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" })),
          h("td.right.number", { "data-label": "Left" }, count(one.uses_left)),
          h("td.right", !why(one) && h("button.button.small", { type: "button", "aria-label": `Revoke the key ${one.name}`, on: { click: () => revoke(one, acts) } }, "Revoke…")),
        ),
      ),
    ),
  );
}

async function revoke(one, acts) {
  const command = line("enrolment", "revoke", one.key, "--yes");
  const isGo = await confirm({ title: `Revoke the key ${one.name}?`, text: "No more devices come with it. Those that came stay.", verb: `Revoke ${one.name}`, command });
  if (!isGo) return;
  try {
    await remove(`/enrolment-keys/${part(one.key)}`);
    toast(`The key ${one.name} is revoked`, { kind: "good", command });
  } catch (error) {
    tellError(error, one.name);
  }
  acts.load();
}

async function make(groups, acts) {
  const said = { name: "", pattern: "*", group: "", uses: 1, hours: 24, is_trusted: false, made: null };
  await open({
    title: "Make a key of enrolment",
    body: (dialog) => (said.made ? told(said.made) : form(said, groups, dialog)),
    actions: (dialog) =>
      said.made
        ? [h("button.button.primary", { type: "button", key: "done", on: { click: () => dialog.close() } }, "I have it")]
        : [
            h("button.button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"),
            h("button.button.primary", { type: "submit", disabled: !said.name || !said.pattern || !(said.uses >= 1), on: { click: () => send(said, dialog) } }, "Make it"),
          ],
  });
  acts.load();
}

function send(said, dialog) {
  const { name, pattern, group, uses, is_trusted } = said;
  return post("/enrolment-keys", { name, pattern, group, uses, is_trusted, expires_in_s: said.hours * 3600 }).then((made) => {
    said.made = made;
    dialog.draw();
  }, tellError);
}

function told(made) {
  return [
    h("p", h("strong", "It is told only now."), " Only its hash is kept here."),
    h("div.secret", { key: "secret" }, h("code", made.text), copyButton(made.text, "Copy the key")),
    h("p.faint", "Write it to a file that only its user can read, and name that as ", h("code", "console.token_file"), " in the first settings of the devices."),
  ];
}

function form(said, groups, dialog) {
  const change = (key, value) => {
    said[key] = value;
    dialog.draw();
  };
  const text = (key, name, more = {}) => h("label.field", { key }, h("span", name), h("input", { autocomplete: "off", spellcheck: "false", value: String(said[key]), ...more, on: { input: (event) => change(key, more.type === "number" ? Number(event.target.value) : event.target.value.trim()) } }));
  const choice = (key, name, options) => h("label.field", { key }, h("span", name), h("select", { on: { change: (event) => change(key, key === "hours" ? Number(event.target.value) : event.target.value) } }, options.map(([value, label]) => h("option", { value: String(value), selected: value === said[key] }, label))));
  const members = groups.filter((one) => !one.filter).map((one) => [one.group, one.group]);
  return [
    text("name", "What it is for", { placeholder: "hall 3" }),
    text("pattern", "For which ids", { placeholder: "gw-*" }),
    text("uses", "For how many devices", { type: "number", min: "1", max: "100000" }),
    choice("group", "They become members of", [["", "no group"], ...members]),
    choice("hours", "It holds for", LASTS),
    h("label.choice", { key: "trusted" }, h("input", { type: "checkbox", checked: said.is_trusted, on: { change: () => change("is_trusted", !said.is_trusted) } }), h("span", "Let them in at once"), h("span.field-what", "else each waits until somebody accepts it")),
    commandLine(command(said)),
  ];
}

function command(said) {
  const group = said.group && ["--group", said.group];
  return line("enrolment", "create", said.name || "NAME", "--for", said.pattern || "'*'", group || [], said.is_trusted && "--trusted", said.uses > 1 ? ["--uses", String(said.uses)] : [], said.hours === 24 ? [] : ["--hours", String(said.hours)]);
}

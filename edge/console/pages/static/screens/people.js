// People: who can log in, what each may do, and the links by which they come in.

import { part, patch, post, remove, visitor } from "../api.js";
import { commandLine, copyButton, line } from "../command.js";
import { confirm, open } from "../dialog.js";
import { h } from "../dom.js";
import { shortly } from "../format.js";
import { icon } from "../icons.js";
import { menu } from "../menu.js";
import { badge, panel, time } from "../parts.js";
import { tellError, toast } from "../toast.js";

const ROLES = {
  viewer: "sees devices and releases",
  operator: "accepts devices, uploads and deploys releases",
  approver: "sees all, and approves what others start",
  admin: "does all, people and tokens too",
};
const path = (one) => `/people/${part(one.person)}`;

export function people(found, groups, acts) {
  const head = ["Name", "Role", "Reach", "Last here"];
  return panel(
    "People",
    h(
      "table.table",
      h("thead", h("tr", head.map((one) => h("th", { scope: "col" }, one)), h("th", { scope: "col" }, h("span.hidden", "Actions")))),
      h("tbody", found.map((one) => row(one, groups, acts))),
    ),
    { kind: "is-flush", aside: h("button.button.small", { type: "button", on: { click: () => invite(groups, acts) } }, icon("plus"), "Invite somebody") },
  );
}

function row(one, groups, acts) {
  const isYou = one.person === visitor.name;
  return h(
    "tr",
    { key: one.person, class: one.is_disabled ? "is-past" : "" },
    h("td.name", one.shown_name || one.person, isYou && h("span.faint", " (you)"), one.shown_name && h("span.faint.mono.under", one.person)),
    h("td", { "data-label": "Role" }, h("div.tags", badge(one.role, one.role === "admin" ? "info" : "none"), one.is_disabled && badge("disabled", "bad"), !one.has_password && !one.is_bound && !one.logged_in_at_s && badge("invited", "warn"))),
    h("td", { "data-label": "Reach" }, one.groups ? h("div.tags", one.groups.map((group) => h("span.tag", group))) : h("span.faint", "all devices")),
    h("td.nowrap", { "data-label": "Last here" }, time(one.logged_in_at_s)),
    h(
      "td.right",
      !isYou &&
        menu(`What to do with ${one.person}`, [
          { text: "Role and reach…", act: () => change(one, groups, acts) },
          { text: "New link to come in…", act: () => relink(one, acts) },
          { text: "End the sessions", act: () => done(remove(`${path(one)}/sessions`), `${one.person} is logged out everywhere`, line("people", "sessions", one.person, "--end"), acts) },
          one.is_disabled
            ? { text: "Enable", act: () => done(patch(path(one), { is_disabled: false }), `${one.person} can log in again`, line("people", "enable", one.person), acts) }
            : { text: "Disable…", isDangerous: true, act: () => disable(one, acts) },
          { text: "Remove…", isDangerous: true, act: () => takeOut(one, acts) },
        ]),
    ),
  );
}

async function done(asked, text, command, acts) {
  try {
    await asked;
    toast(text, { kind: "good", command });
  } catch (error) {
    tellError(error);
  }
  acts.load();
}

async function disable(one, acts) {
  const command = line("people", "disable", one.person);
  const isGo = await confirm({ title: `Disable ${one.person}?`, text: "All sessions end at once, and there is no coming in until it is enabled again.", verb: `Disable ${one.person}`, command });
  if (isGo) done(patch(path(one), { is_disabled: true }), `${one.person} is disabled`, command, acts);
}

async function takeOut(one, acts) {
  const command = line("people", "remove", one.person, "--yes");
  const isGo = await confirm({ title: `Remove ${one.person}?`, text: "The audit log keeps what was done under this name.", verb: `Remove ${one.person}`, command });
  if (isGo) done(remove(path(one)), `${one.person} is removed`, command, acts);
}

async function relink(one, acts) {
  try {
    await showLink(await post(`${path(one)}/invitation`));
  } catch (error) {
    tellError(error);
  }
  acts.load();
}

function showLink(made) {
  const link = location.origin + made.link;
  return open({
    title: `A link for ${made.person.person}`,
    body: () => [
      h("p", h("strong", "It is told only now,"), ` and can be used once, until ${shortly(made.expires_at_s)}. Whoever has it sets the password.`),
      h("div.secret", h("code", link), copyButton(link, "Copy the link")),
    ],
    actions: (dialog) => [h("button.button.primary", { type: "button", on: { click: () => dialog.close() } }, "I have it")],
  });
}

const groupWords = (said) => (said.isLimited ? [...said.groups].flatMap((one) => ["--group", one]) : []);

function rights(said, groups, dialog) {
  const members = groups.filter((one) => !one.filter);
  return [
    h("fieldset.field", { key: "role" }, h("legend", "Role"), h("div.choices", Object.entries(ROLES).map(([role, what]) => h("label.choice", h("input", { type: "radio", name: "role", checked: said.role === role, on: { change: () => ((said.role = role), dialog.draw()) } }), h("span", role), h("span.field-what", what))))),
    said.role !== "admin" &&
      h(
        "fieldset.field",
        { key: "reach" },
        h("legend", "Reach"),
        h(
          "div.choices",
          h("label.choice", h("input", { type: "radio", name: "reach", checked: !said.isLimited, on: { change: () => ((said.isLimited = false), dialog.draw()) } }), h("span", "All devices")),
          h("label.choice", { class: members.length ? "" : "is-off" }, h("input", { type: "radio", name: "reach", checked: said.isLimited, disabled: !members.length, on: { change: () => ((said.isLimited = true), dialog.draw()) } }), h("span", "The devices of groups"), h("span.field-what", members.length ? "" : "there is no group with members yet")),
          said.isLimited && h("div.tags", members.map((one) => h("button.chip", { type: "button", "aria-pressed": String(said.groups.has(one.group)), on: { click: () => (said.groups[said.groups.has(one.group) ? "delete" : "add"](one.group), dialog.draw()) } }, one.group))),
        ),
      ),
  ];
}

const reachOf = (said) => (said.isLimited && said.role !== "admin" ? [...said.groups] : null);
const isMeant = (said) => !said.isLimited || said.role === "admin" || said.groups.size > 0;

async function invite(groups, acts) {
  const said = { person: "", role: "operator", isLimited: false, groups: new Set() };
  const isGo = await open({
    title: "Invite somebody",
    body: (dialog) => [
      h("label.field", { key: "person" }, h("span", "Name to log in with"), h("input", { autocomplete: "off", autocapitalize: "none", spellcheck: "false", on: { input: (event) => ((said.person = event.target.value.trim()), dialog.draw()) } }), h("span.field-what", "small letters, digits, . - _, or an e-mail address")),
      rights(said, groups, dialog),
      commandLine(line("people", "invite", said.person || "NAME", "--role", said.role, said.role === "admin" ? [] : groupWords(said))),
    ],
    actions: (dialog) => [
      h("button.button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"),
      h("button.button.primary", { type: "submit", disabled: !said.person || !isMeant(said), on: { click: () => dialog.close(true) } }, "Make a link"),
    ],
  });
  if (!isGo) return;
  try {
    await showLink(await post("/people", { person: said.person, role: said.role, groups: reachOf(said) }));
  } catch (error) {
    tellError(error);
  }
  acts.load();
}

async function change(one, groups, acts) {
  const said = { role: one.role, isLimited: one.groups !== null, groups: new Set(one.groups ?? []) };
  const reach = () => (reachOf(said) ? groupWords(said) : one.groups ? ["--all-devices"] : []);
  const command = () => line("people", "set-role", one.person, said.role, reach());
  const isGo = await open({
    title: `Role of ${one.person}`,
    body: (dialog) => [rights(said, groups, dialog), h("p", "All sessions of this person end."), commandLine(command())],
    actions: (dialog) => [
      h("button.button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"),
      h("button.button.primary", { type: "submit", disabled: !isMeant(said), on: { click: () => dialog.close(true) } }, "Change it"),
    ],
  });
  if (isGo) done(patch(path(one), { role: said.role, groups: reachOf(said) }), `${one.person} is ${said.role} now`, command(), acts);
}

// The console itself: how it is, tokens, webhooks, keys of enrolment, groups, people.

import { get, may, part, post, put, reachesAll, remove, visitor } from "../api.js";
import { commandLine, copyButton, line } from "../command.js";
import { confirm, open } from "../dialog.js";
import { h, paced, show } from "../dom.js";
import { count, nowS, plural, setClock, span } from "../format.js";
import { icon } from "../icons.js";
import { badge, facts, heading, panel, skeleton, time } from "../parts.js";
import { title } from "../router.js";
import { tellError, toast } from "../toast.js";
import { enrolment } from "./enrolment.js";
import { hooks } from "./hooks.js";
import { people } from "./people.js";
import { makeGroup } from "./register.js";

const SCOPES = {
  "devices:read": "see devices, groups and events",
  "devices:write": "accept, revoke, tag; change groups",
  "devices:reach": "read logs and inventories, restart services",
  terminal: "open terminals of devices, look at records of them",
  "releases:read": "see releases",
  "releases:write": "upload releases",
  deploy: "order releases of devices",
  "audit:read": "read the audit log",
  "metrics:read": "figures for Prometheus, and of the console",
  "tokens:write": "make and revoke tokens",
  "people:write": "invite people, and say what they may do",
  "hooks:write": "make webhooks",
  "factory:write": "tell what a factory line has made",
};
const ENDS = [
  [30, "in 30 days"],
  [90, "in 90 days"],
  [365, "in a year"],
  [0, "never"],
];

export function settings(screen) {
  title("Settings");
  const state = { console: null, ready: null, tokens: null, groups: null, people: null, hooks: null, keys: null, isOver: false };
  const acts = {};
  const draw = () => show(screen.main, view(state, acts));
  const asked = async (name, promise) => {
    state[name] = await promise.catch(() => null);
  };
  acts.load = async () => {
    await Promise.all([
      may("metrics:read") && asked("console", get("/console")),
      asked("ready", fetch("/readyz", { cache: "no-store" }).then((answer) => answer.json())),
      may("tokens:write") && asked("tokens", get("/tokens").then((found) => found.tokens)),
      may("devices:read") && asked("groups", get("/groups").then((found) => found.groups)),
      may("hooks:write") && asked("hooks", get("/hooks").then((found) => found.hooks)),
      may("devices:write") && reachesAll && asked("keys", get("/enrolment-keys").then((found) => found.keys)),
      may("people:write") && asked("people", get("/people").then((found) => found.people)),
    ]);
    if (state.console) setClock(state.console.now_s);
    state.isOver = true;
    draw();
  };
  acts.draw = draw;
  draw();
  acts.load();
  screen.onChange(["group", "hook", "enrolment", "audit"], paced(acts.load, 2000));
  screen.every(30_000, acts.load);
}

function view(state, acts) {
  if (!state.isOver) return [heading("Settings"), skeleton(8)];
  return [
    heading("Settings"),
    h(
      "div.columns",
      h("div.column", state.people && people(state.people, state.groups ?? [], acts), state.tokens && tokens(state, acts), state.keys && enrolment(state.keys, state.groups ?? [], acts), state.hooks && hooks(state.hooks, acts), state.groups && groups(state, acts)),
      h("div.column.is-narrow", server(state), you()),
    ),
  ];
}

function server(state) {
  const found = state.console;
  const health = state.ready?.status === "ok" ? badge("answers", "good") : badge("does not answer", "bad");
  const brokers = { there: badge("broker is there", "good"), lost: badge("broker is lost", "bad"), off: h("span.faint", "off: devices poll") };
  return panel("Console", [
    facts([
      ["Database", [found ? `${found.database === "sqlite" ? "SQLite" : "PostgreSQL"} ` : "", health]],
      ["MQTT", brokers[state.ready?.mqtt] ?? ""],
      found && ["Version", h("span.mono", found.version)],
      found && ["Runs for", span(nowS() - found.started_at_s)],
      found && ["Devices", count(found.devices)],
      found && ["Pages open", count(found.listeners)],
      found && ["Audit log", plural(found.audit_entries, "entry", "entries")],
      ["API", h("a", { href: "/api/v1/openapi.json", target: "_blank" }, "openapi.json")],
    ]),
    h("div.stack.above", commandLine(line("console", "login", location.origin, "--token-file", "FILE", "--ca", "server-ca.crt"))),
  ]);
}

function you() {
  return panel("You", [
    facts([
      ["Name", visitor.name],
      ["Reach", visitor.groups ? h("div.tags", visitor.groups.map((one) => h("span.tag", one))) : "all devices"],
      ["May", h("div.tags", visitor.scopes.map((one) => h("span.tag.mono", { title: SCOPES[one] ?? "" }, one)))],
    ]),
    visitor.own_page && h("div.above", h("button.button.small", { type: "button", on: { click: password } }, "Change the password")),
  ]);
}

async function password() {
  const said = { old: "", new: "" };
  await open({
    title: "Change the password",
    body: (dialog) => [
      h("p", "All other sessions of yours end."),
      ["old", "new"].map((key) =>
        h("label.field", { key }, h("span", key === "old" ? "Password now" : "New password"), h("input", { type: "password", autocomplete: key === "old" ? "current-password" : "new-password", on: { input: (event) => ((said[key] = event.target.value), dialog.draw()) } }), key === "new" && h("span.field-what", "12 characters or more")),
      ),
    ],
    actions: (dialog) => [
      h("button.button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"),
      h(
        "button.button.primary",
        {
          type: "submit",
          disabled: !said.old || said.new.length < 12,
          on: {
            click: () =>
              put("/session/password", said).then(() => {
                dialog.close();
                toast("The password is changed", { kind: "good" });
              }, tellError),
          },
        },
        "Change",
      ),
    ],
  });
}

function tokens(state, acts) {
  const now = nowS();
  const stands = (one) => (one.revoked_at_s ? badge("revoked", "none") : one.expires_at_s && one.expires_at_s <= now ? badge("ended", "none") : badge("holds", "good"));
  const shown = state.tokens.filter((one) => !one.revoked_at_s).concat(state.tokens.filter((one) => one.revoked_at_s).slice(-5));
  return panel(
    "Tokens",
    shown.length
      ? h(
          "table.table",
          h("thead", h("tr", ["Name", "State", "May", "Made", "Ends"].map((one) => h("th", { scope: "col" }, one)), h("th", { scope: "col" }, h("span.hidden", "Actions")))),
          h(
            "tbody",
            shown.map((one) =>
              h(
                "tr",
                { key: one.token, class: one.revoked_at_s ? "is-past" : "" },
                h("td.name", one.name, h("span.faint.mono.under", one.token)),
                h("td", { "data-label": "State" }, stands(one)),
                h("td", { "data-label": "May" }, one.scopes.length >= Object.keys(SCOPES).length ? "all" : h("span.faint", one.scopes.join(", "))),
                h("td.nowrap", { "data-label": "Made" }, time(one.created_at_s)),
                h("td.nowrap", { "data-label": "Ends" }, one.expires_at_s ? new Date(one.expires_at_s * 1000).toLocaleDateString("en", { dateStyle: "medium" }) : h("span.faint", "never")),
                h("td.right", !one.revoked_at_s && h("button.button.small", { type: "button", "aria-label": `Revoke the token ${one.name}`, on: { click: () => revoke(one, acts) } }, "Revoke…")),
              ),
            ),
          ),
        )
      : h("p.faint.inside", "There is no token."),
    { kind: "is-flush", aside: h("button.button.small", { type: "button", on: { click: () => create(acts) } }, icon("plus"), "Make a token") },
  );
}

async function revoke(one, acts) {
  const isGo = await confirm({ title: `Revoke the token ${one.name}?`, text: "Programs that use it are refused from the next request on. It can not be taken back.", verb: `Revoke ${one.name}` });
  if (!isGo) return;
  try {
    await remove(`/tokens/${part(one.token)}`);
    toast(`The token ${one.name} is revoked`, { kind: "good" });
  } catch (error) {
    tellError(error);
  }
  acts.load();
}

async function create(acts) {
  const said = { name: "", scopes: new Set(["devices:read"]), days: 90, made: null };
  const command = () => line("console", "token", said.name || "NAME", [...said.scopes].flatMap((one) => ["--scope", one]), said.days ? ["--days", String(said.days)] : []);
  await open({
    title: "Make a token",
    body: (dialog) =>
      said.made
        ? [
            h("p", h("strong", "It is told only now."), " Only its hash is kept here."),
            h("div.secret", { key: "secret" }, h("code", said.made.text), copyButton(said.made.text, "Copy the token")),
            h("p.faint", "Keep it in a file that only its user can read, and give that as ", h("code", "--token-file"), "."),
          ]
        : [
            h("label.field", { key: "name" }, h("span", "What it is for"), h("input", { placeholder: "ci", autocomplete: "off", on: { input: (event) => ((said.name = event.target.value.trim()), dialog.draw()) } })),
            h(
              "fieldset.field",
              { key: "scopes" },
              h("legend", "What it may do"),
              h(
                "div.choices",
                Object.keys(SCOPES)
                  .filter(may)
                  .map((scope) => h("label.choice", h("input", { type: "checkbox", checked: said.scopes.has(scope), on: { change: () => (said.scopes[said.scopes.has(scope) ? "delete" : "add"](scope), dialog.draw()) } }), h("span.mono", scope), h("span.field-what", SCOPES[scope]))),
              ),
            ),
            h("label.field", { key: "ends" }, h("span", "Ends"), h("select", { on: { change: (event) => ((said.days = Number(event.target.value)), dialog.draw()) } }, ENDS.map(([days, text]) => h("option", { value: String(days), selected: days === said.days }, text)))),
            commandLine(command()),
          ],
    actions: (dialog) =>
      said.made
        ? [h("button.button.primary", { type: "button", key: "done", on: { click: () => dialog.close() } }, "I have it")]
        : [
            h("button.button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"),
            h(
              "button.button.primary",
              {
                type: "submit",
                disabled: !said.name || !said.scopes.size,
                on: {
                  click: () =>
                    post("/tokens", { name: said.name, scopes: [...said.scopes], expires_in_s: said.days * 86400 }).then((made) => {
                      said.made = made;
                      dialog.draw();
                    }, tellError),
                },
              },
              "Make it",
            ),
          ],
  });
  acts.load();
}

function groups(state, acts) {
  return panel(
    "Groups",
    state.groups.length
      ? h(
          "table.table",
          h("thead", h("tr", h("th", { scope: "col" }, "Name"), h("th", { scope: "col" }, "Devices are"), h("th.right", { scope: "col" }, "Devices"), h("th", { scope: "col" }, h("span.hidden", "Actions")))),
          h(
            "tbody",
            state.groups.map((one) =>
              h(
                "tr",
                { key: one.group },
                h("td.name", one.group, one.notes && h("span.faint.under", one.notes)),
                h("td", { "data-label": "Devices are" }, one.filter ? h("code", one.filter) : h("span.faint", "its members")),
                h("td.right.number", { "data-label": "Devices" }, h("a", { href: `/devices?filter=${encodeURIComponent(one.filter || `group=${one.group}`)}` }, count(one.devices))),
                h("td.right", may("devices:write") && reachesAll && h("button.button.small", { type: "button", "aria-label": `Remove the group ${one.group}`, on: { click: () => removeGroup(one, acts) } }, "Remove…")),
              ),
            ),
          ),
        )
      : h("p.faint.inside", "None. A filter of devices can be saved as one."),
    { kind: "is-flush", aside: may("devices:write") && reachesAll && h("button.button.small", { type: "button", on: { click: () => makeGroup().then(() => acts.load()) } }, icon("plus"), "Make a group") },
  );
}

async function removeGroup(one, acts) {
  const command = line("groups", "remove", one.group, "--yes");
  const isGo = await confirm({ title: `Remove the group ${one.group}?`, text: "Its devices stay as they are. People who were limited to it reach them no longer.", verb: `Remove ${one.group}`, command });
  if (!isGo) return;
  try {
    await remove(`/groups/${part(one.group)}`);
    toast(`The group ${one.group} is removed`, { kind: "good", command });
  } catch (error) {
    tellError(error);
  }
  acts.load();
}

// Webhooks: list, make, test, turn and remove them. The key of the signatures is told once.

import { get, part, patch, post, remove } from "../api.js";
import { commandLine, copyButton, line } from "../command.js";
import { confirm, open } from "../dialog.js";
import { h } from "../dom.js";
import { plural } from "../format.js";
import { icon } from "../icons.js";
import { menu } from "../menu.js";
import { badge, panel, time } from "../parts.js";
import { tellError, toast } from "../toast.js";

const path = (one) => `/hooks/${part(one.hook)}`;

export function hooks(found, acts) {
  return panel("Webhooks", found.length ? list(found, acts) : h("p.faint.inside", "None. A webhook tells a server of yours what happens."), {
    kind: "is-flush",
    aside: h("button.button.small", { type: "button", on: { click: () => make(acts) } }, icon("plus"), "Make a webhook"),
  });
}

function list(found, acts) {
  return h(
    "table.table",
    h("thead", h("tr", ["Name", "State", "Tells"].map((one) => h("th", { scope: "col" }, one)), h("th", { scope: "col" }, h("span.hidden", "Actions")))),
    h(
      "tbody",
      found.map((one) =>
        h(
          "tr",
          { key: one.hook, class: one.is_on ? "" : "is-past" },
          h("td.name", one.name, h("code.faint.under", one.url)),
          h("td", { "data-label": "State" }, stands(one)),
          h("td", { "data-label": "Tells" }, h("span.faint", one.kinds.join(", "))),
          h("td.right", actions(one, acts)),
        ),
      ),
    ),
  );
}

function stands(one) {
  if (!one.is_on) return badge("off", "none");
  return one.failures ? badge(`failed ${plural(one.failures, "time", "times")}`, "bad") : badge("on", "good");
}

function actions(one, acts) {
  return menu(`Actions of the webhook ${one.name}`, [
    { text: "Send a test", act: () => test(one, acts) },
    { text: "What it has sent", act: () => deliveries(one) },
    { text: one.is_on ? "Turn it off" : "Turn it on", act: () => turn(one, acts) },
    { text: "Remove…", act: () => take(one, acts), isDangerous: true },
  ]);
}

async function test(one, acts) {
  const command = line("hooks", "test", one.hook);
  try {
    const sent = await post(`${path(one)}/test`);
    const how = sent.error || `answered with ${sent.status}`;
    toast(`${one.name}: ${how} after ${sent.duration_ms} ms`, { kind: sent.error ? "bad" : "good", command });
  } catch (error) {
    tellError(error, one.name);
  }
  acts.load();
}

async function deliveries(one) {
  let found;
  try {
    found = (await get(`${path(one)}/deliveries`)).deliveries;
  } catch (error) {
    tellError(error, one.name);
    return;
  }
  await open({
    title: `What ${one.name} has sent`,
    wide: true,
    body: () => [
      found.length
        ? h(
            "table.table",
            h("thead", h("tr", ["When", "Items", "Answer", "Took"].map((name) => h("th", { scope: "col" }, name)))),
            h("tbody", found.map((sent) => h("tr", h("td.nowrap", time(sent.at_s)), h("td", String(sent.items)), h("td", sent.error || String(sent.status)), h("td.nowrap", `${sent.duration_ms} ms`)))),
          )
        : h("p.faint", "Nothing was sent yet."),
      commandLine(line("hooks", "deliveries", one.hook)),
    ],
    actions: (dialog) => [h("button.button", { type: "button", on: { click: () => dialog.close() } }, "Close")],
  });
}

async function turn(one, acts) {
  const command = line("hooks", "turn", one.hook, one.is_on ? "off" : "on");
  try {
    await patch(path(one), { is_on: !one.is_on });
    toast(`The webhook ${one.name} is ${one.is_on ? "off" : "on"}`, { kind: "good", command });
  } catch (error) {
    tellError(error, one.name);
  }
  acts.load();
}

async function take(one, acts) {
  const command = line("hooks", "remove", one.hook, "--yes");
  const isGo = await confirm({ title: `Remove the webhook ${one.name}?`, text: "What it has not sent yet is never sent.", verb: `Remove ${one.name}`, command });
  if (!isGo) return;
  try {
    await remove(path(one));
    toast(`The webhook ${one.name} is removed`, { kind: "good", command });
  } catch (error) {
    tellError(error, one.name);
  }
  acts.load();
}

async function make(acts) {
  const said = { name: "", url: "", kinds: "*", made: null };
  const kinds = () => said.kinds.split(/[\s,]+/).filter(Boolean);
  const command = () => line("hooks", "add", said.name || "NAME", said.url || "HTTPS_URL", kinds().flatMap((one) => (one === "*" ? [] : ["--kind", one])));
  const send = (dialog) =>
    post("/hooks", { name: said.name, url: said.url, kinds: kinds() }).then((made) => {
      said.made = made;
      dialog.draw();
    }, tellError);
  const text = (dialog, key, name, more) =>
    h("label.field", { key }, h("span", name), h("input", { autocomplete: "off", spellcheck: "false", value: said[key], ...more, on: { input: (event) => ((said[key] = event.target.value.trim()), dialog.draw()) } }));
  await open({
    title: "Make a webhook",
    body: (dialog) =>
      said.made
        ? [
            h("p", h("strong", "The key of its signatures is told only now.")),
            h("div.secret", { key: "secret" }, h("code", said.made.secret), copyButton(said.made.secret, "Copy the key")),
            h("p.faint", "Your server checks with it that a delivery is of this console."),
          ]
        : [text(dialog, "name", "Name", { placeholder: "pager" }), text(dialog, "url", "Address", { placeholder: "https://", type: "url" }), text(dialog, "kinds", "What it tells", { placeholder: "event.failed audit.device.*" }), commandLine(command())],
    actions: (dialog) =>
      said.made
        ? [h("button.button.primary", { type: "button", key: "done", on: { click: () => dialog.close() } }, "I have it")]
        : [
            h("button.button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"),
            h("button.button.primary", { type: "submit", disabled: !said.name || !said.url || !kinds().length, on: { click: () => send(dialog) } }, "Make it"),
          ],
  });
  acts.load();
}

// The same for many devices: one after the other by the API, with an honest summary.

import { may, part, post, reachesAll } from "./api.js";
import { commandLine, line } from "./command.js";
import { confirm, open } from "./dialog.js";
import { h } from "./dom.js";
import { count, plural } from "./format.js";
import { icon } from "./icons.js";
import { progress } from "./parts.js";
import { deploy } from "./deploy.js";

const AT_ONCE = 4;
const SHOWN_MOST = 5;

/** Return the command that does the same for many: words has `"$device"` where the device stands. */
export function forEach(names, ...words) {
  if (names.length === 1) return line(...words.map((word) => (word === DEVICE ? names[0] : word)));
  const one = line(...words.map((word) => (word === DEVICE ? "DEVICE" : word))).replace("DEVICE", '"$device"');
  return `for device in ${names.join(" ")}; do ${one}; done`;
}

export const DEVICE = Symbol("device");

/**
 * Do something for each device, a few at once; resolves when it is closed.
 *
 * Args: title, names, act(name), command, done.
 */
export function run({ title, names, act, done = "done" }) {
  const state = { ended: 0, good: 0, failed: [], isStopped: false, isOver: false };
  let drawn = () => {};
  const left = [...names];
  const work = async () => {
    while (left.length && !state.isStopped) {
      const name = left.shift();
      try {
        await act(name);
        state.good += 1;
      } catch (error) {
        state.failed.push({ name, error });
      }
      state.ended += 1;
      drawn();
    }
  };
  Promise.all(Array.from({ length: AT_ONCE }, work)).then(() => {
    state.isOver = true;
    drawn();
  });
  return open({
    title,
    body: (dialog) => {
      drawn = () => dialog.element.isConnected && dialog.draw();
      return summary(state, names, done);
    },
    actions: (dialog) => [
      !state.isOver && h("button.button", { type: "button", key: "stop", disabled: state.isStopped, on: { click: () => ((state.isStopped = true), dialog.draw()) } }, "Stop"),
      state.isOver && h("button.button.primary", { type: "button", key: "close", on: { click: () => dialog.close() } }, "Close"),
    ],
  }).then(() => {
    // Closed while it runs: nothing is begun any more.
    state.isStopped = true;
    return state;
  });
}

function summary(state, names, done) {
  const percent = Math.round((state.ended / names.length) * 100);
  const kinds = new Map();
  for (const { name, error } of state.failed) {
    const what = error.message.replaceAll(name, "it");
    kinds.set(what, [...(kinds.get(what) ?? []), name]);
  }
  const notBegun = names.length - state.ended;
  return [
    h("div.row-progress.is-wide", progress(percent, "How many are done"), h("span.number", `${count(state.ended)} / ${count(names.length)}`)),
    h(
      "p",
      { role: "status" },
      h("strong", `${plural(state.good, "device")} ${done}`),
      state.failed.length > 0 && [", ", h("strong.reason", `${count(state.failed.length)} not`)],
      state.isOver && notBegun > 0 && `, ${count(notBegun)} not begun`,
      ".",
    ),
    [...kinds].map(([what, failed]) =>
      h("div.failed", h("p.reason", what), h("p.faint", failed.slice(0, SHOWN_MOST).join(", "), failed.length > SHOWN_MOST && ` and ${count(failed.length - SHOWN_MOST)} more`)),
    ),
  ];
}

/** Return the bar with what can be done with the devices that are selected. */
export function bulkBar(names, acts, groups) {
  const end = async (running) => {
    const state = await running;
    if (state && !state.failed?.length) acts.chooseNone();
    acts.load();
    acts.loadGroups();
  };
  return h(
    "div.bulk",
    { role: "region", "aria-label": "Selected devices", key: "bulk" },
    h("strong", { "aria-live": "polite" }, `${count(names.length)} selected`),
    may("devices:write") && h("button.button.small", { type: "button", on: { click: () => end(acceptAll(names)) } }, icon("check"), "Accept"),
    may("devices:write") && h("button.button.small", { type: "button", on: { click: () => end(tagAll(names)) } }, icon("tag"), "Tag"),
    may("devices:write") && reachesAll && h("button.button.small", { type: "button", on: { click: () => end(groupAll(names, groups)) } }, icon("devices"), "Group"),
    may("deploy") && h("button.button.small.primary", { type: "button", on: { click: () => end(deploy({ names })) } }, icon("rocket"), "Deploy"),
    h("button.icon-button", { type: "button", "aria-label": "Select none", on: { click: acts.chooseNone } }, icon("cross")),
  );
}

async function acceptAll(names) {
  const question = { title: `Accept ${plural(names.length, "device")}?`, text: "Each that waits, or was revoked, is let in with the certificate that it has.", verb: `Accept ${count(names.length)}`, command: forEach(names, "devices", "accept", DEVICE), isDangerous: false };
  if (!(await confirm(question))) return null;
  return run({ title: "Accepting", names, act: (name) => post(`/devices/${part(name)}/accept`), done: "accepted" });
}

async function tagAll(names) {
  const said = { add: "", remove: "" };
  const words = (text) => text.split(/[\s,]+/).filter(Boolean);
  const command = () => forEach(names, "devices", "tag", DEVICE, ...words(said.add).flatMap((one) => ["--add", one]), ...words(said.remove).flatMap((one) => ["--remove", one]));
  const isGo = await open({
    title: `Tags of ${plural(names.length, "device")}`,
    body: (dialog) => [
      ["add", "remove"].map((key) =>
        h("label.field", { key }, h("span", key === "add" ? "Add" : "Remove"), h("input", { value: said[key], autocomplete: "off", placeholder: "canary berlin", on: { input: (event) => ((said[key] = event.target.value), dialog.draw()) } })),
      ),
      commandLine(command()),
    ],
    actions: (dialog) => [
      h("button.button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"),
      h("button.button.primary", { type: "submit", disabled: !words(said.add + said.remove).length, on: { click: () => dialog.close(true) } }, "Change the tags"),
    ],
  });
  if (!isGo) return null;
  return run({ title: "Changing tags", names, act: (name) => post(`/devices/${part(name)}/tags`, { add: words(said.add), remove: words(said.remove) }), done: "changed" });
}

async function groupAll(names, groups) {
  const withMembers = groups.filter((one) => !one.filter);
  const said = { group: withMembers[0]?.group ?? "", isOut: false };
  const command = () => line("groups", said.isOut ? "take-out" : "add", said.group, ...names);
  const isGo = await open({
    title: `Groups of ${plural(names.length, "device")}`,
    body: (dialog) =>
      withMembers.length
        ? [
            h("label.field", h("span", "Group"), h("select", { value: said.group, on: { change: (event) => ((said.group = event.target.value), dialog.draw()) } }, withMembers.map((one) => h("option", { value: one.group, selected: one.group === said.group }, `${one.group} (${count(one.devices)})`)))),
            h("div.choices", [false, true].map((isOut) => h("label.choice", h("input", { type: "radio", name: "way", checked: said.isOut === isOut, on: { change: () => ((said.isOut = isOut), dialog.draw()) } }), h("span", isOut ? "Take them out" : "Add them")))),
            commandLine(command()),
          ]
        : [h("p", "There is no group with members yet; the devices of a saved filter are those that it means."), commandLine(line("groups", "set", "NAME"))],
    actions: (dialog) => [
      h("button.button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"),
      h("button.button.primary", { type: "submit", disabled: !said.group, on: { click: () => dialog.close(true) } }, said.isOut ? "Take out" : "Add"),
    ],
  });
  if (!isGo) return null;
  const key = said.isOut ? "take_out" : "add";
  return run({ title: said.isOut ? `Taking out of ${said.group}` : `Adding to ${said.group}`, names, act: (name) => post(`/groups/${part(said.group)}/members`, { [key]: [name] }), done: said.isOut ? "taken out" : "added" });
}

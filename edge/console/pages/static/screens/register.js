// Dialogs: a device that has not called yet, a filter to keep, a group to make.

import { part, post, put } from "../api.js";
import { commandLine, line } from "../command.js";
import { open } from "../dialog.js";
import { h } from "../dom.js";
import { tellError, toast } from "../toast.js";

/** Register a device that has not called yet. */
export function register(done) {
  const said = { device: "", certificate: "" };
  const command = () => line("devices", "register", said.device || "ID", said.certificate ? ["--certificate", said.certificate] : []);
  return open({
    title: "Register a device",
    body: (dialog) => [
      h("p", "It is let in when it calls for the first time."),
      field("Id", "letters, digits, - and _; the common name of its certificate", said, "device", dialog),
      field("SHA-256 of its certificate", "may be left empty: then the first certificate with its name is bound to it", said, "certificate", dialog),
      commandLine(command()),
    ],
    actions: (dialog) => [
      h("button.button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"),
      h(
        "button.button.primary",
        {
          type: "submit",
          disabled: !said.device,
          on: {
            click: async () => {
              try {
                await post("/devices", { device: said.device, certificate: said.certificate || null });
                toast(`${said.device} is registered`, { kind: "good", command: command() });
                dialog.close();
                done();
              } catch (error) {
                tellError(error);
              }
            },
          },
        },
        "Register",
      ),
    ],
  });
}

/** Keep a filter as a group. */
export function saveFilter(filter, done) {
  return newGroup({
    title: "Save this filter",
    text: ["It is a group from then on: ", h("code", filter)],
    filter,
    told: (name) => `The filter is saved as ${name}`,
    verb: "Save",
    done,
  });
}

/** Make a group whose members are named one by one. */
export function makeGroup() {
  return newGroup({
    title: "Make a group with members",
    text: ["People can be limited to the devices of such a group. Devices are added on the list of devices."],
    filter: "",
    told: (name) => `The group ${name} is made`,
    verb: "Make it",
  });
}

function newGroup({ title, text, filter, told, verb, done = () => {} }) {
  const said = { name: "", notes: "" };
  const command = () => line("groups", "set", said.name || "NAME", filter ? ["--filter", filter] : [], said.notes ? ["--notes", said.notes] : []);
  return open({
    title,
    body: (dialog) => [
      h("p", ...text),
      field("Name", "letters, digits, . _ and -", said, "name", dialog),
      field("Notes", "", said, "notes", dialog),
      commandLine(command()),
    ],
    actions: (dialog) => [
      h("button.button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"),
      h(
        "button.button.primary",
        {
          type: "submit",
          disabled: !said.name,
          on: {
            click: async () => {
              try {
                await put(`/groups/${part(said.name)}`, { filter, notes: said.notes });
                toast(told(said.name), { kind: "good", command: command() });
                dialog.close();
                done();
              } catch (error) {
                tellError(error);
              }
            },
          },
        },
        verb,
      ),
    ],
  });
}

function field(name, what, said, key, dialog) {
  return h(
    "label.field",
    { key },
    h("span", name),
    h("input", {
      name: key,
      value: said[key],
      autocomplete: "off",
      spellcheck: "false",
      class: key === "notes" ? "" : "mono",
      on: {
        input: (event) => {
          said[key] = event.target.value.trim();
          dialog.draw();
        },
      },
    }),
    what && h("span.field-what", what),
  );
}

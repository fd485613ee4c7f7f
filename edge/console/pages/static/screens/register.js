// Dialogs of the list of devices: a device that has not called yet, and a filter to keep.

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
  const said = { name: "", notes: "" };
  const command = () => line("groups", "set", said.name || "NAME", "--filter", filter, said.notes ? ["--notes", said.notes] : []);
  return open({
    title: "Save this filter",
    body: (dialog) => [
      h("p", "It is a group from then on: ", h("code", filter)),
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
                toast(`The filter is saved as ${said.name}`, { kind: "good", command: command() });
                dialog.close();
                done();
              } catch (error) {
                tellError(error);
              }
            },
          },
        },
        "Save",
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

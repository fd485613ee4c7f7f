// What people say of a device: tags, attributes, notes. Changed in place, and taken back if refused.

import { commands } from "../actions.js";
import { may, part, patch, post, put } from "../api.js";
import { h } from "../dom.js";
import { icon } from "../icons.js";
import { panel } from "../parts.js";
import { tellError, toast } from "../toast.js";

const path = (one) => `/devices/${part(one.device)}`;
const canWrite = () => may("devices:write");

export function tags(one, acts) {
  const change = async (add, remove) => {
    const before = one.tags;
    one.tags = [...before.filter((tag) => !remove.includes(tag)), ...add].sort();
    acts.draw();
    try {
      await post(`${path(one)}/tags`, { add, remove });
      toast(add.length ? `Tagged ${add.join(", ")}` : `No longer tagged ${remove.join(", ")}`, { kind: "good", command: commands.tag(one.device, add, remove) });
    } catch (error) {
      one.tags = before;
      acts.draw();
      tellError(error);
    }
  };
  const add = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const words = event.target.value.split(/[\s,]+/).filter((word) => word && !one.tags.includes(word));
    event.target.value = "";
    if (words.length) change(words, []);
  };
  return panel("Tags", [
    h(
      "div.tags",
      one.tags.map((tag) => h("span.tag", { key: tag }, tag, canWrite() && h("button.icon-button", { type: "button", "aria-label": `Remove the tag ${tag}`, on: { click: () => change([], [tag]) } }, icon("cross")))),
      !one.tags.length && !canWrite() && h("span.faint", "none"),
      canWrite() && h("input.bare", { "aria-label": "Add a tag", placeholder: "add a tag", autocomplete: "off", key: "add-tag", on: { keydown: add } }),
    ),
  ]);
}

export function attributes(one, acts) {
  const change = async (values, form) => {
    const before = one.attributes;
    one.attributes = Object.fromEntries(Object.entries({ ...before, ...values }).filter(([, value]) => value !== null));
    acts.draw();
    try {
      await patch(`${path(one)}/attributes`, { attributes: values });
      toast("The attributes are kept", { kind: "good", command: commands.set(one.device, values) });
      form?.reset();
    } catch (error) {
      one.attributes = before;
      acts.draw();
      tellError(error);
    }
  };
  const pairs = Object.entries(one.attributes).sort(([left], [right]) => left.localeCompare(right));
  return panel("Attributes", [
    pairs.length > 0 &&
      h(
        "dl.facts.is-editable",
        pairs.map(([name, value]) => h("div", { key: name }, h("dt.cut", { title: name }, name), h("dd", h("span", value), canWrite() && h("button.icon-button", { type: "button", "aria-label": `Remove the attribute ${name}`, on: { click: () => change({ [name]: null }) } }, icon("cross"))))),
      ),
    !pairs.length && h("p.faint", "None. Filters find them: ", h("code", "attr.site=berlin")),
    canWrite() &&
      h(
        "form.attribute-form",
        {
          key: "form",
          on: {
            submit: (event) => {
              event.preventDefault();
              const said = Object.fromEntries(new FormData(event.target));
              if (said.name) change({ [said.name]: said.value }, event.target);
            },
          },
        },
        h("input", { name: "name", "aria-label": "Name of the attribute", placeholder: "name", autocomplete: "off" }),
        h("input", { name: "value", "aria-label": "Value of the attribute", placeholder: "value", autocomplete: "off" }),
        h("button.button.small", { type: "submit" }, "Set"),
      ),
  ]);
}

export function notes(one, acts) {
  if (!canWrite()) return panel("Notes", h("p.notes", one.notes || h("span.faint", "none")));
  const isEdited = acts.notes !== undefined && acts.notes !== one.notes;
  const save = async () => {
    try {
      await put(`${path(one)}/notes`, { notes: acts.notes });
      one.notes = acts.notes;
      toast("The notes are kept", { kind: "good", command: commands.note(one.device, acts.notes) });
    } catch (error) {
      tellError(error);
    }
    acts.draw();
  };
  return panel("Notes", [
    h("textarea", { rows: "3", "aria-label": "Notes", placeholder: "What others should know of it", value: acts.notes ?? one.notes, key: "notes", on: { input: (event) => ((acts.notes = event.target.value), acts.draw()) } }),
    isEdited && h("div.form-end", h("button.button.small", { type: "button", on: { click: () => ((acts.notes = undefined), acts.draw()) } }, "Discard"), h("button.button.small.primary", { type: "button", on: { click: save } }, "Keep")),
  ]);
}

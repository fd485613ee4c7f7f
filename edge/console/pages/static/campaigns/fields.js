// The fields of the wizard: each writes into the draft, and draws the page anew.

import { h } from "../dom.js";

/** Return a field for a short text. */
export function text(draw, draft, name, label, { what = "", unit = "", width = "", ...words } = {}) {
  return h(
    "label.field",
    { key: name },
    h("span", label),
    h("span.with-unit", h("input", { class: width, value: draft[name], autocomplete: "off", spellcheck: "false", ...words, on: { input: (event) => ((draft[name] = event.target.value), draw()) } }), unit && h("span.faint", unit)),
    what && h("span.field-what", what),
  );
}

/** Return one of several as a list: [{value, text, what}]. */
export function choice(draw, draft, name, label, all, act = null) {
  return h(
    "fieldset.field",
    { key: name },
    h("legend", label),
    h(
      "div.choices",
      all.map((one) =>
        h(
          "label.choice",
          { key: one.value },
          h("input", {
            type: "radio",
            name,
            checked: draft[name] === one.value,
            on: {
              change: () => {
                draft[name] = one.value;
                act?.(one.value);
                draw();
              },
            },
          }),
          h("span", one.text),
          one.what && h("span.field-what", one.what),
        ),
      ),
    ),
  );
}

/** Return a box to be ticked. */
export function tick(draw, draft, name, label, what = "") {
  return h("label.choice", { key: name }, h("input", { type: "checkbox", checked: draft[name], on: { change: (event) => ((draft[name] = event.target.checked), draw()) } }), h("span", label), what && h("span.field-what", what));
}

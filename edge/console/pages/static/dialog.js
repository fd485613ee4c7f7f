// Dialogs: a question that names what it is about, a form, and the command that does the same.

import { h, show } from "./dom.js";
import { icon } from "./icons.js";
import { commandLine } from "./command.js";

/**
 * Open a dialog, and resolve when it is closed.
 *
 * Args: title; body(dialog) returns its content; actions(dialog) returns buttons; wide.
 * `dialog.draw()` draws it anew, `dialog.close(value)` ends it with a value.
 */
export function open({ title, body, actions, wide = false }) {
  return new Promise((resolve) => {
    const before = document.activeElement;
    const element = h("dialog.dialog", { "aria-labelledby": "dialog-title", class: wide ? "is-wide" : "" });
    let given;
    const dialog = {
      element,
      draw() {
        show(
          element,
          h(
            "form.dialog-inside",
            { method: "dialog", on: { submit: (event) => event.preventDefault() } },
            h(
              "header.dialog-head",
              h("h2", { id: "dialog-title" }, title),
              h("button.icon-button", { type: "button", "aria-label": "Close", on: { click: () => dialog.close() } }, icon("cross")),
            ),
            h("div.dialog-body", body(dialog)),
            actions && h("footer.dialog-foot", actions(dialog)),
          ),
        );
      },
      close(value) {
        given = value;
        element.close();
      },
    };
    element.addEventListener("close", () => {
      element.remove();
      if (before?.isConnected) before.focus();
      resolve(given);
    });
    element.addEventListener("click", (event) => event.target === element && dialog.close());
    document.body.append(element);
    dialog.draw();
    element.showModal();
    (element.querySelector("[autofocus]") ?? element.querySelector("input, select, textarea") ?? element.querySelector(".dialog-foot .button:last-child"))?.focus();
  });
}

/** Ask before something that is not taken back easily; resolves to true if it is to be done. */
export async function confirm({ title, text, verb, command, isDangerous = true, repeat = "" }) {
  let typed = "";
  const answer = await open({
    title,
    body: (dialog) => [
      ...[text].flat().map((one) => h("p", one)),
      repeat &&
        h(
          "label.field",
          h("span", "Write ", h("code", repeat), " to go on"),
          h("input.input.mono", {
            autocomplete: "off",
            spellcheck: "false",
            on: {
              input: (event) => {
                typed = event.target.value;
                dialog.draw();
              },
            },
          }),
        ),
      command && commandLine(command),
    ],
    actions: (dialog) => [
      h("button.button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"),
      h(
        "button.button",
        {
          type: "submit",
          class: isDangerous ? "danger" : "primary",
          disabled: Boolean(repeat) && typed !== repeat,
          on: { click: () => dialog.close(true) },
        },
        verb,
      ),
    ],
  });
  return answer === true;
}

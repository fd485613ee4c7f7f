// Short messages at the edge of the page.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { commandLine } from "./command.js";

const STAY_MS = 6000;
const MOST = 4;

/** Show a message: {kind: "good" | "bad" | "", hint, command}. */
export function toast(text, { kind = "", hint = "", command = "" } = {}) {
  const place = document.getElementById("toasts");
  const one = h(
    "div.toast",
    { class: kind && `is-${kind}` },
    icon(kind === "bad" ? "alert" : "check"),
    h("div.toast-text", h("p", text), hint && h("p.toast-hint", hint), command && commandLine(command)),
    h("button.icon-button", { type: "button", "aria-label": "Dismiss", on: { click: () => one.remove() } }, icon("cross")),
  );
  while (place.childElementCount >= MOST) place.firstElementChild.remove();
  place.append(one);
  let timer = setTimeout(() => one.remove(), kind === "bad" ? STAY_MS * 2 : STAY_MS);
  one.addEventListener("pointerenter", () => clearTimeout(timer));
  one.addEventListener("focusin", () => clearTimeout(timer));
  one.addEventListener("pointerleave", () => (timer = setTimeout(() => one.remove(), STAY_MS)));
}

/** Show what went wrong. */
export function tellError(error, what = "") {
  if (error.name === "AbortError") return;
  toast(what ? `${what}: ${error.message}` : error.message, { kind: "bad", hint: error.hint ?? "" });
}

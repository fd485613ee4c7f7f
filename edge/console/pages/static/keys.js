// The keyboard: single keys and pairs such as `g d`, none of them while somebody writes.

import { h } from "./dom.js";
import { open } from "./dialog.js";

const PAIR_MS = 1200;
const all = new Map();
const ofScreen = new Map();
let begun = "";
let timer = null;

/** Let a key, or two in turn, do something on all screens. */
export const always = (keys, what, act) => all.set(keys, { what, act });
/** Let them do something until the screen is left. */
export const onScreen = (keys, what, act) => ofScreen.set(keys, { what, act });
export const leaveScreen = () => ofScreen.clear();

export function start() {
  document.addEventListener("keydown", take);
  always("?", "Show the keys", help);
}

function isWriting(target) {
  return target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;
}

function take(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isWriting(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  const keys = begun ? `${begun} ${event.key}` : event.key;
  const found = ofScreen.get(keys) ?? all.get(keys);
  clearTimeout(timer);
  begun = "";
  if (found) {
    event.preventDefault();
    found.act(event);
  } else if ([...all.keys(), ...ofScreen.keys()].some((one) => one.startsWith(`${event.key} `))) {
    begun = event.key;
    timer = setTimeout(() => (begun = ""), PAIR_MS);
  }
}

export function help() {
  const part = (title, keys) =>
    keys.size > 0 && [
      h("h3", title),
      h(
        "dl.keys",
        [...keys].map(([one, { what }]) =>
          h("div", h("dt", one.split(" ").map((key) => h("kbd", key))), h("dd", what)),
        ),
      ),
    ];
  return open({ title: "Keys", body: () => [part("On this screen", ofScreen), part("Everywhere", all)] });
}

// The command line that does the same as an action of the page.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { toast } from "./toast.js";

const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** Return words as they are written in a shell. */
export function line(...words) {
  return ["edge", ...words.flat().filter((word) => word !== null && word !== undefined && word !== false)]
    .map((word) => (PLAIN.test(word) ? word : `'${String(word).replaceAll("'", `'\\''`)}'`))
    .join(" ");
}

/** Return a command line with a button that copies it. */
export function commandLine(text, label = "The same by command") {
  return h(
    "div.command",
    { role: "group", "aria-label": label },
    h("code", { title: text }, text),
    copyButton(text, "Copy the command"),
  );
}

export function copyButton(text, label = "Copy") {
  return h("button.icon-button", { type: "button", "aria-label": label, title: label, on: { click: (event) => copy(event, text) } }, icon("copy"));
}

async function copy(event, text) {
  const button = event.currentTarget;
  event.stopPropagation();
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    toast("The browser did not let it be copied", { kind: "bad" });
    return;
  }
  button.replaceChildren(icon("check"));
  button.classList.add("is-done");
  setTimeout(() => {
    button.replaceChildren(icon("copy"));
    button.classList.remove("is-done");
  }, 1400);
}

// Text of a device, of any length: wrapped or not, searched, copied, kept as a file. Never more than text.

import { copyButton } from "./command.js";
import { h, show } from "./dom.js";
import { plural } from "./format.js";
import { icon } from "./icons.js";

const MARKS_MOST = 2000;
const SPECIAL = /[\\^$.*+?()[\]{}|/]/g;

/** Return what shows a text: `element`, and `set(text, fileName)`, which keeps what is searched for. */
export function logView() {
  const state = { text: "", file: "", wanted: "", isWrapped: true, at: 0, found: 0 };
  const marks = [];
  const block = h("pre.log-text", { tabindex: "0", role: "region", "aria-label": "Lines of the device", own: "log-text" });
  const bar = h("div.log-bar", { own: "log-bar" });
  const element = h("div.log", { own: "log" }, bar, block);

  const drawText = () => {
    const { pieces, found } = marked(state.text, state.wanted);
    marks.length = 0;
    block.replaceChildren(
      ...pieces.map((one) => {
        if (!one.isHit) return document.createTextNode(one.text);
        const made = h("mark", one.text);
        marks.push(made);
        return made;
      }),
    );
    Object.assign(state, { found, at: 0 });
    point(false);
  };
  const point = (isWanted) => {
    for (const one of block.querySelectorAll("mark.is-here")) one.classList.remove("is-here");
    const here = marks[state.at];
    here?.classList.add("is-here");
    // Within the block alone: the page stays where it is.
    if (here && (isWanted || state.wanted)) block.scrollTop = here.offsetTop - block.clientHeight / 2;
  };
  const move = (step) => {
    if (!marks.length) return;
    state.at = (state.at + step + marks.length) % marks.length;
    point(true);
    drawBar();
  };
  const drawBar = () => {
    block.classList.toggle("is-wrapped", state.isWrapped);
    show(bar, ...barOf(state, marks, { search, move, wrap, save }));
  };
  const search = (text) => {
    state.wanted = text;
    drawText();
    drawBar();
  };
  const wrap = (isWrapped) => {
    state.isWrapped = isWrapped;
    drawBar();
    point(false);
  };
  const save = () => keep(state.text, state.file);

  return {
    element,
    set(text, file) {
      if (state.text === text && state.file === file) return;
      Object.assign(state, { text, file });
      drawText();
      drawBar();
      // The last lines are those that are wanted.
      if (!state.wanted) requestAnimationFrame(() => (block.scrollTop = block.scrollHeight));
    },
  };
}

/** Return a text as pieces, some of which are what is searched for, in letters of either case. */
export function marked(text, wanted) {
  if (!wanted) return { pieces: [{ text, isHit: false }], found: 0 };
  const expression = new RegExp(wanted.replace(SPECIAL, "\\$&"), "giu");
  const pieces = [];
  let from = 0;
  let found = 0;
  for (const hit of text.matchAll(expression)) {
    found += 1;
    if (found > MARKS_MOST) continue;
    pieces.push({ text: text.slice(from, hit.index), isHit: false }, { text: hit[0], isHit: true });
    from = hit.index + hit[0].length;
  }
  pieces.push({ text: text.slice(from), isHit: false });
  return { pieces, found };
}

function barOf(state, marks, acts) {
  const keys = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    acts.move(event.shiftKey ? -1 : 1);
  };
  return [
    h("label.log-search", icon("search"), h("input", { type: "search", "aria-label": "Search in these lines", placeholder: "Search in these lines", autocomplete: "off", spellcheck: "false", value: state.wanted, on: { input: (event) => acts.search(event.target.value), keydown: keys } })),
    h("span.log-count.number.faint", { role: "status" }, told(state, marks)),
    h("button.icon-button", { type: "button", "aria-label": "Hit before", title: "Hit before", disabled: !marks.length, on: { click: () => acts.move(-1) } }, icon("up")),
    h("button.icon-button", { type: "button", "aria-label": "Next hit", title: "Next hit", disabled: !marks.length, on: { click: () => acts.move(1) } }, icon("down")),
    h("span.log-end", h("label.log-wrap", h("input", { type: "checkbox", checked: state.isWrapped, on: { change: (event) => acts.wrap(event.target.checked) } }), "Wrap lines"), copyButton(state.text, "Copy all lines"), h("button.icon-button", { type: "button", "aria-label": "Keep as a file", title: state.file, on: { click: acts.save } }, icon("download"))),
  ];
}

function told(state, marks) {
  if (!state.wanted) return plural(lines(state.text), "line");
  if (!state.found) return "not found";
  return `${state.at + 1} of ${marks.length}${state.found > marks.length ? ` (the first; ${state.found} in all)` : ""}`;
}

const lines = (text) => (text ? text.split("\n").length - (text.endsWith("\n") ? 1 : 0) : 0);

function keep(text, name) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

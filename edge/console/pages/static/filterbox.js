// The box that a filter is written in: completions, a mistake shown at its place, and the count.

import { get } from "./api.js";
import { h, show } from "./dom.js";
import { count } from "./format.js";
import { icon } from "./icons.js";

const WAIT_MS = 140;

/** Return a box: onChange(text) is called with each filter that can be read. */
export function filterBox({ text = "", onChange, id = "filter" }) {
  const state = { suggestions: [], chosen: -1, mistake: null, devices: null, isOpen: false };
  let asked = null;
  let timer = null;
  let told = text;

  const input = h("input.filter-input.mono", {
    id,
    type: "text",
    role: "combobox",
    value: text,
    placeholder: "state=accepted and version<1.5 and tag:berlin",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    "aria-label": "Filter of devices",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": `${id}-list`,
    "aria-describedby": `${id}-mistake`,
    on: {
      input: () => later(),
      focus: () => check(true),
      click: () => later(),
      blur: () => setTimeout(() => close(), 120),
      keydown: (event) => key(event),
    },
  });
  const list = h("ul.filter-list", { id: `${id}-list`, role: "listbox", "aria-label": "What may follow", hidden: true });
  const counted = h("span.filter-count", { "aria-live": "polite" });
  const clear = h("button.icon-button", { type: "button", "aria-label": "Clear the filter", hidden: !text, on: { click: () => set("") } }, icon("cross"));
  const mistake = h("div.filter-mistake", { id: `${id}-mistake`, role: "alert", hidden: true });
  const box = h("div.filter", { own: "filter", role: "search" }, h("div.filter-line", icon("search"), input, counted, clear), list, mistake);

  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => check(true), WAIT_MS);
  };

  const check = async (isWriting) => {
    asked?.abort();
    asked = new AbortController();
    clear.hidden = !input.value;
    try {
      const found = await get("/filters/check", { text: input.value, at: input.selectionStart ?? input.value.length }, asked.signal);
      Object.assign(state, { suggestions: found.suggestions, mistake: found.mistake, devices: found.devices, isLeast: found.is_least, chosen: -1 });
    } catch (error) {
      if (error.name === "AbortError") return;
      Object.assign(state, { suggestions: [], mistake: { reason: error.message, start: 0, end: 0, hint: error.hint }, devices: null });
    }
    state.isOpen = isWriting && document.activeElement === input && state.suggestions.length > 0 && !isWhole();
    draw();
    if (!state.mistake && input.value !== told) {
      told = input.value;
      onChange(told);
    }
  };

  const draw = () => {
    list.hidden = !state.isOpen;
    input.setAttribute("aria-expanded", String(state.isOpen));
    if (state.chosen >= 0) input.setAttribute("aria-activedescendant", `${id}-${state.chosen}`);
    else input.removeAttribute("aria-activedescendant");
    show(
      list,
      state.suggestions.map((one, at) =>
        h(
          "li",
          { id: `${id}-${at}`, role: "option", "aria-selected": String(at === state.chosen), on: { pointerdown: (event) => (event.preventDefault(), take(at)) } },
          h("span.mono", one.text),
          one.what && h("span.faint", one.what),
        ),
      ),
    );
    list.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
    counted.textContent = state.devices === null ? "" : `${count(state.devices)}${state.isLeast ? "+" : ""} ${state.devices === 1 ? "device" : "devices"}`;
    // A filter that only is not written to its end yet is no mistake while it is being written.
    const isUnfinished = state.mistake && document.activeElement === input && state.mistake.start >= input.value.trimEnd().length;
    mistake.hidden = !state.mistake || isUnfinished;
    input.setAttribute("aria-invalid", String(!mistake.hidden));
    if (!mistake.hidden) show(mistake, place(state.mistake), h("p", h("strong", state.mistake.reason), state.mistake.hint && h("span", ` – ${state.mistake.hint}`)));
  };

  const place = ({ start, end }) => {
    const text = input.value;
    const last = Math.max(end, start + 1);
    return h("pre.mono", { "aria-hidden": "true" }, text.slice(0, start), h("mark", text.slice(start, last) || " "), text.slice(last));
  };

  const take = (at) => {
    const one = state.suggestions[at];
    const cursor = input.selectionStart ?? input.value.length;
    const rest = input.value.slice(cursor);
    // After a word comes a blank, after an operator its value.
    const gap = /[=<>~:(.]$/.test(one.text) || rest.startsWith(" ") ? "" : isField(one.text) ? "" : " ";
    const before = input.value.slice(0, one.start);
    input.value = before + one.text + gap + rest;
    const end = (before + one.text + gap).length;
    input.setSelectionRange(end, end);
    check(true);
  };

  const isField = (text) => state.suggestions.some((one) => one.text === text && one.what) && !["and", "or", "not", "in"].includes(text);

  /** Whether nothing needs to follow: the list would be in the way of who has written all. */
  const isWhole = () => {
    if (state.mistake || !input.value.trim()) return false;
    const begun = input.value.slice(state.suggestions[0].start, input.selectionStart ?? 0);
    return !begun || state.suggestions.some((one) => one.text === begun);
  };

  const close = () => {
    state.isOpen = false;
    draw();
  };

  const key = (event) => {
    const last = state.suggestions.length - 1;
    if (event.key === "ArrowDown" && state.suggestions.length) {
      state.chosen = state.isOpen ? Math.min(last, state.chosen + 1) : 0;
      state.isOpen = true;
    } else if (event.key === "ArrowUp" && state.isOpen) state.chosen = Math.max(-1, state.chosen - 1);
    else if ((event.key === "Tab" || event.key === "Enter") && state.isOpen && state.chosen >= 0) take(state.chosen);
    else if (event.key === "Tab" && state.isOpen && !event.shiftKey && input.value && state.suggestions.length === 1) take(0);
    else if (event.key === "Enter") {
      clearTimeout(timer);
      check(false);
    } else if (event.key === "Escape" && state.isOpen) close();
    else return;
    event.preventDefault();
    event.stopPropagation();
    draw();
  };

  const set = (value) => {
    input.value = value;
    check(false);
    input.focus();
    close();
  };

  check(false);
  return { element: box, focus: () => (input.focus(), input.select()), set, refresh: () => check(state.isOpen), text: () => told };
}

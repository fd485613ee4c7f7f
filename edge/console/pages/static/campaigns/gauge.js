// A bar with a mark: how far something is from where something happens.

import { h } from "../dom.js";

/** Return a gauge: value and mark are parts of 1; kind is its colour. */
export function gauge({ value, mark = null, kind = "accent", label, text }) {
  const percent = (part) => `${Math.max(0, Math.min(1, part)) * 100}%`;
  return h(
    "div.gauge",
    { role: "meter", "aria-label": label, "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": String(Math.round(Math.max(0, Math.min(1, value)) * 100)), "aria-valuetext": text },
    h("div.gauge-bar", h("div", { class: `fill-${kind}`, style: { "--part": percent(value) } })),
    mark !== null && h("span.gauge-mark", { style: { "--part": percent(mark) } }),
  );
}

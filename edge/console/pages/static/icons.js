// Pictures of 16 by 16, drawn with lines.

import { s } from "./dom.js";

const PATHS = {
  overview: "M2.5 9.5 8 3l5.5 6.5M4.5 8v5h7V8",
  devices: "M2.5 3.5h11v4h-11zM2.5 9h11v3.5h-11zM5 5.5h.01M5 10.8h.01",
  releases: "m8 2 5.5 3v6L8 14l-5.5-3V5zM2.5 5 8 8l5.5-3M8 8v6",
  campaigns: "M2.5 12.5v-2M6 12.5v-4M9.5 12.5v-6.5M13 12.5v-9.5M2 14h12",
  compare: "M2.5 12 6 7l3 2.5L13.5 4M2.5 8.5 5 5l3.5 7 5-3.5",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  stop: "M4 4h8v8H4z",
  back: "M6.5 3.5 3 7l3.5 3.5M3 7h6.5a3.5 3.5 0 0 1 0 7H7",
  factory: "M2.5 13.5v-6l3.5 2v-2l3.5 2v-7h4v11zM5 11.3h.01M8 11.3h.01M11 11.3h.01",
  audit: "M4 2.5h6l2.5 2.5v8.5H4zM6 7h4.5M6 9.5h4.5M6 12h2.5",
  settings: "M3 4.5h6M12 4.5h1M3 8h1M7 8h6M3 11.5h6M12 11.5h1M10.5 3v3M5.5 6.5v3M10.5 10v3",
  copy: "M5.5 5.5h7v7h-7zM3.5 10.5v-7h7",
  check: "m3 8.5 3.2 3L13 4.5",
  cross: "m4 4 8 8M12 4l-8 8",
  alert: "M8 2.5 14 13H2zM8 6.5v3M8 11.3h.01",
  clock: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M8 5v3l2 1.5",
  upload: "M8 10.5v-8M4.8 5.5 8 2.5l3.2 3M3 10.5v3h10v-3",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.3 10.3l3.2 3.2",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M12.6 3.4l-.7.7M4.1 11.9l-.7.7",
  moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z",
  system: "M2.5 3h11v8h-11zM6 13.5h4",
  leave: "M9.5 3.5h-6v9h6M7 8h6.5M11 5.5 13.5 8 11 10.5",
  help: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M6.4 6.4a1.7 1.7 0 1 1 2.3 1.7c-.5.2-.7.6-.7 1.1M8 11.2h.01",
  rocket: "M2 8h8.5M7.2 4.7 10.5 8l-3.3 3.3M13.5 3v10",
  tag: "M2.5 2.5h5l6 6-5 5-6-6zM5.3 5.3h.01",
  right: "m6 3.5 4.5 4.5L6 12.5",
  left: "M10 3.5 5.5 8l4.5 4.5",
  up: "m3.5 10 4.5-4.5 4.5 4.5",
  down: "m3.5 6 4.5 4.5L12.5 6",
  download: "M8 2.5v8M4.8 7.5 8 10.5l3.2-3M3 10.5v3h10v-3",
  refresh: "M13 8a5 5 0 1 1-1.6-3.7L13 5.8M13 2.5v3.3H9.7",
  plus: "M8 3v10M3 8h10",
  save: "M4 2.5h8v11L8 10.7l-4 2.8z",
  shield: "M8 2 13 4v4c0 3-2 5-5 6.2C5 13 3 11 3 8V4z",
};

export function icon(name) {
  return s("svg.icon", { viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" }, s("path", { d: PATHS[name] }));
}

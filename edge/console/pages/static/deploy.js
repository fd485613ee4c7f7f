// The dialog that orders a release of one device or many.

import { get, post } from "./api.js";
import { commandLine, line } from "./command.js";
import { open } from "./dialog.js";
import { h } from "./dom.js";
import { filterBox } from "./filterbox.js";
import { count, plural } from "./format.js";
import { DEVICE, forEach, run } from "./bulk.js";
import { badge } from "./parts.js";
import { tellError, toast } from "./toast.js";

const MOST = 2000;
const PAGE = 500;
const NAMES_AT_ONCE = 50;

/** Return why a release is not for a device; empty if it is. The console has the last word. */
export function misfit(device, release) {
  if (!release.is_published) return "files of it are missing";
  if (device.state && device.state !== "accepted") return `it is ${device.state}`;
  if (device.board && !release.boards.includes(device.board)) return `it is for ${release.boards.join(", ")}`;
  if (device.product && device.product !== release.product) return `it runs ${device.product}`;
  if (release.counter < device.counter) return "its counter is below that of the device";
  if (device.version && device.counter < release.from_counter) return "another release has to be taken first";
  return "";
}

/**
 * Order a release; resolves when the dialog is closed.
 *
 * Args: devices (views), or names, or neither to choose by a filter; release to begin with.
 */
export async function deploy({ devices = null, names = null, release = null, filter = "" }) {
  const state = { releases: [], devices: devices ?? [], filter, chosen: release, download_only: false, reboot: "now", confirm: "as-set", isBusy: false, isCut: false };
  try {
    state.releases = (await get("/releases", { limit: PAGE })).releases.reverse();
    if (names) state.devices = await views(names);
  } catch (error) {
    tellError(error);
    return null;
  }
  const byFilter = !devices && !names;
  state.chosen ??= state.releases.find((one) => state.devices.length && state.devices.every((device) => !misfit(device, one))) ?? null;
  let drawn = () => {};
  const box = byFilter ? await filtered(state, () => drawn()) : null;
  const isGo = await open({
    title: state.devices.length === 1 && !byFilter ? `Deploy to ${state.devices[0].device}` : `Deploy to ${byFilter ? "devices" : plural(state.devices.length, "device")}`,
    wide: true,
    body: (dialog) => {
      drawn = () => dialog.element.isConnected && dialog.draw();
      return form(state, dialog, box, release);
    },
    actions: (dialog) => [
      h("button.button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"),
      h("button.button.primary", { type: "submit", disabled: !state.chosen || !fitting(state).length, on: { click: () => dialog.close(true) } }, verb(state)),
    ],
  });
  return isGo ? order(state) : null;
}

const fitting = (state) => (state.chosen ? state.devices.filter((one) => !misfit(one, state.chosen)) : []);

function verb(state) {
  if (!state.chosen) return "Deploy";
  const found = fitting(state).length;
  return state.devices.length === 1 ? `Deploy ${state.chosen.version}` : `Deploy ${state.chosen.version} to ${plural(found, "device")}`;
}

/** Return what is known of devices, some at a time: a filter is not longer than it may be. */
async function views(names) {
  const found = [];
  for (let at = 0; at < names.length; at += NAMES_AT_ONCE) {
    const filter = `id in (${names.slice(at, at + NAMES_AT_ONCE).join(", ")})`;
    found.push(...(await get("/devices", { filter, limit: PAGE })).devices);
  }
  return found;
}

async function filtered(state, draw) {
  let asked = null;
  const load = async (text) => {
    asked?.abort();
    asked = new AbortController();
    state.filter = text;
    const found = [];
    let after = "";
    try {
      do {
        const page = await get("/devices", { filter: text, limit: PAGE, after }, asked.signal);
        found.push(...page.devices);
        after = page.next;
      } while (after && found.length < MOST);
    } catch (error) {
      if (error.name !== "AbortError") tellError(error);
      return;
    }
    Object.assign(state, { devices: found.slice(0, MOST), isCut: Boolean(after) });
    draw();
  };
  const box = filterBox({ text: state.filter, id: "deploy-filter", onChange: load });
  await load(state.filter);
  return box;
}

function form(state, dialog, box, given) {
  const set = (key, value) => {
    state[key] = value;
    dialog.draw();
  };
  return h(
    "div.form",
    box && h("div.field", h("span", "Devices"), box.element, state.isCut && h("p.field-what", `Only the first ${count(MOST)} are taken. `, h("a", { href: "/campaigns/new", on: { click: () => dialog.close() } }, "A campaign"), " brings a release to more, in waves.")),
    given ? h("p", "Release ", h("strong", `${given.product} ${given.version}`)) : releases(state, set),
    misfits(state),
    h(
      "div.pair",
      choices("When it is written", [
        { text: "Restart into it at once", what: "as soon as the other slot is written", isOn: !state.download_only && state.reboot === "now", act: () => ((state.download_only = false), set("reboot", "now")) },
        { text: "Restart in the maintenance window", what: "as the device has it set", isOn: !state.download_only && state.reboot === "window", act: () => ((state.download_only = false), set("reboot", "window")) },
        { text: "Only write it", what: "the other slot waits for a later order", isOn: state.download_only, act: () => set("download_only", true) },
      ]),
      choices("Consent of its user", [
        { text: "As the device has it set", isOn: state.confirm === "as-set", act: () => set("confirm", "as-set") },
        { text: "Always ask", isOn: state.confirm === "always", act: () => set("confirm", "always") },
        { text: "Never ask", isOn: state.confirm === "never", act: () => set("confirm", "never") },
      ]),
    ),
    state.chosen && commandLine(command(state)),
  );
}

function releases(state, set) {
  if (!state.releases.length) return h("div.field", h("span", "Release"), h("p", "There is none yet."), commandLine(line("releases", "add", "gateway-1.2.0.edge")));
  return h(
    "fieldset.field.release-choices",
    h("legend", "Release"),
    h(
      "div.choices.is-list",
      state.releases.map((one) => {
        const isThere = state.devices.length === 1 && state.devices[0].version === one.version && state.devices[0].product === one.product;
        const found = state.devices.filter((device) => !misfit(device, one)).length;
        const why = found ? "" : state.devices.length ? misfit(state.devices[0], one) : "";
        return h(
          "label.choice.is-row",
          { key: one.path, class: why ? "is-off" : "" },
          h("input", { type: "radio", name: "release", checked: state.chosen?.path === one.path, disabled: Boolean(why), on: { change: () => set("chosen", one) } }),
          h("span", h("strong.mono", one.version), h("span.faint", ` ${one.product}`)),
          h("span.choice-end", why ? h("span.faint", why) : state.devices.length > 1 ? badge(`fits ${count(found)} of ${count(state.devices.length)}`, found === state.devices.length ? "good" : "warn") : isThere ? badge("runs now") : badge("fits", "good")),
        );
      }),
    ),
  );
}

function misfits(state) {
  if (!state.chosen) return null;
  const out = state.devices.filter((one) => misfit(one, state.chosen));
  if (!out.length || state.devices.length < 2) return null;
  const kinds = new Map();
  for (const one of out) {
    const why = misfit(one, state.chosen);
    kinds.set(why, (kinds.get(why) ?? 0) + 1);
  }
  return h("p.note.is-warn", `Left out: ${[...kinds].map(([why, found]) => `${count(found)} (${why})`).join(", ")}`);
}

function choices(name, all) {
  return h(
    "fieldset.field",
    h("legend", name),
    h(
      "div.choices",
      all.map((one) => h("label.choice", h("input", { type: "radio", name, checked: one.isOn, on: { change: one.act } }), h("span", one.text), one.what && h("span.field-what", one.what))),
    ),
  );
}

function command(state) {
  const names = fitting(state).map((one) => one.device);
  const words = [
    state.download_only && "--download-only",
    !state.download_only && state.reboot !== "now" && ["--reboot", state.reboot],
    state.confirm !== "as-set" && ["--confirm", state.confirm],
    state.releases.filter((one) => one.version === state.chosen.version).length > 1 && ["--product", state.chosen.product],
  ]
    .filter(Boolean)
    .flat();
  return names.length ? forEach(names, "deploy", state.chosen.version, "--to", DEVICE, ...words) : line("deploy", state.chosen.version, "--to", "DEVICE", ...words);
}

async function order(state) {
  const { chosen, download_only, reboot, confirm } = state;
  const body = (device) => ({ device, version: chosen.version, product: chosen.product, download_only, reboot, confirm });
  const names = fitting(state).map((one) => one.device);
  if (names.length > 1) return run({ title: `Deploying ${chosen.version}`, names, act: (name) => post("/deployments", body(name)), done: "ordered" });
  try {
    const made = await post("/deployments", body(names[0]));
    toast(`${chosen.version} is ordered of ${names[0]}`, { kind: "good", command: command(state) });
    return { made, failed: [] };
  } catch (error) {
    tellError(error, names[0]);
    return null;
  }
}

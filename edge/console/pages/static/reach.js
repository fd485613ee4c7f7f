// What is asked of one device, once: asked by this page, awaited, and read.

import { get, may, part, post } from "./api.js";
import { line } from "./command.js";
import { say } from "./dom.js";
import { nowS } from "./format.js";
import { tellError, toast } from "./toast.js";

const MOST = 100;
const EXPIRES_S = 900;

export const asks = {
  logs: (device, service, lines) => line("devices", "logs", device, service ? ["--service", service] : null, "--lines", String(lines)),
  inventory: (device) => line("devices", "inventory", device, "--refresh"),
  restart: (device, service) => line("devices", "restart", device, service, "--yes"),
  reboot: (device) => line("devices", "reboot", device, "--yes"),
};

const WORDS = {
  logs: (one) => `Logs of ${one.service || "all services"}`,
  inventory: () => "Inventory",
  restart: (one) => `Restart of ${one.service}`,
  reboot: () => "Restart of the system",
};
const ENDS = { done: "is done", refused: "was refused", failed: "has failed", expired: "was not answered in time" };

/** Return what was asked, in a few words. */
export const nameOf = (one) => WORDS[one.word](one);

/** Return how a command stands; the console notes a little later that one has expired. */
export const stateOf = (one) => (one.state === "open" && one.expires_at_s <= nowS() ? "expired" : one.state);

export const isOpen = (one) => stateOf(one) === "open";

/** Return why a device can not be asked by this visitor, empty if it can. */
export function whyNot(device) {
  if (!may("devices:reach")) return "You may not ask devices: it takes the right devices:reach, which operators and admins have.";
  if (device.state !== "accepted") return `It is ${device.state}: only devices that are let in can be asked.`;
  return "";
}

/** Return when an answer can come. */
export function answersWhen(device) {
  if (device.is_online) return "It is connected: the answer comes in moments.";
  if (device.via === "mqtt") return "It is not connected now: it answers when it is back.";
  if (!device.last_seen_s) return "It was never heard: it answers when it comes.";
  return "It polls: it answers at its next poll, or the one after.";
}

/**
 * Return what is known of the commands of a device.
 *
 * `commands` are newest first, null while they are not known; `newest(word, state)` is one of
 * them; `answerOf(one)` is the answer as far as it was read, and asks for it if it was not.
 */
export function reach(name, draw) {
  const path = `/devices/${part(name)}/commands`;
  const answers = new Map();
  const mine = new Set();
  const self = { commands: null, error: null };

  self.load = async () => {
    if (!may("devices:reach")) return;
    try {
      const { commands } = await get(path, { limit: MOST });
      Object.assign(self, { commands, error: null });
      for (const one of commands) if (!isOpen(one) && mine.delete(one.command)) tellEnd(name, one);
    } catch (error) {
      self.error = error;
    }
    draw();
  };

  self.ask = async (body) => {
    try {
      const made = await post(path, { ...body, expires_s: EXPIRES_S });
      mine.add(made.command);
      self.commands = [made, ...(self.commands ?? [])];
      say(`${nameOf(made)}: ${name} is asked`);
      draw();
      // It may have been answered before this page knew what to wait for.
      await self.load();
      return made;
    } catch (error) {
      tellError(error, name);
      return null;
    }
  };

  self.newest = (word, state = "") => self.commands?.find((one) => one.word === word && (!state || stateOf(one) === state)) ?? null;
  self.open = (word, service = "") => self.commands?.find((one) => one.word === word && isOpen(one) && (!service || one.service === service)) ?? null;
  self.isWaiting = () => self.commands?.some((one) => one.state === "open") ?? false;

  self.answerOf = (one) => {
    if (!answers.has(one.command)) {
      answers.set(one.command, null);
      get(`${path}/${part(one.command)}`).then(
        (found) => answers.set(one.command, found),
        (error) => answers.set(one.command, { ...one, error }),
      ).then(draw);
    }
    return answers.get(one.command);
  };
  self.forget = (one) => answers.delete(one.command);
  return self;
}

function tellEnd(device, one) {
  const state = stateOf(one);
  const text = `${device}: ${nameOf(one)} ${ENDS[state]}`;
  say(text);
  if (state !== "done") toast(text, { kind: "bad", hint: one.reason });
  // Logs and inventories are seen when they are there.
  else if (one.word === "restart" || one.word === "reboot") toast(text, { kind: "good" });
}

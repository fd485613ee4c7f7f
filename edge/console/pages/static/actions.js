// What can be done with devices, and the command line of each.

import { part, post } from "./api.js";
import { line } from "./command.js";
import { confirm } from "./dialog.js";
import { tellError, toast } from "./toast.js";

const path = (device) => `/devices/${part(device)}`;

export const commands = {
  accept: (device) => line("devices", "accept", device),
  reject: (device) => line("devices", "reject", device),
  revoke: (device) => line("devices", "revoke", device, "--yes"),
  decommission: (device) => line("devices", "decommission", device, "--yes"),
  reEnrol: (device) => line("devices", "re-enrol", device, "--yes"),
  show: (device) => line("devices", "show", device),
  tag: (device, add, remove) =>
    line("devices", "tag", device, add.flatMap((one) => ["--add", one]), remove.flatMap((one) => ["--remove", one])),
  set: (device, values) =>
    line("devices", "set", device, Object.entries(values).flatMap(([name, value]) => (value === null ? ["--remove", name] : [`${name}=${value}`]))),
  note: (device, text) => line("devices", "note", device, text ? ["--", text] : "--clear"),
};

/** Accept a device; whether it was done. */
export async function accept(device) {
  try {
    await post(`${path(device)}/accept`);
    toast(`${device} is accepted`, { kind: "good", command: commands.accept(device) });
    return true;
  } catch (error) {
    tellError(error, device);
    return false;
  }
}

async function asked(device, act, question, done) {
  if (!(await confirm(question))) return null;
  try {
    const answer = await post(`${path(device)}/${act}`, act === "re-enrol" ? {} : undefined);
    toast(done, { kind: "good", command: question.command });
    return answer ?? true;
  } catch (error) {
    tellError(error, device);
    return null;
  }
}

export const reject = (device) =>
  asked(
    device,
    "reject",
    {
      title: `Reject ${device}?`,
      text: "It is forgotten, and its certificate can never ask again.",
      verb: `Reject ${device}`,
      command: commands.reject(device),
    },
    `${device} is rejected`,
  );

export const revoke = (device) =>
  asked(
    device,
    "revoke",
    {
      title: `Revoke ${device}?`,
      text: ["From the next moment on it gets nothing: its connections are broken, downloads too. What runs on it goes on running.", "It can be accepted again."],
      verb: `Revoke ${device}`,
      command: commands.revoke(device),
    },
    `${device} is revoked`,
  );

export const decommission = (device) =>
  asked(
    device,
    "decommission",
    {
      title: `Put ${device} out of use?`,
      text: "Its certificate is never let in again. Only a new certificate brings the device back (re-enrol).",
      verb: "Decommission",
      command: commands.decommission(device),
      repeat: device,
    },
    `${device} is decommissioned`,
  );

export const reEnrol = (device) =>
  asked(
    device,
    "re-enrol",
    {
      title: `Re-enrol ${device}?`,
      text: "The certificate that it has is never let in again; the first new one of its name is. Orders that it has are void, and it has to be given the epoch that you are told next.",
      verb: `Re-enrol ${device}`,
      command: commands.reEnrol(device),
    },
    `${device} is re-enrolled`,
  );

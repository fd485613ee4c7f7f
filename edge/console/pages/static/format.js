// Times, sizes and words for people.

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
const number = new Intl.NumberFormat("en");

let offsetS = 0;

/** Take the console's clock as the right one: the browser's may be wrong. */
export function setClock(nowS) {
  offsetS = nowS - Date.now() / 1000;
}

export const nowS = () => Date.now() / 1000 + offsetS;
export const count = (value) => number.format(value);
export const plural = (value, one, more = `${one}s`) => `${count(value)} ${value === 1 ? one : more}`;
export const when = (atS) => (atS ? clock.format(atS * 1000) : "never");
export const shortly = (atS) => day.format(atS * 1000);

/** Return how long ago it was, in one short word. */
export function ago(atS, now = nowS()) {
  if (!atS) return "never";
  const past = Math.max(0, now - atS);
  if (past < 10) return "just now";
  return `${span(past)} ago`;
}

export function span(seconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60]];
  for (const [name, size] of units) if (seconds >= size) return `${Math.floor(seconds / size)} ${name}`;
  return `${Math.floor(seconds)} s`;
}

export function bytes(value) {
  let left = value;
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (left < 1024 || unit === "GiB") return `${unit === "B" || left >= 100 ? Math.round(left) : left.toFixed(1)} ${unit}`;
    left /= 1024;
  }
  return "";
}

const PHASES = {
  "": "not begun",
  idle: "idle",
  checking: "checking the order",
  permitting: "waiting for leave",
  installing: "writing the other slot",
  verifying: "verifying what was written",
  waiting: "waiting for the restart",
  "waiting-for-user": "waiting for its user",
  arming: "arming the other slot",
  rebooting: "restarting",
  trial: "on trial",
  committing: "keeping the new slot",
  reverting: "going back",
  switching: "switching the service",
  proving: "watching the new version",
  keeping: "keeping the new version",
  "switching-back": "switching the service back",
  reporting: "reporting",
};

export const phase = (name) => PHASES[name] ?? name;

const ACTS = {
  "authority.add": "added",
  "campaign.create": "made the campaign",
  "campaign.start": "started the campaign",
  "campaign.approve": "approved the campaign",
  "campaign.open-wave": "began the next wave of",
  "campaign.pause": "paused the campaign",
  "campaign.resume": "resumed the campaign",
  "campaign.abort": "stopped the campaign",
  "campaign.revert": "ordered back the devices of",
  "campaign.retry": "tried devices again of",
  "campaign.edit": "changed the plan of",
  "campaign.finish": "let order no more the campaign",
  "campaign.remove": "removed the campaign",
  "campaign.trip": "stopped by its rule the campaign",
  "campaign.turn": "went on with",
  "command.ask": "asked something of",
  "device.accept": "accepted",
  "device.ask": "asked to be let in",
  "device.auto-confirm": "confirms orders by itself",
  "device.bind": "was bound to its certificate",
  "device.cancel-order": "took back the order of",
  "device.ddi": "made a client of DDI of",
  "device.decommission": "decommissioned",
  "device.deploy": "ordered a release for",
  "device.notes": "wrote notes of",
  "device.quarantine": "quarantined",
  "device.remade": "gave another key to",
  "device.re-enrol": "re-enrolled",
  "device.register": "registered",
  "device.reject": "rejected",
  "device.remove-token": "removed the token of",
  "device.renew": "asked for a new certificate for",
  "device.renewed": "came with the new certificate of",
  "device.renew-order": "signed anew the order of",
  "device.revoke": "revoked",
  "device.stay": "ordered nothing new for",
  "device.tag": "changed tags of",
  "device.terminal-closed": "ended the terminal of",
  "device.terminal-open": "opened a terminal on",
  "device.token": "made a token for",
  "device.attributes": "changed attributes of",
  "device.enrol": "came with a key of enrolment:",
  "enrolment-key.create": "made the",
  "enrolment-key.revoke": "revoked the",
  "factory.dismiss": "dismissed a record of",
  "factory.record": "told of",
  "group.members": "changed the members of",
  "group.remove": "removed",
  "group.set": "set",
  "release.add": "added",
  "release.add-file": "added",
  "release.leave-out": "left out, as its version is there,",
  "release.publish": "published",
  "release.sbom": "brought the SBOM of",
  "release.withdraw": "took back",
  "repository.collect": "removed what nothing names from the",
  "hook.create": "made the webhook",
  "hook.remove": "removed the webhook",
  "hook.turn": "turned the webhook",
  "person.add": "added",
  "person.bind": "named the account of",
  "person.change": "changed what may be done by",
  "person.invite": "made a link for",
  "person.log-out": "ended the sessions of",
  "person.password": "set the password of",
  "person.remove": "removed",
  "session.begin": "logged in",
  "session.end": "logged out",
  "session.refuse": "was refused",
  "tenant.ddi-token": "made the token of the gateway of",
  "tenant.remove-ddi-token": "removed the token of the gateway of",
  "tenant.set": "set",
  "token.create": "made",
  "token.revoke": "revoked",
};

// What a campaign came to by itself, or by what somebody decided.
const TURNS = {
  scheduled: "scheduled",
  running: "went on with",
  paused: "paused",
  closing: "orders no more in",
  aborting: "takes back the orders of",
  reverting: "orders back the devices of",
  finished: "came to the end of",
  aborted: "stopped",
  reverted: "brought back the devices of",
};

/** Return an act as a verb, as far as it is known; what a campaign came to is in its details. */
export function act(name, details = {}) {
  if (name === "campaign.turn" && details.from === "scheduled" && details.to === "running") return "began";
  if (name === "campaign.turn" && TURNS[details.to]) return TURNS[details.to];
  return ACTS[name] ?? name.replace(".", " ");
}

/** Whether an act reads as half a sentence without whom it was done to. */
export const wantsSubject = (name) => / (of|for|by|on)$|:$/.test(` ${act(name)}`) || name === "person.add";

/** Return the name in a subject such as `device:unit-7`. */
export const nameOf = (subject) => subject.slice(subject.indexOf(":") + 1);
export const kindOf = (subject) => subject.slice(0, Math.max(0, subject.indexOf(":")));

/** Return the details of an act in one line. */
export function detailsOf(found) {
  return Object.entries(found)
    .filter(([, value]) => value !== "" && !(Array.isArray(value) && !value.length))
    .map(([name, value]) => `${name.replaceAll("_", " ")}: ${detail(value)}`)
    .join(" · ");
}

function detail(value) {
  if (typeof value === "string" && /^[0-9a-f]{64}$/.test(value)) return `${value.slice(0, 12)}…`;
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : value;
}

/** Return the version in the path of a release. */
export const versionOf = (path) => path.split("/")[1] ?? path;

// The names of who acts: the log has ids, for names change.

import { get, may } from "./api.js";
import { kindOf, nameOf } from "./format.js";

const names = new Map();
let asked = null;

/** Learn the names of tokens and campaigns, if this visitor may see them. */
export function knowNames() {
  asked ??= Promise.all([
    may("tokens:write") && get("/tokens").then(({ tokens }) => tokens.forEach((one) => names.set(`token:${one.token}`, `${one.name} (token)`)), () => {}),
    may("devices:read") && get("/campaigns", { limit: 500 }).then(({ campaigns }) => campaigns.forEach((one) => names.set(`campaign:${one.campaign}`, `${one.name} (campaign)`)), () => {}),
  ]);
  return asked;
}

/** Return how to call who acted. */
export function whoIs(actor) {
  if (names.has(actor)) return names.get(actor);
  const name = nameOf(actor);
  return kindOf(actor) === "token" ? `token ${name.slice(0, 6)}` : name;
}

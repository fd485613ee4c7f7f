// The names of who acts: the log has ids, for names change.

import { get, may } from "./api.js";
import { kindOf, nameOf } from "./format.js";

const names = new Map();
let asked = null;

/** Learn the names of tokens, if this visitor may see them. */
export function knowNames() {
  asked ??= may("tokens:write")
    ? get("/tokens").then(
        ({ tokens }) => {
          for (const one of tokens) names.set(`token:${one.token}`, one.name);
        },
        () => {},
      )
    : Promise.resolve();
  return asked;
}

/** Return how to call who acted. */
export function whoIs(actor) {
  if (names.has(actor)) return `${names.get(actor)} (token)`;
  const name = nameOf(actor);
  return kindOf(actor) === "token" ? `token ${name.slice(0, 6)}` : name;
}

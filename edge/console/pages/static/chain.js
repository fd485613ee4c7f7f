// The chain of the audit log, computed anew: see edge/console/chain.py, which says the same.

const encoder = new TextEncoder();

/** Return a value as canonical JSON: names in order, no blanks. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const names = Object.keys(value).sort(byCodePoint);
    return `{${names.map((name) => `${text(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  return typeof value === "string" ? text(value) : JSON.stringify(value);
}

function text(value) {
  return JSON.stringify(value);
}

function byCodePoint(one, other) {
  const [left, right] = [[...one], [...other]];
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    if (left[at] !== right[at]) return left[at].codePointAt(0) - right[at].codePointAt(0);
  }
  return left.length - right.length;
}

async function sealed(entry, previous) {
  const { act, actor, at_s, details, number, subject, tenant } = entry;
  const said = canonical({ act, actor, at_s, details, number, previous, subject, tenant });
  const digest = await crypto.subtle.digest("SHA-256", encoder.encode(said));
  return [...new Uint8Array(digest)].map((one) => one.toString(16).padStart(2, "0")).join("");
}

/** Check entries, newest first: {checked, broken: number of the first that is wrong or missing, tip}. */
export async function checked(entries) {
  const inOrder = [...entries].reverse();
  let before = inOrder[0].number === 1 ? { number: 0, digest: "0".repeat(64) } : null;
  let count = 0;
  for (const one of inOrder) {
    if (before) {
      if (one.number !== before.number + 1 || (await sealed(one, before.digest)) !== one.digest) return { checked: count, broken: one.number, tip: "" };
      count += 1;
    }
    before = one;
  }
  return { checked: count, broken: 0, tip: `${before.number}:${before.digest}` };
}

// What changes, as the console tells it. One stream a tab, only while somebody looks at it.

import { headers, logIn } from "./api.js";

const HIDDEN_MS = 60_000;
const LONGEST_MS = 30_000;
const listeners = new Set();
const watchers = new Set();
let state = "joining";
let control = null;
let failures = 0;
let retry = null;
let silence = null;

/** Hear of changes: act(topics) gets a map of topic to a set of subjects, "" for many. */
export function listen(act) {
  listeners.add(act);
  return () => listeners.delete(act);
}

/** Hear whether the page is live: "joining", "live", "lost". */
export function watch(act) {
  watchers.add(act);
  act(state);
  return () => watchers.delete(act);
}

export function start() {
  join();
  let hidden = null;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.visibilityState === "hidden") hidden = setTimeout(leave, HIDDEN_MS);
    else if (control === null) join();
  });
  window.addEventListener("online", () => control === null && join());
}

function become(next) {
  if (state === next) return;
  state = next;
  for (const act of watchers) act(state);
}

function leave() {
  clearTimeout(retry);
  clearTimeout(silence);
  control?.abort();
  control = null;
}

async function join() {
  leave();
  const mine = new AbortController();
  control = mine;
  try {
    const answer = await fetch("/api/v1/stream", {
      headers: { ...headers(), Accept: "text/event-stream" },
      credentials: "same-origin",
      cache: "no-store",
      signal: mine.signal,
    });
    if (answer.status === 401) return logIn();
    if (!answer.ok) throw new Error(String(answer.status));
    await read(answer.body, mine);
  } catch {
    // Whatever it was, the answer is to try again.
  }
  if (control !== mine) return;
  control = null;
  clearTimeout(silence);
  failures += 1;
  if (failures > 1) become("lost");
  const wait = Math.min(LONGEST_MS, 500 * 2 ** failures) * (0.75 + Math.random() / 2);
  retry = setTimeout(join, wait);
}

async function read(stream, mine) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const whole = rest.split("\n\n");
    rest = whole.pop();
    for (const one of whole) take(one, mine);
  }
}

function take(text, mine) {
  const lines = text.split("\n");
  const name = lines.find((line) => line.startsWith("event: "))?.slice(7);
  const data = lines.find((line) => line.startsWith("data: "))?.slice(6);
  if (name === "hello") {
    const { heartbeat_s } = JSON.parse(data);
    mine.patience = heartbeat_s * 2500;
    failures = 0;
    become("live");
    // What happened while nobody listened was not told, even since the page was asked for.
    tell(["device", "release", "group", "campaign", "factory", "audit"].map((topic) => [topic, ""]));
  }
  if (name === "change") tell(JSON.parse(data));
  if (name === "bye") return logIn();
  clearTimeout(silence);
  silence = setTimeout(() => mine === control && mine.abort(), mine.patience ?? 40_000);
}

function tell(changes) {
  const topics = new Map();
  for (const [topic, subject] of changes) {
    if (!topics.has(topic)) topics.set(topic, new Set());
    topics.get(topic).add(subject);
  }
  for (const act of listeners) act(topics);
}

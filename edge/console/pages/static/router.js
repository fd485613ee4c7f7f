// Which screen is shown: by the path, without loading the page again.

import { h, show, say } from "./dom.js";
import { leaveScreen } from "./keys.js";
import { listen } from "./live.js";

const routes = [];
let leaving = [];
let shown = "";

/** Show a screen below a path such as `/devices/:device`; it may return what is to be done at its end. */
export function route(pattern, screen) {
  const names = [...pattern.matchAll(/:(\w+)/g)].map(([, name]) => name);
  const expression = new RegExp(`^${pattern.replace(/:\w+/g, "([^/]+)")}$`);
  routes.push({ expression, names, screen });
}

export function go(path, { replace = false } = {}) {
  if (replace) history.replaceState(null, "", path);
  else history.pushState(null, "", path);
  draw();
}

/** Change the words after `?` without leaving the screen. */
export function setQuery(values) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(values)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  history.replaceState(null, "", location.pathname + (text ? `?${text}` : ""));
}

export function start() {
  window.addEventListener("popstate", draw);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='/']");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (link.target || link.hasAttribute("download") || /^\/(auth|api|static)\//.test(link.getAttribute("href"))) return;
    event.preventDefault();
    go(link.getAttribute("href"));
  });
  draw();
}

function draw() {
  for (const act of leaving) act();
  leaving = [];
  leaveScreen();
  const main = document.getElementById("main");
  const moved = shown !== location.pathname;
  shown = location.pathname;
  main.replaceChildren();
  const found = routes.map((one) => ({ one, match: one.expression.exec(location.pathname) })).find(({ match }) => match);
  markNavigation();
  if (!found) {
    title("Not there");
    show(main, h("div.empty", h("h1", "There is no such page"), h("p", h("a", { href: "/" }, "Go to the overview"))));
    return;
  }
  const words = Object.fromEntries(found.one.names.map((name, at) => [name, decodeURIComponent(found.match[at + 1])]));
  const screen = {
    main,
    words,
    query: new URLSearchParams(location.search),
    /** Do something when one of some topics changes, until the screen is left. */
    onChange(topics, act) {
      leaving.push(listen((changed) => topics.some((topic) => changed.has(topic)) && act(changed)));
    },
    atEnd: (act) => leaving.push(act),
    // A tab that nobody looks at asks for nothing, so that a session left open ends in time.
    every(ms, act) {
      const timer = setInterval(() => document.visibilityState === "visible" && act(), ms);
      leaving.push(() => clearInterval(timer));
    },
  };
  // What a screen that was left still draws, as an answer comes late, is seen by nobody.
  leaving.push(() => (screen.main = document.createElement("main")));
  found.one.screen(screen);
  if (moved) {
    window.scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
}

export function title(text) {
  document.title = `${text} – Edge`;
  say(text);
}

function markNavigation() {
  for (const link of document.querySelectorAll("#nav a")) {
    const path = link.getAttribute("href");
    const isHere = path === "/" ? location.pathname === "/" : location.pathname.startsWith(path);
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

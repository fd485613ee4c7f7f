// Elements, made and brought up to date. Text is always text: nothing here reads HTML.

const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = new Set(["value", "checked", "disabled", "open", "indeterminate", "selected", "hidden"]);

/**
 * Return an element: h("td.mono", {title: "…", on: {click: act}, style: {"--part": "40%"}}, "text", …).
 * What is null, false or undefined among the children is left out.
 */
export function h(name, props, ...children) {
  return filled(document.createElement(tagOf(name)), name, props, children);
}

/** Return an element of SVG. */
export function s(name, props, ...children) {
  return filled(document.createElementNS(SVG, tagOf(name)), name, props, children);
}

function tagOf(name) {
  return name.split(".")[0] || "div";
}

function filled(element, name, props, children) {
  const classes = name.split(".").slice(1).filter(Boolean);
  let given = props;
  if (given === null || typeof given !== "object" || given instanceof Node || Array.isArray(given)) {
    if (given !== undefined) children.unshift(given);
    given = {};
  }
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || value === null) continue;
    if (key === "class") classes.push(...String(value).split(" ").filter(Boolean));
    else if (key === "on") listen(element, value);
    else if (key === "style") for (const [one, what] of Object.entries(value)) element.style.setProperty(one, what);
    else if (key === "key") element.__key = String(value);
    else if (key === "own") element.__own = value;
    else if (PROPERTIES.has(key) && !(element instanceof SVGElement)) {
      element[key] = value;
      (element.__given ??= new Set()).add(key);
    }
    else if (value !== false) element.setAttribute(key, value === true ? "" : String(value));
  }
  if (classes.length) element.setAttribute("class", classes.join(" "));
  put(element, children);
  return element;
}

function put(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    element.append(child instanceof Node ? standIn(child) : String(child));
  }
}

/** Return what stands for an element that is in the page already: moved, it would lose its focus. */
function standIn(child) {
  if (child.__own === undefined || !child.isConnected) return child;
  const found = child.cloneNode(false);
  Object.assign(found, { __own: child.__own, __key: child.__key, __for: child });
  return found;
}

function listen(element, handlers) {
  element.__on ??= {};
  for (const [type, handler] of Object.entries(handlers)) {
    if (!handler) continue;
    if (!(type in element.__on)) element.addEventListener(type, dispatch);
    element.__on[type] = handler;
  }
}

function dispatch(event) {
  return event.currentTarget.__on[event.type]?.(event);
}

/** Make the children of an element those that are given; what is the same stays, with its focus. */
export function show(element, ...children) {
  const wanted = document.createElement("div");
  put(wanted, children);
  morphChildren(element, wanted);
  return element;
}

function isSame(old, wanted) {
  return (
    old.nodeType === wanted.nodeType &&
    old.nodeName === wanted.nodeName &&
    (old.__key ?? "") === (wanted.__key ?? "") &&
    (old.__own ?? "") === (wanted.__own ?? "")
  );
}

function morph(old, wanted) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== wanted.data) old.data = wanted.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    // Whether something is unfolded is the reader's, unless it is said.
    if (name === "style" || (name === "open" && !wanted.__given?.has("open"))) continue;
    if (!wanted.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (name !== "style" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (old.style.cssText !== wanted.style.cssText) old.style.cssText = wanted.style.cssText;
  for (const name of wanted.__given ?? []) {
    // What is being written is not taken from who writes.
    if (old[name] === wanted[name] || (name === "value" && old === document.activeElement)) continue;
    old[name] = wanted[name];
  }
  for (const type of Object.keys(old.__on ?? {})) if (!wanted.__on?.[type]) old.__on[type] = null;
  if (wanted.__on) listen(old, wanted.__on);
  // What an element made itself, such as a chart, is its own.
  if (old.__own === undefined) morphChildren(old, wanted);
}

function morphChildren(old, wanted) {
  const keyed = new Map();
  for (const child of old.childNodes) if (child.__key !== undefined) keyed.set(child.__key, child);
  let here = old.firstChild;
  for (const child of [...wanted.childNodes]) {
    let found = child.__key === undefined ? here : keyed.get(child.__key);
    if (found && found.__key !== undefined && child.__key === undefined) found = null;
    if (child.__for && child.__for !== found) {
      old.insertBefore(child.__for, here);
    } else if (found && isSame(found, child)) {
      if (found === here) here = here.nextSibling;
      else old.insertBefore(found, here);
      if (!child.__for) morph(found, child);
    } else {
      old.insertBefore(child, here);
    }
  }
  while (here) {
    const next = here.nextSibling;
    here.remove();
    here = next;
  }
}

/** Tell it to who listens to the page. */
export function say(text) {
  const place = document.getElementById("said");
  if (place) place.textContent = text;
}

/** Return a function that runs at most once in a time, and once more if it was called meanwhile. */
export function paced(act, everyMs) {
  let timer = null;
  let isAsked = false;
  const run = async () => {
    isAsked = false;
    timer = setTimeout(() => {
      timer = null;
      if (isAsked) run();
    }, everyMs);
    await act();
  };
  return () => {
    isAsked = true;
    if (timer === null) run();
  };
}

// A menu below a button: arrows move in it, Escape and a click elsewhere close it.

import { h } from "./dom.js";
import { icon } from "./icons.js";

/** Return a button with a menu: items are {text, act, isDangerous, disabled, hint}; falsy ones are left out. */
export function menu(label, items, { text = "", name = "more" } = {}) {
  const list = h(
    "div.menu-list",
    { role: "menu", hidden: true, own: "menu" },
    items.filter(Boolean).map((one) =>
      h(
        "button.menu-item",
        {
          type: "button",
          role: "menuitem",
          tabindex: "-1",
          class: one.isDangerous ? "is-dangerous" : "",
          disabled: Boolean(one.disabled),
          on: {
            click: () => {
              close(true);
              one.act();
            },
          },
        },
        h("span", one.text),
        one.hint && h("span.menu-hint", one.hint),
      ),
    ),
  );
  const button = h(
    text ? "button.button" : "button.icon-button",
    { type: "button", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": text ? null : label, on: { click: () => (list.hidden ? open() : close(true)) } },
    text,
    icon(text ? "down" : name),
  );
  const away = (event) => !box.contains(event.target) && close(false);
  const open = () => {
    list.hidden = false;
    button.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", away);
    list.querySelector("button:not(:disabled)")?.focus();
  };
  const close = (toButton) => {
    list.hidden = true;
    button.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", away);
    if (toButton) button.focus();
  };
  const box = h("div.menu", { own: `menu ${items.filter(Boolean).map((one) => one.text)}`, on: { keydown: (event) => move(event, list, close) } }, button, list);
  return box;
}

function move(event, list, close) {
  if (list.hidden) return;
  const items = [...list.querySelectorAll("button:not(:disabled)")];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to !== undefined) items[(to + items.length) % items.length].focus();
  else if (event.key === "Escape") close(true);
  else if (event.key === "Tab") return close(false);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

// The page of the console: its frame, and which screens there are.

import { headers, may, reachesAll, visitor } from "./api.js";
import { h, show } from "./dom.js";
import { icon } from "./icons.js";
import * as keys from "./keys.js";
import * as live from "./live.js";
import * as router from "./router.js";
import { menu } from "./menu.js";
import { tellError } from "./toast.js";
import { audit } from "./screens/audit.js";
import { campaign } from "./screens/campaign.js";
import { campaigns } from "./screens/campaigns.js";
import { compare } from "./screens/compare.js";
import { device } from "./screens/device.js";
import { devices } from "./screens/devices.js";
import { factory } from "./screens/factory.js";
import { newCampaign } from "./screens/new-campaign.js";
import { overview } from "./screens/overview.js";
import { release } from "./screens/release.js";
import { releases } from "./screens/releases.js";
import { settings } from "./screens/settings.js";

const SCREENS = [
  { path: "/", name: "Overview", icon: "overview", key: "o", scope: "devices:read" },
  { path: "/devices", name: "Devices", icon: "devices", key: "d", scope: "devices:read" },
  { path: "/campaigns", name: "Campaigns", icon: "campaigns", key: "c", scope: "devices:read" },
  { path: "/releases", name: "Releases", icon: "releases", key: "r", scope: "releases:read" },
  { path: "/factory", name: "Factory", icon: "factory", key: "f", scope: "devices:read", isOfAll: true },
  { path: "/audit", name: "Audit", icon: "audit", key: "a", scope: "audit:read" },
  { path: "/settings", name: "Settings", icon: "settings", key: "s" },
];

function drawFrame() {
  const shown = SCREENS.filter((one) => (!one.scope || may(one.scope)) && (!one.isOfAll || reachesAll));
  show(
    document.getElementById("nav"),
    h(
      "ul",
      shown.map((one) =>
        h("li", h("a", { href: one.path, title: `g ${one.key}` }, icon(one.icon), h("span", one.name), h("kbd", { "aria-hidden": "true" }, `g ${one.key}`))),
      ),
    ),
  );
  for (const one of shown) keys.always(`g ${one.key}`, `Go to ${one.name}`, () => router.go(one.path));
  show(
    document.getElementById("rail-end"),
    h("div.live", { id: "live", role: "status" }),
    h(
      "div.who",
      h("span.who-name", { title: visitor.groups ? `reaches: ${visitor.groups.join(", ")}` : "reaches all devices" }, visitor.name),
      menu("Account and theme", [
        { text: "Light", act: () => setTheme("light") },
        { text: "Dark", act: () => setTheme("dark") },
        { text: "As the system", act: () => setTheme("") },
        { text: "Keys", hint: "?", act: keys.help },
        { text: "Log out", act: logOut },
      ]),
    ),
  );
}

function setTheme(name) {
  if (name) {
    document.documentElement.dataset.theme = name;
    localStorage.setItem("edge-theme", name);
  } else {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem("edge-theme");
  }
  window.dispatchEvent(new Event("edge-theme"));
}

async function logOut() {
  try {
    await fetch("/api/v1/session", { method: "DELETE", headers: headers(), credentials: "same-origin" });
    location.assign("/login");
  } catch (error) {
    tellError(error, "You are still logged in");
  }
}

const STATES = {
  joining: ["Joining", ""],
  live: ["Live", "is-good"],
  lost: ["Offline", "is-bad"],
};

function drawLive(state) {
  const [text, kind] = STATES[state];
  const place = document.getElementById("live");
  place.className = `live ${kind}`;
  show(place, h("span.dot"), text);
  const banner = document.getElementById("offline");
  banner.hidden = state !== "lost";
  show(banner, icon("alert"), "The console does not answer. What you see is as it was; the page goes on by itself when it is back.");
}

drawFrame();
keys.start();
live.watch(drawLive);
live.start();
router.route("/", overview);
router.route("/devices", devices);
router.route("/devices/:device", device);
router.route("/campaigns", campaigns);
router.route("/campaigns/new", newCampaign);
router.route("/campaigns/compare", compare);
router.route("/campaigns/:campaign", campaign);
router.route("/releases", releases);
router.route("/releases/:product/:version", release);
router.route("/factory", factory);
router.route("/audit", audit);
router.route("/settings", settings);
router.start();
document.documentElement.dataset.ready = "yes";

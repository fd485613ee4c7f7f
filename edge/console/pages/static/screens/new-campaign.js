// The wizard: from a release to a campaign that runs, with a look at what it would do before.

import { get, may, post, put, visitor } from "../api.js";
import { commandLine } from "../command.js";
import { h, say, show } from "../dom.js";
import { filterBox } from "../filterbox.js";
import { icon } from "../icons.js";
import { onScreen } from "../keys.js";
import { empty, heading, panel, skeleton } from "../parts.js";
import { go, title } from "../router.js";
import { tellError, toast } from "../toast.js";
import { STEPS, changed, changing, command, fresh, isSaid, like, read, stepOf } from "../campaigns/draft.js";
import { preview } from "../campaigns/preview.js";
import { DRAWN, summary } from "../campaigns/steps.js";

export function newCampaign(screen) {
  title("New campaign");
  const state = { draft: fresh(), step: "release", releases: null, groups: [], preview: null, previewed: "", error: null, isBusy: false, changed: null };
  const acts = { state };
  const draw = () => show(screen.main, view(state, acts));
  acts.draw = draw;
  acts.box = filterBox({ id: "campaign-filter", onChange: (text) => ((state.draft.target = text), draw()) });
  acts.goTo = (step) => {
    state.step = step;
    history.replaceState(null, "", `${location.pathname}${location.search}#${step}`);
    draw();
    const name = STEPS.find((one) => one.id === step).name;
    say(name);
    document.getElementById("step-title")?.focus();
    if (step === "preview") look(state, draw);
  };
  acts.move = (by) => {
    const steps = stepsOf(state);
    const at = steps.findIndex((one) => one.id === state.step) + by;
    if (steps[at] && !(by > 0 && state.step === "release" && !state.draft.version)) acts.goTo(steps[at].id);
  };
  acts.again = () => {
    state.preview = null;
    state.previewed = "";
    look(state, draw);
  };
  acts.change = () => change(state, draw);
  acts.create = (isStarted) => create(state, draw, isStarted);
  draw();
  if (!may("campaigns:write")) return;
  load(state, acts, screen.query).then(() => {
    draw();
    // Where a draft is given, the page may be opened at any step of it.
    const step = location.hash.slice(1);
    if (state.draft.version && STEPS.some((one) => one.id === step)) acts.goTo(step);
  });
  onScreen("u", "Back to the campaigns", () => go("/campaigns"));
  onScreen("n", "Next step", () => acts.move(1));
  onScreen("b", "Step before", () => acts.move(-1));
}

// What a campaign is about stays when its plan is changed.
const stepsOf = (state) => (state.changed ? STEPS.filter((one) => ["waves", "safety", "pace"].includes(one.id)) : STEPS);

async function load(state, acts, query) {
  try {
    const [found, groups] = await Promise.all([get("/releases", { limit: 500 }), get("/groups").catch(() => ({ groups: [] }))]);
    state.groups = groups.groups;
    const [wanted, kept] = [query.get("like"), query.get("change")];
    if (kept) {
      state.changed = await get(`/campaigns/${encodeURIComponent(kept)}`);
      Object.assign(state, { draft: changing(state.changed), step: "waves" });
      title(`Change ${state.changed.name}`);
    }
    if (wanted) state.draft = like(await get(`/campaigns/${encodeURIComponent(wanted)}`));
    else if (query.get("version")) Object.assign(state.draft, { version: query.get("version"), product: query.get("product") ?? "", target: query.get("target") ?? "" });
    if (state.draft.target) acts.box.set(state.draft.target);
    state.releases = found.releases.filter((one) => one.is_published).reverse();
    if (state.changed) return;
    const known = (one) => state.releases.filter((each) => each.version === one);
    // A product is only said where it tells one from another.
    if (known(state.draft.version).length < 2) state.draft.product = "";
    if (!known(state.draft.version).length) state.draft.version = "";
    state.draft.also = state.draft.version ? state.draft.also.filter((one) => known(one).length) : [];
  } catch (error) {
    state.error = error;
    state.releases = [];
  }
}

/** Ask what the plan would do, if that is not known. */
async function look(state, draw) {
  const { body, mistakes } = read(state.draft);
  const asked = JSON.stringify(body);
  if (mistakes.length || (asked === state.previewed && state.preview)) return;
  // The same seed draws the same turns, so that a change of the pace leaves the devices as they were.
  const seed = state.preview?.seed ?? state.seed ?? null;
  Object.assign(state, { preview: null, error: null, isBusy: true, previewed: asked });
  draw();
  try {
    const found = await post("/campaign-previews", { ...body, seed });
    if (state.previewed === asked) Object.assign(state, { preview: found, seed: found.seed });
  } catch (error) {
    if (state.previewed === asked) Object.assign(state, { error, previewed: "" });
  }
  state.isBusy = false;
  draw();
}

const nameOf = ({ draft }) => draft.name.trim() || `${[draft.version, ...draft.also].join(" + ")} to ${draft.target.trim() || "all"}`.slice(0, 200);

async function create(state, draw, isStarted) {
  const { body } = read(state.draft);
  Object.assign(state, { isBusy: true, error: null });
  draw();
  try {
    const made = await post("/campaigns", { ...body, name: nameOf(state), seed: state.preview.seed });
    if (isStarted) await post(`/campaigns/${encodeURIComponent(made.campaign)}/start`, {}).catch((error) => tellError(error, "It was made, and not started"));
    toast(`${made.name} is ${isStarted ? "started" : "made"}`, { kind: "good", command: isSaid(state.draft) ? command(state.draft, { name: nameOf(state), seed: state.preview.seed, isStarted }) : "" });
    go(`/campaigns/${encodeURIComponent(made.campaign)}`);
  } catch (error) {
    Object.assign(state, { isBusy: false, error });
    draw();
  }
}

async function change(state, draw) {
  const { campaign, name } = state.changed;
  Object.assign(state, { isBusy: true, error: null });
  draw();
  try {
    // Its field has no seconds.
    const body = { ...read(state.draft).body, start_at_s: state.changed.plan.start_at_s };
    await put(`/campaigns/${encodeURIComponent(campaign)}`, body);
    toast(`The plan of ${name} is changed`, { kind: "good", command: isSaid(state.draft) ? changed(state.draft, campaign) : "" });
    go(`/campaigns/${encodeURIComponent(campaign)}`);
  } catch (error) {
    Object.assign(state, { isBusy: false, error });
    draw();
  }
}

function headOf({ changed: one }) {
  const above = h("a.crumb", { href: one ? `/campaigns/${encodeURIComponent(one.campaign)}` : "/campaigns" }, icon("left"), one ? one.name : "Campaigns");
  return one ? heading("Change the plan", { above, note: "It counts at once, for all that has not happened yet" }) : heading("New campaign", { above, note: "Nothing is ordered before you start it" });
}

function view(state, acts) {
  const head = headOf(state);
  if (!may("campaigns:write")) return [head, empty("You can not make one", "Who may has the role operator or admin.", { picture: "shield" })];
  if (!state.releases) return [head, skeleton(8)];
  const { body, mistakes } = read(state.draft);
  return [
    head,
    h(
      "div.wizard",
      stepList(state, mistakes, acts),
      h("div.wizard-main", stepPanel(state, mistakes, acts)),
      h("aside.wizard-side", { "aria-label": "The plan so far" }, panel("The plan so far", [summary(state, body), visitor.groups && h("p.panel-note", `Devices of ${visitor.groups.join(", ")} alone take part, also those that join later.`), byCommand(state)])),
    ),
  ];
}

function stepList(state, mistakes, acts) {
  const steps = stepsOf(state);
  const at = steps.findIndex((one) => one.id === state.step);
  return h(
    "ol.wizard-steps",
    { "aria-label": "Steps" },
    steps.map((one, index) => {
      const isWrong = index < at && mistakes.some((each) => each.step === one.id);
      const kind = one.id === state.step ? "is-now" : isWrong ? "is-wrong" : index < at ? "is-done" : "";
      return h(
        "li",
        { key: one.id, class: kind },
        h("button", { type: "button", "aria-current": one.id === state.step ? "step" : null, disabled: index > 0 && !state.draft.version, on: { click: () => acts.goTo(one.id) } }, h("span.wizard-dot", { "aria-hidden": "true" }, kind === "is-done" ? icon("check") : String(index + 1)), one.name),
      );
    }),
  );
}

function stepPanel(state, mistakes, acts) {
  const step = STEPS.find((one) => one.id === state.step);
  const here = mistakes.filter((one) => one.step === state.step);
  const content = state.step === "preview" ? previewStep(state, mistakes, acts) : h("div.form", state.changed && state.error && refused(state.error, acts), DRAWN[state.step](acts), here.length > 0 && state.step !== "release" && h("ul.form-mistakes", { role: "alert" }, here.map((one) => h("li", one.text))));
  return h(
    "section.panel",
    { "aria-labelledby": "step-title", key: `step-${state.step}` },
    h("header.panel-head", h("h2", { id: "step-title", tabindex: "-1" }, step.name), state.step === "preview" && state.preview && h("button.link", { type: "button", title: "Other devices come first", on: { click: () => ((state.seed = null), (state.preview = null), acts.again()) } }, "Draw lots again")),
    h("div.panel-body", content),
    h("footer.wizard-foot", state.step !== stepsOf(state)[0].id && h("button.button", { type: "button", key: "back", on: { click: () => acts.move(-1) } }, icon("left"), "Back"), ends(state, mistakes, here, acts)),
  );
}

function ends(state, mistakes, here, acts) {
  if (state.changed) {
    const isLast = state.step === stepsOf(state).at(-1).id;
    return [
      !isLast && h("button.button.push", { type: "button", key: "next", disabled: here.length > 0, on: { click: () => acts.move(1) } }, "Next", icon("right")),
      h("button.button.primary", { type: "button", key: "change", class: isLast ? "push" : "", disabled: state.isBusy || mistakes.length > 0, on: { click: acts.change } }, "Change the plan"),
    ];
  }
  if (state.step !== "preview") return h("button.button.primary.push", { type: "button", key: "next", disabled: here.length > 0, on: { click: () => acts.move(1) } }, "Next", icon("right"));
  const isReady = state.preview && !state.isBusy && !mistakes.length && (state.preview.devices > 0 || state.draft.is_dynamic);
  const verb = Number(state.draft.approvals) > 0 ? "Create, and ask for approval" : state.draft.start_at ? "Create, and begin at its time" : "Create and start";
  return [
    h("button.button.push", { type: "button", key: "create", disabled: !isReady, on: { click: () => acts.create(false) } }, "Only create"),
    h("button.button.primary", { type: "button", key: "start", disabled: !isReady, on: { click: () => acts.create(true) } }, icon("rocket"), verb),
  ];
}

function previewStep(state, mistakes, acts) {
  if (mistakes.length) return h("div.form", h("p", "Something can not be read yet:"), h("ul.plain", mistakes.map((one) => h("li", h("button.link", { type: "button", on: { click: () => acts.goTo(one.step) } }, one.text)))));
  const sizes = state.draft.waves.map((one) => (one.kind === "percent" ? `${one.amount}%` : one.kind === "count" ? one.amount : one.kind === "filter" ? one.filter : "named"));
  return h(
    "div.form",
    state.error && refused(state.error, acts),
    h("label.field", h("span", "Name"), h("input", { value: state.draft.name, placeholder: nameOf(state), maxlength: "200", autocomplete: "off", on: { input: (event) => ((state.draft.name = event.target.value), acts.draw()) } })),
    state.preview ? preview(state.preview, sizes) : !state.error && skeleton(8),
  );
}

function refused(error, acts) {
  const { state } = acts;
  const step = STEPS.find((one) => one.id === stepOf(error));
  return h("div.banner.is-bad", { role: "alert" }, icon("alert"), h("div", h("strong", [error.place, error.message].filter(Boolean).join(": ")), error.hint && h("p", error.hint), h("p", h("button.link", { type: "button", on: { click: () => acts.goTo(step.id) } }, stepsOf(state).includes(step) ? `Change it in ${step.name}` : "Look at the plan"))));
}

function byCommand(state) {
  if (!state.draft.version) return null;
  if (!isSaid(state.draft)) return h("p.panel-note", "Waves with limits of their own, or by filter, can not be said by options of the command: it has one limit for all.");
  if (state.changed) return h("div.stack.above", commandLine(changed(state.draft, state.changed.campaign)));
  return h("div.stack.above", commandLine(command(state.draft, { name: state.draft.name.trim(), seed: state.preview?.seed ?? null })));
}

/**
 * Two masks of one patch side by side, and the decision between them.
 *
 * @import {Patch, Project, Revision} from "./api/types.js"
 * @import {Mask} from "./state/mask.js"
 */
import { percent, t, tn } from "./i18n.js";
import { explain } from "./api/errors.js";
import * as api from "./api/milpa.js";
import { readyScenes } from "./map/imagery.js";
import { PatchView } from "./map/patch_view.js";
import { synchronise } from "./map/synchronise.js";
import { PIXEL_COUNT, UNSURE, countChanged } from "./state/mask.js";
import { find, jsonOf, make, swatch } from "./ui/elements.js";
import { PageOperations } from "./ui/page_operations.js";
import { tell } from "./ui/toasts.js";

/** @type {Project} */
const project = jsonOf("project");
/** @type {Patch} */
const patch = jsonOf("patch");
/** @type {{second: Revision}} */
const double = jsonOf("double");
/** @type {{first: Mask | null, second: Mask | null}} */
const masks = { first: null, second: null };
const views = {
  imagery: new PatchView(find("#view-imagery"), project.legend, { isAlone: false }),
  first: new PatchView(find("#view-first"), project.legend, { isAlone: false, maskOf: () => masks.first }),
  second: new PatchView(find("#view-second"), project.legend, { isAlone: false, maskOf: () => masks.second }),
};
const all = Object.values(views);
const comment = /** @type {HTMLTextAreaElement} */ (find("#comment"));
const pressed = { difference: false, hide: false };
let isBusy = false;

const operations = new PageOperations(
  [
    { id: "first", keys: ["1"], run: () => decide("first", false) },
    { id: "second", keys: ["2"], run: () => decide("second", false) },
    { id: "redraw-first", keys: ["3"], run: () => decide("first", true) },
    { id: "redraw-second", keys: ["4"], run: () => decide("second", true) },
    { id: "return", keys: ["R"], run: returnPatch },
    { id: "difference", keys: ["X"], run: toggleDifference, isOn: () => pressed.difference },
    { id: "hide", keys: ["H"], run: toggleMasks, isOn: () => pressed.hide },
  ],
  { name: "adjudication", person: find(".review").dataset["user"] ?? "anyone", press },
);

/**
 * The comment has keys of its own.
 *
 * @param {string} chord
 * @param {KeyboardEvent} event
 */
function press(chord, { target }) {
  if (target === comment && chord === "Escape") comment.blur();
  if (target === comment && chord === "Ctrl+Enter") operations.run("return");
  return false;
}

/**
 * @param {"first" | "second"} decision
 * @param {boolean} redraws
 */
function decide(decision, redraws) {
  const goal = redraws ? `/projects/${project.slug}/annotate/?patch=${patch.id}` : `/projects/${project.slug}/review/`;
  return send(() => api.adjudicate(patch.id, { decision, redraws, comment: comment.value.trim() }), goal);
}

function returnPatch() {
  const said = comment.value.trim();
  const number = patch.revision?.number ?? 0;
  if (said) return send(() => api.reviewPatch(patch.id, "return", said, number), `/projects/${project.slug}/review/`);
  comment.focus();
  comment.setAttribute("aria-invalid", "true");
  tell(t("Say what has to change; the comment reaches the annotator. Ctrl+Enter sends it."));
  return undefined;
}

/**
 * @param {() => Promise<unknown>} verb
 * @param {string} goal
 */
async function send(verb, goal) {
  if (isBusy) return;
  isBusy = true;
  try {
    await verb();
    globalThis.location.assign(goal);
  } catch (error) {
    isBusy = false;
    showProblem(error);
  }
}

/** @param {unknown} error */
function showProblem(error) {
  const { title, sentence } = explain(error);
  find("#problem").replaceChildren(make("strong", {}, title), " ", sentence);
  find("#problem").hidden = false;
}

function toggleDifference() {
  pressed.difference = !pressed.difference;
  views.first.setDifference(pressed.difference ? masks.second : null, masks.first);
  views.second.setDifference(pressed.difference ? masks.first : null, masks.second);
  operations.refresh();
}

function toggleMasks() {
  pressed.hide = !pressed.hide;
  for (const view of all) view.setVisibility({ isMaskHidden: pressed.hide });
  operations.refresh();
}

async function load() {
  const scenes = readyScenes(project.scenes);
  const scene = scenes.find(({ id }) => id === patch.proposal?.scene) ?? scenes[0];
  for (const view of all) {
    view.showPatch(patch);
    if (scene) view.showScene(scene, patch.z);
  }
  synchronise(all);
  [masks.first, masks.second] = await Promise.all([
    patch.revision && api.fetchMask(patch.revision.mask_url),
    api.fetchMask(double.second.mask_url),
  ]);
  for (const view of all) view.redraw();
  if (!masks.first || !masks.second) return;
  const pixels = countChanged(masks.first, masks.second);
  find("#apart").textContent = tn("They differ in {count} pixel ({share}).", "They differ in {count} pixels ({share}).", pixels, {
    share: percent(pixels / PIXEL_COUNT, 1),
  });
}

for (const one of project.legend) find("#legend").append(make("li", {}, swatch(one), `${one.value} ${one.name}`));
find("#legend").append(make("li", {}, swatch({ value: UNSURE, color: "", is_null: false }), t("unsure")));
comment.addEventListener("input", () => comment.removeAttribute("aria-invalid"));

document.body.dataset["state"] = "loading";
load().then(
  () => (document.body.dataset["state"] = "ready"),
  (error) => {
    showProblem(error);
    document.body.dataset["state"] = "error";
  },
);

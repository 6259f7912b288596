/**
 * The editor's side panel: the patch and why it was served, a reviewer's comment, classes, sliders, scenes.
 *
 * @import {Patch} from "../api/types.js"
 * @import {Bench, Operation} from "../operations/bench.js"
 * @import {Tools} from "../state/tools.js"
 * @import {OperationButton} from "./buttons.js"
 */
import { number, percent, t, tn } from "../i18n.js";
import { whyInFull } from "../guidance/why.js";
import { compositeName, compositesOf, sceneTitle } from "../map/imagery.js";
import { patternsOf } from "../map/mask_styles.js";
import { MAX_SIZE, MIN_SIZE } from "../actions/brush.js";
import { MAX_TOLERANCE, MIN_TOLERANCE } from "../actions/look_alike.js";
import { UNSURE } from "../state/mask.js";
import { clampLook, clampOpacity, clampSize, clampTolerance } from "../state/tools.js";
import { operationButton } from "./buttons.js";
import { find, make, swatch } from "./elements.js";

/**
 * @param {Bench} bench
 * @param {Operation[]} operations
 * @param {(operation: Operation) => void} run
 * @returns {OperationButton[]}
 */
export function buildPanel(bench, operations, run) {
  const classes = classButtons(bench, operations, run);
  const locks = lockButtons(bench, operations, run);
  classes.forEach(({ element }, n) => find("#classes").append(make("div", { class: "class-row" }, element, locks[n]?.element)));
  bindPatterns(bench);
  bindSliders(bench);
  bindScenes(bench);
  return [...classes, ...locks];
}

/**
 * @param {Bench} bench
 * @param {Operation[]} operations
 * @param {(operation: Operation) => void} run
 * @returns {OperationButton[]}
 */
function classButtons(bench, operations, run) {
  return operations
    .filter(({ group }) => group === "classes")
    .map((operation) => {
      const value = Number(operation.id.replace("class-", ""));
      const one = bench.project.legend.find((labelClass) => labelClass.value === value);
      const shown = one ?? { value: UNSURE, color: "", is_null: false };
      const remark = one?.is_null ? t("nothing mapped") : one?.is_boundary ? t("boundary") : value === UNSURE ? t("left out of training") : "";
      const isNews = remark && remark !== operation.label;
      const name = make("span", { class: "class-name" }, operation.label, isNews && make("small", {}, remark));
      const share = make("span", { class: "class-share", "data-share": String(value) });
      return operationButton(operation, bench, run, { class: "class-button", content: [swatch(shown), name, share], noKey: String(value) });
    });
}

/**
 * @param {Bench} bench
 * @param {Operation[]} operations
 * @param {(operation: Operation) => void} run
 * @returns {OperationButton[]}
 */
function lockButtons(bench, operations, run) {
  return operations
    .filter(({ group }) => group === "locks")
    .map((operation) => operationButton(operation, bench, run, { class: "lock-button", hasIcon: true }));
}

/**
 * In the mask's style of patterns, the legend shows them too.
 *
 * @param {Bench} bench
 */
function bindPatterns({ project, tools }) {
  const patterns = patternsOf(project.legend);
  const images = new Map(project.legend.filter((one) => !one.is_null).map(({ value, color }) => [value, patternImage(patterns[value], color)]));
  tools.subscribe(({ style }, changed) => {
    if (!("style" in changed)) return;
    for (const [value, image] of images) {
      find(`[data-operation="class-${value}"] .swatch`).style.background = style === "pattern" ? `center / 24px url("${image}")` : "";
    }
  });
}

/**
 * @param {((x: number, y: number) => boolean) | undefined} pattern
 * @param {string} color
 * @returns {string} the address of a picture of 24 × 24 pixels, in which every pattern repeats
 */
function patternImage(pattern, color) {
  const canvas = make("canvas", { width: "24", height: "24" });
  const context = canvas.getContext("2d");
  if (!context) return "";
  context.fillStyle = color;
  for (let i = 0; i < 24 * 24; i++) if (pattern?.(i % 24, Math.floor(i / 24))) context.fillRect(i % 24, Math.floor(i / 24), 1, 1);
  return canvas.toDataURL();
}

/** @param {Bench} bench */
function bindSliders({ tools }) {
  bindSlider(tools, "#brush-size", { min: MIN_SIZE, max: MAX_SIZE }, (size) => ({ sizePx: clampSize(size) }), ({ sizePx }) => [sizePx, t("{size} px", { size: number(sizePx) })]);
  bindSlider(tools, "#tolerance", { min: MIN_TOLERANCE, max: MAX_TOLERANCE }, (one) => ({ tolerance: clampTolerance(one) }), ({ tolerance }) => [tolerance, number(tolerance)]);
  bindSlider(tools, "#mask-opacity", { min: 0.1, max: 1, step: 0.05 }, (number) => ({ opacity: clampOpacity(number), isMaskHidden: false }), (state) => [
    state.opacity,
    state.isMaskHidden ? t("hidden") : percent(state.opacity),
  ]);
  bindSlider(tools, "#brightness", LOOK, (number) => ({ brightness: clampLook(number) }), ({ brightness }) => [brightness, percent(brightness / 100)]);
  bindSlider(tools, "#contrast", LOOK, (number) => ({ contrast: clampLook(number) }), ({ contrast }) => [contrast, percent(contrast / 100)]);
  tools.subscribe((state) => {
    find("#entropy-scale").hidden = !state.isEntropyShown;
    find("#tolerance-row").hidden = state.mode !== "smart" && state.mode !== "alike";
  });
}

/** From and to which per cent the imagery's brightness and contrast go. */
const LOOK = { min: 40, max: 250, step: 10 };

/**
 * @param {Bench["tools"]} tools
 * @param {string} selector the slider's; its text has the same with "-text"
 * @param {{min: number, max: number, step?: number}} range
 * @param {(number: number) => Partial<Tools>} change
 * @param {(state: Tools) => [number: number, text: string]} show
 */
function bindSlider(tools, selector, { min, max, step = 1 }, change, show) {
  const slider = /** @type {HTMLInputElement} */ (find(selector));
  Object.assign(slider, { min: String(min), max: String(max), step: String(step) });
  slider.addEventListener("input", () => tools.set(change(Number(slider.value))));
  tools.subscribe((state) => {
    const [number, text] = show(state);
    slider.value = String(number);
    find(`${selector}-text`).textContent = text;
  });
}

/** @param {Bench} bench */
function bindScenes({ scenes, tools }) {
  const select = /** @type {HTMLSelectElement} */ (find("#scene"));
  select.append(...scenes.map((scene) => make("option", { value: String(scene.id) }, sceneTitle(scene))));
  select.addEventListener("change", () => {
    tools.set({ sceneId: Number(select.value) });
    select.blur();
  });
  const composite = make("select", { id: "composite", "aria-label": t("Band combination") });
  composite.addEventListener("change", () => {
    tools.set({ composite: composite.value });
    composite.blur();
  });
  find("#scene-block").append(composite);
  find("#scene-block").hidden = scenes.length === 0;
  tools.subscribe((state, changed) => {
    if (state.sceneId !== null) select.value = String(state.sceneId);
    if (!("sceneId" in changed) && !("composite" in changed)) return;
    const shown = scenes.find(({ id }) => id === state.sceneId) ?? null;
    const names = compositesOf(shown);
    composite.replaceChildren(...names.map((one) => make("option", { value: one, selected: one === state.composite }, compositeName(shown, one))));
    composite.hidden = names.length < 2;
  });
}

/** @param {Patch | null} patch */
export function showPatchFacts(patch) {
  const facts = find("#patch-facts");
  facts.replaceChildren();
  showReview(patch);
  if (!patch) return;
  /** @type {[string, string][]} */
  const rows = [];
  const why = whyInFull(patch);
  if (why) rows.push([t("Why this one"), why]);
  if (patch.proposal) {
    const { mean_entropy_nats, entropy_max_nats, model_version, is_stale } = patch.proposal;
    const facts = { version: model_version, share: percent(mean_entropy_nats / entropy_max_nats) };
    const text = is_stale
      ? t("by model version {version}, out of date; unsure {share}", facts)
      : t("by model version {version}; unsure {share}", facts);
    rows.push([t("Proposal"), text]);
  } else rows.push([t("Proposal"), t("none yet: you start from an empty mask")]);
  if (patch.revision) rows.push([t("Last saved"), t("revision {number} by {author}", { number: patch.revision.number, author: patch.revision.author })]);
  rows.push([t("Tile"), `${patch.z}/${patch.x}/${patch.y}`]);
  for (const [name, text] of rows) facts.append(make("dt", {}, name), make("dd", {}, text));
}

/** @param {number} count of spots where the model was unsure */
export function showSpotCount(count) {
  const text = count ? tn("{count} uncertain spot", "{count} uncertain spots", count) : t("the model was sure everywhere");
  find("#patch-facts").prepend(make("dt", {}, t("Look first")), make("dd", {}, text));
}

/** @param {Patch | null} patch */
function showReview(patch) {
  const box = find("#review-comment");
  const review = patch?.review;
  box.hidden = !(review?.comment && review.verdict === "return");
  if (!review || box.hidden) return;
  box.replaceChildren(make("strong", {}, t("Returned by {reviewer}", { reviewer: review.reviewer })), make("p", {}, review.comment));
}

/**
 * The editor's side panel: the patch and why it was served, a reviewer's comment, classes, sliders, scenes.
 *
 * @import {Patch} from "../api/types.js"
 * @import {Bench, Operation} from "../operations/operations.js"
 * @import {OperationButton} from "./buttons.js"
 */
import { sceneTitle } from "../map/imagery.js";
import { MAX_SIZE, MIN_SIZE } from "../actions/brush.js";
import { UNSURE } from "../state/mask.js";
import { clampOpacity, clampSize } from "../state/tools.js";
import { operationButton } from "./buttons.js";
import { find, keyCaps, make, swatch } from "./elements.js";

/**
 * @param {Bench} bench
 * @param {Operation[]} operations
 * @param {(operation: Operation) => void} run
 * @returns {OperationButton[]}
 */
export function buildPanel(bench, operations, run) {
  const classes = classButtons(bench, operations, run);
  find("#classes").append(...classes.map(({ element }) => element));
  bindSliders(bench);
  bindScenes(bench);
  return classes;
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
      const key = operation.keys[0] ? keyCaps(operation.keys[0]) : make("span", { class: "keys" }, String(value));
      const remark = one?.is_null ? "nothing mapped" : one?.is_boundary ? "boundary" : value === UNSURE ? "left out of training" : "";
      const isNews = remark && remark !== operation.label;
      const name = make("span", { class: "class-name" }, operation.label, isNews && make("small", {}, remark));
      return operationButton(operation, bench, run, { class: "class-button", content: [swatch(shown), name, key] });
    });
}

/** @param {Bench} bench */
function bindSliders({ tools }) {
  const size = /** @type {HTMLInputElement} */ (find("#brush-size"));
  const opacity = /** @type {HTMLInputElement} */ (find("#mask-opacity"));
  size.min = String(MIN_SIZE);
  size.max = String(MAX_SIZE);
  size.addEventListener("input", () => tools.set({ sizePx: clampSize(Number(size.value)) }));
  opacity.addEventListener("input", () => tools.set({ opacity: clampOpacity(Number(opacity.value)), isMaskHidden: false }));
  tools.subscribe((state) => {
    size.value = String(state.sizePx);
    opacity.value = String(state.opacity);
    find("#brush-size-text").textContent = `${state.sizePx} px`;
    find("#mask-opacity-text").textContent = state.isMaskHidden ? "hidden" : `${Math.round(state.opacity * 100)} %`;
    find("#entropy-scale").hidden = !state.isEntropyShown;
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
  find("#scene-block").hidden = scenes.length === 0;
  tools.subscribe(({ sceneId }) => {
    if (sceneId !== null) select.value = String(sceneId);
  });
}

/** @param {Patch | null} patch */
export function showPatchFacts(patch) {
  const facts = find("#patch-facts");
  facts.replaceChildren();
  showReview(patch);
  if (!patch) return;
  /** @type {[string, string][]} */
  const rows = [["Patch", `${patch.z}/${patch.x}/${patch.y}`]];
  if (patch.queue?.reason_text) rows.push(["Why this one", patch.queue.reason_text]);
  if (patch.proposal) {
    const { mean_entropy_nats, entropy_max_nats, model_version, is_stale } = patch.proposal;
    const share = Math.round((100 * mean_entropy_nats) / entropy_max_nats);
    rows.push(["Proposal", `by model version ${model_version}${is_stale ? ", out of date" : ""}; unsure ${share} %`]);
  } else rows.push(["Proposal", "none yet: you start from an empty mask"]);
  if (patch.revision) rows.push(["Last saved", `revision ${patch.revision.number} by ${patch.revision.author}`]);
  for (const [name, text] of rows) facts.append(make("dt", {}, name), make("dd", {}, text));
}

/** @param {Patch | null} patch */
function showReview(patch) {
  const box = find("#review-comment");
  const review = patch?.review;
  box.hidden = !(review?.comment && review.verdict === "return");
  if (!review || box.hidden) return;
  box.replaceChildren(make("strong", {}, `Returned by ${review.reviewer}`), make("p", {}, review.comment));
}

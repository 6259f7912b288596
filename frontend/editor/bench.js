/**
 * The bench that operations work on, all operations of this project with their keys, and how one is run.
 *
 * @import {Bench, Operation} from "../operations/bench.js"
 * @import {Exchange} from "./exchange.js"
 * @import {Workplace} from "./workplace.js"
 */
import { FirstPatch } from "../guidance/first_patch.js";
import { Keymap, storedKeys } from "../operations/keymap.js";
import { OPERATIONS, classOperations, lockOperations } from "../operations/operations.js";
import { Advice } from "../ui/advice.js";
import { showFirstPatch } from "../ui/first_patch_card.js";
import { GESTURES, showShortcuts } from "../ui/shortcuts.js";
import { spotVisits } from "../ui/spot_visits.js";
import { tell } from "../ui/toasts.js";

/** @typedef {ReturnType<typeof createBench>} Benchwork */

/**
 * @param {Workplace} workplace
 * @param {Pick<Exchange, "labelling">} exchange
 */
export function createBench(workplace, { labelling }) {
  const { analysis, document, marks, nameOf, pointed, points, polygonInput, project, scenes } = workplace;
  const { shownScene, situation, storage, tools, tour, userId, view } = workplace;
  const advice = new Advice({ view, marks, document, tools, project, labelling, nameOf, shownScene });
  /** @type {Operation[]} */
  const operations = [...OPERATIONS, ...classOperations(project), ...lockOperations(project)];
  const keymap = new Keymap(operations, storedKeys(storage, userId));
  /** @type {Bench} */
  const bench = {
    project,
    document,
    tools,
    situation,
    labelling,
    scenes,
    keymap,
    tour,
    advice,
    whyNoImagery: () => analysis.why(),
    pointedValue: () => pointed.value,
    center: () => view.center(),
    zoom: (levels) => void view.map.setZoom(view.map.getZoom() + levels, { animate: false }),
    visitSpot: spotVisits({ tour, view, marks, document, nameOf }),
    askPolygon: () => polygonInput.ask(),
    showShortcuts: () => void showShortcuts(keymap, GESTURES),
    points,
    startFirstPatch: () => firstPatch.start(),
  };
  const firstPatch = new FirstPatch(bench);
  const firstPatchCard = showFirstPatch(firstPatch, { storage, person: userId });

  /** @param {Operation} operation */
  function run(operation) {
    const why = operation.why?.(bench);
    if (why) tell(why, "info");
    else {
      void operation.run(bench);
      firstPatch.see(operation.id);
    }
  }
  return { bench, operations, keymap, firstPatch, firstPatchCard, run };
}

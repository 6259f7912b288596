/**
 * What the person's keys and pointer do on the patch.
 *
 * @import {Keys} from "../operations/keyboard.js"
 * @import {Benchwork} from "./bench.js"
 * @import {Drawing} from "./drawing.js"
 * @import {Workplace} from "./workplace.js"
 */
import { LOOKED } from "../guidance/first_patch.js";
import { listenToPointer } from "../map/pointer.js";
import { listenToKeys } from "../operations/keyboard.js";
import { resized } from "../state/tools.js";
import { showMask } from "./changes.js";

/**
 * @param {Workplace} workplace
 * @param {Benchwork} benchwork
 * @param {Drawing} drawing
 * @returns {Keys}
 */
export function listenToPerson(workplace, { keymap, firstPatch, run }, { modes, cursor }) {
  const { document, pointed, polygonInput, tools, view } = workplace;
  const keys = listenToKeys({
    keymap,
    modes,
    cursor,
    run,
    onSpace(isHeld) {
      showMask(workplace, isHeld);
      if (isHeld) firstPatch.see(LOOKED);
    },
  });
  listenToPointer({
    view,
    modes,
    isSpaceHeld: keys.isSpaceHeld,
    isDrawable: () => document.isDrawable(),
    resize: (direction) => tools.set(resized(tools.state, direction)),
    pick(point) {
      const value = pointed.valueAt(point);
      if (value !== null) tools.set({ value });
    },
    pointed(at) {
      cursor.leave();
      pointed.set(at);
    },
  });
  polygonInput.listen(view.container);
  return keys;
}

/**
 * Whether a mask meets the approved masks of its neighbours: fields that are cut by a seam must go on beyond it.
 *
 * @import {Mask} from "../state/mask.js"
 */
import { SIZE_PX, UNSURE } from "../state/mask.js";

/**
 * @typedef {{dx: number, dy: number, mask: Mask}} NeighbourMask dx counts patches to the east, dy to the south
 * @typedef {"north" | "east" | "south" | "west"} Side
 * @typedef {{side: Side, differing: number}} Seam pixels of its 256 that do not meet their like
 */

/** A thin line that meets the seam one pixel aside meets it all the same. */
const ASIDE_PX = 1;
const LAST = SIZE_PX - 1;

/** @type {Record<string, {side: Side, own: (i: number) => number, other: (i: number) => number}>} */
const SIDES = {
  "0,-1": { side: "north", own: (i) => i, other: (i) => LAST * SIZE_PX + i },
  "1,0": { side: "east", own: (i) => i * SIZE_PX + LAST, other: (i) => i * SIZE_PX },
  "0,1": { side: "south", own: (i) => LAST * SIZE_PX + i, other: (i) => i },
  "-1,0": { side: "west", own: (i) => i * SIZE_PX, other: (i) => i * SIZE_PX + LAST },
};

/**
 * @param {Mask} mask
 * @param {NeighbourMask[]} neighbours those at a corner share no seam
 * @returns {Seam[]}
 */
export function seamsOf(mask, neighbours) {
  return neighbours.flatMap(({ dx, dy, mask: theirs }) => {
    const found = SIDES[`${dx},${dy}`];
    if (!found) return [];
    const { side, own, other } = found;
    let differing = 0;
    for (let i = 0; i < SIZE_PX; i++) {
      if (!meets(mask, own, theirs, other, i) || !meets(theirs, other, mask, own, i)) differing++;
    }
    return [{ side, differing }];
  });
}

/**
 * Whether a pixel finds its class across the seam, or either side is unsure.
 *
 * @param {Mask} a
 * @param {(i: number) => number} onA
 * @param {Mask} b
 * @param {(i: number) => number} onB
 * @param {number} i
 */
function meets(a, onA, b, onB, i) {
  const value = a[onA(i)];
  if (value === UNSURE) return true;
  for (let k = Math.max(0, i - ASIDE_PX); k <= Math.min(LAST, i + ASIDE_PX); k++) {
    const across = b[onB(k)];
    if (across === value || across === UNSURE) return true;
  }
  return false;
}

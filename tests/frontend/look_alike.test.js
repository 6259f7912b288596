import assert from "node:assert/strict";
import { test } from "node:test";

import { fillLookAlikes, lookAlikes, stampSuperpixels } from "../../frontend/actions/look_alike.js";
import { changedRect, emptyMask } from "../../frontend/state/mask.js";
import { analyse } from "../../frontend/vision/analysis.js";
import { imagery, isLeft, twoFields } from "./imagery.js";
import { randomMask, seeded } from "./random.js";

const FIELDS = analyse(twoFields(seeded(2)));
const countWhere = (mask, value, test) => mask.reduce((sum, own, i) => sum + (own === value && test(i % 256, Math.floor(i / 256)) ? 1 : 0), 0);

test("the look-alike fill takes one field and stops at its edge", () => {
  const filled = fillLookAlikes(emptyMask(), FIELDS, { x: 40.5, y: 128.5 }, 8, 3);
  const leftSize = countWhere(emptyMask(), 0, isLeft);
  assert.ok(countWhere(filled, 3, isLeft) > 0.97 * leftSize, `${countWhere(filled, 3, isLeft)} of ${leftSize}`);
  assert.ok(countWhere(filled, 3, (x, y) => !isLeft(x - 2, y)) === 0, "nothing beyond the seam");
});

test("more tolerance never takes less, and the class under the click counts for nothing", () => {
  const random = seeded(3);
  const before = randomMask(random);
  const at = { x: 60.5, y: 200.5 };
  let last = 0;
  for (const tolerance of [1, 2, 4, 8, 40]) {
    const filled = fillLookAlikes(before, FIELDS, at, tolerance, 77);
    const size = countWhere(filled, 77, () => true);
    assert.ok(size >= last && size > 0);
    last = size;
  }
});

test("the smart brush keeps to the field under its centre and to its circle", () => {
  const random = seeded(5);
  for (let n = 0; n < 60; n++) {
    const at = { x: random.next() * 256, y: random.next() * 256 };
    const sizePx = 10 + random.integer(54);
    const chosen = lookAlikes(FIELDS.superpixels, at, sizePx, 8);
    const side = isLeft(Math.floor(at.x), Math.floor(at.y));
    const mask = emptyMask();
    const rect = stampSuperpixels(mask, FIELDS.superpixels, chosen, 1);
    assert.equal(mask[Math.floor(at.y) * 256 + Math.floor(at.x)], 1);
    assert.deepEqual(rect, changedRect(emptyMask(), mask), "the rectangle holds just what changed");
    const far = sizePx / 2 + 16;
    assert.equal(countWhere(mask, 1, (x, y) => Math.hypot(x + 0.5 - at.x, y + 0.5 - at.y) > far), 0);
    const isNearSeam = [-4, 4].some((d) => isLeft(Math.floor(at.x) + d, Math.floor(at.y)) !== side);
    if (!isNearSeam) assert.ok(countWhere(mask, 1, (x, y) => isLeft(x - 3, y) !== side && isLeft(x + 3, y) !== side) === 0);
  }
});

test("a large smart brush takes all of a plain field that lies under it", () => {
  const plain = analyse(imagery(() => [80, 120, 70]));
  const mask = emptyMask();
  stampSuperpixels(mask, plain.superpixels, lookAlikes(plain.superpixels, { x: 128, y: 128 }, 60, 2), 1);
  assert.ok(countWhere(mask, 0, (x, y) => Math.hypot(x - 128, y - 128) < 24) === 0);
});

test("outside of the patch nothing looks alike", () => {
  const mask = randomMask(seeded(1));
  for (const at of [{ x: -1, y: 4 }, { x: 256, y: 4 }, { x: 5, y: 300 }]) {
    assert.equal(fillLookAlikes(mask, FIELDS, at, 9, 1), mask);
    assert.deepEqual(lookAlikes(FIELDS.superpixels, at, 30, 9), []);
  }
});

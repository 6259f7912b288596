import assert from "node:assert/strict";
import { test } from "node:test";

import { drawBoundary } from "../../frontend/actions/boundary.js";
import { floodFill } from "../../frontend/actions/fill.js";
import { mergeRegions, regionsOf } from "../../frontend/actions/regions.js";
import { emptyMask } from "../../frontend/state/mask.js";
import { randomMask, seeded } from "./random.js";

const BOUNDARY = 2;
const at = ({ x, y }) => Math.floor(y) * 256 + Math.floor(x);
/** Fields of class 1 in a grid of crooked boundary lines. */
function parcels(random, widthPx) {
  let mask = emptyMask().fill(1);
  for (let n = 1; n < 5; n++) {
    const [a, b, c] = [random.integer(20), random.integer(20), random.integer(20)];
    mask = drawBoundary(mask, [{ x: 50 * n + a, y: -3 }, { x: 50 * n + b, y: 128 }, { x: 50 * n + c, y: 260 }], widthPx, BOUNDARY);
    mask = drawBoundary(mask, [{ x: -3, y: 50 * n + b }, { x: 128, y: 50 * n + c }, { x: 260, y: 50 * n + a }], widthPx, BOUNDARY);
  }
  return mask;
}

test("regions are what flood fills find", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const mask = randomMask(seeded(seed));
    const { labels, count } = regionsOf(mask);
    let rest = mask;
    let found = 0;
    for (let i = 0; i < 65536; i++) {
      if (rest[i] === 99) continue;
      rest = floodFill(rest, { x: i % 256, y: Math.floor(i / 256) }, 99);
      found++;
    }
    assert.equal(count, found);
    for (let i = 1; i < 65536; i++) if (i % 256 && mask[i] === mask[i - 1]) assert.equal(labels[i], labels[i - 1]);
    const ones = regionsOf(mask, 1);
    assert.ok(ones.labels.every((label, i) => (label >= 0) === (mask[i] === 1)));
  }
});

test("a pen line from rim to rim splits a field in two, and only the line changes", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const before = emptyMask().fill(1);
    // The ends stop up to four pixels short of the rim.
    const path = [{ x: 30 + random.integer(190), y: 4.5 * random.next() }, random.point(-60), { x: 30 + random.integer(190), y: 255.9 - 4 * random.next() }];
    const after = drawBoundary(before, path, 1 + (seed % 3), BOUNDARY);
    assert.equal(regionsOf(after, 1).count, 2, `seed ${seed}`);
    assert.ok(after.every((value, i) => value === before[i] || value === BOUNDARY));
  }
});

test("merging two neighbours takes one region away and joins no third", () => {
  let merges = 0;
  for (let seed = 1; seed <= 24; seed++) {
    const random = seeded(seed);
    const mask = parcels(random, 1 + (seed % 3));
    const { labels, count } = regionsOf(mask, 1);
    const [a, b] = [random.point(0), random.point(0)];
    const answer = mergeRegions(mask, a, b, BOUNDARY);
    if ("why" in answer) continue;
    merges++;
    const after = regionsOf(answer.mask, 1);
    assert.equal(after.count, count - 1, `seed ${seed}`);
    assert.equal(after.labels[at(a)], after.labels[at(b)]);
    labels.forEach((label, i) => {
      if (label >= 0) assert.ok(after.labels[i] >= 0, "no field pixel is lost");
      if (label >= 0 && label !== labels[at(a)] && label !== labels[at(b)]) assert.notEqual(after.labels[i], after.labels[at(a)]);
    });
  }
  assert.ok(merges >= 3, `${merges} merges tried`);
});

test("a straight boundary is gone after a merge, and the second field takes the first one's class", () => {
  for (const width of [1, 3, 9]) {
    const mask = emptyMask().fill(1);
    for (let i = 0; i < 65536; i++) if (i % 256 >= 100 && i % 256 < 100 + width) mask[i] = BOUNDARY;
    for (let i = 0; i < 65536; i++) if (i % 256 >= 100 + width) mask[i] = 3;
    const { mask: merged } = mergeRegions(mask, { x: 5, y: 5 }, { x: 200, y: 5 }, BOUNDARY);
    assert.ok(merged.every((value) => value === 1));
  }
});

test("what cannot be merged says why, and changes nothing", () => {
  const mask = parcels(seeded(1), 1);
  const copy = mask.slice();
  const whyOf = (a, b) => mergeRegions(mask, a, b, BOUNDARY).why;
  assert.match(whyOf({ x: 5, y: 5 }, { x: 6, y: 6 }), /same region/);
  assert.match(whyOf({ x: 5, y: 5 }, { x: 250, y: 250 }), /no boundary in common/);
  assert.match(whyOf({ x: 5, y: 5 }, { x: 300, y: 6 }), /lie in the patch/);
  const line = mask.indexOf(BOUNDARY);
  assert.match(whyOf({ x: 5, y: 5 }, { x: line % 256, y: Math.floor(line / 256) }), /That is the boundary/);
  assert.deepEqual(mask, copy);
});

test("without a boundary class two touching regions become one", () => {
  const mask = emptyMask();
  mask.fill(1, 0, 128 * 256);
  assert.ok(mergeRegions(mask, { x: 9, y: 200 }, { x: 9, y: 9 }, null).mask.every((value) => value === 0));
});

/** What holds of every action, whatever it does. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { drawBoundary } from "../../frontend/actions/boundary.js";
import { brushStroke } from "../../frontend/actions/brush.js";
import { floodFill } from "../../frontend/actions/fill.js";
import { burnGeojson } from "../../frontend/actions/geojson.js";
import { mayOverwrite, obeying } from "../../frontend/actions/limits.js";
import { fillLookAlikes, lookAlikes, stampSuperpixels } from "../../frontend/actions/look_alike.js";
import { fillOutlinedPolygon, fillPolygon, fillRings } from "../../frontend/actions/polygon.js";
import { mergeRegions } from "../../frontend/actions/regions.js";
import { changesBetween } from "../../frontend/history/changes.js";
import { EditorDocument } from "../../frontend/state/document.js";
import { FocusClock } from "../../frontend/state/focus_clock.js";
import { PIXEL_COUNT, countChanged } from "../../frontend/state/mask.js";
import { analyse } from "../../frontend/vision/analysis.js";
import { randomMask, seeded } from "./random.js";

const BOUNDARY = 2;
const CLASSES = new Set([0, 1, 2, 3, 9]);
const PATCH = { z: 17, x: 93600, y: 58000 };

/** Imagery of random blocks, read once. */
const analysis = analyse(
  (() => {
    const random = seeded(77);
    const blocks = randomMask(random, 9);
    return Uint8ClampedArray.from({ length: 4 * PIXEL_COUNT }, (_, k) => (k % 4 === 3 ? 255 : 20 + 25 * blocks[k >> 2] + random.integer(6)));
  })(),
);

const polygonOf = (points) => {
  const side = 256 * 2 ** PATCH.z;
  const position = ({ x, y }) => [((256 * PATCH.x + x) / side) * 360 - 180, (Math.atan(Math.sinh(Math.PI * (1 - (2 * (256 * PATCH.y + y)) / side))) * 180) / Math.PI];
  return JSON.stringify({ type: "Polygon", coordinates: [[...points, points[0]].map(position)] });
};

/** Each action with random arguments; points may lie beyond the patch. */
const ACTIONS = {
  brush: (mask, random) => brushStroke(mask, [random.point(), random.point(), random.point()], 1 + random.integer(40), 9),
  polygon: (mask, random) => fillPolygon(mask, [random.point(), random.point(), random.point(), random.point()], 9),
  rings: (mask, random) => fillRings(mask, [[random.point(), random.point(), random.point()], [random.point(), random.point(), random.point()]], 9),
  outlined: (mask, random) => fillOutlinedPolygon(mask, [random.point(), random.point(), random.point()], 9, BOUNDARY),
  boundary: (mask, random) => drawBoundary(mask, [random.point(), random.point()], 1 + random.integer(4), BOUNDARY),
  fill: (mask, random) => floodFill(mask, random.point(), 9),
  lookAlikeFill: (mask, random) => fillLookAlikes(mask, analysis, random.point(), 1 + random.integer(30), 9),
  smartBrush: (mask, random) => {
    const painted = mask.slice();
    stampSuperpixels(painted, analysis.superpixels, lookAlikes(analysis.superpixels, random.point(), 30, 20), 9);
    return painted;
  },
  geojson: (mask, random) => burnGeojson(mask, polygonOf([{ x: 128, y: 128 }, random.point(), random.point(), random.point()]), PATCH, 9),
  merge: (mask, random) => {
    const merged = mergeRegions(mask, random.point(), random.point(), BOUNDARY);
    return "mask" in merged ? merged.mask : mask;
  },
};

function opened(mask) {
  const document = new EditorDocument(new FocusClock(() => 0));
  document.open({ patch: { id: 1 }, mask, baseNumber: 0, proposalMask: null });
  return document;
}

/** The action, or nothing where the polygon misses the patch. */
function done(action, mask, random) {
  try {
    return action(mask, random);
  } catch (error) {
    assert.equal(error.name, "GeojsonError");
    return mask;
  }
}

for (const [name, action] of Object.entries(ACTIONS)) {
  test(`${name}: undo takes it back to the pixel, redo brings it again, and the given mask is left alone`, () => {
    let changes = 0;
    for (let seed = 1; seed <= 25; seed++) {
      const random = seeded(seed);
      const before = randomMask(random);
      const copy = before.slice();
      const document = opened(before);
      const after = done(action, before, random);
      assert.deepEqual(before, copy);
      changes += document.draw(after) ? 1 : 0;
      const shown = document.current().slice();
      document.undo();
      assert.deepEqual(document.current(), copy);
      document.redo();
      assert.deepEqual(document.current(), shown);
    }
    assert.ok(changes >= 3, `${changes} of 25 changed anything`);
  });

  test(`${name}: every pixel of the patch keeps one class of the legend, and there are no others`, () => {
    for (let seed = 30; seed <= 50; seed++) {
      const random = seeded(seed);
      const after = done(action, randomMask(random), random);
      assert.equal(after.length, PIXEL_COUNT);
      assert.ok(after.every((value) => CLASSES.has(value)));
    }
  });

  test(`${name}: what is locked stays, and with one class to overwrite only that one changes`, () => {
    for (let seed = 60; seed <= 75; seed++) {
      const random = seeded(seed);
      const before = randomMask(random);
      for (const limits of [{ locked: [1, 3], only: null }, { locked: [], only: 0 }, { locked: [0], only: 0 }]) {
        const after = obeying(before, done(action, before, random), limits);
        before.forEach((value, i) => mayOverwrite(limits, value) || assert.equal(after[i], value));
      }
    }
  });
}

test("what a click outside of the patch would fill is nothing", () => {
  const mask = randomMask(seeded(3));
  for (const at of [{ x: -1, y: 9 }, { x: 256, y: 9 }, { x: 9, y: -0.01 }, { x: 9, y: 300 }]) {
    assert.equal(floodFill(mask, at, 9), mask);
    assert.equal(fillLookAlikes(mask, analysis, at, 40, 9), mask);
    assert.deepEqual(lookAlikes(analysis.superpixels, at, 64, 40), []);
    assert.ok("why" in mergeRegions(mask, at, { x: 9, y: 9 }, BOUNDARY));
  }
});

test("changes between two masks add up to all that differs, and back again", () => {
  const areas = new Float64Array(256).fill(2_500);
  for (let seed = 1; seed <= 10; seed++) {
    const [a, b] = [randomMask(seeded(seed)), randomMask(seeded(seed + 100))];
    const changes = changesBetween(a, b, areas);
    assert.equal(changes.reduce((sum, { pixels }) => sum + pixels, 0), countChanged(a, b));
    for (const { from, to, pixels, hectares } of changes) {
      assert.equal(pixels, a.reduce((sum, value, i) => sum + (value === from && b[i] === to && from !== to ? 1 : 0), 0));
      assert.equal(hectares, pixels / 4);
      assert.equal(changesBetween(b, a, areas).find((back) => back.from === to && back.to === from).pixels, pixels);
    }
  }
  assert.deepEqual(changesBetween(randomMask(seeded(1)), randomMask(seeded(1)), areas), []);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { drawBoundary } from "../../frontend/actions/boundary.js";
import { regionsOf } from "../../frontend/actions/regions.js";
import { extentOf, rowAreasM2 } from "../../frontend/guidance/ground.js";
import { parcelsOf } from "../../frontend/guidance/parcels.js";
import { seamsOf } from "../../frontend/guidance/seams.js";
import { whyInFull, whyThisPatch } from "../../frontend/guidance/why.js";
import { UNSURE, countByClass, emptyMask } from "../../frontend/state/mask.js";
import { randomMask, seeded } from "./random.js";

const LEGEND = [
  { value: 0, name: "other", color: "#8c8c8c", is_null: true, is_boundary: false },
  { value: 1, name: "field", color: "#e69f00", is_null: false, is_boundary: false },
  { value: 2, name: "boundary", color: "#d55e00", is_null: false, is_boundary: true },
  { value: 3, name: "orchard", color: "#009e73", is_null: false, is_boundary: false },
];
const AREAS = rowAreasM2({ z: 17, y: 58000 });
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

/** The field that a boundary pixel belongs to by the plain definition: as few steps over the boundary as can be. */
function stepsToField(mask) {
  const steps = new Float64Array(65536).fill(Infinity);
  let rim = [];
  mask.forEach((value, i) => (value === 1 || value === 3) && rim.push([i, 0]));
  while (rim.length) {
    const next = [];
    for (const [i, step] of rim)
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        const [x, y] = [(i % 256) + dx, Math.floor(i / 256) + dy];
        const j = y * 256 + x;
        if (x < 0 || y < 0 || x > 255 || y > 255 || mask[j] !== 2 || steps[j] <= step + 1) continue;
        steps[j] = step + 1;
        next.push([j, step + 1]);
      }
    rim = next;
  }
  return steps;
}

test("parcels are the regions of the mapped classes, and their areas add up with the boundary that they reach", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const mask = randomMask(seeded(seed));
    const parcels = parcelsOf(mask, LEGEND, AREAS);
    for (const value of [1, 3]) {
      const own = parcels.filter((parcel) => parcel.value === value);
      assert.equal(own.length, (countByClass(mask).get(value) ?? 0) && regionsOf(mask, value).count);
      assert.equal(sum(own.map(({ pixels }) => pixels)), countByClass(mask).get(value) ?? 0);
    }
    assert.ok(parcels.every(({ value }) => value === 1 || value === 3));
    const steps = stepsToField(mask);
    let expected = extentOf(mask, 1, AREAS).hectares + extentOf(mask, 3, AREAS).hectares;
    steps.forEach((count, i) => (expected += count < Infinity ? AREAS[Math.floor(i / 256)] / 10_000 : 0));
    assert.ok(Math.abs(sum(parcels.map(({ hectares }) => hectares)) - expected) < 1e-9);
    parcels.forEach(({ at, value, hectares }, i) => {
      assert.equal(mask[Math.floor(at.y) * 256 + Math.floor(at.x)], value, "its place lies in it");
      if (i) assert.ok(hectares <= parcels[i - 1].hectares);
    });
  }
});

test("two fields share the line between them, and one that a rim cuts says so", () => {
  let mask = emptyMask();
  for (let y = 50; y < 150; y++) mask.fill(1, y * 256 + 40, y * 256 + 161);
  mask = drawBoundary(mask, [{ x: 100.5, y: 50.5 }, { x: 100.5, y: 149.5 }], 1, 2);
  for (let y = 50; y < 150; y++) mask[y * 256 + 100] = 2;
  for (const i of [0, 1, 2]) mask[i] = 3;
  const [a, b, speck] = parcelsOf(mask, LEGEND, AREAS);
  const line = sum([...AREAS.slice(50, 150)]) / 10_000;
  assert.ok(Math.abs(a.hectares + b.hectares - 121 * line) < 1e-9);
  assert.deepEqual([a.isCut, b.isCut, speck.isCut, speck.pixels], [false, false, true, 3]);
  assert.deepEqual(parcelsOf(emptyMask().fill(UNSURE), LEGEND, AREAS), []);
});

test("without a boundary class the regions alone count", () => {
  const mask = randomMask(seeded(3), 2);
  const legend = LEGEND.filter(({ is_boundary }) => !is_boundary);
  const parcels = parcelsOf(mask, legend, AREAS);
  assert.ok(Math.abs(sum(parcels.map(({ hectares }) => hectares)) - extentOf(mask, 1, AREAS).hectares) < 1e-9);
});

test("parcels of a busy mask are found within a frame", () => {
  let mask = emptyMask().fill(1);
  for (let n = 1; n < 20; n++) {
    mask = drawBoundary(mask, [{ x: 13 * n, y: -3 }, { x: 13 * n + 5, y: 260 }], 1, 2);
    mask = drawBoundary(mask, [{ x: -3, y: 13 * n }, { x: 260, y: 13 * n + 4 }], 1, 2);
  }
  assert.ok(parcelsOf(mask, LEGEND, AREAS).length > 350);
  // The processor's time, since other programs may take turns with this one.
  const times = Array.from({ length: 25 }, () => {
    const start = process.cpuUsage();
    parcelsOf(mask, LEGEND, AREAS);
    return process.cpuUsage(start).user / 1000;
  }).sort((a, b) => a - b);
  assert.ok(times[12] < 16, `median ${times[12].toFixed(1)} ms`);
});

test("a mask that was cut in two meets itself across every seam", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const mask = randomMask(random);
    const mirrored = (dx, dy) => mask.map((_, i) => mask[(dy ? 255 - Math.floor(i / 256) : Math.floor(i / 256)) * 256 + (dx ? 255 - (i % 256) : i % 256)]);
    const around = [[0, -1], [1, 0], [0, 1], [-1, 0], [1, 1]].map(([dx, dy]) => ({ dx, dy, mask: mirrored(dx, dy) }));
    assert.deepEqual(seamsOf(mask, around), ["north", "east", "south", "west"].map((side) => ({ side, differing: 0 })));
  }
});

test("a field that ends at the seam is told, a line one pixel aside and an unsure side are not", () => {
  const [ours, theirs] = [emptyMask(), emptyMask()];
  for (let y = 100; y < 140; y++) theirs[y * 256] = 1;
  const east = () => seamsOf(ours, [{ dx: 1, dy: 0, mask: theirs }])[0].differing;
  assert.equal(east(), 40);
  for (let y = 101; y < 141; y++) ours[y * 256 + 255] = 1;
  assert.equal(east(), 0);
  for (let y = 0; y < 256; y++) ours[y * 256 + 255] = UNSURE;
  assert.equal(east(), 0);
});

test("why a patch comes is a sentence, whatever the reason is called", () => {
  const queue = (reason) => ({ queue: { score: 1, reason, reason_text: `for ${reason}` }, proposal: { mean_entropy_nats: 0.5, entropy_max_nats: 1 }, review: { reviewer: "bea", verdict: "return" } });
  assert.match(whyThisPatch(queue("entropy")), /50.% unsure/);
  assert.match(whyThisPatch(queue("returned")), /^bea returned it/);
  assert.match(whyThisPatch(queue("novelty")), /unlike/);
  assert.match(whyThisPatch(queue("audit")), /chance/);
  assert.equal(whyThisPatch(queue("spread")), "for spread");
  assert.equal(whyThisPatch({ queue: null, proposal: null, review: null }), null);
  const told = (reason, explanation) => ({ ...queue(reason), queue: { ...queue(reason).queue, explanation } });
  assert.match(whyInFull(told("novelty", "entropy 0.82 nats, top 3 %")), /^It looks unlike.* \(entropy 0.82 nats, top 3 %\)$/);
  assert.equal(whyInFull(told("spread", "for spread; audit: no")), "for spread; audit: no");
  assert.equal(whyInFull({ queue: null, proposal: null, review: null }), null);
});

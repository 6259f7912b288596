import assert from "node:assert/strict";
import { test } from "node:test";

import { brushStroke, stampSegment } from "../../frontend/actions/brush.js";
import { floodFill } from "../../frontend/actions/fill.js";
import { fillOutlinedPolygon, fillPolygon } from "../../frontend/actions/polygon.js";
import { changedRect, countByClass, countChanged, emptyMask } from "../../frontend/state/mask.js";
import { randomMask, seeded } from "./random.js";

const at = (x, y) => y * 256 + x;

/** The even-odd rule for one point, the plain way. */
function isInRing(ring, x, y) {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const a = ring[i];
    const b = ring[j];
    if (a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) inside = !inside;
  }
  return inside;
}

test("a brush stroke paints the pixels whose centres are near its path, and no others", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seeded(seed);
    const size = 2 + random.integer(30);
    const [from, to] = [random.point(), random.point()];
    const before = randomMask(random);
    const after = brushStroke(before, [from, to], size, 7);
    for (let n = 0; n < 4000; n++) {
      const [c, r] = [random.integer(256), random.integer(256)];
      const [dx, dy] = [to.x - from.x, to.y - from.y];
      const t = Math.max(0, Math.min(1, ((c + 0.5 - from.x) * dx + (r + 0.5 - from.y) * dy) / (dx * dx + dy * dy)));
      const distance = Math.hypot(c + 0.5 - from.x - t * dx, r + 0.5 - from.y - t * dy);
      if (distance < size / 2 - 1e-9) assert.equal(after[at(c, r)], 7);
      else if (distance > size / 2 + 0.75) assert.equal(after[at(c, r)], before[at(c, r)]);
    }
  }
});

test("a brush of one pixel leaves a line without gaps", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seeded(seed);
    const [from, to] = [random.point(0), random.point(0)];
    const mask = brushStroke(emptyMask(), [from, to], 1, 3);
    let [x, y] = [Math.floor(from.x), Math.floor(from.y)];
    const seen = new Set([at(x, y)]);
    const queue = [[x, y]];
    while (queue.length) {
      [x, y] = queue.pop();
      for (let dy = -1; dy <= 1; dy++)
        for (let dx = -1; dx <= 1; dx++) {
          const i = at(x + dx, y + dy);
          const inside = x + dx >= 0 && y + dy >= 0 && x + dx < 256 && y + dy < 256;
          if (inside && mask[i] === 3 && !seen.has(i)) {
            seen.add(i);
            queue.push([x + dx, y + dy]);
          }
        }
    }
    assert.equal(seen.size, countByClass(mask).get(3));
    assert.ok(seen.has(at(Math.floor(to.x), Math.floor(to.y))));
  }
});

test("a stroke drawn step by step equals the stroke drawn at once, and the rectangle holds its changes", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seeded(seed);
    const path = Array.from({ length: 12 }, () => random.point());
    const size = 1 + random.integer(40);
    const before = randomMask(random);
    const working = before.slice();
    let rects = [];
    path.forEach((point, i) => rects.push(stampSegment(working, path[i - 1] ?? point, point, size, 9)));
    rects = rects.filter(Boolean);
    assert.deepEqual(working, brushStroke(before, path, size, 9));
    const changed = changedRect(before, working);
    if (!changed) continue;
    assert.ok(Math.min(...rects.map((r) => r.x0)) <= changed.x0 && Math.max(...rects.map((r) => r.x1)) >= changed.x1);
    assert.ok(Math.min(...rects.map((r) => r.y0)) <= changed.y0 && Math.max(...rects.map((r) => r.y1)) >= changed.y1);
  }
});

test("erasing where one has painted leaves the null class", () => {
  const random = seeded(5);
  const path = Array.from({ length: 8 }, () => random.point());
  assert.deepEqual(brushStroke(brushStroke(emptyMask(), path, 9, 4), path, 9, 0), emptyMask());
});

test("a polygon fills exactly the pixels whose centres lie inside it", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seeded(seed);
    // Corners on whole and half pixels are the hard ones.
    const snap = [1, 2, 1000][seed % 3];
    const ring = Array.from({ length: 3 + random.integer(9) }, () => {
      const p = random.point();
      return { x: Math.round(p.x * snap) / snap, y: Math.round(p.y * snap) / snap };
    });
    const before = randomMask(random);
    const after = fillPolygon(before, ring, 200);
    for (let y = 0; y < 256; y++)
      for (let x = 0; x < 256; x++) {
        const expected = isInRing(ring, x + 0.5, y + 0.5) ? 200 : before[at(x, y)];
        if (after[at(x, y)] !== expected) assert.fail(`seed ${seed}: pixel ${x}, ${y}`);
      }
  }
});

test("two polygons that share an edge neither overlap nor leave a gap", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = seeded(seed);
    const [top, bottom] = [{ x: random.next() * 256, y: -5 }, { x: random.next() * 256, y: 261 }];
    const left = fillPolygon(emptyMask(), [{ x: -5, y: -5 }, top, bottom, { x: -5, y: 261 }], 1);
    const right = fillPolygon(emptyMask(), [top, { x: 261, y: -5 }, { x: 261, y: 261 }, bottom], 1);
    for (let i = 0; i < 65536; i++) assert.equal(left[i] + right[i], 1);
  }
});

test("an outlined polygon is closed by the boundary class", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = seeded(seed);
    const centre = { x: 128, y: 128 };
    const ring = Array.from({ length: 7 }, (_, i) => {
      const radius = 30 + random.integer(80);
      return { x: centre.x + radius * Math.cos((i / 7) * 2 * Math.PI), y: centre.y + radius * Math.sin((i / 7) * 2 * Math.PI) };
    });
    const mask = fillOutlinedPolygon(emptyMask(), ring, 1, 2);
    const flooded = floodFill(mask, centre, 5);
    assert.equal(flooded[at(0, 0)], 0);
    for (let y = 1; y < 255; y++)
      for (let x = 1; x < 255; x++)
        if (mask[at(x, y)] === 1) for (const n of [-1, 1, -256, 256]) assert.notEqual(mask[at(x, y) + n], 0);
  }
});

test("a ring without an inside changes nothing", () => {
  const mask = randomMask(seeded(1));
  assert.equal(fillPolygon(mask, [{ x: 1, y: 1 }, { x: 90, y: 90 }], 3), mask);
  assert.equal(countChanged(mask, fillPolygon(mask, [{ x: 300, y: 1 }, { x: 400, y: 90 }, { x: 350, y: 200 }], 3)), 0);
});

test("a flood fill takes the region joined by sides, and only that", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seeded(seed);
    const before = randomMask(random);
    const start = { x: random.integer(256), y: random.integer(256) };
    const old = before[at(start.x, start.y)];
    const after = floodFill(before, { x: start.x + random.next(), y: start.y + random.next() }, 77);
    const expected = before.slice();
    const queue = [[start.x, start.y]];
    while (queue.length) {
      const [x, y] = queue.pop();
      if (x < 0 || y < 0 || x > 255 || y > 255 || expected[at(x, y)] !== old) continue;
      expected[at(x, y)] = 77;
      queue.push([x + 1, y], [x - 1, y], [x, y + 1], [x, y - 1]);
    }
    assert.deepEqual(after, expected);
  }
});

test("a flood fill outside the patch, or with the class that is there, changes nothing", () => {
  const mask = randomMask(seeded(2));
  for (const point of [{ x: -0.1, y: 5 }, { x: 256, y: 5 }, { x: 5, y: 256.5 }]) assert.equal(floodFill(mask, point, 9), mask);
  assert.equal(floodFill(mask, { x: 8, y: 8 }, mask[at(8, 8)]), mask);
});

test("no action changes the mask it was given, and every pixel keeps exactly one class", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = seeded(seed);
    const before = randomMask(random);
    const copy = before.slice();
    const ring = Array.from({ length: 5 }, () => random.point());
    const results = [brushStroke(before, ring, 12, 3), fillPolygon(before, ring, 3), floodFill(before, ring[0], 3), fillOutlinedPolygon(before, ring, 3, 2)];
    assert.deepEqual(before, copy);
    for (const mask of results) {
      assert.equal(mask.length, 65536);
      assert.equal([...countByClass(mask).values()].reduce((a, b) => a + b, 0), 65536);
    }
  }
});

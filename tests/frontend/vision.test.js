import assert from "node:assert/strict";
import { test } from "node:test";

import { analyse } from "../../frontend/vision/analysis.js";
import { coloursOf, smoothed } from "../../frontend/vision/colour.js";
import { edgesOf, snapToEdge } from "../../frontend/vision/edges.js";
import { wireFrom, wirePath } from "../../frontend/vision/live_wire.js";
import { imagery, isLeft, seam, twoFields } from "./imagery.js";
import { seeded } from "./random.js";

const FIELDS = analyse(twoFields(seeded(1)));

test("white, black and red have the lightness and the hue that OKLab gives them", () => {
  const colours = coloursOf(imagery((x) => [[255, 255, 255], [0, 0, 0], [255, 0, 0]][x % 3]));
  const near = (i, expected) => expected.forEach((number, k) => assert.ok(Math.abs(colours[3 * i + k] - number) < 0.05, `${colours[3 * i + k]} for ${number}`));
  near(0, [100, 0, 0]);
  near(1, [0, 0, 0]);
  near(2, [62.796, 22.486, 12.585]);
});

test("smoothing is the mean over the neighbours that there are", () => {
  const random = seeded(4);
  const colours = Float32Array.from({ length: 3 * 65536 }, () => random.next());
  const smooth = smoothed(colours);
  for (const [x, y] of [[0, 0], [255, 10], [17, 255], [90, 91]]) {
    let [sum, count] = [0, 0];
    for (let r = Math.max(0, y - 1); r <= Math.min(255, y + 1); r++)
      for (let c = Math.max(0, x - 1); c <= Math.min(255, x + 1); c++) {
        sum += colours[3 * (r * 256 + c) + 1];
        count++;
      }
    assert.ok(Math.abs(smooth[3 * (y * 256 + x) + 1] - sum / count) < 1e-6);
  }
});

test("edges are strong where fields meet, weak inside them, and a plain patch has none", () => {
  for (let y = 2; y < 254; y++) {
    const at = Math.round(seam(y + 0.5));
    const strongest = Math.max(...[-2, -1, 0, 1].map((d) => FIELDS.edges[y * 256 + at + d]));
    assert.ok(strongest > 150, `row ${y}: ${strongest}`);
    assert.ok(FIELDS.edges[y * 256 + 40] < 100 && FIELDS.edges[y * 256 + 220] < 100);
  }
  assert.ok(edgesOf(coloursOf(imagery(() => [90, 120, 60]))).every((edge) => edge === 0));
});

test("a point snaps to the edge beside it, and stays where there is none", () => {
  const edges = new Uint8Array(65536);
  for (let y = 0; y < 256; y++) edges[y * 256 + 100] = 200;
  assert.deepEqual(snapToEdge(edges, { x: 97.4, y: 60.5 }, 4), { x: 100.5, y: 60.5 });
  const far = { x: 94.9, y: 60.5 };
  assert.equal(snapToEdge(edges, far, 4), far);
  assert.deepEqual(snapToEdge(edges, { x: 101.2, y: -1 }, 4).x, 100.5);
});

test("the wire follows the seam of two fields from rim to rim, without gaps and never outside", () => {
  const wire = wireFrom(FIELDS.edges, { x: seam(0), y: 0.5 });
  const path = wirePath(wire, { x: seam(255), y: 255.5 });
  assert.ok(Math.abs(path[0].x - seam(0)) <= 1 && path.at(-1).y === 255.5);
  path.forEach((point, i) => {
    assert.ok(Math.abs(point.x - seam(point.y)) <= 3, `${point.x} at ${point.y}, seam ${seam(point.y)}`);
    assert.ok(point.x > 0 && point.y > 0 && point.x < 256 && point.y < 256);
    const before = path[i - 1] ?? point;
    assert.ok(Math.max(Math.abs(point.x - before.x), Math.abs(point.y - before.y)) <= 1);
  });
});

test("a wire to one goal is as cheap as the wire to all", () => {
  const from = { x: seam(40), y: 40.5 };
  const goal = { x: seam(90), y: 90.5 };
  assert.deepEqual(wirePath(wireFrom(FIELDS.edges, from, goal), goal), wirePath(wireFrom(FIELDS.edges, from), goal));
});

test("on a plain patch the wire is as short as steps between pixels can be", () => {
  const random = seeded(9);
  const plain = new Uint8Array(65536);
  for (let n = 0; n < 5; n++) {
    const [from, to] = [random.point(0), random.point(0)];
    const path = wirePath(wireFrom(plain, from), to);
    const apart = Math.max(Math.abs(Math.floor(from.x) - Math.floor(to.x)), Math.abs(Math.floor(from.y) - Math.floor(to.y)));
    assert.equal(path.length, apart + 1);
  }
});

test("superpixels cover the patch once, are joined by sides, and keep to one field", () => {
  const { labels, count, pixels, pixelStarts, neighbours, neighbourStarts } = FIELDS.superpixels;
  assert.equal(new Set(labels).size, count);
  assert.ok(count > 500 && count < 2000, `${count} superpixels`);
  assert.equal(new Set(pixels).size, 65536);
  let strays = 0;
  for (let label = 0; label < count; label++) {
    const own = [...pixels.subarray(pixelStarts[label], pixelStarts[label + 1])];
    assert.ok(own.every((i) => labels[i] === label));
    const seen = new Set([own[0]]);
    for (const i of seen)
      for (const [next, isThere] of [[i - 1, i % 256], [i + 1, i % 256 < 255], [i - 256, i >= 256], [i + 256, i < 65280]])
        if (isThere && labels[next] === label) seen.add(next);
    assert.equal(seen.size, own.length, "joined by sides");
    const left = own.filter((i) => isLeft(i % 256, Math.floor(i / 256))).length;
    strays += Math.min(left, own.length - left);
    for (const next of neighbours.subarray(neighbourStarts[label], neighbourStarts[label + 1])) {
      const back = neighbours.subarray(neighbourStarts[next], neighbourStarts[next + 1]);
      assert.ok(back.includes(label) && next !== label);
    }
  }
  // Smoothing over three pixels blurs the seam of 256 pixels by one on each side at most.
  assert.ok(strays < 2 * 256, `${strays} pixels on the wrong side`);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { heat, opaque, paintDifference, paintEntropy, paintMask, paletteOf, rgba } from "../../frontend/map/paint.js";
import { UNSURE, countChanged, wholePatch } from "../../frontend/state/mask.js";
import { randomMask, seeded } from "./random.js";

const LEGEND = [
  { value: 0, name: "other", color: "#8c8c8c", is_null: true, is_boundary: false },
  { value: 1, name: "field", color: "#e69f00", is_null: false, is_boundary: false },
  { value: 2, name: "boundary", color: "#d55e00", is_null: false, is_boundary: true },
];

test("colours become bytes in the order of an ImageData", () => {
  const bytes = new Uint8Array(new Uint32Array([opaque("#e69f00")]).buffer);
  assert.deepEqual([...bytes], [0xe6, 0x9f, 0x00, 255]);
});

test("each class has its own colour, the null class none, and a stray value is seen", () => {
  const palette = paletteOf(LEGEND);
  assert.equal(palette[0], 0);
  assert.equal(palette[1], opaque("#e69f00"));
  assert.equal(palette[9], rgba(255, 0, 200, 255));
});

test("a rectangle is painted, and nothing beside it", () => {
  const random = seeded(2);
  const mask = randomMask(random, 3);
  mask[5] = UNSURE;
  const palette = paletteOf(LEGEND);
  const whole = new Uint32Array(65536);
  paintMask(mask, palette, whole, wholePatch());
  mask.forEach((value, i) => {
    if (value !== UNSURE) assert.equal(whole[i], palette[value]);
  });
  const part = new Uint32Array(65536).fill(7);
  const rect = { x0: 10, y0: 20, x1: 60, y1: 30 };
  paintMask(mask, palette, part, rect);
  part.forEach((pixel, i) => {
    const [x, y] = [i % 256, Math.floor(i / 256)];
    const isIn = x >= rect.x0 && x < rect.x1 && y >= rect.y0 && y < rect.y1;
    assert.equal(pixel, isIn ? whole[i] : 7);
  });
});

test("unsure is hatched and differs from every class", () => {
  const mask = new Uint8Array(65536).fill(UNSURE);
  const pixels = new Uint32Array(65536);
  paintMask(mask, paletteOf(LEGEND), pixels, wholePatch());
  const seen = new Set(pixels);
  assert.equal(seen.size, 2);
  for (const one of LEGEND) assert.ok(!seen.has(opaque(one.color)));
});

test("as many pixels are marked as differ", () => {
  const random = seeded(6);
  const [a, b] = [randomMask(random), randomMask(random)];
  const pixels = new Uint32Array(65536);
  paintDifference(a, b, pixels);
  const marked = pixels.filter((pixel) => pixel === rgba(255, 0, 140, 255)).length;
  assert.equal(marked, countChanged(a, b));
});

test("entropy grows lighter and less clear all the way", () => {
  const parts = (byte) => [...new Uint8Array(new Uint32Array([heat(byte)]).buffer)];
  const lightness = (byte) => {
    const [r, g, b] = parts(byte);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  assert.equal(parts(0)[3], 0);
  for (let byte = 1; byte < 256; byte++) {
    assert.ok(lightness(byte) >= lightness(byte - 1) - 0.51, `lightness at ${byte}`);
    assert.ok(parts(byte)[3] >= parts(byte - 1)[3], `opacity at ${byte}`);
  }
  const pixels = new Uint32Array(3);
  paintEntropy(new Uint8Array([0, 128, 255]), pixels);
  assert.deepEqual([...pixels], [heat(0), heat(128), heat(255)]);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { paintStyled, patternsOf } from "../../frontend/map/mask_styles.js";
import { paintMask, paletteOf } from "../../frontend/map/paint.js";
import { UNSURE, emptyMask, wholePatch } from "../../frontend/state/mask.js";
import { randomMask, seeded } from "./random.js";

const LEGEND = [
  { value: 0, name: "other", color: "#8c8c8c", is_null: true, is_boundary: false },
  { value: 1, name: "boundary", color: "#d55e00", is_null: false, is_boundary: true },
  ...[2, 3, 4, 5, 6, 7].map((value) => ({ value, name: `crop ${value}`, color: "#e69f00", is_null: false, is_boundary: false })),
];
const palette = paletteOf(LEGEND);
const patterns = patternsOf(LEGEND);
const painted = (mask, style) => {
  const pixels = new Uint32Array(65536);
  paintStyled(mask, { palette, patterns, style }, pixels, wholePatch());
  return pixels;
};

test("filled, a mask is painted as ever", () => {
  const mask = randomMask(seeded(1), 8);
  const expected = new Uint32Array(65536);
  paintMask(mask, palette, expected, wholePatch());
  assert.deepEqual(painted(mask, "fill"), expected);
});

test("six classes of one colour differ by their patterns alone", () => {
  const pictures = [2, 3, 4, 5, 6, 7].map((value) => painted(emptyMask().fill(value), "pattern"));
  pictures.forEach((picture, i) => {
    assert.ok(picture.includes(palette[2]), "some pixels are inked");
    assert.ok(picture.some((pixel) => pixel >>> 24 < 100), "the imagery is seen between them");
    for (const other of pictures.slice(0, i)) {
      const differing = picture.reduce((sum, pixel, k) => sum + (pixel === other[k] ? 0 : 1), 0);
      assert.ok(differing > 65536 / 10, `${differing} pixels differ`);
    }
  });
});

test("the boundary class is solid in every style, and null is clear", () => {
  for (const style of ["fill", "pattern", "outline"]) {
    assert.ok(painted(emptyMask().fill(1), style).every((pixel) => pixel === palette[1]));
    assert.ok(painted(emptyMask(), style).every((pixel) => pixel === 0));
  }
});

test("an outline is the rim of each region, one pixel wide", () => {
  const mask = emptyMask();
  for (let y = 50; y < 90; y++) mask.fill(y < 70 ? 3 : UNSURE, y * 256 + 100, y * 256 + 140);
  painted(mask, "outline").forEach((pixel, i) => {
    const [x, y] = [i % 256, Math.floor(i / 256)];
    const isIn = x >= 100 && x < 140 && y >= 50 && y < 90;
    const isRim = isIn && (x === 100 || x === 139 || [50, 69, 70, 89].includes(y));
    assert.equal(pixel !== 0, isRim, `${x}, ${y}`);
    if (isRim && y < 70) assert.equal(pixel, palette[3]);
  });
});

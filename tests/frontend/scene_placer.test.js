import assert from "node:assert/strict";
import { test } from "node:test";

import { metresPerPixel } from "../../frontend/map/scene_placer.js";

test("a map pixel's side on the ground halves with each zoom and shrinks towards the poles", () => {
  assert.ok(Math.abs(metresPerPixel(0, 0) - 156_543.03) < 0.01);
  assert.ok(Math.abs(metresPerPixel(17, 0) / metresPerPixel(18, 0) - 2) < 1e-9);
  assert.ok(Math.abs(metresPerPixel(17, 60) / metresPerPixel(17, 0) - 0.5) < 1e-9);
});

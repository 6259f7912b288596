import assert from "node:assert/strict";
import { test } from "node:test";

import { extentOf, rowAreasM2 } from "../../frontend/guidance/ground.js";
import { uncertainSpots } from "../../frontend/guidance/uncertain_spots.js";
import { emptyMask } from "../../frontend/state/mask.js";
import { seeded } from "./random.js";

test("all pixels of a column of tiles are as large as that slice of the ellipsoid", () => {
  const z = 3;
  let sum = 0;
  for (let y = 0; y < 8; y++) for (const area of rowAreasM2({ z, y })) sum += area * 256 * 8;
  // The integral of M N cos φ over the latitudes that Web Mercator shows, taken numerically elsewhere.
  assert.ok(Math.abs(sum / 1e12 - 508.1471) < 0.0001, `${sum / 1e12} million km²`);
});

test("a pixel's area is its width times its height on the ellipsoid", () => {
  const [z, y] = [17, 58_450];
  const a = 6_378_137;
  const e2 = 0.0066943799901413165;
  const rows = 256 * 2 ** z;
  const latitude = Math.asin(Math.tanh(Math.PI * (1 - (2 * (y * 256 + 100.5)) / rows)));
  const root = 1 - e2 * Math.sin(latitude) ** 2;
  const width = ((2 * Math.PI) / rows) * Math.cos(latitude) * (a / Math.sqrt(root));
  const height = ((2 * Math.PI) / rows) * Math.cos(latitude) * ((a * (1 - e2)) / root ** 1.5);
  const area = rowAreasM2({ z, y })[100];
  assert.ok(Math.abs(area / (width * height) - 1) < 1e-4, `${area} m² for ${width * height} m²`);
  const mercator = ((2 * Math.PI * a) / rows) ** 2;
  assert.ok(area < 0.95 * mercator, "Web Mercator would say more");
});

test("regions, pixels and hectares of one class are counted", () => {
  const mask = emptyMask();
  for (const [x0, y0] of [[10, 10], [100, 10], [130, 140]]) for (let y = y0; y < y0 + 20; y++) mask.fill(4, y * 256 + x0, y * 256 + x0 + 10);
  const areas = new Float64Array(256).fill(2);
  assert.deepEqual(extentOf(mask, 4, areas), { regions: 3, pixels: 600, hectares: 0.12 });
  assert.deepEqual(extentOf(mask, 5, areas), { regions: 0, pixels: 0, hectares: 0 });
});

test("spots come the least sure first, apart from each other, and miss no peak", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const entropy = Uint8Array.from({ length: 64 * 64 }, () => random.integer(256));
    const spots = uncertainSpots(entropy, 64, 64);
    assert.equal(spots[0].share, Math.max(...entropy) / 255);
    spots.forEach((spot, i) => {
      if (i) assert.ok(spot.share <= spots[i - 1].share);
      for (const other of spots.slice(0, i)) assert.ok(Math.hypot(spot.x - other.x, spot.y - other.y) >= 40);
      assert.equal(entropy[Math.floor(spot.y / 4) * 64 + Math.floor(spot.x / 4)] / 255, spot.share);
    });
    // Whatever is less sure than the last spot lies near one of them.
    const last = spots.at(-1).share * 255;
    entropy.forEach((byte, i) => {
      const [x, y] = [((i % 64) + 0.5) * 4, (Math.floor(i / 64) + 0.5) * 4];
      if (byte > last) assert.ok(spots.some((spot) => Math.hypot(spot.x - x, spot.y - y) < 40));
    });
  }
});

test("where the model was sure there is no spot, and one cell is enough for one", () => {
  assert.deepEqual(uncertainSpots(new Uint8Array(4096).fill(50), 64, 64), []);
  const entropy = new Uint8Array(16 * 16);
  entropy[3 * 16 + 5] = 204;
  assert.deepEqual(uncertainSpots(entropy, 16, 16), [{ x: 88, y: 56, share: 0.8 }]);
});

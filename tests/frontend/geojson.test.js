import assert from "node:assert/strict";
import { test } from "node:test";

import { GeojsonError, burnGeojson, polygonsIn, toPatchPixels } from "../../frontend/actions/geojson.js";
import { fillRings } from "../../frontend/actions/polygon.js";
import { countByClass, emptyMask } from "../../frontend/state/mask.js";
import { randomMask, seeded } from "./random.js";

const PATCH = { z: 17, x: 93_600, y: 58_450 };
const N = 2 ** 17;
/** From patch pixels back to longitude and latitude: the textbook's formula. */
const lonLat = ([x, y]) => [((PATCH.x + x / 256) / N) * 360 - 180, (Math.atan(Math.sinh(Math.PI * (1 - (2 * (PATCH.y + y / 256)) / N))) * 180) / Math.PI];
const polygon = (...rings) => ({ type: "Polygon", coordinates: rings.map((ring) => [...ring, ring[0]].map(lonLat)) });
const SQUARE = [[40, 30], [90, 30], [90, 130], [40, 130]];
const HOLE = [[50, 40], [60, 40], [60, 60], [50, 60]];

test("a polygon is burnt pixel by pixel where its longitudes and latitudes say", () => {
  const before = randomMask(seeded(1));
  const after = burnGeojson(before, JSON.stringify(polygon(SQUARE, HOLE)), PATCH, 9);
  after.forEach((value, i) => {
    const [x, y] = [i % 256, Math.floor(i / 256)];
    const isIn = ([[x0, y0], , [x1, y1]]) => x >= x0 && x < x1 && y >= y0 && y < y1;
    assert.equal(value, isIn(SQUARE) && !isIn(HOLE) ? 9 : before[i]);
  });
});

test("features, collections and several polygons are read", () => {
  const one = polygon(SQUARE);
  const geometries = [
    { type: "Feature", properties: {}, geometry: one },
    { type: "FeatureCollection", features: [{ type: "Feature", geometry: { type: "Point", coordinates: [0, 0] } }, { type: "Feature", geometry: one }] },
    { type: "MultiPolygon", coordinates: [one.coordinates] },
    { type: "GeometryCollection", geometries: [one] },
  ];
  const expected = burnGeojson(emptyMask(), JSON.stringify(one), PATCH, 4);
  assert.equal(countByClass(expected).get(4), 5000);
  for (const geometry of geometries) assert.deepEqual(burnGeojson(emptyMask(), JSON.stringify(geometry), PATCH, 4), expected);
});

test("two polygons that overlap are both burnt, and one that reaches out of the patch is cut", () => {
  const both = { type: "MultiPolygon", coordinates: [polygon(SQUARE).coordinates, polygon([[60, 60], [400, 60], [400, 90], [60, 90]]).coordinates] };
  const mask = burnGeojson(emptyMask(), JSON.stringify(both), PATCH, 1);
  assert.equal(mask[70 * 256 + 70], 1);
  assert.equal(mask[70 * 256 + 255], 1);
  assert.equal(mask[70 * 256 + 30], 0);
});

test("burning the class that is there is no mistake", () => {
  const mask = emptyMask().fill(3);
  assert.deepEqual(burnGeojson(mask, JSON.stringify(polygon(SQUARE)), PATCH, 3), mask);
});

test("what is wrong is said in a sentence", () => {
  const wrong = [
    ["nothing like it", /not valid JSON/],
    ["[1, 2]", /no “type”/],
    ["null", /no “type”/],
    [{ type: "FeatureCollection" }, /holds no polygon/],
    [{ type: "Point", coordinates: [1, 2] }, /holds no polygon/],
    [{ type: "Polygon", coordinates: [[[1, 2], [3, 4], [1, 2]]] }, /four positions/],
    [{ type: "Polygon", coordinates: 7 }, /four positions/],
    [{ type: "Polygon", coordinates: [[["a", 2], [3, 4], [1, 2], [1, 2]]] }, /longitude and a latitude/],
    [{ type: "Polygon", coordinates: [[[8606000, 2165000], [3, 4], [1, 2], [1, 2]]] }, /Export the polygon in EPSG:4326/],
    [{ ...polygon(SQUARE), crs: { type: "name", properties: { name: "urn:ogc:def:crs:EPSG::32643" } } }, /are in urn:ogc:def:crs:EPSG::32643/],
    [polygon([[900, 900], [990, 900], [990, 990]]), /outside of this patch/],
  ];
  for (const [json, sentence] of wrong) {
    const text = typeof json === "string" ? json : JSON.stringify(json);
    assert.throws(() => burnGeojson(emptyMask(), text, PATCH, 1), (error) => error instanceof GeojsonError && sentence.test(error.message), text);
  }
  const named = { ...polygon(SQUARE), crs: { type: "name", properties: { name: "urn:ogc:def:crs:OGC:1.3:CRS84" } } };
  assert.equal(polygonsIn(JSON.stringify(named)).length, 1);
});

test("a patch's corners are its pixels' corners", () => {
  for (const corner of [[0, 0], [256, 256], [12.5, 200]]) {
    const { x, y } = toPatchPixels(lonLat(corner), PATCH);
    assert.ok(Math.abs(x - corner[0]) < 1e-4 && Math.abs(y - corner[1]) < 1e-4);
  }
});

test("rings without an inside leave the very mask", () => {
  const mask = randomMask(seeded(2));
  assert.equal(fillRings(mask, [[{ x: 1, y: 1 }, { x: 2, y: 2 }], []], 3), mask);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { compositeName, compositesOf, inComposite } from "../../frontend/map/imagery.js";
import { ADVISING } from "../../frontend/operations/advising.js";
import { createTools } from "../../frontend/state/tools.js";

const operation = (id) => ADVISING.find((one) => one.id === id);
const FOUR_BANDS = { id: 1, tile_url: "/tiles/scenes/1/{z}/{x}/{y}?v=5", composites: ["natural", "infrared", "ndvi"] };
const THREE_BANDS = { id: 2, tile_url: "/tiles/scenes/2/{z}/{x}/{y}?v=5", composites: ["natural"] };

function benchWith({ patch = { id: 1 }, neighbours = 0, phase = "ready", sceneId = 1 } = {}) {
  const tools = createTools([], null);
  tools.set({ sceneId });
  return { document: { patch }, advice: { neighbourCount: () => neighbours }, situation: { state: { phase } }, scenes: [FOUR_BANDS, THREE_BANDS], tools };
}

test("band combinations go round, and a scene without near infrared says so", () => {
  const bench = benchWith();
  const seen = Array.from({ length: 3 }, () => (operation("bands").run(bench), bench.tools.state.composite));
  assert.deepEqual(seen, ["infrared", "ndvi", "natural"]);
  assert.equal(operation("bands").why(bench), null);
  assert.match(operation("bands").why(benchWith({ sceneId: 2 })), /no band for near infrared/);
  assert.match(operation("bands").why(benchWith({ sceneId: null })), /no band for near infrared/);
});

test("a scene is shown in a band combination that it has, else in its own colours", () => {
  assert.equal(inComposite(FOUR_BANDS, "ndvi").tile_url, "/tiles/scenes/1/{z}/{x}/{y}?v=5&composite=ndvi");
  assert.equal(inComposite(FOUR_BANDS, "natural"), FOUR_BANDS);
  assert.equal(inComposite(THREE_BANDS, "ndvi"), THREE_BANDS);
  assert.deepEqual([compositesOf(null), compositesOf({ id: 3 })], [["natural"], ["natural"]]);
});

test("what leads wrote has its own name, and an address that changes with it", () => {
  const scene = { ...FOUR_BANDS, composites: [...FOUR_BANDS.composites, "own-7"], own_composites: [{ composite: "own-7", name: "NDWI", query: "&composite=own-7&stamp=a1" }] };
  assert.equal(inComposite(scene, "own-7").tile_url, "/tiles/scenes/1/{z}/{x}/{y}?v=5&composite=own-7&stamp=a1");
  assert.deepEqual([compositeName(scene, "own-7"), compositeName(scene, "ndvi"), compositeName(null, "natural")], ["NDWI", "NDVI", "True colour"]);
  assert.equal(inComposite(FOUR_BANDS, "own-7"), FOUR_BANDS, "a scene that lacks the bands keeps its own colours");
});

test("neighbours are switched off and on, and without any it says so", () => {
  const bench = benchWith({ neighbours: 2 });
  assert.equal(operation("neighbours").isOn(bench), true);
  operation("neighbours").run(bench);
  assert.equal(operation("neighbours").isOn(bench), false);
  assert.equal(operation("neighbours").why(bench), null);
  assert.match(operation("neighbours").why(benchWith()), /No patch beside this one/);
  assert.match(operation("neighbours").why(benchWith({ patch: null, neighbours: 2 })), /no patch on the table/);
});

test("neither masks of other days nor bad imagery are asked for without a patch, or while it is being saved", () => {
  for (const id of ["masks", "badImagery"]) {
    assert.equal(operation(id).why(benchWith()), null);
    assert.match(operation(id).why(benchWith({ patch: null })), /no patch/);
    assert.match(operation(id).why(benchWith({ phase: "saving" })), /being saved/);
  }
});

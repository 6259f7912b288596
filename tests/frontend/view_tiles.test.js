import assert from "node:assert/strict";
import { test } from "node:test";

import { viewTiles } from "../../frontend/offline/view_tiles.js";

const SCENE = { gsd_m: 1, bounds: [-180, -85, 180, 85], tile_url: "/t/{z}/{x}/{y}" };

test("a patch as large as the map needs its own tile only, twice as large its four children", () => {
  const patch = { z: 17, x: 65545, y: 65541 };
  assert.deepEqual(viewTiles({ ...SCENE, gsd_m: 1.2 }, patch, { x: 256, y: 256 }), ["/t/17/65545/65541"]);
  const children = viewTiles({ ...SCENE, gsd_m: 0.4 }, patch, { x: 512, y: 512 });
  const under = [[131090, 131082], [131091, 131082], [131090, 131083], [131091, 131083]];
  assert.deepEqual(children, ["/t/17/65545/65541", ...under.map(([x, y]) => `/t/18/${x}/${y}`)]);
});

test("where the scene has no more to show, tiles are enlarged and few", () => {
  const urls = viewTiles({ ...SCENE, gsd_m: 10 }, { z: 16, x: 32776, y: 32772 }, { x: 1000, y: 800 });
  const around = [[8193, 8192], [8194, 8192], [8193, 8193], [8194, 8193]];
  assert.deepEqual(urls, ["/t/16/32776/32772", ...around.map(([x, y]) => `/t/14/${x}/${y}`)]);
});

test("tiles beside the scene are not asked for", () => {
  const urls = viewTiles({ ...SCENE, gsd_m: 2, bounds: [0, 0, 180, 85] }, { z: 2, x: 2, y: 1 }, { x: 300, y: 300 });
  assert.deepEqual(urls, ["/t/2/2/1", "/t/2/2/0", "/t/2/3/0", "/t/2/3/1"]);
});

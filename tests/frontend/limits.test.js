import assert from "node:assert/strict";
import { test } from "node:test";

import { brushStroke } from "../../frontend/actions/brush.js";
import { NO_LIMITS, mayOverwrite, obeying } from "../../frontend/actions/limits.js";
import { EditorDocument } from "../../frontend/state/document.js";
import { randomMask, seeded } from "./random.js";

test("locked pixels stay, only the chosen class gives way, and all else is drawn", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const before = randomMask(random);
    const drawn = brushStroke(before, [random.point(), random.point(), random.point()], 40, 9);
    const limits = { locked: seed % 2 ? [1, 3] : [2], only: seed % 3 ? null : 1 };
    const result = obeying(before, drawn, limits);
    result.forEach((value, i) => assert.equal(value, mayOverwrite(limits, before[i]) ? drawn[i] : before[i]));
  }
});

test("without limits the very mask comes back", () => {
  const random = seeded(1);
  const drawn = randomMask(random);
  assert.equal(obeying(randomMask(random), drawn, NO_LIMITS), drawn);
});

test("a stroke and a step of the document obey its limits; whole-patch steps and undo do not ask", () => {
  const random = seeded(7);
  const before = randomMask(random);
  const document = new EditorDocument();
  document.open({ patch: { id: 1 }, mask: before, baseNumber: 0, proposalMask: null });
  document.limits = { locked: [1], only: null };
  document.beginStroke();
  document.paint((mask) => {
    mask.fill(9, 0, 128 * 256);
    return { x0: 0, y0: 0, x1: 256, y1: 128 };
  });
  document.endStroke();
  const expected = before.map((value, i) => (i < 128 * 256 && value !== 1 ? 9 : value));
  assert.deepEqual(document.mask(), expected);
  assert.ok(document.draw(new Uint8Array(65536).fill(5)));
  assert.deepEqual(document.mask(), expected.map((value) => (value === 1 ? 1 : 5)));
  assert.equal(document.draw(document.mask().map((value) => (value === 1 ? 6 : value))), false, "nothing but locked pixels: no step");
  assert.ok(document.apply(new Uint8Array(65536)));
  assert.ok(document.mask().every((value) => value === 0));
  for (let n = 0; n < 3; n++) document.undo();
  assert.deepEqual(document.mask(), before);
});

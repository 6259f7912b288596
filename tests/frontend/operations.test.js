import assert from "node:assert/strict";
import { test } from "node:test";

import { chordOf } from "../../frontend/operations/chords.js";
import { OPERATIONS, classOperations } from "../../frontend/operations/operations.js";
import { EditorDocument } from "../../frontend/state/document.js";
import { emptyMask } from "../../frontend/state/mask.js";
import { Store } from "../../frontend/state/store.js";
import { createTools } from "../../frontend/state/tools.js";
import { randomMask, seeded } from "./random.js";

const LEGEND = [
  { value: 0, name: "other", color: "#888888", is_null: true, is_boundary: false },
  { value: 1, name: "field", color: "#e69f00", is_null: false, is_boundary: false },
  { value: 12, name: "water", color: "#56b4e9", is_null: false, is_boundary: false },
];
const press = (key, more = {}) => chordOf({ key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...more });

test("key presses become chords, whatever the layout", () => {
  assert.equal(press("b"), "B");
  assert.equal(press("B", { shiftKey: true }), "Shift+B");
  assert.equal(press("z", { ctrlKey: true }), "Ctrl+Z");
  assert.equal(press("Z", { metaKey: true, shiftKey: true }), "Ctrl+Shift+Z");
  assert.equal(press("?", { shiftKey: true }), "?");
  assert.equal(press("[", { ctrlKey: true, altKey: true }), "[", "AltGr on a German layout");
  assert.equal(press(" "), "Space");
  assert.equal(press("Enter", { ctrlKey: true }), "Ctrl+Enter");
});

test("no key stands for two operations", () => {
  const keys = [...OPERATIONS, ...classOperations({ legend: LEGEND })].flatMap((operation) => operation.keys);
  assert.equal(new Set(keys).size, keys.length);
});

test("every class can be chosen, also one without a number key", () => {
  const operations = classOperations({ legend: LEGEND });
  assert.deepEqual(operations.map(({ keys }) => keys), [["0"], ["1"], [], ["U"]]);
  const tools = createTools(LEGEND, null);
  tools.set({ mode: "eraser" });
  operations[2].run({ tools });
  assert.deepEqual([tools.state.value, tools.state.mode], [12, "brush"]);
});

function benchWith({ mask = emptyMask(), proposalMask = null, phase = "ready" } = {}) {
  const document = new EditorDocument();
  document.open({ patch: { id: 1, proposal: proposalMask && {} }, mask, baseNumber: 0, proposalMask });
  return { document, tools: createTools(LEGEND, null), situation: new Store({ phase }), project: { legend: LEGEND }, scenes: [{ id: 1 }], labelling: {} };
}
const why = (id, bench) => OPERATIONS.find((operation) => operation.id === id).why(bench);

test("what cannot be done says why", () => {
  const empty = { ...benchWith(), document: new EditorDocument() };
  for (const id of ["undo", "redo", "save", "submit", "skip", "accept", "reset"]) assert.equal(why(id, empty), "There is no patch on the table.");
  const bench = benchWith();
  assert.equal(why("undo", bench), "There is nothing to undo.");
  assert.equal(why("save", bench), "Everything is saved.");
  assert.equal(why("submit", bench), null);
  assert.equal(why("reset", bench), "This patch has no proposal.");
  assert.equal(why("scene", bench), "The project has one scene only.");
  assert.equal(why("outline", bench), "The legend has no boundary class.");
  assert.equal(why("submit", benchWith({ phase: "saving" })), "The mask is being saved.");
});

test("a proposal is accepted only as it is, and resetting is one step back to it", () => {
  const proposalMask = randomMask(seeded(1));
  const bench = benchWith({ mask: proposalMask, proposalMask });
  assert.equal(why("accept", bench), null);
  assert.equal(why("reset", bench), "The mask is the proposal already.");
  bench.document.apply(randomMask(seeded(2)));
  assert.match(why("accept", bench), /differs from the proposal/);
  assert.equal(why("reset", bench), null);
  OPERATIONS.find(({ id }) => id === "reset").run(bench);
  assert.equal(why("accept", bench), null);
  bench.document.undo();
  assert.match(why("accept", bench), /differs from the proposal/);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { NULL_CLASS, PIXEL_COUNT, SIZE_PX, UNSURE, changedRect, emptyMask } from "../../frontend/state/mask.js";
import { paintMask, paletteOf, unaskedAt, unsureAt } from "../../frontend/map/paint.js";
import { pointsMode } from "../../frontend/modes/points.js";
import { OPERATIONS, classOperations, classValueOf } from "../../frontend/operations/operations.js";
import { AskedPoints, blankMask, startingMask, whereAnswered } from "../../frontend/state/asked_points.js";
import { EditorDocument } from "../../frontend/state/document.js";

const FIELD = 1;
const ROAD = 3;
/** Cells [row, col] of the 64 × 64 grid, in the order of asking. */
const CELLS = [[0, 0], [10, 20], [63, 63], [10, 21]];
const PATCH = { id: 1, asks_for: "points", points: CELLS, proposal: { entropy_rows: 64 } };

function proposal() {
  const mask = emptyMask().fill(FIELD);
  for (let y = 252; y < 256; y++) mask.fill(UNSURE, y * SIZE_PX + 252, (y + 1) * SIZE_PX);
  return mask;
}

function opened({ mask = startingMask(PATCH, proposal()), patch = PATCH } = {}) {
  const document = new EditorDocument();
  const points = new AskedPoints(document);
  document.open({ patch, mask, baseNumber: 0, proposalMask: proposal() });
  return { document, points };
}

/** The mask that is unsure but for these cells. */
function only(...named) {
  const mask = blankMask(PATCH);
  for (const [row, col, value] of named) {
    for (let y = row * 4; y < row * 4 + 4; y++) mask.fill(value, y * SIZE_PX + col * 4, y * SIZE_PX + col * 4 + 4);
  }
  return mask;
}

test("a patch that asks for points starts unsure, any other from its proposal", () => {
  assert.ok(startingMask(PATCH, proposal()).every((value) => value === UNSURE));
  assert.deepEqual(startingMask({ ...PATCH, asks_for: "patches" }, proposal()), proposal());
  assert.deepEqual(startingMask({ id: 1 }, null), emptyMask());
  assert.ok(blankMask({ id: 1 }).every((value) => value === NULL_CLASS));
});

test("naming a point paints its cell and nothing else, and goes on", () => {
  const { document, points } = opened();
  assert.deepEqual(points.current(), { number: 1, rect: { x0: 0, y0: 0, x1: 4, y1: 4 }, center: { x: 2, y: 2 }, named: UNSURE, proposed: FIELD });
  points.name(ROAD);
  assert.equal(points.current().number, 2);
  points.accept();
  assert.deepEqual(document.mask(), only([0, 0, ROAD], [10, 20, FIELD]));
  assert.deepEqual([points.namedCount, points.count, document.strokes], [2, 4, 2]);
});

test("where the model says nothing there is nothing to accept", () => {
  const { document, points } = opened();
  points.goTo(2);
  assert.equal(points.current().proposed, UNSURE);
  assert.equal(points.accept(), false);
  assert.equal(points.current().number, 3);
  assert.equal(document.isDirty(), false);
});

test("unsure leaves a point out, also one that had a name; after the last there is none", () => {
  const { document, points } = opened();
  points.name(ROAD);
  points.back();
  assert.equal(points.current().named, ROAD);
  points.name(UNSURE);
  assert.deepEqual(document.mask(), blankMask(PATCH));
  for (const value of [FIELD, UNSURE, NULL_CLASS]) points.name(value);
  assert.equal(points.current(), null);
  assert.equal(points.name(FIELD), false);
  assert.deepEqual(document.mask(), only([10, 20, FIELD], [10, 21, NULL_CLASS]));
  points.back();
  assert.equal(points.current().number, 4);
});

test("accepting keeps the name that a point has", () => {
  const { document, points } = opened();
  points.name(ROAD);
  points.back();
  points.accept();
  assert.deepEqual(document.mask(), only([0, 0, ROAD]));
  assert.equal(points.current().number, 2);
  points.goTo(0);
  assert.equal(points.back(), false);
});

test("undo leads back to the point, redo and the brush are followed", () => {
  const { document, points } = opened();
  points.name(FIELD);
  points.name(ROAD);
  document.undo();
  assert.deepEqual([points.current().number, points.current().named], [2, UNSURE]);
  document.undo();
  assert.equal(points.current().number, 1);
  document.redo();
  assert.deepEqual([points.current().number, points.current().named], [1, FIELD]);
  document.apply(only([0, 0, FIELD], [40, 40, ROAD]));
  assert.equal(points.current().number, 1, "no point lies there");
});

test("a draft or a revision goes on after the last named point", () => {
  const draft = only([0, 0, FIELD], [63, 63, ROAD]);
  const later = opened({ mask: draft });
  assert.equal(later.points.current().number, 4);
  const { document, points } = opened();
  document.apply(draft);
  assert.equal(points.current().number, 4);
  const last = opened({ mask: only([0, 0, FIELD], [10, 21, ROAD]) });
  assert.equal(last.points.current().number, 2, "the first that was left out, where the last is named");
  const all = opened({ mask: emptyMask() });
  assert.equal(all.points.current(), null);
});

test("nothing is named while the mask is submitted, nor where whole patches are asked for", () => {
  const { document, points } = opened();
  document.isLocked = true;
  assert.equal(points.name(FIELD), false);
  assert.equal(points.current().number, 1);
  const whole = opened({ patch: { ...PATCH, asks_for: "patches" }, mask: proposal() });
  assert.deepEqual([whole.points.count, whole.points.current()], [0, null]);
  document.close();
  assert.equal(points.count, 0);
});

test("locks of the other tools do not keep a point from being named", () => {
  const { document, points } = opened();
  document.limits = { locked: [UNSURE], only: ROAD };
  points.name(FIELD);
  assert.deepEqual(document.mask(), only([0, 0, FIELD]));
});

test("a point is found under a finger, the nearest first", () => {
  const { points } = opened();
  assert.equal(points.indexAt({ x: 1, y: 1 }), 0);
  assert.equal(points.indexAt({ x: 5, y: 1 }), null);
  assert.equal(points.indexAt({ x: 5, y: 1 }, 3), 0);
  assert.equal(points.indexAt({ x: 83.9, y: 41 }, 3), 1);
  assert.equal(points.indexAt({ x: 84.1, y: 41 }, 3), 3);
});

function modeOf() {
  const told = [];
  const { document, points } = opened();
  const hand = { setPanning: () => {}, scale: () => 4 };
  const valueOf = (chord) => ({ 1: FIELD, 3: ROAD, U: UNSURE })[chord] ?? null;
  return { mode: pointsMode({ hand, tell: (sentence) => told.push(sentence) }, { points, valueOf }), document, points, told };
}

test("keys name, accept, go back and leave out; others are left to the editor", () => {
  const { mode, document, points, told } = modeOf();
  for (const chord of ["3", "Enter"]) assert.equal(mode.key(chord), true);
  assert.equal(mode.key("Enter"), true);
  assert.deepEqual(told, ["The model says nothing of this point: name it, or leave it out as unsure."]);
  mode.key("U");
  mode.key("Backspace");
  mode.key("1");
  assert.deepEqual(document.mask(), only([0, 0, ROAD], [10, 20, FIELD], [63, 63, FIELD]));
  for (const chord of ["Ctrl+Enter", "S", "9", "Ctrl+Z"]) assert.equal(mode.key(chord), false);
  assert.equal(points.current().number, 4);
  mode.key("Enter");
  assert.equal(mode.key("Enter"), true, "one Enter too many does not submit");
  assert.match(told.at(-1), /Ctrl\+Enter/);
});

test("a key that is held down answers for one point only", () => {
  const { mode, points } = modeOf();
  mode.key("1");
  for (let i = 0; i < 5; i++) assert.equal(mode.key("1", true), true);
  for (let i = 0; i < 5; i++) assert.equal(mode.key("Enter", true), true);
  assert.equal(points.current().number, 2);
  assert.equal(mode.key("ArrowLeft", true), false);
});

test("a click asks for the point under it, dragging only moves the map", () => {
  const { mode, points } = modeOf();
  mode.down({ point: { x: 254, y: 254 } });
  mode.drag();
  mode.up();
  assert.equal(points.current().number, 1);
  mode.down({ point: { x: 254, y: 254 } });
  mode.up();
  assert.equal(points.current().number, 3);
  mode.down({ point: { x: 150, y: 150 } });
  mode.up();
  assert.equal(points.current().number, 3);
});

test("a click on a class of the legend names the point; without the mode it chooses the class", () => {
  const legend = [{ value: 0, name: "other" }, { value: FIELD, name: "field" }, { value: 12, name: "water" }];
  const operations = classOperations({ legend });
  assert.deepEqual(operations.map(classValueOf), [0, FIELD, 12, UNSURE]);
  assert.equal(classValueOf(OPERATIONS[0]), null);
  const { document, points } = opened();
  const tools = { state: { mode: "points", value: FIELD }, set: () => assert.fail("the brush keeps its class") };
  operations[2].run({ tools, points });
  assert.deepEqual(document.mask(), only([0, 0, 12]));
});

test("what nobody looked at is not taken from the proposal", () => {
  const { document } = opened();
  const bench = { document, situation: { state: { phase: "ready" } } };
  const of = (id) => OPERATIONS.find((operation) => operation.id === id);
  for (const id of ["reset", "accept"]) assert.match(of(id).why(bench), /Points are asked for/);
  assert.equal(of("clear").why(bench), "The mask is empty already.");
  document.apply(only([0, 0, ROAD]));
  assert.equal(of("clear").why(bench), null);
  of("clear").run(bench);
  assert.deepEqual(document.mask(), blankMask(PATCH));
});

test("a reviewer compares only what somebody said", () => {
  const revision = only([0, 0, FIELD], [10, 20, ROAD]);
  const compared = whereAnswered(proposal(), revision);
  assert.deepEqual(changedRect(compared, revision), { x0: 80, y0: 40, x1: 84, y1: 44 });
  assert.deepEqual(whereAnswered(proposal(), emptyMask()), proposal());
});

test("unasked land is faint, and a cell of the null class is not it", () => {
  const legend = [{ value: 0, name: "other", color: "#888888", is_null: true }, { value: FIELD, name: "field", color: "#e69f00", is_null: false }];
  const pixels = new Uint32Array(PIXEL_COUNT);
  const palette = paletteOf(legend, { isNullShown: true });
  paintMask(only([0, 0, NULL_CLASS]), palette, pixels, { x0: 0, y0: 0, x1: SIZE_PX, y1: SIZE_PX }, unaskedAt);
  const alphas = [...pixels].map((pixel) => pixel >>> 24);
  assert.equal(alphas[0], 255);
  assert.equal(pixels[0] & 0xffffff, 0x888888);
  assert.ok(Math.max(...alphas.slice(SIZE_PX * 4)) < 100);
  assert.ok(unsureAt(0, 0) >>> 24 > 150, "elsewhere unsure land is hatched as before");
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { brushStroke } from "../../frontend/actions/brush.js";
import { regionsOf } from "../../frontend/actions/regions.js";
import { brushMode } from "../../frontend/modes/brush.js";
import { fillMode } from "../../frontend/modes/fill.js";
import { KeyboardCursor } from "../../frontend/modes/keyboard_cursor.js";
import { lassoMode } from "../../frontend/modes/lasso.js";
import { lookAlikeFillMode, smartBrushMode } from "../../frontend/modes/look_alike.js";
import { mergeMode } from "../../frontend/modes/merge.js";
import { Modes } from "../../frontend/modes/modes.js";
import { penMode } from "../../frontend/modes/pen.js";
import { polygonMode } from "../../frontend/modes/polygon.js";
import { EditorDocument } from "../../frontend/state/document.js";
import { emptyMask } from "../../frontend/state/mask.js";
import { createTools } from "../../frontend/state/tools.js";
import { analyse } from "../../frontend/vision/analysis.js";
import { seam, twoFields } from "./imagery.js";
import { randomMask, seeded } from "./random.js";

const LEGEND = [
  { value: 0, name: "other", color: "#888888", is_null: true, is_boundary: false },
  { value: 1, name: "field", color: "#e69f00", is_null: false, is_boundary: false },
  { value: 2, name: "boundary", color: "#d55e00", is_null: false, is_boundary: true },
];
const ANALYSIS = analyse(twoFields(seeded(3)));

/** All modes on a real document, and what they showed and told. */
function workbench(mask = emptyMask().fill(1), analysis = ANALYSIS) {
  const document = new EditorDocument();
  document.open({ patch: { id: 1 }, mask, baseNumber: 0, proposalMask: null });
  const tools = createTools(LEGEND, null);
  const told = [];
  const rings = [];
  const hand = { showBrush() {}, showRing: (ring) => rings.push(ring), setPanning() {}, scale: () => 3 };
  const parts = { document, tools, hand, boundaryValue: 2, analysis: () => analysis, tell: (sentence) => told.push(sentence) };
  const modes = new Modes({
    brush: brushMode(parts, { isEraser: false }),
    smart: smartBrushMode(parts),
    alike: lookAlikeFillMode(parts),
    lasso: lassoMode(parts),
    polygon: polygonMode(parts),
    pen: penMode(parts),
    merge: mergeMode(parts),
    fill: fillMode(parts),
  });
  tools.subscribe(({ mode }) => modes.set(mode));
  return { document, tools, modes, told, rings };
}
const gesture = (point, more = {}) => ({ point, passed: [point], isShift: false, isSecondary: false, ...more });
const click = (modes, point, more) => {
  modes.current().down(gesture(point, more));
  modes.current().up?.();
};
const drag = (modes, ...points) => {
  modes.current().down(gesture(points[0]));
  for (const point of points.slice(1)) modes.current().drag?.(gesture(point));
  modes.current().up?.();
};

test("the lasso fills what was drawn around, as one step", () => {
  const { document, tools, modes } = workbench(emptyMask());
  tools.set({ mode: "lasso", value: 1, hasOutline: false });
  drag(modes, { x: 50, y: 50 }, { x: 100, y: 50 }, { x: 100, y: 90 }, { x: 50, y: 90 });
  document.mask().forEach((value, i) => {
    const isIn = i % 256 >= 50 && i % 256 < 100 && i >= 50 * 256 && i < 90 * 256;
    assert.equal(value, isIn ? 1 : 0);
  });
  assert.equal(document.strokes, 1);
  click(modes, { x: 9, y: 9 });
  assert.equal(document.strokes, 1, "a click encloses nothing");
});

test("two clicks of the pen split a field along the edge between them", () => {
  const { document, tools, modes } = workbench();
  tools.set({ mode: "pen" });
  // Both clicks miss the seam by some pixels.
  click(modes, { x: seam(3) + 3, y: 2.5 });
  click(modes, { x: seam(252) - 3, y: 253 });
  assert.equal(document.strokes, 0, "nothing is drawn yet");
  assert.ok(modes.current().key("Enter"));
  const mask = document.mask();
  assert.equal(regionsOf(mask, 1).count, 2);
  for (let i = 0; i < 65536; i++) {
    const y = Math.floor(i / 256);
    if (mask[i] === 2) assert.ok(Math.abs((i % 256) + 0.5 - seam(y + 0.5)) < 6, `${i % 256}, ${y}`);
  }
});

test("a held pen draws behind the pointer and ends when it is lifted", () => {
  const { document, tools, modes } = workbench();
  tools.set({ mode: "pen" });
  drag(modes, ...Array.from({ length: 52 }, (_, n) => ({ x: seam(5 * n) + 2, y: 5 * n + 0.5 })));
  assert.equal(document.strokes, 1);
  assert.equal(regionsOf(document.mask(), 1).count, 2);
});

test("with Shift, and without imagery, the pen draws straight", () => {
  for (const [analysis, isShift] of [[ANALYSIS, true], [null, false]]) {
    const { document, tools, modes } = workbench(undefined, analysis);
    tools.set({ mode: "pen", penPx: 3 });
    const ends = [{ x: 40.5, y: 0.5 }, { x: 200.5, y: 255.5 }];
    for (const end of ends) click(modes, end, { isShift });
    modes.current().finish();
    assert.deepEqual(document.mask(), brushStroke(emptyMask().fill(1), ends, 3, 2));
  }
});

test("the pen steps back anchor by anchor, closes at its first one, and Escape drops it", () => {
  const { document, tools, modes, rings } = workbench();
  tools.set({ mode: "pen" });
  const pen = modes.current();
  assert.equal(pen.key("Backspace"), false, "without a line the key is the editor's");
  for (const point of [{ x: 20, y: 20 }, { x: 60, y: 20 }, { x: 60, y: 60 }]) click(modes, point, { isShift: true });
  pen.key("Ctrl+Z");
  assert.deepEqual(rings.at(-1), [{ x: 20, y: 20 }, { x: 60, y: 20 }]);
  click(modes, { x: 60, y: 60 }, { isShift: true });
  click(modes, { x: 20, y: 60 }, { isShift: true });
  click(modes, { x: 21, y: 21 }, { isShift: true });
  assert.equal(regionsOf(document.mask(), 1).count, 2, "inside and outside of the closed line");
  click(modes, { x: 100, y: 100 });
  pen.key("Escape");
  assert.equal(document.strokes, 1);
});

test("merging takes two clicks, and tells why it cannot", () => {
  const before = brushStroke(emptyMask().fill(1), [{ x: 100.5, y: 0 }, { x: 100.5, y: 256 }], 2, 2);
  const { document, tools, modes, told } = workbench(before);
  tools.set({ mode: "merge" });
  click(modes, { x: 20, y: 20 });
  click(modes, { x: 30, y: 30 });
  assert.match(told[0], /same region/);
  assert.equal(document.mask(), before);
  click(modes, { x: 20, y: 20 });
  click(modes, { x: 200, y: 20 });
  assert.ok(document.mask().every((value) => value === 1));
});

test("a click that may change nothing says so", () => {
  const { document, tools, modes, told } = workbench();
  document.limits = { locked: [1], only: null };
  for (const mode of ["fill", "alike"]) {
    tools.set({ mode, value: 0 });
    click(modes, { x: 20, y: 20 });
  }
  assert.equal(document.strokes, 0);
  assert.equal(told.length, 2);
  for (const sentence of told) assert.match(sentence, /may not be overwritten/);
});

test("the smart brush leaves out nothing on a quick way, and waits for the imagery", () => {
  const { document, tools, modes } = workbench(emptyMask());
  tools.set({ mode: "smart", value: 1, sizePx: 20 });
  drag(modes, { x: 30, y: 20 }, { x: 30, y: 230 });
  for (let y = 20; y < 230; y++) assert.equal(document.mask()[y * 256 + 30], 1);
  const blind = workbench(emptyMask(), null);
  for (const mode of ["smart", "alike"]) {
    blind.tools.set({ mode });
    drag(blind.modes, { x: 30, y: 20 }, { x: 30, y: 230 });
  }
  assert.equal(blind.document.strokes, 0);
});

test("whatever is drawn, undo leads back step by step, and every pixel keeps one class of the legend", () => {
  for (let seed = 1; seed <= 4; seed++) {
    const random = seeded(seed);
    const { document, tools, modes } = workbench(randomMask(random, 3));
    const masks = [document.mask()];
    const names = Object.keys(modes.modes);
    for (let n = 0; n < 30; n++) {
      tools.set({ mode: names[n % names.length], value: random.integer(3), sizePx: 1 + random.integer(40), penPx: 1 + random.integer(3), tolerance: 1 + random.integer(20) });
      document.limits = { locked: random.integer(3) ? [] : [random.integer(3)], only: random.integer(4) ? null : random.integer(3) };
      const before = document.mask().slice();
      const steps = document.strokes;
      drag(modes, random.point(), random.point(), random.point());
      click(modes, random.point(), { isSecondary: random.integer(2) === 1 });
      modes.current().key?.("Enter");
      for (const { locked, only } of [document.limits])
        document.mask().forEach((value, i) => {
          assert.ok(value <= 2);
          if (value !== before[i] && document.strokes === steps + 1) assert.ok(!locked.includes(before[i]) && (only === null || only === before[i]));
        });
      assert.equal(document.mask().length, 65536);
      assert.ok(document.strokes - steps <= 2);
      if (document.strokes === steps) assert.deepEqual(document.mask(), before);
      if (document.strokes > steps) masks.push(document.mask());
      if (document.strokes > steps + 1) masks.splice(-1, 0, null);
    }
    assert.ok(document.strokes > 8, `the walk drew ${document.strokes} times`);
    const end = document.mask();
    for (const expected of masks.slice(0, -1).reverse()) {
      document.undo();
      if (expected) assert.deepEqual(document.mask(), expected);
    }
    assert.equal(document.canUndo(), false);
    while (document.canRedo()) document.redo();
    assert.deepEqual(document.mask(), end);
  }
});

function keyboard(bench) {
  const shown = [];
  const cursor = new KeyboardCursor({ modes: bench.modes, isDrawable: () => bench.document.isDrawable(), from: () => ({ x: 50.2, y: 60.9 }), show: (at) => shown.push(at) });
  return { shown, press: (...chords) => chords.map((chord) => cursor.key(chord)), cursor };
}

test("arrows and Space draw what a pointer draws, without a drag", () => {
  const bench = workbench(emptyMask());
  bench.tools.set({ mode: "brush", value: 1, sizePx: 1 });
  const { press, shown } = keyboard(bench);
  assert.deepEqual(press("Space"), [false], "without a cursor Space is the editor's");
  press("ArrowRight", "Space", "ArrowRight", "Shift+ArrowDown", "Space");
  assert.deepEqual(shown.at(-1), { x: 52.5, y: 70.5 });
  const expected = brushStroke(emptyMask(), [{ x: 51.5, y: 60.5 }, { x: 52.5, y: 60.5 }, { x: 52.5, y: 70.5 }], 1, 1);
  assert.deepEqual(bench.document.mask(), expected);
  assert.equal(bench.document.strokes, 1);
  press("ArrowRight");
  assert.deepEqual(bench.document.mask(), expected, "the brush is up");
});

test("the cursor clicks corners and regions, stays on the patch, and leaves with Escape", () => {
  const bench = workbench();
  bench.tools.set({ mode: "fill", value: 0 });
  const { press, shown, cursor } = keyboard(bench);
  press(...Array(30).fill("Shift+ArrowLeft"));
  assert.deepEqual(shown.at(-1), { x: 0.5, y: 60.5 });
  press("Space");
  assert.ok(bench.document.mask().every((value) => value === 0));
  bench.tools.set({ mode: "brush", value: 1 });
  press("ArrowUp", "Space", "ArrowUp");
  cursor.leave();
  assert.equal(bench.document.isDrawing(), false, "a stroke ends where the cursor leaves");
  assert.deepEqual([shown.at(-1), ...press("Escape", "Space")], [null, false, false]);
  bench.document.isLocked = true;
  assert.deepEqual(press("ArrowUp"), [false]);
});

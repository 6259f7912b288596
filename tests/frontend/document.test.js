import assert from "node:assert/strict";
import { test } from "node:test";

import { stampSegment } from "../../frontend/actions/brush.js";
import { EditorDocument } from "../../frontend/state/document.js";
import { FocusClock } from "../../frontend/state/focus_clock.js";
import { changedRect, emptyMask, sameMask } from "../../frontend/state/mask.js";
import { clampOpacity, clampSize, createTools, resized } from "../../frontend/state/tools.js";
import { randomMask, seeded } from "./random.js";

function opened(mask = emptyMask(), proposalMask = null) {
  const document = new EditorDocument(new FocusClock(() => 0));
  const events = [];
  document.subscribe((event) => events.push(event));
  document.open({ patch: { id: 1 }, mask, baseNumber: 0, proposalMask });
  events.length = 0;
  return { document, events };
}

function draw(document, random, value) {
  document.beginStroke();
  let last = random.point(0);
  for (let n = 0; n < 4; n++) {
    const next = random.point(0);
    const from = last;
    document.paint((mask) => stampSegment(mask, from, next, 9, value));
    last = next;
  }
  document.endStroke();
}

test("what the screen was told to redraw always holds what changed", () => {
  for (let seed = 1; seed <= 25; seed++) {
    const random = seeded(seed);
    const { document, events } = opened(randomMask(random));
    const screen = document.mask().slice();
    const follow = () => {
      for (const event of events.splice(0)) {
        if (event.type !== "pixels") continue;
        const { x0, y0, x1, y1 } = event.rect;
        for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) screen[y * 256 + x] = document.mask()[y * 256 + x];
      }
      assert.equal(changedRect(screen, document.mask()), null);
    };
    for (let n = 0; n < 20; n++) {
      const choice = random.integer(5);
      if (choice === 0) document.undo();
      else if (choice === 1) document.redo();
      else if (choice === 2) document.apply(randomMask(random));
      else if (choice === 3) {
        document.beginStroke();
        document.paint((mask) => stampSegment(mask, random.point(), random.point(), 9, 3));
        if (random.integer(2)) document.cancelStroke();
        else document.undo();
      } else draw(document, random, 1 + random.integer(3));
      follow();
    }
  }
});

test("one stroke is one step, however many points it has", () => {
  const { document } = opened();
  const random = seeded(3);
  draw(document, random, 2);
  draw(document, random, 1);
  assert.equal(document.strokes, 2);
  document.undo();
  document.undo();
  assert.equal(document.canUndo(), false);
  assert.ok(sameMask(document.mask(), emptyMask()));
});

test("a stroke that changes nothing is no step", () => {
  const { document } = opened();
  draw(document, seeded(4), 0);
  assert.equal(document.canUndo(), false);
  assert.equal(document.isDirty(), false);
  assert.equal(document.strokes, 0);
});

test("painting after the stroke was ended changes nothing", () => {
  const { document } = opened();
  document.beginStroke();
  document.endStroke();
  document.paint((mask) => stampSegment(mask, { x: 9, y: 9 }, { x: 90, y: 90 }, 9, 2));
  assert.ok(sameMask(document.mask(), emptyMask()));
});

test("a locked document takes no stroke", () => {
  const { document } = opened();
  document.isLocked = true;
  draw(document, seeded(4), 1);
  assert.equal(document.apply(randomMask(seeded(1))), false);
  assert.ok(sameMask(document.mask(), emptyMask()));
});

test("another person's mask is adopted as saved, and ours stays one undo away", () => {
  const { document } = opened();
  const random = seeded(8);
  draw(document, random, 2);
  const mine = document.current();
  const theirs = randomMask(random);
  document.adopt(theirs, 5);
  assert.deepEqual([document.isDirty(), document.baseNumber, document.current()], [false, 5, theirs]);
  document.undo();
  assert.equal(document.current(), mine);
  assert.equal(document.isDirty(), true);
});

test("the clock counts time in focus with signs of life only", () => {
  let now = 0;
  const clock = new FocusClock(() => now);
  now = 100_000;
  assert.equal(clock.seconds(), 0, "nothing before the first sign");
  clock.signOfLife();
  now += 10_000;
  clock.signOfLife();
  now += 10_000;
  assert.equal(clock.seconds(), 20);
  now += 600_000;
  assert.equal(clock.seconds(), 10 + 60, "an hour at lunch counts for a minute");
  clock.signOfLife();
  now += 5_000;
  clock.pause();
  now += 50_000;
  assert.equal(clock.seconds(), 75);
  clock.reset(3);
  assert.equal(clock.seconds(), 3);
});

test("tools are kept in bounds and survive a broken store", () => {
  assert.deepEqual([clampSize(0), clampSize(900), clampOpacity(0), clampOpacity(7)], [1, 64, 0.1, 1]);
  for (let sizePx = 1; sizePx < 64; sizePx++) {
    assert.ok(resized({ mode: "brush", sizePx }, 1).sizePx > sizePx && resized({ mode: "brush", sizePx: sizePx + 1 }, -1).sizePx < sizePx + 1);
  }
  const legend = [
    { value: 0, is_null: true },
    { value: 2, is_boundary: true },
    { value: 1 },
  ];
  const broken = {
    getItem: () => "{",
    setItem() {
      throw new Error("full");
    },
  };
  const tools = createTools(legend, broken);
  assert.equal(tools.state.value, 1, "the first class that is a field");
  tools.set({ sizePx: 20 });
  const stored = new Map([["milpa.tools", '{"sizePx": 900, "opacity": 0.3}']]);
  const storage = { getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => stored.set(key, value) };
  const again = createTools(legend, storage);
  assert.deepEqual([again.state.sizePx, again.state.opacity], [64, 0.3]);
  again.set({ sizePx: 12 });
  assert.equal(createTools(legend, storage).state.sizePx, 12);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { brushStroke } from "../../frontend/actions/brush.js";
import { deltaBetween, withDelta } from "../../frontend/history/delta.js";
import { MaskHistory } from "../../frontend/history/mask_history.js";
import { Recorder } from "../../frontend/history/recorder.js";
import { EditorDocument } from "../../frontend/state/document.js";
import { FocusClock } from "../../frontend/state/focus_clock.js";
import { emptyMask } from "../../frontend/state/mask.js";
import { randomMask, seeded } from "./random.js";

const stroke = (mask, random) => brushStroke(mask, [random.point(), random.point()], 1 + random.integer(20), random.integer(4));
/** A mask that no other number has. */
const numbered = (n) => {
  const mask = emptyMask();
  mask.set([n % 256, n >> 8], 1000);
  return mask;
};

test("a delta leads from either mask to the other, and is short for a stroke", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seeded(seed);
    const a = randomMask(random);
    const b = seed % 4 ? stroke(a, random) : randomMask(random);
    const delta = deltaBetween(a, b);
    assert.deepEqual(withDelta(a, delta), b);
    assert.deepEqual(withDelta(b, delta), a);
    if (seed % 4) assert.ok(delta.length < 4000, `${delta.length} bytes`);
  }
  const noise = emptyMask().map(() => seeded(1).integer(256));
  assert.deepEqual(withDelta(emptyMask(), deltaBetween(emptyMask(), noise)), noise);
  assert.equal(deltaBetween(noise, noise.slice()).length, 0);
  assert.throws(() => withDelta(emptyMask(), new Uint8Array([0xff, 0xff, 0x7f, 3])), /does not fit/);
});

test("undo after any action gives back exactly what was there, redo the action's result", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const random = seeded(seed);
    const history = new MaskHistory(randomMask(random));
    const seen = [history.current()];
    for (let n = 0; n < 40; n++) {
      history.push(stroke(history.current(), random));
      seen.push(history.current());
    }
    const copies = seen.map((mask) => mask.slice());
    for (let n = 39; n >= 0; n--) assert.deepEqual(history.undo(), copies[n]);
    assert.equal(history.undo(), history.current());
    for (let n = 1; n <= 40; n++) assert.deepEqual(history.redo(), copies[n]);
    seen.forEach((mask, n) => assert.deepEqual(mask, copies[n]));
  }
});

test("the steps just taken are at hand as the very masks that were pushed", () => {
  const history = new MaskHistory(numbered(0));
  const masks = [history.current(), ...Array.from({ length: 10 }, (_, n) => numbered(n + 1))];
  for (const mask of masks) history.push(mask);
  for (let n = 9; n >= 0; n--) assert.equal(history.undo(), masks[n]);
});

test("a random walk of pushes, undos, redos and saves agrees with a plain list", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = seeded(seed);
    const history = new MaskHistory(numbered(0));
    let list = [history.current()];
    let index = 0;
    let saved = list[0];
    for (let n = 1; n < 150; n++) {
      const choice = random.integer(7);
      if (choice < 3) {
        list = [...list.slice(0, index + 1), numbered(n)];
        history.push(list[++index]);
      } else if (choice < 5) {
        history.undo();
        index = Math.max(0, index - 1);
      } else if (choice === 5) {
        history.redo();
        index = Math.min(list.length - 1, index + 1);
      } else {
        history.markSaved();
        saved = list[index];
      }
      assert.deepEqual(history.current(), list[index]);
      assert.deepEqual(history.saved(), saved);
      assert.deepEqual([history.canUndo(), history.canRedo()], [index > 0, index < list.length - 1]);
      assert.equal(history.isDirty(), list[index] !== saved);
    }
  }
});

test("a stroke drawn while a save is under way stays unsaved, and so does one that took the saved one's place", () => {
  const history = new MaskHistory(numbered(0));
  const sent = numbered(1);
  history.push(sent);
  for (let n = 2; n < 40; n++) history.push(numbered(n));
  history.markSaved(sent);
  assert.equal(history.isDirty(), true);
  while (history.steps().index > 1) history.undo();
  assert.equal(history.isDirty(), false);
  history.undo();
  history.push(numbered(99));
  assert.equal(history.isDirty(), true);
  history.undo();
  assert.equal(history.isDirty(), true);
});

test("pushing what is there already is no step", () => {
  const history = new MaskHistory(numbered(0));
  history.push(history.current());
  assert.equal(history.canUndo(), false);
});

test("two thousand steps are undone to the first, and take less than a megabyte", () => {
  const random = seeded(4);
  const first = randomMask(random);
  const history = new MaskHistory(first);
  for (let n = 0; n < 2000; n++) {
    const from = random.point(0);
    history.push(brushStroke(history.current(), [from, { x: from.x + 30 * random.next(), y: from.y + 20 }], 8, n % 4));
  }
  const bytes = history.steps().deltas.reduce((sum, { length }) => sum + length, 0);
  assert.ok(bytes < 1_000_000, `${bytes} bytes`);
  const before = first.slice();
  while (history.canUndo()) history.undo();
  assert.deepEqual(history.current(), before);
});

test("a history is resumed where it leads to over what the server has, and only there", () => {
  const random = seeded(6);
  const history = new MaskHistory(randomMask(random));
  for (let n = 0; n < 5; n++) history.push(stroke(history.current(), random));
  history.markSaved();
  history.push(stroke(history.current(), random));
  history.undo();
  history.undo();
  const steps = history.steps();
  const resumed = MaskHistory.resumed(steps, history.saved().slice());
  for (const step of ["redo", "redo", "undo", "undo", "undo", "undo", "undo", "redo"]) assert.deepEqual(resumed[step](), history[step]());
  assert.equal(resumed.isDirty(), history.isDirty());
  assert.equal(MaskHistory.resumed(steps, randomMask(random)), null);
});

/** The browser's store, as far as the recorder needs one. */
function storeInMemory() {
  const patches = new Map();
  return {
    patches,
    load: async (id) => structuredClone(patches.get(id) ?? null),
    keep: async (id, steps, from) => {
      const deltas = [...(patches.get(id)?.deltas ?? []).slice(0, from), ...steps.deltas.slice(from)];
      patches.set(id, structuredClone({ ...steps, deltas }));
    },
  };
}

async function atWork(store, { mask, id = 1 }) {
  const document = new EditorDocument(new FocusClock(() => 0));
  const recorder = new Recorder(document, store);
  document.open({ patch: { id }, mask, baseNumber: 0, proposalMask: null });
  for (let n = 0; n < 5; n++) await recorder.written();
  return { document, recorder };
}

test("after a reload undo and redo go on, over saved and unsaved steps", async () => {
  for (const isSaved of [true, false]) {
    const random = seeded(9);
    const store = storeInMemory();
    const first = randomMask(random);
    const before = await atWork(store, { mask: first });
    const masks = [first];
    for (let n = 0; n < 6; n++) {
      before.document.apply(stroke(before.document.current(), random));
      masks.push(before.document.current());
    }
    before.document.undo();
    if (isSaved) before.document.markSaved(before.document.current(), 1);
    await before.recorder.written();
    assert.deepEqual(store.patches.get(1).deltas.length, 6);

    const after = await atWork(store, { mask: (isSaved ? masks[5] : first).slice() });
    // What was not saved comes back from the draft, as a step.
    if (!isSaved) after.document.apply(masks[5].slice());
    assert.equal(after.document.isDirty(), !isSaved);
    after.document.redo();
    assert.deepEqual(after.document.current(), masks[6]);
    for (let n = 5; n >= 0; n--) {
      after.document.undo();
      assert.deepEqual(after.document.current(), masks[n]);
    }
    assert.equal(after.document.canUndo(), false);
    after.document.apply(stroke(first, random));
    await after.recorder.written();
    assert.equal(store.patches.get(1).deltas.length, 1);
  }
});

test("steps that do not lead to the shown mask give way to new ones", async () => {
  const random = seeded(11);
  const store = storeInMemory();
  const before = await atWork(store, { mask: randomMask(random) });
  before.document.apply(randomMask(random));
  await before.recorder.written();
  const theirs = randomMask(random);
  const after = await atWork(store, { mask: theirs });
  assert.equal(after.document.canUndo(), false);
  after.document.apply(randomMask(random));
  await after.recorder.written();
  assert.deepEqual([store.patches.get(1).first, store.patches.get(1).deltas.length], [theirs, 1]);
});

test("where the browser keeps nothing, undo reaches back to where the patch was opened", async () => {
  const gone = async () => {
    throw new Error("no store");
  };
  const first = randomMask(seeded(21));
  const { document, recorder } = await atWork({ load: gone, keep: gone }, { mask: first });
  document.apply(randomMask(seeded(22)));
  document.apply(randomMask(seeded(23)));
  await recorder.written();
  document.undo();
  document.undo();
  assert.deepEqual(document.current(), first);
});

test("each patch has steps of its own, and none are mixed up on the way from one to the next", async () => {
  const random = seeded(31);
  const store = storeInMemory();
  const { document, recorder } = await atWork(store, { mask: randomMask(random), id: 1 });
  document.apply(randomMask(random));
  document.close();
  const second = randomMask(random);
  document.open({ patch: { id: 2 }, mask: second, baseNumber: 0, proposalMask: null });
  for (let n = 0; n < 5; n++) await recorder.written();
  document.apply(randomMask(random));
  document.apply(randomMask(random));
  await recorder.written();
  assert.deepEqual([1, 2].map((id) => store.patches.get(id).deltas.length), [1, 2]);
  assert.deepEqual(store.patches.get(2).first, second);
});

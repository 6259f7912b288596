import assert from "node:assert/strict";
import { test } from "node:test";

import { brushStroke } from "../../frontend/actions/brush.js";
import { History } from "../../frontend/state/history.js";
import { emptyMask } from "../../frontend/state/mask.js";
import { seeded } from "./random.js";

test("undo after any action gives back exactly what was there, redo the action's result", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const history = new History(emptyMask());
    const seen = [history.current()];
    for (let n = 0; n < 15; n++) {
      history.push(brushStroke(history.current(), [random.point(), random.point()], 1 + random.integer(20), random.integer(4)));
      seen.push(history.current());
    }
    const copies = seen.map((mask) => mask.slice());
    for (let n = 14; n >= 0; n--) assert.equal(history.undo(), seen[n]);
    assert.equal(history.undo(), seen[0]);
    for (let n = 1; n <= 15; n++) assert.equal(history.redo(), seen[n]);
    assert.equal(history.redo(), seen[15]);
    seen.forEach((mask, n) => assert.deepEqual(mask, copies[n]));
  }
});

test("a random walk of pushes, undos and redos agrees with a plain list", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seeded(seed);
    const history = new History(0);
    let list = [0];
    let index = 0;
    for (let n = 1; n < 200; n++) {
      const choice = random.integer(3);
      if (choice === 0) {
        history.push(n);
        list = [...list.slice(0, index + 1), n];
        index++;
      } else if (choice === 1) {
        history.undo();
        index = Math.max(0, index - 1);
      } else {
        history.redo();
        index = Math.min(list.length - 1, index + 1);
      }
      assert.equal(history.current(), list[index]);
      assert.equal(history.canUndo(), index > 0);
      assert.equal(history.canRedo(), index < list.length - 1);
    }
  }
});

test("dirty means that the current value is not the saved one", () => {
  const history = new History("a");
  assert.equal(history.isDirty(), false);
  history.push("b");
  assert.equal(history.isDirty(), true);
  history.undo();
  assert.equal(history.isDirty(), false);
  history.redo();
  history.markSaved();
  assert.equal(history.isDirty(), false);
  history.undo();
  assert.equal(history.isDirty(), true);
});

test("a stroke drawn while a save is under way stays unsaved", () => {
  const history = new History("a");
  history.push("sent");
  history.push("drawn meanwhile");
  history.markSaved("sent");
  assert.equal(history.isDirty(), true);
  history.undo();
  assert.equal(history.isDirty(), false);
});

test("pushing what is there already is no step", () => {
  const history = new History("a");
  history.push("a");
  assert.equal(history.canUndo(), false);
});

test("only so many steps are kept", () => {
  const history = new History(0, 5);
  for (let n = 1; n <= 20; n++) history.push(n);
  for (let n = 0; n < 10; n++) history.undo();
  assert.equal(history.current(), 16);
});

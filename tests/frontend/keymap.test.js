import assert from "node:assert/strict";
import { test } from "node:test";

import { chordOf } from "../../frontend/operations/chords.js";
import { Keymap, storedKeys } from "../../frontend/operations/keymap.js";
import { OPERATIONS } from "../../frontend/operations/operations.js";

const find = (id) => OPERATIONS.find((operation) => operation.id === id);
const press = (key, code, more = {}) => chordOf({ key, code, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...more });

/** The part of Storage that is used. */
function storage(items = {}) {
  return { items, getItem: (name) => items[name] ?? null, setItem: (name, text) => (items[name] = text) };
}

test("without choices every operation has the keys that it came with", () => {
  const keymap = new Keymap(OPERATIONS, storedKeys(storage(), "7"));
  for (const operation of OPERATIONS) {
    assert.deepEqual(keymap.keysOf(operation), operation.keys);
    for (const key of operation.keys) assert.equal(keymap.operationOf(key), operation);
  }
  assert.equal(keymap.isChanged(), false);
});

test("a chosen key replaces the old ones, is told to listeners and is there on the next visit, for this person only", () => {
  const browser = storage();
  const keymap = new Keymap(OPERATIONS, storedKeys(browser, "7"));
  let told = 0;
  keymap.subscribe(() => told++);
  keymap.set(find("redo"), "Shift+R");
  assert.deepEqual([keymap.operationOf("Shift+R").id, keymap.operationOf("Ctrl+Y"), told], ["redo", undefined, 1]);
  assert.deepEqual(new Keymap(OPERATIONS, storedKeys(browser, "7")).keysOf(find("redo")), ["Shift+R"]);
  assert.deepEqual(new Keymap(OPERATIONS, storedKeys(browser, "8")).keysOf(find("redo")), find("redo").keys);
});

test("a key that is taken from an operation leaves it its other keys; no key ever stands for two", () => {
  const keymap = new Keymap(OPERATIONS, storedKeys(storage(), "7"));
  keymap.set(find("undo"), "Ctrl+Y");
  assert.deepEqual(keymap.keysOf(find("redo")), ["Ctrl+Shift+Z"]);
  keymap.set(find("brush"), "X");
  assert.deepEqual(keymap.keysOf(find("eraser")), []);
  const keys = OPERATIONS.flatMap((operation) => keymap.keysOf(operation));
  assert.equal(new Set(keys).size, keys.length);
});

test("resetting brings all keys back", () => {
  const browser = storage();
  const keymap = new Keymap(OPERATIONS, storedKeys(browser, "7"));
  keymap.set(find("brush"), "X");
  keymap.reset();
  assert.deepEqual(keymap.keysOf(find("eraser")), ["X"]);
  assert.equal(new Keymap(OPERATIONS, storedKeys(browser, "7")).isChanged(), false);
});

test("what the drawing cursor and the tools need is not given away", () => {
  const keymap = new Keymap(OPERATIONS, storedKeys(null, "7"));
  for (const chord of ["Space", "Escape", "Tab", "ArrowUp", "Shift+ArrowLeft", "Backspace", "Shift+Shift", "Dead"]) assert.equal(keymap.isFree(chord), false, chord);
  for (const chord of ["B", "Ctrl+B", "é", "F2", "Enter"]) assert.equal(keymap.isFree(chord), true, chord);
});

test("a browser's store that is broken or holds something else is as good as empty", () => {
  for (const text of ["{", "null", "7", '{"brush": "B"}', '{"brush": [1]}']) {
    assert.deepEqual(storedKeys(storage({ "milpa-keys-7": text }), "7").read(), {});
  }
});

test("keyboards of other scripts have the same keys in the same places", () => {
  assert.equal(press("ش", "KeyA"), "A");
  assert.equal(press("ل", "KeyG", { shiftKey: true }), "Shift+G");
  assert.equal(press("ब", "KeyY"), "Y");
  assert.equal(press("я", "KeyZ", { ctrlKey: true }), "Ctrl+Z");
  assert.equal(press("٢", "Digit2"), "2");
  assert.equal(press("ج", "BracketLeft"), "[");
  assert.equal(press("؟", "Slash", { shiftKey: true }), "?");
});

test("keyboards of the Latin script say themselves what their keys are", () => {
  assert.equal(press("z", "KeyY"), "Z", "German");
  assert.equal(press("a", "KeyQ"), "A", "French");
  assert.equal(press("é", "Digit2"), "2", "French, without Shift");
  assert.equal(press("ö", "Semicolon"), "Ö");
  assert.equal(press("Enter", "NumpadEnter"), "Enter");
});

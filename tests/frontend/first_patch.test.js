import assert from "node:assert/strict";
import { test } from "node:test";

import { DREW, FirstPatch, LOOKED, STEPS } from "../../frontend/guidance/first_patch.js";
import { Keymap } from "../../frontend/operations/keymap.js";
import { OPERATIONS } from "../../frontend/operations/operations.js";

const keymap = () => new Keymap(OPERATIONS, { read: () => ({ hide: ["Ctrl+H"] }), write() {} });
const guideWith = (spots) => new FirstPatch({ keymap: keymap(), tour: { count: spots } });

/** What the person does at each step. */
const DOES = { look: LOOKED, spot: "nextSpot", class: "class-2", draw: DREW, undo: "undo", redo: "redo", save: "save", end: "submit" };

test("each step waits for the person's own action, and the end is told", () => {
  const guide = guideWith(3);
  const ends = [];
  guide.subscribe((end) => ends.push(end));
  guide.start();
  for (const [number, { id }] of STEPS.entries()) {
    guide.see("zoomIn");
    assert.deepEqual([guide.current().step.id, guide.current().number, guide.current().total], [id, number + 1, 8]);
    guide.see(DOES[id]);
  }
  assert.equal(guide.current(), null);
  assert.deepEqual(ends, [...Array(8).fill(null), "done"]);
});

test("without uncertain spots there is no step that looks for them", () => {
  const guide = guideWith(0);
  guide.start();
  assert.equal(guide.current().total, 7);
  guide.see(LOOKED);
  assert.equal(guide.current().step.id, "class");
});

test("a step can be passed by, the guide left and begun again", () => {
  const guide = guideWith(1);
  const ends = [];
  guide.subscribe((end) => ends.push(end));
  guide.start();
  guide.next();
  assert.equal(guide.current().number, 2);
  guide.leave();
  assert.deepEqual([guide.current(), ends.at(-1)], [null, "left"]);
  guide.see(LOOKED);
  guide.next();
  assert.equal(ends.length, 3, "nothing is told of a guide that is not under way");
  guide.start();
  assert.equal(guide.current().number, 1);
});

test("the texts name the keys that the person has chosen", () => {
  const guide = guideWith(1);
  guide.start();
  assert.match(guide.current().text, /press Ctrl\+H/);
});

test("every step is about something that there is", () => {
  const ids = new Set(OPERATIONS.map(({ id }) => id));
  for (const { target } of STEPS) {
    const id = /data-operation="(\w+)"/.exec(target)?.[1];
    assert.ok(id ? ids.has(id) : ["#classes", "#toolbar-tools"].includes(target), target);
  }
});

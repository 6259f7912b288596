import assert from "node:assert/strict";
import { test } from "node:test";

import { chordOf } from "../../frontend/operations/chords.js";
import { SpotTour } from "../../frontend/guidance/spot_tour.js";
import { OPERATIONS, classOperations, lockOperations } from "../../frontend/operations/operations.js";
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
  const keys = [...OPERATIONS, ...classOperations({ legend: LEGEND }), ...lockOperations({ legend: LEGEND })].flatMap((operation) => operation.keys);
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

function benchWith({ mask = emptyMask(), proposalMask = null, phase = "ready", baseNumber = 0, scenes = [{ id: 1 }], whyNoImagery = null, pointed = null } = {}) {
  const document = new EditorDocument();
  document.open({ patch: { id: 1, proposal: proposalMask && {} }, mask, baseNumber, proposalMask });
  const submitted = [];
  return {
    document,
    submitted,
    scenes,
    tools: createTools(LEGEND, null),
    situation: new Store({ phase }),
    project: { legend: LEGEND },
    tour: new SpotTour(),
    whyNoImagery: () => whyNoImagery,
    pointedValue: () => pointed,
    labelling: { saving: { submit: () => submitted.push(document.current()) } },
  };
}
const find = (id) => OPERATIONS.find((operation) => operation.id === id);
const why = (id, bench) => find(id).why(bench);

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

test("tools that need imagery, a boundary class, dates or spots say what is missing", () => {
  const bench = benchWith({ whyNoImagery: "The imagery is still being read." });
  for (const id of ["smart", "alike"]) assert.equal(why(id, bench), "The imagery is still being read.");
  for (const id of ["smart", "alike"]) assert.equal(why(id, benchWith()), null);
  assert.equal(why("pen", bench), "The legend has no boundary class.");
  assert.equal(why("compare", bench), "The project has one scene only.");
  assert.equal(why("compare", benchWith({ scenes: [{ id: 1 }, { id: 2 }] })), null);
  assert.equal(why("nextSpot", bench), "This patch has no proposal.");
  const proposed = benchWith({ proposalMask: emptyMask() });
  assert.equal(why("nextSpot", proposed), "The model was sure everywhere on this patch.");
  proposed.tour.start([{ x: 1, y: 2, share: 1 }]);
  assert.equal(why("nextSpot", proposed), null);
  assert.equal(why("previous", benchWith({ baseNumber: 1 })), "There is no revision before this one.");
  assert.equal(why("previous", benchWith({ baseNumber: 2 })), null);
});

test("clearing is a step that undo takes back", () => {
  const mask = randomMask(seeded(3));
  const bench = benchWith({ mask });
  find("clear").run(bench);
  assert.deepEqual(bench.document.current(), emptyMask());
  assert.equal(why("clear", bench), "The mask is empty already.");
  bench.document.undo();
  assert.equal(bench.document.current(), mask);
});

test("“no field here” submits an empty mask, but never throws away a person's work", () => {
  const proposalMask = randomMask(seeded(4));
  const bench = benchWith({ mask: proposalMask, proposalMask });
  assert.equal(why("nothing", bench), null);
  find("nothing").run(bench);
  assert.deepEqual(bench.submitted, [emptyMask()]);
  const drawn = benchWith({ mask: proposalMask, proposalMask });
  drawn.document.apply(randomMask(seeded(5)));
  assert.match(why("nothing", drawn), /clear it first/);
  assert.match(why("nothing", benchWith({ mask: randomMask(seeded(5)), baseNumber: 1 })), /clear it first/);
  drawn.document.apply(emptyMask());
  assert.equal(why("nothing", drawn), null);
});

test("a lock is set and taken off, from the key and from the class's button", () => {
  const bench = benchWith();
  bench.tools.set({ value: 12 });
  find("lock").run(bench);
  const [, , water] = lockOperations({ legend: LEGEND });
  assert.deepEqual([bench.tools.state.locked, water.isOn(bench), find("lock").isOn(bench)], [[12], true, true]);
  lockOperations({ legend: LEGEND })[1].run(bench);
  water.run(bench);
  assert.deepEqual(bench.tools.state.locked, [1]);
});

test("drawing over one class only is chosen by pointing, and given up without", () => {
  assert.match(why("only", benchWith()), /Point at a pixel/);
  const bench = benchWith({ pointed: 1 });
  find("only").run(bench);
  assert.equal(bench.tools.state.only, 1);
  bench.pointedValue = () => null;
  assert.equal(why("only", bench), null);
  find("only").run(bench);
  assert.equal(bench.tools.state.only, null);
});

test("the brackets change what is in the hand", () => {
  const bench = benchWith();
  for (const [mode, name] of [["brush", "sizePx"], ["smart", "sizePx"], ["pen", "penPx"], ["alike", "tolerance"]]) {
    bench.tools.set({ mode });
    const before = bench.tools.state;
    find("larger").run(bench);
    assert.ok(bench.tools.state[name] > before[name], mode);
    find("smaller").run(bench);
    assert.equal(bench.tools.state[name], before[name]);
  }
});

test("styles, comparisons and the imagery's look go round or to their ends", () => {
  const bench = benchWith({ scenes: [{ id: 1 }, { id: 2 }] });
  const states = (id, name, times) => Array.from({ length: times }, () => (find(id).run(bench), bench.tools.state[name]));
  assert.deepEqual(states("style", "style", 3), ["pattern", "outline", "fill"]);
  assert.deepEqual(states("compare", "comparison", 3), ["swipe", "flicker", "off"]);
  assert.equal(states("brighter", "brightness", 30).at(-1), 250);
  assert.equal(states("flatter", "contrast", 30).at(-1), 40);
});

test("the tour of spots goes round in both directions", () => {
  const tour = new SpotTour();
  assert.equal(tour.step(1), null);
  const spots = [1, 2, 3].map((x) => ({ x, y: 0, share: 1 / x }));
  tour.start(spots);
  assert.deepEqual([1, 1, 1, 1].map((way) => tour.step(way).number), [1, 2, 3, 1]);
  assert.deepEqual(tour.step(-1), { spot: spots[2], number: 3 });
  tour.start(spots);
  assert.equal(tour.step(-1).number, 3);
});

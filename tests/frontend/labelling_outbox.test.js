import assert from "node:assert/strict";
import { test } from "node:test";

import { drawn, withOutbox } from "./at_work.js";

test("drafts that meet no connection wait in their order, and each grows from the one before", async () => {
  const { api, document, labelling, outbox, online } = await withOutbox();
  api.isCutOff = true;
  for (const seed of [1, 2]) {
    document.apply(drawn(seed));
    assert.equal(await labelling.saving.save(), true);
    assert.equal(await labelling.saving.save(), true, "once more changes nothing");
  }
  assert.deepEqual([outbox.sendings().length, outbox.patchIds(), document.isDirty()], [2, [], true]);
  const firstKey = api.saves[0].idempotencyKey;
  api.saves = [];
  await online();
  assert.deepEqual(api.saves.map(({ baseNumber, strokes, submit }) => [baseNumber, strokes, submit]), [[0, 1, false], [1, 1, false]]);
  assert.equal(api.saves[0].idempotencyKey, firstKey, "the server may have done it the first time");
  assert.deepEqual([document.isDirty(), document.baseNumber, document.strokes, outbox.sendings()], [false, 2, 0, []]);
});

test("a submission after a draft that waits grows from it", async () => {
  const { api, document, labelling, online } = await withOutbox();
  api.isCutOff = true;
  const [draft, last] = [drawn(1), drawn(2)];
  document.apply(draft);
  await labelling.saving.save();
  document.apply(last);
  api.saves = [];
  const submission = labelling.saving.submit();
  await online();
  await submission;
  assert.deepEqual(api.saves.map(({ baseNumber, mask, submit }) => [baseNumber, mask, submit]), [[0, draft, false], [1, last, true]]);
});

test("bad imagery is reported from the outbox, over a draft that waited", async () => {
  const { api, document, labelling, online } = await withOutbox();
  const reports = [];
  api.reportImagery = async (...given) => (reports.push(given), { revision: { number: 2 } });
  api.isCutOff = true;
  document.apply(drawn(1));
  await labelling.saving.save();
  const report = labelling.saving.reportImagery({ problem: "cloud", comment: "" });
  await online();
  await report;
  const [[patchId, said, how]] = reports;
  assert.deepEqual([patchId, said, how.person], [1, { problem: "cloud", comment: "", revision: 1, seconds: 0 }, "7"]);
  assert.equal(document.patch.id, 2);
});

test("a draft that waited and meets another revision is solved on the table, and its strokes count once", async () => {
  const { api, document, labelling, online, stuck, asked } = await withOutbox();
  api.isCutOff = true;
  const mine = drawn(1);
  document.apply(mine);
  await labelling.saving.save();
  api.someoneSaves();
  api.saves = [];
  await online();
  assert.deepEqual(stuck, [["draft", true]]);
  assert.deepEqual([asked.length, document.isDirty(), document.baseNumber], [1, false, 2]);
  assert.deepEqual(api.saves.map(({ baseNumber, mask, strokes }) => [baseNumber, mask, strokes]).at(-1), [1, mine, 1]);
});

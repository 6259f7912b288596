/** An editor at work in memory: what tests of labelling share. */
import { ApiError, errorOf } from "../../frontend/api/errors.js";
import { AT_FIRST, Labelling } from "../../frontend/labelling.js";
import { Outbox } from "../../frontend/offline/outbox.js";
import { Supply } from "../../frontend/offline/supply.js";
import { EditorDocument } from "../../frontend/state/document.js";
import { FocusClock } from "../../frontend/state/focus_clock.js";
import { Store } from "../../frontend/state/store.js";
import { randomMask, seeded } from "./random.js";

export const PROPOSAL = randomMask(seeded(1));
export const THEIRS = randomMask(seeded(2));

/** A server of one project in memory, as far as the loop needs one. */
export class FakeApi {
  masks = new Map([["proposal", PROPOSAL]]);
  patches = [];
  number = 0;
  saves = [];
  failures = [];
  isCutOff = false;
  released = [];
  revisions = [];

  addPatch(id, more = {}) {
    this.patches.push({ id, state: "claimed", claim: { mine: true, expires_at: "2030-01-01T00:00:00Z" }, proposal: { id: 70, mask_url: "proposal" }, revision: null, review: null, ...more });
  }

  #mayFail() {
    const failure = this.failures.shift();
    if (failure) throw failure;
  }

  claimPatch = async (_slug, { patchId, besides }) => {
    this.#mayFail();
    const patch = this.patches.find(({ id }) => (patchId === null ? !besides.includes(id) : id === patchId));
    return patch ? { outcome: "claimed", patch } : { outcome: "finished", detail: "All done." };
  };

  fetchMask = async (url) => this.masks.get(url);

  getHistory = async () => {
    this.#mayFail();
    return { events: [], revisions: this.revisions };
  };

  saveMask = async (patchId, save) => {
    this.saves.push(save);
    if (this.isCutOff) throw new ApiError("offline", "gone");
    this.#mayFail();
    if (save.baseNumber !== this.number) {
      const current = { id: 9, number: this.number, author: "bea", mask_url: "theirs", saved_at: "2030-01-01T00:00:00Z" };
      throw errorOf(412, { code: "revision-conflict", detail: "Both are kept.", current, kept: { id: 10 } });
    }
    this.number += 1;
    if (save.submit) this.patches = this.patches.filter(({ id }) => id !== patchId);
    return { revision: { id: 1, number: this.number, saved_at: "2030-01-01T00:00:00Z" }, state: "claimed" };
  };

  fetchEntropy = async () => new Uint8Array(16);

  fetchTile = async () => new Uint8Array(1);

  releasePatch = async (id) => {
    this.#mayFail();
    this.released.push(id);
    this.patches = this.patches.filter((one) => one.id !== id);
  };

  sendHeartbeat = async () => {
    this.#mayFail();
    return { expires_at: "2030-01-01T01:00:00Z" };
  };

  someoneSaves() {
    this.number += 1;
    this.masks.set("theirs", THEIRS);
  }
}

export function fakeDrafts() {
  const kept = new Map();
  return {
    kept,
    get: async (id) => kept.get(id) ?? null,
    put: async (draft) => void kept.set(draft.patchId, { ...draft, keptAt: 1 }),
    remove: async (id) => void kept.delete(id),
    list: async () => [...kept.values()],
  };
}

/** The parts of the outbox that the loop speaks to; nothing leaves it here. */
export function quietOutbox(drafts) {
  const kept = [];
  return {
    kept,
    add: async (sending) => {
      kept.push({ ...sending, queuedAt: 1 });
      await drafts.remove(sending.patch.id);
    },
    sendings: () => kept,
    patchIds: () => kept.map(({ patch }) => patch.id),
    submissionOf: (id) => kept.find(({ patch }) => patch.id === id) ?? null,
    waitingDraft: () => null,
    takeBack: async (sending) => void kept.splice(kept.indexOf(sending), 1),
    wake: () => {},
  };
}

export function fakePackets() {
  const kept = new Map();
  return {
    kept,
    get: async (id) => kept.get(id) ?? null,
    put: async (packet) => void kept.set(packet.patchId, packet),
    remove: async (id) => void kept.delete(id),
    list: async () => [...kept.values()].sort((a, b) => a.order - b.order),
  };
}

export async function atWork({ answers = {}, drafts = fakeDrafts(), packets = fakePackets(), outbox = quietOutbox(drafts), api = new FakeApi(), patches = [1, 2] } = {}) {
  for (const id of patches) api.addPatch(id);
  const document = new EditorDocument(new FocusClock(() => 0));
  const said = [];
  const asked = [];
  const person = {
    tell: (sentence) => said.push(sentence),
    askConflict: async (conflict) => (asked.push(conflict), answers.conflict ?? "later"),
    askBeforeLeaving: async () => answers.leaving ?? "stay",
  };
  const situation = new Store(AT_FIRST);
  const project = { slug: "valley" };
  const supply = new Supply({ api, project, packets, outbox, tilesOf: () => ["tile"] });
  const labelling = new Labelling({ api, project, document, drafts, outbox, supply, userId: "7", situation, person });
  await labelling.next();
  return { api, document, drafts, outbox, packets, supply, situation, labelling, said, asked };
}

export const drawn = (seed) => randomMask(seeded(seed + 100));

function outboxOf(api, onSent, onStuck = () => false) {
  const database = () => Promise.reject(new Error("switched off"));
  return new Outbox({ api, database, person: "7", onSent, onStuck, onUnkept: () => {} });
}

/** An editor whose drafts and submissions go through the real outbox; `online` sends what waits. */
export async function withOutbox() {
  const api = new FakeApi();
  const stuck = [];
  let work;
  const outbox = outboxOf(
    api,
    (sending, revision) => sending.kind === "draft" && void work.labelling.saving.arrived(sending, revision),
    (sending) => stuck.push([sending.kind, work.labelling.saving.takeOver(sending)]),
  );
  work = await atWork({ api, outbox, answers: { conflict: "mine" } });
  const online = async () => {
    api.isCutOff = false;
    outbox.wake();
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve));
  };
  return { ...work, stuck, online };
}

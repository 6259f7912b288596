/**
 * Masks on their way to the server: submissions, reports that the imagery is bad, and drafts that met no connection.
 * Each is in this browser's store before the next patch is shown, goes out with the revision that it grew from and a
 * key of its own, so that the server does it once, and stays here until the server has it or the person has decided.
 *
 * @import {Revision} from "../api/types.js"
 * @import {ErrorKind} from "../api/errors.js"
 * @import {Database} from "../state/database.js"
 * @import {Asked, Sending} from "./sending.js"
 */
import { ApiError } from "../api/errors.js";
import { newKey } from "../api/keys.js";
import { painted } from "../pace.js";
import { read, readAll, write } from "../state/database.js";
import { Store } from "../state/store.js";
import { ask, isAfter, isDecision, isLast } from "./sending.js";

/**
 * @typedef {object} OutboxState
 * @property {Sending[]} sendings of this person, the oldest first
 * @property {ErrorKind | null} obstacle why none goes out at this moment
 *
 * @typedef {object} OutboxParts
 * @property {Asked & Pick<typeof import("../api/milpa.js"), "getPatch">} api
 * @property {Database} database
 * @property {string} person the id of whoever draws here
 * @property {(sending: Sending, revision: Revision) => void} onSent
 * @property {(sending: Sending) => void} onStuck the person has to decide
 * @property {(detail: string) => void} onUnkept the browser's store failed; the mask is kept in this page only
 */

const FIRST_PAUSE_MS = 3000;
const LONGEST_PAUSE_MS = 60_000;

export class Outbox {
  /** @type {Store<OutboxState>} */
  store = new Store(/** @type {OutboxState} */ ({ sendings: [], obstacle: null }));
  #isSending = false;
  #pauseMs = FIRST_PAUSE_MS;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Set<string>} keys of what is in this page only */
  #unkept = new Set();

  /** @param {OutboxParts} parts */
  constructor(parts) {
    this.parts = parts;
  }

  /** Takes up what an earlier visit left. */
  async load() {
    const { database, person } = this.parts;
    /** @type {Sending[]} */
    const kept = (await readAll(database, "outbox", person).catch(() => [])).map((one) => ({ kind: "submission", report: null, ...one }));
    const known = new Set(this.sendings().map(({ id }) => id));
    const sendings = [...kept.filter(({ id }) => !known.has(id)), ...this.sendings()].sort((a, b) => a.queuedAt - b.queuedAt);
    this.store.set({ sendings });
    this.wake();
  }

  /** @returns {Sending[]} */
  sendings() {
    return this.store.state.sendings;
  }

  /** @returns {number[]} patches that the person is done with, as far as this browser knows */
  patchIds() {
    return this.sendings().filter(isLast).map(({ patch }) => patch.id);
  }

  /**
   * @param {number} patchId
   * @returns {Sending | null} the draft of the patch that waits, the newest of several
   */
  waitingDraft(patchId) {
    return this.sendings().findLast(({ kind, patch, state }) => kind === "draft" && state === "waiting" && patch.id === patchId) ?? null;
  }

  /**
   * What ends the work on a patch drops its strokes and its packet in one step: at no moment is the mask nowhere, or in
   * two places. A draft leaves both, for the person goes on with them.
   *
   * @param {Omit<Sending, "key" | "queuedAt" | "state" | "detail" | "current">} work
   */
  async add(work) {
    const { database, onUnkept, person } = this.parts;
    /** @type {Sending} */
    const sending = { ...work, key: `${person}:${work.id}`, queuedAt: Date.now(), state: "waiting", detail: "", current: null };
    // From now on it grows with a draft that arrives meanwhile.
    this.#unkept.add(sending.key);
    this.store.set({ sendings: [...this.sendings(), sending] });
    try {
      await write(database, ["outbox", "drafts", "packets"], (store) => {
        store("outbox").put(sending);
        if (!isLast(sending)) return;
        store("drafts").delete(`${person}:${work.patch.id}`);
        store("packets").delete(`${person}:${work.patch.id}`);
      });
      this.#unkept.delete(sending.key);
    } catch (error) {
      onUnkept(String(error));
    }
    // The next patch is shown first.
    void painted().then(() => this.wake());
  }

  /** @returns {boolean} whether closing the page would lose a mask */
  hasUnkept() {
    return this.sendings().some(({ key }) => this.#unkept.has(key));
  }

  /** Tries now: the connection may be back, or the person has signed in again. */
  wake() {
    clearTimeout(this.#timer);
    void this.#sendAll();
  }

  /**
   * What ended the work on a patch that is opened again.
   *
   * @param {number} patchId
   * @returns {Sending | null}
   */
  submissionOf(patchId) {
    return this.sendings().findLast((one) => isLast(one) && one.patch.id === patchId) ?? null;
  }

  /**
   * It is no longer to be sent.
   *
   * @param {Sending} sending
   */
  async takeBack(sending) {
    if (!this.#unkept.has(sending.key)) await write(this.parts.database, ["outbox"], (store) => store("outbox").delete(sending.key));
    this.#forget(sending);
  }

  /**
   * @param {Sending} sending
   * @param {"mine" | "theirs"} answer "mine": it goes out on top of what the server has
   */
  async settle(sending, answer) {
    if (answer === "theirs") {
      await this.takeBack(sending);
      return;
    }
    const id = newKey();
    await this.#replace(sending, {
      ...sending,
      id,
      key: `${this.parts.person}:${id}`,
      baseNumber: sending.current?.number ?? sending.baseNumber,
      state: "waiting",
      detail: "",
    });
    this.wake();
  }

  async #sendAll() {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      await alone("milpa-outbox", async () => {
        for (let next = this.#nextWaiting(); next; next = this.#nextWaiting()) await this.#send(next);
      });
      this.#pauseMs = FIRST_PAUSE_MS;
      this.store.set({ obstacle: null });
    } catch (error) {
      const kind = error instanceof ApiError ? error.kind : "server";
      this.store.set({ obstacle: kind });
      this.#timer = setTimeout(() => this.wake(), this.#pauseMs);
      this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
    } finally {
      this.#isSending = false;
    }
  }

  #nextWaiting() {
    return this.sendings().find(({ state }) => state === "waiting");
  }

  /** @param {Sending} known */
  async #send(known) {
    const { api, database, onSent, onStuck, person } = this.parts;
    const sending = await this.#asKept(known);
    if (!sending) {
      this.#forget(known);
      return;
    }
    /** @type {Revision} */
    let revision;
    try {
      ({ revision } = await ask(sending, api, person));
    } catch (error) {
      if (!(error instanceof ApiError) || !isDecision(error)) throw error;
      /** @type {Sending["state"]} */
      const state = error.kind === "revision-conflict" ? "conflict" : "refused";
      /** @type {Revision | null} */
      const current = error.facts["current"] ?? (await this.#currentOf(sending.patch.id));
      const stuck = { ...sending, state, detail: error.message, current, isHeldByAnother: error.kind === "claim-lost" };
      await this.#replace(sending, stuck);
      onStuck(stuck);
      return;
    }
    // What was done on the patch after a draft came upon the same revision here, and grows from the draft at the server.
    const grown = sending.kind === "draft" ? this.sendings().filter((one) => isAfter(one, sending)).map((one) => ({ ...one, baseNumber: revision.number })) : [];
    this.store.set({ sendings: this.sendings().map((one) => grown.find(({ id }) => id === one.id) ?? one) });
    this.#forget(sending);
    onSent(sending, revision);
    await write(database, ["outbox"], (store) => {
      store("outbox").delete(sending.key);
      for (const one of grown) store("outbox").put(one);
    }).catch(() => {});
  }

  /**
   * Another tab of this person may have sent it or taken it back, or sent the draft before it.
   *
   * @param {Sending} sending
   * @returns {Promise<Sending | null>}
   */
  async #asKept(sending) {
    if (this.#unkept.has(sending.key)) return sending;
    return read(this.parts.database, "outbox", sending.key).then((kept) => kept && { ...sending, ...kept }, () => sending);
  }

  /**
   * @param {number} patchId
   * @returns {Promise<Revision | null>}
   */
  async #currentOf(patchId) {
    return this.parts.api.getPatch(patchId).then(({ revision }) => revision, () => null);
  }

  /**
   * @param {Sending} before
   * @param {Sending} after
   */
  async #replace(before, after) {
    await write(this.parts.database, ["outbox"], (store) => {
      store("outbox").delete(before.key);
      store("outbox").put(after);
    }).catch(() => {});
    this.store.set({ sendings: this.sendings().map((one) => (one.id === before.id ? after : one)) });
  }

  /** @param {Sending} sending */
  #forget(sending) {
    this.store.set({ sendings: this.sendings().filter(({ id }) => id !== sending.id) });
  }
}

/**
 * One tab at a time, where the browser can tell.
 *
 * @param {string} name
 * @param {() => Promise<void>} work
 */
async function alone(name, work) {
  if (globalThis.navigator?.locks) await globalThis.navigator.locks.request(name, work);
  else await work();
}

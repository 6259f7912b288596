/**
 * Submissions on their way to the server. Each is in this browser's store before the next patch is shown, goes out
 * with the revision that it grew from and a key of its own, so that the server does it once, and stays here until
 * the server has it or the person has decided.
 *
 * @import {Patch, Revision} from "../api/types.js"
 * @import {ErrorKind} from "../api/errors.js"
 * @import {Database} from "../state/database.js"
 * @import {Mask} from "../state/mask.js"
 */
import { ApiError } from "../api/errors.js";
import { newKey } from "../api/keys.js";
import { painted } from "../pace.js";
import { read, readAll, write } from "../state/database.js";
import { Store } from "../state/store.js";

/**
 * @typedef {object} Sending
 * @property {string} key person and `id`
 * @property {string} id the key under which the server does it once
 * @property {string} project slug
 * @property {Patch} patch
 * @property {Mask} mask
 * @property {number} baseNumber the revision that the mask grew from, 0 when there was none
 * @property {number} seconds
 * @property {number} strokes
 * @property {number | null} proposalId
 * @property {number} queuedAt milliseconds
 * @property {"waiting" | "conflict" | "refused"} state "conflict": somebody else saved first; "refused": the server
 *   will not take it as it is, because somebody else holds the patch, say
 * @property {string} detail the server's sentence, where it did not take the mask
 * @property {Revision | null} current what the server has instead
 *
 * @typedef {object} OutboxState
 * @property {Sending[]} sendings of this person, the oldest first
 * @property {ErrorKind | null} obstacle why none goes out at this moment
 *
 * @typedef {object} OutboxParts
 * @property {Pick<typeof import("../api/milpa.js"), "saveMask" | "getPatch">} api
 * @property {Database} database
 * @property {string} person the id of whoever draws here
 * @property {(sending: Sending) => void} onSent
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
    const kept = await readAll(database, "outbox", person).catch(() => []);
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
    return this.sendings().map(({ patch }) => patch.id);
  }

  /**
   * In one step with dropping the patch's draft and packet: at no moment is the mask nowhere, or in two places.
   *
   * @param {Omit<Sending, "key" | "queuedAt" | "state" | "detail" | "current">} work
   */
  async add(work) {
    const { database, onUnkept, person } = this.parts;
    /** @type {Sending} */
    const sending = { ...work, key: `${person}:${work.id}`, queuedAt: Date.now(), state: "waiting", detail: "", current: null };
    try {
      await write(database, ["outbox", "drafts", "packets"], (store) => {
        store("outbox").put(sending);
        store("drafts").delete(`${person}:${work.patch.id}`);
        store("packets").delete(`${person}:${work.patch.id}`);
      });
    } catch (error) {
      this.#unkept.add(sending.key);
      onUnkept(String(error));
    }
    this.store.set({ sendings: [...this.sendings(), sending] });
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
   * The mask of a patch that is opened again, no longer to be sent.
   *
   * @param {number} patchId
   * @returns {Promise<Sending | null>}
   */
  async takeBack(patchId) {
    const sending = this.sendings().findLast(({ patch }) => patch.id === patchId) ?? null;
    if (sending) await this.#remove(sending);
    return sending;
  }

  /**
   * @param {Sending} sending
   * @param {"mine" | "theirs"} answer "mine": it goes out on top of what the server has
   */
  async settle(sending, answer) {
    if (answer === "theirs") {
      await this.#remove(sending);
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

  /** @param {Sending} sending */
  async #send(sending) {
    const { api, database, onSent, onStuck, person } = this.parts;
    if (await this.#isDoneElsewhere(sending)) {
      this.#forget(sending);
      return;
    }
    const { baseNumber, id, mask, proposalId, seconds, strokes } = sending;
    try {
      await api.saveMask(sending.patch.id, { mask, baseNumber, submit: true, seconds, strokes, proposalId, idempotencyKey: id, person });
    } catch (error) {
      if (!(error instanceof ApiError) || !isDecision(error)) throw error;
      /** @type {Sending["state"]} */
      const state = error.kind === "revision-conflict" ? "conflict" : "refused";
      /** @type {Revision | null} */
      const current = error.facts["current"] ?? (await this.#currentOf(sending.patch.id));
      const stuck = { ...sending, state, detail: error.message, current };
      await this.#replace(sending, stuck);
      onStuck(stuck);
      return;
    }
    await write(database, ["outbox"], (store) => store("outbox").delete(sending.key)).catch(() => {});
    this.#forget(sending);
    onSent(sending);
  }

  /**
   * Another tab of this person may have sent it, or taken it back.
   *
   * @param {Sending} sending
   */
  async #isDoneElsewhere({ key }) {
    if (this.#unkept.has(key)) return false;
    return read(this.parts.database, "outbox", key).then((kept) => kept === undefined, () => false);
  }

  /**
   * @param {number} patchId
   * @returns {Promise<Revision | null>}
   */
  async #currentOf(patchId) {
    return this.parts.api.getPatch(patchId).then(({ revision }) => revision, () => null);
  }

  /** @param {Sending} sending */
  async #remove(sending) {
    await write(this.parts.database, ["outbox"], (store) => store("outbox").delete(sending.key));
    this.#forget(sending);
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
 * Whether the server has said no to this very mask: waiting would not help, and others may go out.
 *
 * @param {ApiError} error
 */
function isDecision({ kind }) {
  return kind === "revision-conflict" || kind === "claim-lost" || kind === "refused";
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

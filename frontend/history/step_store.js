/**
 * Every step of a patch in this browser's IndexedDB, so that undo goes on after a reload. Only what a step changed is
 * written; what the server does not have yet is kept as a whole elsewhere (state/drafts.js).
 *
 * @import {Delta} from "./delta.js"
 * @import {Steps} from "./mask_history.js"
 */
import { emptyMask } from "../state/mask.js";
import { deltaBetween, withDelta } from "./delta.js";

/**
 * @typedef {object} StepStore
 * @property {(patchId: number) => Promise<Steps | null>} load
 * @property {(patchId: number, steps: Steps, from: number) => Promise<void>} keep the steps from a number on take the
 *   place of those that were kept from there
 *
 * @typedef {object} Head
 * @property {string} key person and patch
 * @property {Delta} first from the empty mask
 * @property {number} count of steps
 * @property {number} index
 * @property {number | null} savedIndex
 * @property {number} keptAt milliseconds
 */

const HEADS = "heads";
const STEPS = "steps";
/** Of so many patches the steps are kept; those that were left longest ago go. */
const MOST_PATCHES = 40;

/**
 * @param {string} person two people on one computer have steps of their own
 * @param {IDBFactory} [factory]
 * @returns {StepStore}
 */
export function openSteps(person, factory = globalThis.indexedDB) {
  /** @type {Promise<IDBDatabase> | null} */
  let opening = null;
  const transact = async (/** @type {IDBTransactionMode} */ mode) =>
    (await (opening ??= openDatabase(factory))).transaction([HEADS, STEPS], mode);
  return {
    async load(patchId) {
      const key = `${person}:${patchId}`;
      const transaction = await transact("readonly");
      const [head, deltas] = await Promise.all([
        answer(/** @type {IDBRequest<Head | undefined>} */ (transaction.objectStore(HEADS).get(key))),
        answer(/** @type {IDBRequest<Delta[]>} */ (transaction.objectStore(STEPS).getAll(stepsOf(key)))),
      ]);
      if (!head || deltas.length !== head.count) return null;
      return { first: withDelta(emptyMask(), head.first), deltas, index: head.index, savedIndex: head.savedIndex };
    },
    async keep(patchId, { first, deltas, index, savedIndex }, from) {
      const key = `${person}:${patchId}`;
      const transaction = await transact("readwrite");
      const steps = transaction.objectStore(STEPS);
      steps.delete(stepsOf(key, from));
      deltas.slice(from).forEach((delta, i) => steps.put(delta, [key, from + i]));
      /** @type {Head} */
      const head = { key, first: deltaBetween(emptyMask(), first), count: deltas.length, index, savedIndex, keptAt: Date.now() };
      transaction.objectStore(HEADS).put(head);
      if (from === 0) dropOldest(transaction);
      await finished(transaction);
    },
  };
}

/**
 * @param {string} key
 * @param {number} [from]
 */
function stepsOf(key, from = 0) {
  return IDBKeyRange.bound([key, from], [key, Infinity]);
}

/** @param {IDBTransaction} transaction */
function dropOldest(transaction) {
  const heads = transaction.objectStore(HEADS);
  const listing = heads.index("keptAt").getAllKeys();
  listing.onsuccess = () => {
    for (const key of listing.result.slice(0, -MOST_PATCHES)) {
      heads.delete(key);
      transaction.objectStore(STEPS).delete(stepsOf(String(key)));
    }
  };
}

/**
 * @param {IDBFactory} factory
 * @returns {Promise<IDBDatabase>}
 */
function openDatabase(factory) {
  const opening = factory.open("milpa-steps", 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore(HEADS, { keyPath: "key" }).createIndex("keptAt", "keptAt");
    opening.result.createObjectStore(STEPS);
  };
  return answer(opening);
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @param {IDBTransaction} transaction
 * @returns {Promise<void>}
 */
function finished(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

/**
 * Strokes that the server does not have yet, kept in this browser's IndexedDB: a closed tab, a dead server or a
 * lost claim takes nothing away.
 *
 * @import {Mask} from "./mask.js"
 */

/**
 * @typedef {object} Draft
 * @property {string} key person and patch
 * @property {string} project slug
 * @property {number} patchId
 * @property {number} baseNumber the revision that the strokes were drawn on, 0 when there was none
 * @property {Mask} mask
 * @property {number} strokes
 * @property {number} seconds
 * @property {number} keptAt milliseconds
 *
 * @typedef {object} Drafts
 * @property {(patchId: number) => Promise<Draft | null>} get
 * @property {(draft: Omit<Draft, "key" | "keptAt">) => Promise<void>} put
 * @property {(patchId: number) => Promise<void>} remove
 * @property {(project: string) => Promise<Draft[]>} list this person's drafts in the project
 */

const STORE = "drafts";

/**
 * @param {string} person drafts of two people on one computer stay apart
 * @param {IDBFactory} [factory]
 * @returns {Drafts}
 */
export function openDrafts(person, factory = globalThis.indexedDB) {
  /** @type {Promise<IDBDatabase> | null} */
  let opening = null;
  const database = () => (opening ??= openDatabase(factory));
  const keyOf = (/** @type {number} */ patchId) => `${person}:${patchId}`;
  return {
    async get(patchId) {
      const store = (await database()).transaction(STORE).objectStore(STORE);
      return (await answer(store.get(keyOf(patchId)))) ?? null;
    },
    async put(draft) {
      const transaction = (await database()).transaction(STORE, "readwrite");
      transaction.objectStore(STORE).put({ ...draft, key: keyOf(draft.patchId), keptAt: Date.now() });
      await finished(transaction);
    },
    async list(project) {
      const store = (await database()).transaction(STORE).objectStore(STORE);
      /** @type {Draft[]} */
      const all = await answer(store.getAll(IDBKeyRange.bound(`${person}:`, `${person}:\uffff`)));
      return all.filter((draft) => draft.project === project);
    },
    async remove(patchId) {
      const transaction = (await database()).transaction(STORE, "readwrite");
      transaction.objectStore(STORE).delete(keyOf(patchId));
      await finished(transaction);
    },
  };
}

/**
 * @param {IDBFactory} factory
 * @returns {Promise<IDBDatabase>}
 */
function openDatabase(factory) {
  const opening = factory.open("milpa", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "key" });
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

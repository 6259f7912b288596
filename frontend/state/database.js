/**
 * This browser's IndexedDB: strokes that the server does not have yet, masks on their way to it, and patches that
 * were loaded before they are needed.
 */

/** The records of each store are found by their `key`, which begins with the person's id. */
const STORES = /** @type {const} */ (["drafts", "outbox", "packets"]);

/** @typedef {typeof STORES[number]} StoreName */
/** @typedef {() => Promise<IDBDatabase>} Database opens it when it is first needed */

const OPENING_LIMIT_MS = 8000;

/**
 * @param {IDBFactory} [factory]
 * @returns {Database}
 */
export function lazyDatabase(factory = globalThis.indexedDB) {
  /** @type {Promise<IDBDatabase> | null} */
  let opening = null;
  return () => {
    opening ??= openDatabase(factory).catch((error) => {
      // The next stroke tries again.
      opening = null;
      throw error;
    });
    return opening;
  };
}

/**
 * @param {IDBFactory} factory
 * @returns {Promise<IDBDatabase>}
 */
async function openDatabase(factory) {
  const opening = factory.open("milpa", 2);
  opening.onupgradeneeded = () => {
    for (const name of STORES) {
      if (!opening.result.objectStoreNames.contains(name)) opening.result.createObjectStore(name, { keyPath: "key" });
    }
  };
  const isStuck = new Promise((_, reject) => {
    opening.onblocked = () => reject(new Error("A page of an older version is open in another tab."));
    // A store that never answers must not keep the editor from opening.
    setTimeout(reject, OPENING_LIMIT_MS, new Error("The browser's store does not answer."));
  });
  const database = /** @type {IDBDatabase} */ (await Promise.race([answer(opening), isStuck]));
  // A newer page in another tab must not wait for this one.
  database.onversionchange = () => database.close();
  return database;
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
export function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * Changes several stores at once, or none of them.
 *
 * @param {Database} database
 * @param {StoreName[]} names
 * @param {(store: (name: StoreName) => IDBObjectStore) => void} change asks for the changes, without waiting
 */
export async function write(database, names, change) {
  const transaction = (await database()).transaction(names, "readwrite");
  const isWritten = new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(undefined);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
  change((name) => transaction.objectStore(name));
  // All is asked for: a page that is closed or crashes right now does not take it back.
  transaction.commit();
  await isWritten;
}

/**
 * One record.
 *
 * @param {Database} database
 * @param {StoreName} name
 * @param {IDBValidKey} key
 * @returns {Promise<any>} undefined where there is none
 */
export async function read(database, name, key) {
  return answer((await database()).transaction(name).objectStore(name).get(key));
}

/**
 * All records of one person: two people on one computer stay apart.
 *
 * @param {Database} database
 * @param {StoreName} name
 * @param {string} person
 * @returns {Promise<any[]>}
 */
export async function readAll(database, name, person) {
  const range = IDBKeyRange.bound(`${person}:`, `${person}:\uffff`);
  return answer((await database()).transaction(name).objectStore(name).getAll(range));
}

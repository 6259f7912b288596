/**
 * Which keys run which operation: the operations' own keys, and what the person has put in their place.
 */

/**
 * @typedef {Record<string, string[]>} Choices the keys of an operation, by its id
 *
 * @typedef {object} Memory where choices survive the page
 * @property {() => Choices} read
 * @property {(choices: Choices) => void} write
 *
 * @typedef {{id: string, group: string, label: string, keys: string[]}} Keyed an operation, as far as keys go
 */

/** What modes and the drawing cursor are driven by can stand for nothing else. */
const FIXED = new Set(["Space", "Shift+Space", "Escape", "Tab", "Shift+Tab", "Backspace", ...arrows()]);

/** @template {Keyed} T operation */
export class Keymap {
  /** @type {Choices} */
  #choices;
  /** @type {Map<string, T>} */
  #byChord = new Map();
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /**
   * @param {T[]} operations
   * @param {Memory} memory
   */
  constructor(operations, memory) {
    this.operations = operations;
    this.memory = memory;
    this.#choices = memory.read();
    this.#index();
  }

  /** @param {() => void} listener */
  subscribe(listener) {
    this.#listeners.add(listener);
  }

  /**
   * @param {Keyed} operation
   * @returns {string[]}
   */
  keysOf({ id, keys }) {
    return this.#choices[id] ?? keys;
  }

  /**
   * @param {string} chord
   * @returns {T | undefined}
   */
  operationOf(chord) {
    return this.#byChord.get(chord);
  }

  /** @returns {boolean} whether the person has changed any key */
  isChanged() {
    return Object.keys(this.#choices).length > 0;
  }

  /**
   * @param {string} chord
   * @returns {boolean} whether an operation may have this key
   */
  isFree(chord) {
    return !FIXED.has(chord) && !["Control", "Shift", "Alt", "Meta", "AltGraph", "Dead"].some((key) => chord.endsWith(key));
  }

  /**
   * Gives an operation one key in place of those it has. An operation that had the key loses it.
   *
   * @param {Keyed} operation
   * @param {string} chord
   */
  set(operation, chord) {
    const holder = this.operationOf(chord);
    if (holder && holder.id !== operation.id) {
      this.#choices[holder.id] = this.keysOf(holder).filter((key) => key !== chord);
    }
    this.#choices[operation.id] = [chord];
    this.#changed();
  }

  /** All keys as they came. */
  reset() {
    this.#choices = {};
    this.#changed();
  }

  #changed() {
    this.#index();
    this.memory.write(this.#choices);
    for (const listener of this.#listeners) listener();
  }

  #index() {
    this.#byChord = new Map(this.operations.flatMap((operation) => this.keysOf(operation).map((key) => [key, operation])));
  }
}

/**
 * Keeps choices in the browser, for each person apart.
 *
 * @param {Storage | null} storage
 * @param {string} person
 * @returns {Memory}
 */
export function storedKeys(storage, person) {
  const name = `milpa-keys-${person}`;
  return {
    read() {
      try {
        return choicesIn(JSON.parse(storage?.getItem(name) ?? "{}"));
      } catch {
        // What cannot be read is as good as nothing.
        return {};
      }
    },
    write(choices) {
      try {
        storage?.setItem(name, JSON.stringify(choices));
      } catch {
        // Without room in the browser's store the choice lasts as long as the page.
      }
    },
  };
}

/**
 * @param {unknown} stored
 * @returns {Choices}
 */
function choicesIn(stored) {
  if (stored === null || typeof stored !== "object") return {};
  const isKeys = (/** @type {unknown} */ keys) => Array.isArray(keys) && keys.every((key) => typeof key === "string");
  return Object.fromEntries(Object.entries(stored).filter(([, keys]) => isKeys(keys)));
}

function arrows() {
  return ["Left", "Right", "Up", "Down"].flatMap((way) => [`Arrow${way}`, `Shift+Arrow${way}`]);
}

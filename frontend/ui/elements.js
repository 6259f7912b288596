/** Making elements without markup in strings. */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | boolean | ((event: any) => unknown) | null | undefined>} [attributes] `on…` is an
 *   event, null is left out
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name.startsWith("--")) element.style.setProperty(name, String(value));
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/**
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {HTMLElement}
 */
export function find(selector, root = document) {
  const element = root.querySelector(selector);
  if (!(element instanceof HTMLElement)) throw new Error(`The page lacks ${selector}.`);
  return element;
}

/**
 * What the page was given by `json_script`.
 *
 * @param {string} id
 * @returns {any}
 */
export function jsonOf(id) {
  return JSON.parse(find(`#${id}`).textContent ?? "null");
}

/**
 * A colour beside its class's name: the unsure class is hatched as it is on the map.
 *
 * @param {{value: number, color: string, is_null: boolean}} one
 */
export function swatch({ value, color, is_null }) {
  const kind = value === 255 ? " swatch--unsure" : is_null ? " swatch--null" : "";
  return make("span", { class: `swatch${kind}`, "--swatch": is_null || value === 255 ? null : color, "aria-hidden": "true" });
}

/**
 * Keys of a chord as <kbd> elements.
 *
 * @param {string} chord
 */
export function keyCaps(chord) {
  const caps = make("span", { class: "keys" });
  const keys = chord === "+" ? [chord] : chord.split("+");
  keys.forEach((key, i) => caps.append(i ? "+" : "", make("kbd", {}, key)));
  return caps;
}

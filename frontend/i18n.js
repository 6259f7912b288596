/**
 * The interface's words in the language of the page.
 *
 * The page loads the catalogue of its language (a classic script that Django makes of `locale/…/djangojs.po`) before
 * any module. Without one, as under `node --test`, the English message itself is shown.
 *
 * Messages are plain string literals, so that `make languages` finds them; what varies stands in braces:
 *
 *     t("Saved as revision {number}.", { number: 3 })
 *     tn("{count} region", "{count} regions", regions)
 */

/** @typedef {Record<string, string | number>} Values */

/**
 * @typedef {object} Catalogue
 * @property {(message: string) => string} gettext
 * @property {(one: string, other: string, count: number) => string} ngettext
 */

/** @returns {Catalogue | undefined} */
const catalogue = () => /** @type {any} */ (globalThis)["django"];

/**
 * @param {string} message
 * @param {Values} [values] what stands for the names in braces
 * @returns {string}
 */
export function t(message, values) {
  return filled(catalogue()?.gettext(message) ?? message, values);
}

/**
 * A message that depends on a number. `{count}` is the number, written as the language writes it.
 *
 * @param {string} one
 * @param {string} other
 * @param {number} count
 * @param {Values} [values]
 * @returns {string}
 */
export function tn(one, other, count, values) {
  const message = catalogue()?.ngettext(one, other, count) ?? (count === 1 ? one : other);
  return filled(message, { count: number(count), ...values });
}

/** @returns {string} the language of the page, as Intl wants it: with the digits that the server writes too */
export function locale() {
  return `${globalThis.document?.documentElement.lang || "en"}-u-nu-latn`;
}

/** @returns {boolean} whether the page is read from right to left */
export function isRightToLeft() {
  return globalThis.document?.documentElement.dir === "rtl";
}

/**
 * @param {number} value
 * @param {number} [decimals]
 * @returns {string} 12,345.6 or 12.345,6
 */
export function number(value, decimals = 0) {
  return value.toLocaleString(locale(), { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/**
 * @param {number} share from 0 to 1
 * @param {number} [decimals]
 * @returns {string} 12 %
 */
export function percent(share, decimals = 0) {
  return t("{number} %", { number: number(100 * share, decimals) });
}

/**
 * @param {number | string} at milliseconds or an ISO time
 * @returns {string} hours and minutes
 */
export function timeOf(at) {
  return new Date(at).toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit", hour12: false });
}

/**
 * @param {number | string} at milliseconds or an ISO time
 * @returns {string} the day, hours and minutes
 */
export function dayAndTimeOf(at) {
  return `${new Date(at).toLocaleDateString(locale())} ${timeOf(at)}`;
}

/**
 * @param {number} seconds
 * @returns {string} a time of work: 45 s, 4 min 5 s
 */
export function durationOf(seconds) {
  const minutes = Math.floor(seconds / 60);
  const rest = { minutes: number(minutes), seconds: number(seconds % 60) };
  return minutes ? t("{minutes} min {seconds} s", rest) : t("{seconds} s", rest);
}

/**
 * @param {string} message
 * @param {Values} [values]
 */
function filled(message, values = {}) {
  // In a line from right to left, a date or a name keeps its own direction.
  const shown = (/** @type {string | number} */ value) => (isRightToLeft() ? `\u2068${value}\u2069` : String(value));
  return message.replace(/\{(\w+)\}/g, (braces, name) => (values[name] === undefined ? braces : shown(values[name])));
}

/**
 * Key presses as text: "B", "Ctrl+Shift+Z", "[", "Enter".
 */

/**
 * @typedef {Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey"> & {code?: string}} KeyPress
 */

/** What the keys of a keyboard say that writes another script than Latin: without Shift and with it. */
/** @type {Record<string, string>} */
const PUNCTUATION = { BracketLeft: "[{", BracketRight: "]}", Comma: ",<", Period: ".>", Slash: "/?", Minus: "-_", Equal: "=+" };

/**
 * An Arabic, Hindi or Russian keyboard has the same keys in the same places; only what they write differs. The digits
 * of a French one are written with Shift and meant without.
 *
 * @param {KeyPress} press
 * @returns {string}
 */
function latinKey({ key, code = "", shiftKey }) {
  const [letter] = /(?<=^Key)[A-Z]$/.exec(code) ?? [];
  const [digit] = /(?<=^(Digit|Numpad))\d$/.exec(code) ?? [];
  if (/^[\x20-\x7e]$/.test(key) || /^[A-Z]\w+$/.test(key)) return key;
  const isLatin = /^\p{Script=Latin}+$/u.test(key);
  if (isLatin) return digit ?? key;
  return letter ?? digit ?? PUNCTUATION[code]?.[shiftKey ? 1 : 0] ?? key;
}

/**
 * Shift counts only for letters and named keys: the layout needs it to write "?" or, on some, "[".
 *
 * @param {KeyPress} press
 * @returns {string}
 */
export function chordOf(press) {
  const { ctrlKey, metaKey, shiftKey, altKey } = press;
  const key = latinKey(press);
  const isLetter = /^\p{L}$/u.test(key);
  const isNamed = key.length > 1;
  const name = key === " " ? "Space" : isLetter ? key.toUpperCase() : key;
  // AltGr, which writes brackets on many layouts, is reported as Ctrl and Alt together.
  const isAltGr = ctrlKey && altKey && !isLetter && !isNamed;
  const parts = [
    (ctrlKey || metaKey) && !isAltGr ? "Ctrl" : "",
    altKey && !isAltGr ? "Alt" : "",
    shiftKey && (isLetter || isNamed) ? "Shift" : "",
    name,
  ];
  return parts.filter(Boolean).join("+");
}

/**
 * Whether the element writes or activates with the keys itself.
 *
 * @param {EventTarget | null} target
 * @param {string} chord
 */
export function belongsToElement(target, chord) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest("dialog")) return true;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  if (target instanceof HTMLInputElement) {
    const isOwn = target.type === "range" ? ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"] : null;
    return isOwn ? isOwn.includes(chord) : !["checkbox", "radio"].includes(target.type) || chord === "Space";
  }
  return target.closest("button, a[href], summary") !== null && (chord === "Enter" || chord === "Space");
}

/** Short sentences that need no answer, read out by a screen reader. */
import { make } from "./elements.js";

const SHOWN_MS = 6000;

/** @type {HTMLElement | null} */
let tray = null;

/**
 * @param {string} sentence
 * @param {"success" | "info" | "warning"} [kind]
 */
export function tell(sentence, kind = "info") {
  tray ??= document.body.appendChild(make("div", { class: "toasts", role: "status", "aria-live": "polite" }));
  for (const toast of tray.children) if (toast.textContent === sentence) toast.remove();
  const toast = make("p", { class: `toast toast--${kind}` }, sentence);
  tray.append(toast);
  setTimeout(() => toast.remove(), SHOWN_MS);
}

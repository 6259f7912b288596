/**
 * Questions in a modal dialog.
 *
 * @import {LabelClass} from "../api/types.js"
 * @import {Mask} from "../state/mask.js"
 * @import {Pixels} from "../map/paint.js"
 */
import { dayAndTimeOf, t, tn } from "../i18n.js";
import { paintDifference, paintMask, paletteOf } from "../map/paint.js";
import { countChanged, wholePatch } from "../state/mask.js";
import { make } from "./elements.js";
import { picture } from "./mask_picture.js";

/**
 * @template {string} T
 * @param {object} question
 * @param {string} question.title
 * @param {Node[]} question.body
 * @param {{value: T, label: string, isPrimary?: boolean}[]} question.choices
 * @param {T} question.onEscape
 * @param {boolean} [question.isWide]
 * @returns {Promise<T>}
 */
export function ask({ title, body, choices, onEscape, isWide = false }) {
  return new Promise((resolve) => {
    const dialog = make("dialog", { class: `dialog${isWide ? " dialog--wide" : ""}`, "aria-labelledby": "dialog-title" });
    const buttons = choices.map(({ value, label, isPrimary }) =>
      make(
        "button",
        {
          type: "button",
          class: `button${isPrimary ? " button--primary" : ""}`,
          autofocus: isPrimary ?? false,
          "data-choice": value,
          onclick: () => dialog.close(value),
        },
        label,
      ),
    );
    dialog.append(make("h2", { id: "dialog-title" }, title), ...body, make("div", { class: "form-actions" }, ...buttons));
    dialog.addEventListener("close", () => {
      const choice = choices.find(({ value }) => value === dialog.returnValue);
      dialog.remove();
      resolve(choice?.value ?? onEscape);
    });
    document.body.append(dialog);
    dialog.showModal();
    // The focus goes to a button at the end, the reader starts at the beginning.
    dialog.scrollTop = 0;
  });
}

/** @returns {Promise<"save" | "discard" | "stay">} */
export function askBeforeLeaving() {
  return ask({
    title: t("Some strokes are not saved"),
    body: [make("p", {}, t("The patch goes back to the queue. What becomes of your strokes?"))],
    choices: [
      { value: "save", label: t("Save them, then skip"), isPrimary: true },
      { value: "discard", label: t("Discard them and skip") },
      { value: "stay", label: t("Stay here") },
    ],
    onEscape: "stay",
  });
}

/**
 * Both masks beside each other, and where they differ.
 *
 * @param {{mine: Mask, theirs: Mask, author: string, savedAt: string}} conflict
 * @param {LabelClass[]} legend
 * @param {{imageUrl: string | null, username: string}} page
 * @returns {Promise<"mine" | "theirs" | "later">}
 */
export function askConflict({ mine, theirs, author, savedAt }, legend, { imageUrl, username }) {
  const isSelf = author === username;
  const palette = paletteOf(legend);
  /** @param {Mask} mask */
  const painter = (mask) => (/** @type {Pixels} */ pixels) => paintMask(mask, palette, pixels, wholePatch());
  const differing = countChanged(mine, theirs);
  const who = isSelf ? t("You saved another mask, in another window perhaps.") : t("{author} saved a mask.", { author });
  const when = savedAt ? t("That was on {when}.", { when: dayAndTimeOf(savedAt) }) : "";
  const what = tn("It differs from this one in {count} pixel.", "It differs from this one in {count} pixels.", differing);
  return ask({
    title: isSelf ? t("You saved this patch elsewhere") : t("Someone saved this patch before you"),
    body: [
      make("p", {}, [who, when, what, t("Nothing is lost; choose the one that goes on.")].filter(Boolean).join(" ")),
      make(
        "div",
        { class: "conflict" },
        picture(isSelf ? t("This one") : t("Yours"), painter(mine), imageUrl, "mine"),
        picture(isSelf ? t("Saved elsewhere") : t("Theirs ({author})", { author }), painter(theirs), imageUrl, "theirs"),
        picture(t("Where they differ"), (pixels) => paintDifference(mine, theirs, pixels), imageUrl, "difference"),
      ),
    ],
    choices: [
      { value: "mine", label: isSelf ? t("Keep this one") : t("Keep mine"), isPrimary: true },
      { value: "theirs", label: isSelf ? t("Take the saved one") : t("Take theirs") },
      { value: "later", label: t("Decide later") },
    ],
    onEscape: "later",
    isWide: true,
  });
}

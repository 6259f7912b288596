/**
 * The guided first patch on the page: an offer beside the map, then a card on it for each step.
 *
 * @import {FirstPatch} from "../guidance/first_patch.js"
 */
import { t } from "../i18n.js";
import { find, make } from "./elements.js";

/**
 * @param {FirstPatch} tour
 * @param {{storage: Storage | null, person: string}} memory whether it was done or declined, for each person apart
 * @returns {{offer: () => void}} `offer` is called when there is a patch to be guided over
 */
export function showFirstPatch(tour, { storage, person }) {
  const name = `milpa-first-patch-${person}`;
  const remember = (/** @type {string} */ end) => {
    try {
      storage?.setItem(name, end);
    } catch {
      // Without room in the browser's store it is offered again next time.
    }
  };
  const show = makeCard(tour);
  const box = makeOffer(() => tour.start(), () => {
    remember("declined");
    box.hidden = true;
  });
  tour.subscribe((end) => {
    show();
    box.hidden = true;
    if (end) remember(end);
  });
  return {
    offer() {
      box.hidden = Boolean(tour.current() ?? storage?.getItem(name));
    },
  };
}

/**
 * @param {FirstPatch} tour
 * @returns {() => void} shows the step of now
 */
function makeCard(tour) {
  const title = make("h2", { id: "first-patch-title" });
  const text = make("p", {});
  const count = make("span", { class: "muted small" });
  const button = (/** @type {string} */ id, /** @type {string} */ label, /** @type {() => void} */ onclick) =>
    make("button", { type: "button", class: "button button--small", "data-first-patch": id, onclick }, label);
  const card = make(
    "section",
    { class: "editor-float first-patch card", "aria-labelledby": "first-patch-title", hidden: true },
    make("div", { "aria-live": "polite" }, count, title, text),
    make("div", { class: "row" }, button("next", t("Go on"), () => tour.next()), button("leave", t("End the guide"), () => tour.leave())),
  );
  find(".editor-stage").append(card);
  /** @type {Element | null} */
  let target = null;
  return () => {
    const now = tour.current();
    target?.classList.remove("is-guided");
    target = now && document.querySelector(now.step.target);
    target?.classList.add("is-guided");
    card.hidden = !now;
    card.dataset["step"] = now?.step.id ?? "";
    if (!now) return;
    count.textContent = t("Step {number} of {total}", { number: now.number, total: now.total });
    title.textContent = now.step.title;
    text.textContent = now.text;
  };
}

/**
 * @param {() => void} start
 * @param {() => void} decline
 */
function makeOffer(start, decline) {
  const box = make(
    "div",
    { class: "notice small", id: "first-patch-offer", hidden: true },
    make("p", {}, make("strong", {}, t("Your first patch?")), " ", t("A guide of two minutes shows how it is done, on this patch.")),
    make(
      "div",
      { class: "row" },
      make("button", { type: "button", class: "button button--small button--primary", onclick: start }, t("Show me")),
      make("button", { type: "button", class: "button button--small button--quiet", onclick: decline }, t("No, thank you")),
    ),
  );
  find(".editor-panel").prepend(box);
  return box;
}

/**
 * Leading the annotator from one uncertain spot to the next.
 *
 * @import {SpotTour} from "../guidance/spot_tour.js"
 * @import {Marks} from "../map/marks.js"
 * @import {PatchView} from "../map/patch_view.js"
 * @import {EditorDocument} from "../state/document.js"
 */
import { percent, t } from "../i18n.js";
import { SIZE_PX } from "../state/mask.js";
import { tell } from "./toasts.js";

/**
 * @param {object} parts
 * @param {SpotTour} parts.tour
 * @param {PatchView} parts.view
 * @param {Marks} parts.marks
 * @param {EditorDocument} parts.document
 * @param {(value: number) => string} parts.nameOf
 * @returns {(direction: 1 | -1) => void}
 */
export function spotVisits({ tour, view, marks, document, nameOf }) {
  document.subscribe((event) => {
    if (event.type === "pixels") return;
    // The mark has done its work once something is drawn, or the patch changes.
    marks.showSpot(null);
    if (event.type === "opened" || event.type === "closed") tour.start([]);
  });
  return (direction) => {
    const step = tour.step(direction);
    if (!step) return;
    const { spot, number } = step;
    view.lookAt(spot);
    marks.showSpot(spot);
    const proposed = document.proposalMask?.[Math.floor(spot.y) * SIZE_PX + Math.floor(spot.x)];
    const facts = { number, total: tour.count, share: percent(spot.share) };
    const said = proposed === undefined ? "" : t("It proposed “{name}”.", { name: nameOf(proposed) });
    tell(`${t("Uncertain spot {number} of {total}: the model was {share} unsure here.", facts)} ${said}`.trim(), "info");
  };
}

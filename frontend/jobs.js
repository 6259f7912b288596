/** The pages of exports and imports: progress is followed, and options of other forms than the chosen one are hidden. */
import { followProgress } from "./ui/progress.js";

const kind = document.getElementById("id_kind");
if (kind instanceof HTMLSelectElement) {
  const show = () => {
    for (const option of document.querySelectorAll("[data-kinds]")) {
      if (option instanceof HTMLElement) option.hidden = !(option.dataset["kinds"] ?? "").split(" ").includes(kind.value);
    }
  };
  kind.addEventListener("change", show);
  show();
}
followProgress();

/**
 * What the annotator looks at and works with: the document, the tools, the map and what is marked on it.
 *
 * @import {Patch, Project} from "../api/types.js"
 * @import {Situation} from "../labelling.js"
 */
import { SpotTour } from "../guidance/spot_tour.js";
import { AT_FIRST } from "../labelling.js";
import { readyScenes } from "../map/imagery.js";
import { Marks } from "../map/marks.js";
import { PatchView } from "../map/patch_view.js";
import { SceneAnalysis } from "../map/scene_analysis.js";
import { AskedPoints } from "../state/asked_points.js";
import { EditorDocument } from "../state/document.js";
import { Store } from "../state/store.js";
import { createTools } from "../state/tools.js";
import { find, jsonOf } from "../ui/elements.js";
import { PinnedComments } from "../ui/pinned_comments.js";
import { Pointed } from "../ui/pointed.js";
import { PolygonInput } from "../ui/polygon_input.js";
import { namesOf } from "../ui/work.js";

/** @typedef {ReturnType<typeof createWorkplace>} Workplace */

/** @param {{onAnalysis: () => void}} told `onAnalysis` is called when the imagery can be used, or no more */
export function createWorkplace({ onAnalysis }) {
  const root = find("#editor");
  /** @type {Project} */
  const project = jsonOf("project");
  const storage = globalThis.localStorage ?? null;
  const scenes = readyScenes(project.scenes);
  const editorDocument = new EditorDocument();
  const tools = createTools(project.legend, storage);
  /** @type {Store<Situation>} */
  const situation = new Store(AT_FIRST);
  const view = new PatchView(find("#editor-map"), project.legend, { maskOf: () => editorDocument.mask() });
  const marks = new Marks(view);
  const pins = new PinnedComments(view);
  const analysis = new SceneAnalysis(onAnalysis);
  const tour = new SpotTour();
  const points = new AskedPoints(editorDocument);
  const nameOf = namesOf(project.legend);
  const polygonInput = new PolygonInput({ document: editorDocument, tools, nameOf });
  const pointed = new Pointed(editorDocument, nameOf);
  return {
    root,
    project,
    userId: root.dataset["user"] ?? "",
    storage,
    scenes,
    document: editorDocument,
    tools,
    situation,
    view,
    marks,
    pins,
    analysis,
    tour,
    points,
    nameOf,
    polygonInput,
    pointed,
    shownScene: () => scenes.find(({ id }) => id === tools.state.sceneId) ?? null,
    /** The scene that the proposal was made of, else the newest. */
    sceneOf: (/** @type {Patch} */ patch) => scenes.find(({ id }) => id === patch.proposal?.scene) ?? scenes[0],
  };
}

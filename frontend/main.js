/**
 * The editor: puts the parts together.
 *
 * For journeys, #editor carries data-state, data-patch-id, data-revision and data-dirty, and `window.milpaEditor`
 * holds the document: `milpaEditor.document.mask()` is what the screen shows.
 */
import { createBench } from "./editor/bench.js";
import { showButtons } from "./editor/buttons.js";
import { followDocument, followTools } from "./editor/changes.js";
import { createDrawing } from "./editor/drawing.js";
import { createExchange } from "./editor/exchange.js";
import { listenToPerson } from "./editor/input.js";
import { listenToComingAndGoing, refreshPage, showPanels, watchFocusAndSize } from "./editor/page.js";
import { createWorkplace } from "./editor/workplace.js";
import { registerServiceWorker } from "./offline/register.js";
import { onceATurn } from "./pace.js";
import { bindComparison } from "./ui/comparison_bar.js";

const refresh = onceATurn(() => refreshPage(workplace, buttons));
const workplace = createWorkplace({ onAnalysis: refresh });
const exchange = createExchange(workplace);
const benchwork = createBench(workplace, exchange);
const drawing = createDrawing(workplace, benchwork);
const buttons = showButtons(benchwork);

const { isSpaceHeld } = listenToPerson(workplace, benchwork, drawing);
bindComparison(workplace);
const followed = { workplace, exchange, benchwork, drawing, isSpaceHeld, refresh };
followTools(followed);
workplace.situation.subscribe(refresh);
benchwork.keymap.subscribe(refresh);
followDocument(followed);
watchFocusAndSize(workplace);
showPanels(workplace, exchange);
Object.assign(globalThis, { milpaEditor: { document: workplace.document } });
listenToComingAndGoing(workplace, exchange);

const { labelling, outbox } = exchange;
labelling.startClock();
const wantedPatchId = Number(new URLSearchParams(globalThis.location.search).get("patch")) || null;
// What waits in the outbox is not to be served again.
void outbox
  .load()
  .then(() => labelling.next(wantedPatchId))
  .then(registerServiceWorker);

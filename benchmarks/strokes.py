"""The same strokes in any page that draws on an image, and what the browser's frames took meanwhile."""

from __future__ import annotations

import json
from dataclasses import dataclass

from playwright.sync_api import Page

STROKES = 6
POINTS_A_STROKE = 40

# Between two frames, a frame counts when the pointer moved. A task that is posted within a frame's own callbacks
# runs once the frame is made: from the pointer's event to there is what the person waits for.
_WATCH_JS = """
() => {
  const watch = { frames: [], waits: [], isOn: true };
  let moved = null, last = performance.now();
  const channel = new MessageChannel();
  const asked = [];
  channel.port1.onmessage = () => watch.waits.push(performance.now() - asked.shift());
  addEventListener("pointermove", (event) => { if (event.buttons) moved ??= event.timeStamp; },
                   { capture: true, passive: true });
  const frame = () => {
    const now = performance.now();
    if (moved !== null) {
      watch.frames.push(now - last);
      asked.push(moved);
      moved = null;
      channel.port2.postMessage(null);
    }
    last = now;
    if (watch.isOn) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  globalThis.strokeWatch = watch;
}
"""


@dataclass(frozen=True)
class Box:
    """Where an image lies in a page, in screen pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Frames:
    """Milliseconds between frames in which the pointer drew, and from its event to the frame's end."""

    frame_ms: list[float]
    wait_ms: list[float]

    def facts(self, prefix: str, speed: str) -> dict[str, float]:
        return {
            f"{prefix}p50_frame_ms_{speed}": percentile(self.frame_ms, 50),
            f"{prefix}p95_frame_ms_{speed}": percentile(self.frame_ms, 95),
            f"{prefix}p95_pointer_to_frame_ms_{speed}": percentile(self.wait_ms, 95),
        }


def percentile(values: list[float], percent: float) -> float:
    """The value that so many per cent do not exceed, to a tenth."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))], 1)


def measure_strokes(page: Page, box: Box, *, slower: float, strokes: int = STROKES) -> Frames:
    """Draws across the whole image on a processor that is ``slower`` times slower."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    try:
        page.evaluate(_WATCH_JS)
        for number in range(strokes):
            _stroke(page, box, (number + 0.5) / strokes)
        page.wait_for_timeout(300)
        watch = json.loads(
            page.evaluate("() => { strokeWatch.isOn = false; return JSON.stringify(strokeWatch); }")
        )
    finally:
        session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        session.detach()
    return Frames(watch["frames"], watch["waits"])


def _stroke(page: Page, box: Box, share: float) -> None:
    """A wave from side to side at that share of the height."""
    for point in range(POINTS_A_STROKE + 1):
        along = point / POINTS_A_STROKE
        wave = 0.06 * (1 if point % 8 < 4 else -1)
        x = box.x + box.width * (0.03 + 0.94 * along)
        y = box.y + box.height * min(0.97, max(0.03, share + wave))
        page.mouse.move(x, y)
        if point == 0:
            page.mouse.down()
    page.mouse.up()

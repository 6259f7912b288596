"""The editor in a real Chromium: frames under the brush, the next patch after a submission, bytes for one patch.

Strokes of a brush of 60 pixels cross a patch whose every class is drawn, on the processor as it is and four times
slower; Label Studio's largest brush draws the same strokes on the same image. `next_patch_ms` is from the key that
submits until the next patch, which was loaded ahead, can be drawn on. `patch_bytes` is all that passes between the
browser and the server, headers and all, from one patch's claim to its submission, the page's own files being there
already; patches come in a random order, so that few share imagery with one before. `--quick` takes fewer strokes and
patches, and no peer; where the peer cannot be installed or started, `peer_absent` says why. The last line is flat
JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
django.setup()

import numpy as np  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.contrib.staticfiles.handlers import StaticFilesHandler  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test.client import Client  # noqa: E402
from django.test.testcases import LiveServerThread  # noqa: E402
from PIL import Image  # noqa: E402
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright  # noqa: E402
from playwright.sync_api import Error as PlaywrightError  # noqa: E402

from annotator.domain.ingest import ingest  # noqa: E402
from annotator.domain.masks import png_of  # noqa: E402
from annotator.domain.projects import ClassSpec, add_member, create_project  # noqa: E402
from annotator.domain.scenes import add_scene  # noqa: E402
from annotator.enums import Role  # noqa: E402
from annotator.imagery.labels import read_label_tile  # noqa: E402
from annotator.imagery.rendering import render_tile  # noqa: E402
from annotator.models import Patch, Project, Proposal, QueueEntry, Scene  # noqa: E402
from benchmarks.counting_proxy import CountingProxy  # noqa: E402
from benchmarks.peers.label_studio import label_studio, open_patch  # noqa: E402
from benchmarks.strokes import STROKES, Box, measure_strokes, percentile  # noqa: E402
from mlservice.landscape import LANDSCAPE_LEGEND, write_landscape_scene  # noqa: E402

BRUSH_PX = 60
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@dataclass(frozen=True)
class Size:
    scene_px: int
    strokes: int
    patches: int


FULL = Size(2048, STROKES, 20)
QUICK = Size(1024, 2, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    is_quick = parser.parse_args().quick
    size = QUICK if is_quick else FULL
    settings.ALLOWED_HOSTS = ["*"]
    settings.DEBUG = False
    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, _server() as port:
        project, annotator = _make_project(Path(folder), size)
        image_png = _picture(project)
        proxy = CountingProxy(port)
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("MILPA_CHROMIUM") or "/usr/bin/chromium", args=CHROMIUM
        )
        page = _open_editor(browser, f"http://127.0.0.1:{proxy.port}", project, annotator)
        facts: dict[str, Any] = {"brush_px": BRUSH_PX, "strokes": size.strokes, "scene_px": size.scene_px}
        facts |= _measure_frames(page, _mask_box(page), size, prefix="")
        facts |= _measure_patches(page, proxy, size.patches)
        page.context.close()
        if not is_quick:
            facts |= _measure_peer(browser, Path(folder), image_png, size)
        browser.close()
        proxy.close()
    print(json.dumps({**facts, **_circumstances()}))


@contextmanager
def _server() -> Iterator[int]:
    """The application with its static files, in this process."""
    thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    yield thread.port
    thread.terminate()


def _make_project(folder: Path, size: Size) -> tuple[Project, User]:
    """A drawn landscape of 1 m pixels, each patch with its truth as the proposal, in a random order."""
    write_landscape_scene(folder / "scene.tif", folder / "truth.tif", seed=7, size_px=size.scene_px)
    settings.SCENE_FOLDERS = [folder]
    lead = User.objects.create_user("lead")
    legend = [
        ClassSpec(c.value, c.name, c.color, is_boundary=c.is_boundary) for c in LANDSCAPE_LEGEND.classes
    ]
    project = create_project(user=lead, name="Benchmark", legend=legend)
    scene = add_scene(project=project, user=lead, source=str(folder / "scene.tif"))
    ingest(scene.pk)
    scene.refresh_from_db()
    shuffled = random.Random(5)
    for patch in project.patches.all():
        _propose(patch, scene, folder / "truth.tif")
        QueueEntry.objects.filter(patch=patch).update(score=shuffled.random())
    annotator = User.objects.create_user("annotator")
    add_member(project=project, user=annotator, role=Role.ANNOTATOR)
    return project, annotator


def _propose(patch: Patch, scene: Scene, truth: Path) -> None:
    """What lies there as the proposal; uncertain along every edge, as models are."""
    mask, _ = read_label_tile(truth, patch.x, patch.y, patch.z)
    cells = mask.reshape(64, 4, 64, 4).swapaxes(1, 2).reshape(64, 64, 16)
    edges = cells.min(2) != cells.max(2)
    noise = np.random.default_rng(patch.pk).integers(0, 60, edges.shape, np.uint8)
    Proposal.objects.create(
        patch=patch,
        scene=scene,
        model_version=patch.project.model_versions.get(),
        mask_png=png_of(mask),
        entropy_png=png_of(np.where(edges, 150 + noise, noise).astype(np.uint8)),
        entropy_max_nats=1.0,
        mean_entropy_nats=0.5,
        embedding=np.zeros(8, "<f2").tobytes(),
    )


def _picture(project: Project) -> bytes:
    """The first patch's imagery, for the peer."""
    patch = project.patches.order_by("-queue_entry__score")[0]
    scene = project.scenes.get()
    tile = render_tile(
        scene.cog_path, patch.x, patch.y, patch.z, display_bands=scene.display_bands, stretch=scene.stretch
    )
    picture = BytesIO()
    Image.open(BytesIO(tile)).convert("RGB").save(picture, "PNG")
    return picture.getvalue()


def _open_editor(browser: Browser, address: str, project: Project, user: User) -> Page:
    context: BrowserContext = browser.new_context(viewport={"width": 1280, "height": 860})
    client = Client()
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address}])
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{address}/projects/{project.slug}/annotate/")
    _wait_until_ready(page, None)
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    page.locator("#brush-size").fill(str(BRUSH_PX))
    return page


def _wait_until_ready(page: Page, before: str | None) -> None:
    page.wait_for_function(
        """(before) => {
            const { state, patchId } = document.querySelector("#editor").dataset;
            return state === "ready" && patchId !== before;
        }""",
        arg=before,
        polling="raf",
    )


def _mask_box(page: Page) -> Box:
    box = page.locator(".mask-canvas").bounding_box()
    assert box is not None
    return Box(box["x"], box["y"], box["width"], box["height"])


def _measure_frames(page: Page, box: Box, size: Size, *, prefix: str) -> dict[str, float]:
    facts: dict[str, float] = {}
    for slower in (1, 4):
        frames = measure_strokes(page, box, slower=slower, strokes=size.strokes)
        facts |= frames.facts(prefix, f"{slower}x")
    return facts


# From the key to the moment at which the next patch is open and its first frame is made.
_NEXT_PATCH_JS = """
() => new Promise((done) => {
  const editor = document.querySelector("#editor");
  const { patchId } = editor.dataset;
  let started = null;
  addEventListener("keydown", (event) => { started ??= event.timeStamp; }, { capture: true, once: true });
  const watch = new MutationObserver(() => {
    if (editor.dataset.state !== "ready" || editor.dataset.patchId === patchId) return;
    watch.disconnect();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - started)));
  });
  watch.observe(editor, { attributes: true });
})
"""


def _measure_patches(page: Page, proxy: CountingProxy, count: int) -> dict[str, float]:
    """Each patch is drawn on and submitted once the one after it is there."""
    _wait_until_quiet(proxy)
    times_ms, sizes = [], []
    for _ in range(count):
        before = proxy.bytes
        measure_strokes(page, _mask_box(page), slower=1, strokes=1)
        page.evaluate(f"() => {{ globalThis.nextPatch = ({_NEXT_PATCH_JS})(); }}")
        page.keyboard.press("Enter")
        times_ms.append(page.evaluate("() => nextPatch"))
        _wait_until_quiet(proxy)
        sizes.append(proxy.bytes - before)
    return {
        "patches": count,
        "next_patch_ms": percentile(times_ms, 50),
        "next_patch_ms_p95": percentile(times_ms, 95),
        "patch_bytes": int(percentile(sizes, 50)),
        "patch_bytes_largest": max(sizes),
    }


def _wait_until_quiet(proxy: CountingProxy, *, quiet_s: float = 2.5) -> None:
    """The submission has arrived and the next patch is loaded: nothing passes any more."""
    last, since = proxy.bytes, time.monotonic()
    while time.monotonic() - since < quiet_s:
        time.sleep(0.1)
        if proxy.bytes != last:
            last, since = proxy.bytes, time.monotonic()


def _measure_peer(browser: Browser, folder: Path, image_png: bytes, size: Size) -> dict[str, Any]:
    try:
        with label_studio(folder) as (address, version):
            page, box = open_patch(browser, address, image_png)
            facts = _measure_frames(page, box, size, prefix="peer_")
    except (OSError, subprocess.CalledProcessError, PlaywrightError) as error:
        # What is ours was measured all the same.
        return {"peer": None, "peer_absent": f"Label Studio: {str(error).splitlines()[0]}"}
    return {"peer": f"label-studio {version}", **facts}


def _circumstances() -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return {
        "commit": commit.stdout.strip(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "processors": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": sys.version.split()[0],
    }


if __name__ == "__main__":
    main()

"""Label Studio's brush on one patch, from its package into a throw-away environment."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, Page

from benchmarks.strokes import Box

_EMAIL, _PASSWORD = "peer@example.org", "only-for-this-benchmark"
_LEGEND = (
    '<View><Image name="image" value="$image"/><BrushLabels name="tag" toName="image">'
    '<Label value="field" background="#e69f00"/></BrushLabels></View>'
)
_START_SECONDS = 480


@contextmanager
def label_studio(folder: Path) -> Iterator[tuple[str, str]]:
    """Its address and version, while it runs. Raises OSError or CalledProcessError where it cannot be installed."""
    programs = folder / "environment" / "bin"
    subprocess.run([sys.executable, "-m", "venv", str(programs.parent)], check=True)
    subprocess.run([str(programs / "pip"), "install", "--quiet", "label-studio"], check=True)
    asked = "from importlib.metadata import version; print(version('label-studio'))"
    shown = subprocess.run(
        [str(programs / "python"), "-c", asked], check=True, capture_output=True, text=True
    )
    version = shown.stdout.strip()
    port = _free_port()
    env = {
        **{name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SECRET_KEY")},
        "DJANGO_SETTINGS_MODULE": "label_studio.core.settings.label_studio",
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder / "data"),
        "DJANGO_DB": "sqlite",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
    }
    command = [str(programs / "label-studio"), "start", "--no-browser", "--port", str(port)]
    command += ["--internal-host", "127.0.0.1", "--username", _EMAIL, "--password", _PASSWORD]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(server, f"{address}/user/login/")
            yield address, version
        finally:
            server.terminate()
            server.wait(30)


def open_patch(browser: Browser, address: str, image_png: bytes) -> tuple[Page, Box]:
    """A page with the image under the largest brush there is, and where the image lies."""
    page = browser.new_page(viewport={"width": 1280, "height": 860})
    page.set_default_timeout(120_000)
    page.goto(f"{address}/user/login/")
    page.fill("input[name=email]", _EMAIL)
    page.fill("input[name=password]", _PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/login" not in url)
    token = next(one["value"] for one in page.context.cookies() if one["name"] == "csrftoken")  # type: ignore[typeddict-item]
    headers = {"X-CSRFToken": token, "Referer": address}
    made = page.request.post(
        f"{address}/api/projects/", data={"title": "patch", "label_config": _LEGEND}, headers=headers
    )
    project = made.json()["id"]
    file = {"name": "patch.png", "mimeType": "image/png", "buffer": image_png}
    page.request.post(f"{address}/api/projects/{project}/import", multipart={"file": file}, headers=headers)
    task = page.request.get(f"{address}/api/tasks?project={project}").json()["tasks"][0]["id"]
    page.goto(f"{address}/projects/{project}/data?task={task}")
    canvas = page.locator("canvas").first
    canvas.wait_for()
    page.wait_for_timeout(2000)
    page.keyboard.press("1")
    for _ in range(20):
        page.keyboard.press("]")
    box = canvas.bounding_box()
    assert box is not None
    return page, Box(box["x"], box["y"], box["width"], box["height"])


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait(server: subprocess.Popen[bytes], url: str) -> None:
    limit = time.monotonic() + _START_SECONDS
    while time.monotonic() < limit and server.poll() is None:
        try:
            with urlopen(url, timeout=5):  # noqa: S310  # an address of this machine
                return
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(1)
    raise OSError("Label Studio did not start")

"""The service worker, and the files that the editor needs when the server is out of reach."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe

_SOURCE = Path(settings.BASE_DIR) / "frontend" / "service_worker.js"
_VENDOR_FILES = tuple(f"vendor/{name}/index.js" for name in settings.VENDOR_PACKAGES)
# What the tag `leaflet_js` and its sibling for styles put into the page.
_LEAFLET_SCRIPT = "leaflet-src.js" if settings.DEBUG else "leaflet.js"
_LEAFLET_FILES = ("leaflet.css", "leaflet.extras.css", _LEAFLET_SCRIPT, "leaflet.extras.js")


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """The script, with its version and its files written before it.

    It is served from the root, since a service worker reaches no further than the folder that it comes from.
    """
    files = [static(name) for name, _ in _found()]
    files += [reverse("catalogue", args=[language]) for language, _ in settings.LANGUAGES]
    head = f"self.MILPA_VERSION = {json.dumps(version())};\nself.MILPA_FILES = {json.dumps(files)};\n"
    response = HttpResponse(head + _SOURCE.read_text(), content_type="text/javascript")
    response["Cache-Control"] = "no-cache"
    return response


def versioned(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Says with the page which files it goes with, so that a service worker of another version keeps its own back."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> HttpResponse:
        response = view(*args, **kwargs)
        response["Milpa-Version"] = version()
        return response

    return answer


def version() -> str:
    """Changes whenever one of the editor's files does."""
    stamps = tuple((name, str(path), path.stat().st_mtime_ns) for name, path in [*_found(), ("", _SOURCE)])
    return _digest(stamps)


@lru_cache(maxsize=1)
def _digest(stamps: tuple[tuple[str, str, int], ...]) -> str:
    digest = hashlib.sha256()
    for name, path, _ in stamps:
        digest.update(f"{name}\0".encode() + Path(path).read_bytes())
    return digest.hexdigest()[:16]


def _found() -> Iterator[tuple[str, Path]]:
    """Names and paths of the files that the editor needs."""
    front = _SOURCE.parent
    own = sorted(
        path for kind in ("js", "css", "svg") for path in front.rglob(f"*.{kind}") if path != _SOURCE
    )
    for path in own:
        yield f"milpa/{path.relative_to(front).as_posix()}", path
    for name in (*_VENDOR_FILES, *(f"leaflet/{file}" for file in _LEAFLET_FILES)):
        found = finders.find(name)
        if found is not None:
            yield name, Path(found)

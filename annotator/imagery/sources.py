"""Where scenes may come from: the operator's folders, and addresses on the public internet."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
import urllib.request
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import URLError

from django.conf import settings

from annotator.imagery.cog import Progress
from annotator.imagery.object_storage import fetch_object, is_object
from annotator.imagery.problems import DownloadFailed, NotARaster, SceneTooLarge, SourceRefused

_SILENCE_SECONDS = 30
_DOWNLOAD_SECONDS = 3600
_CHUNK_BYTES = 2**20
_RASTER_ENDINGS = {".tif", ".tiff", ".jp2"}


def is_url(source: str) -> bool:
    return source.lower().startswith(("http://", "https://"))


def sources_in(text: str) -> list[str]:
    """The paths, URLs and objects that a person gave, one a line; several are one mosaic."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def is_remote(source: str) -> bool:
    """Whether the source has to be fetched: a URL, or an object in S3-compatible storage."""
    return is_url(source) or is_object(source)


def local_files(source: str) -> list[Path]:
    """The file at that path, or all rasters of the folder there, by name. Raises SourceRefused, NotARaster."""
    path = local_source(source)
    if not path.is_dir():
        return [path]
    files = sorted(one for one in path.iterdir() if one.suffix.lower() in _RASTER_ENDINGS and one.is_file())
    if not files:
        raise NotARaster(f"There is no raster in the folder {path.name}; name another one, or a file.")
    return [local_source(str(one)) for one in files]


def local_source(source: str) -> Path:
    """The file at that path, with links resolved.

    Raises SourceRefused unless it lies in one of ``settings.SCENE_FOLDERS``. A file that is not there gets
    the same answer outside of them, so that nobody can explore the server.
    """
    # The file system ends a path at a null character, and Python refuses to.
    path = Path(source.replace("\0", "")).resolve()
    if not any(path.is_relative_to(folder.resolve()) for folder in settings.SCENE_FOLDERS):
        raise SourceRefused(
            "Scenes are taken by path only from the folders that the operator names in MILPA_SCENE_FOLDERS. "
            "Put the file there, or upload it."
        )
    return path


def fetch_source(url: str, destination: Path, on_progress: Progress) -> None:
    """Downloads a scene to ``destination``, which is there afterwards as a whole or not at all.

    ``on_progress`` hears of it at least once a second while bytes arrive, and ends the download by raising.
    Private and local addresses are refused, also after a redirect, unless ``settings.SCENE_URL_ALLOW_PRIVATE``
    is true. Raises SourceRefused, SceneTooLarge (beyond ``settings.SCENE_UPLOAD_MAX_BYTES``) or
    DownloadFailed.
    """
    if is_object(url):
        fetch_object(url, destination, on_progress)
        return
    if not is_url(url):
        raise SourceRefused("Only addresses that begin with http:// or https:// can be fetched.")
    try:
        with _opener().open(url, timeout=_SILENCE_SECONDS) as response:
            _save(response, destination, on_progress)
    except _PrivateAddress as error:
        destination.unlink(missing_ok=True)
        raise SourceRefused(
            "The address leads to a private or local network, from which nothing is fetched. Put the file "
            "on this server and add it by path, or upload it."
        ) from error
    except (URLError, HTTPException, OSError, ValueError) as error:
        destination.unlink(missing_ok=True)
        reason = getattr(error, "reason", None) or error
        raise DownloadFailed(
            f"The file could not be fetched ({reason}). Check the address, then try again."
        ) from error
    except BaseException:
        destination.unlink(missing_ok=True)
        raise


class _PrivateAddress(Exception):
    """Raised out of urllib, which wraps every OSError but lets this one through."""


def _check_host(host: str, port: int | None) -> None:
    # A first look, before anything is sent; what counts is the look at the connected peer.
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        _check_address(str(address[0]))


def _check_address(address: str) -> None:
    found = ipaddress.ip_address(address.split("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    if settings.SCENE_URL_ALLOW_PRIVATE:
        return
    if not found.is_global or found.is_multicast:
        raise _PrivateAddress(address)


class _PublicConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        _check_host(self.host, self.port)
        super().connect()
        # A name may resolve differently a moment later.
        _check_address(self.sock.getpeername()[0])


class _PublicTlsConnection(http.client.HTTPSConnection):
    def connect(self) -> None:
        _check_host(self.host, self.port)
        super().connect()
        _check_address(self.sock.getpeername()[0])


class _HttpHandler(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_PublicConnection, request)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def https_open(self, request: urllib.request.Request) -> HTTPResponse:
        context = ssl.create_default_context()
        return self.do_open(_PublicTlsConnection, request, context=context)


def _opener() -> urllib.request.OpenerDirector:
    # Built by hand: the ready-made one also opens files, ftp and data addresses, and uses proxies, behind
    # which the address that is asked for could not be seen.
    opener = urllib.request.OpenerDirector()
    for handler in (
        _HttpHandler(),
        _HttpsHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _save(response: HTTPResponse, destination: Path, on_progress: Progress) -> None:
    limit = settings.SCENE_UPLOAD_MAX_BYTES
    announced = response.headers.get("Content-Length", "")
    too_large = SceneTooLarge(
        f"The file is larger than {limit / 1e9:.1f} GB. Put it on this server and add it by path, or have "
        "the operator raise SCENE_UPLOAD_MAX_BYTES."
    )
    if announced.isdigit() and int(announced) > limit:
        raise too_large
    received, ends_at = 0, time.monotonic() + _DOWNLOAD_SECONDS
    # Who does not say how much there is to come may send as much as is allowed.
    expected = int(announced) if announced.isdigit() else limit
    with destination.open("wb") as file:
        while chunk := response.read(_CHUNK_BYTES):
            received += len(chunk)
            if received > limit:
                raise too_large
            if time.monotonic() > ends_at:
                raise DownloadFailed(
                    "The download took more than an hour. Put the file on this server instead."
                )
            file.write(chunk)
            on_progress(min(1.0, received / max(expected, 1)))
    if announced.isdigit() and received < int(announced):
        raise DownloadFailed("The download broke off before the end of the file. Try again.")

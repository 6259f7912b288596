"""Scenes by path and by address: only from where this installation reads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from annotator.imagery import problems, sources

BODY = b"raster" * 1000


def fetch(address: str, target: Path) -> list[float]:
    """The shares that were told."""
    told: list[float] = []
    sources.fetch_source(address, target, told.append)
    return told


class Site(BaseHTTPRequestHandler):
    """A site on this machine: /scene.tif, a redirect to wherever the query says, and broken answers."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/to":
            self.send_response(302)
            self.send_header("Location", query)
            self.end_headers()
        elif path == "/absent":
            self.send_error(404)
        else:
            self.send_response(200)
            if path != "/endless":
                self.send_header("Content-Length", str(len(BODY) + (path == "/broken")))
            self.end_headers()
            self.wfile.write(BODY)

    def log_message(self, *_: object) -> None:
        """Stays silent."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "fetched"


@pytest.fixture
def private_allowed(settings) -> None:
    settings.SCENE_URL_ALLOW_PRIVATE = True


@pytest.mark.usefixtures("private_allowed")
@pytest.mark.parametrize("path", ["/scene.tif", "/endless", "/to?/scene.tif"])
def test_a_file_is_fetched_also_after_a_redirect(site, target, path):
    told = fetch(site + path, target)
    assert target.read_bytes() == BODY
    # Without an announced length, nobody knows how much is to come.
    assert (told[-1] == 1) == (path != "/endless")


class Cancelled(Exception):
    """What a worker raises when somebody ended its job."""


def cancelled(share: float) -> None:
    raise Cancelled


@pytest.mark.usefixtures("private_allowed")
def test_a_download_ends_when_it_is_cancelled(site, target):
    with pytest.raises(Cancelled):
        sources.fetch_source(site + "/scene.tif", target, cancelled)
    assert not target.exists()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "10.0.0.1"],
)
def test_private_addresses_are_refused(target, host):
    with pytest.raises(problems.SourceRefused, match="private or local network"):
        fetch(f"http://{host}/scene.tif", target)
    assert not target.exists()


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("http://10.0.0.1/", problems.SourceRefused),
        ("ftp://example.org/scene.tif", problems.DownloadFailed),
        ("file:///etc/passwd", problems.DownloadFailed),
    ],
)
def test_a_redirect_into_the_private_network_or_to_another_protocol_is_not_followed(
    site, target, location, error, monkeypatch
):
    """The site itself is let through, as a public one would be; what it points at is not."""
    check = sources._check_address
    monkeypatch.setattr(sources, "_check_address", lambda a: None if a == "127.0.0.1" else check(a))
    with pytest.raises(error):
        fetch(f"{site}/to?{location}", target)
    assert not target.exists()


def test_a_name_that_resolves_differently_a_moment_later_is_refused(site, target, monkeypatch):
    """The first look is taken away; the one at the connected peer remains."""
    monkeypatch.setattr(sources, "_check_host", lambda host, port: None)
    with pytest.raises(problems.SourceRefused):
        fetch(f"{site}/scene.tif", target)


@pytest.mark.parametrize(
    "source", ["file:///etc/passwd", "ftp://example.org/a.tif", "/vsicurl/http://a/b.tif", "s3://a/b"]
)
def test_other_protocols_are_no_addresses(target, source):
    assert not sources.is_url(source)
    with pytest.raises(problems.SourceRefused):
        fetch(source, target)


@pytest.mark.usefixtures("private_allowed")
@pytest.mark.parametrize("path", ["/scene.tif", "/endless"])
def test_a_download_ends_at_the_limit_whether_announced_or_not(site, target, path, settings):
    settings.SCENE_UPLOAD_MAX_BYTES = len(BODY) - 1
    with pytest.raises(problems.SceneTooLarge, match="SCENE_UPLOAD_MAX_BYTES"):
        fetch(site + path, target)
    assert not target.exists()


@pytest.mark.usefixtures("private_allowed")
@pytest.mark.parametrize("path", ["/absent", "/broken"])
def test_a_failed_download_says_so_and_leaves_nothing(site, target, path):
    with pytest.raises(problems.DownloadFailed):
        fetch(site + path, target)
    assert not target.exists()


@pytest.mark.parametrize(
    "url", ["http://", "http://no-such-host.invalid/a.tif", "http://[bad/a.tif", "http://a b/"]
)
def test_an_address_that_leads_nowhere_fails_with_a_sentence(target, url):
    with pytest.raises(problems.DownloadFailed, match="Check the address"):
        fetch(url, target)


def test_a_path_inside_a_scene_folder_is_taken(tmp_path):
    assert sources.local_source(str(tmp_path / "a" / ".." / "scene.tif")) == tmp_path / "scene.tif"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "scene.tif", "{folder}/../scene.tif", "{folder}/link/passwd", "/\0"]
)
def test_a_path_outside_the_scene_folders_is_refused_links_included(tmp_path, path, settings):
    folder = tmp_path / "scenes"
    folder.mkdir()
    (folder / "link").symlink_to("/etc")
    settings.SCENE_FOLDERS = [folder]
    with pytest.raises(problems.SourceRefused, match="MILPA_SCENE_FOLDERS"):
        sources.local_source(path.format(folder=folder))


@pytest.fixture
def storage(monkeypatch, settings):  # type: ignore[no-untyped-def]
    """A real S3 server with the bucket ``imagery``, which the settings allow."""
    import boto3
    from moto.server import ThreadedMotoServer

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings.S3_ENDPOINT, settings.S3_BUCKETS = f"http://{host}:{port}", ["imagery"]
    client = boto3.client("s3", endpoint_url=settings.S3_ENDPOINT, region_name="us-east-1")
    for bucket in ("imagery", "private"):
        client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key="2022/a scene.tif", Body=b"pixels" * 3_000_000)
    yield client
    server.stop()


def test_an_object_is_fetched_from_an_allowed_bucket_of_a_real_server(storage, tmp_path):
    """Once whole, and with a name of which there is none, or that is not allowed, not at all."""
    target = tmp_path / "fetched"
    told = fetch("s3://imagery/2022/a%20scene.tif", target)
    assert target.read_bytes() == b"pixels" * 3_000_000
    assert told == sorted(told)
    assert 0 <= told[0] <= told[-1] <= 1
    target.unlink()
    with pytest.raises(Cancelled):
        sources.fetch_source("s3://imagery/2022/a%20scene.tif", target, cancelled)
    assert not target.exists()
    with pytest.raises(problems.DownloadFailed, match="could not be fetched"):
        fetch("s3://imagery/absent.tif", target)
    for refused in ("s3://private/2022/a%20scene.tif", "s3://imagery", "s3://169.254.169.254/latest"):
        with pytest.raises(problems.SourceRefused, match="MILPA_S3_BUCKETS"):
            fetch(refused, target)
    assert not target.exists()

"""What docs/client.md shows is done, word for word, on a server with its workers."""

from __future__ import annotations

import re
import shlex
import zipfile
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from pytest_django.live_server_helper import LiveServer
from rasterio.warp import transform_bounds

from annotator.domain.projects import add_member
from annotator.enums import Role
from annotator.models import Project, TrainingRun
from milpa.cli import main
from tests.celery_workers import ROOT, Workers
from tests.factories import make_access_token, make_user

PAGE = (ROOT / "docs" / "client.md").read_text()


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found


def write_corner(scene: Path, path: Path) -> None:
    """So small a part of the scene that proposals for it are made in seconds."""
    with rasterio.open(scene) as dataset:
        size_px = 400
        profile = dataset.profile | {"width": size_px, "height": size_px}
        with rasterio.open(path, "w", **profile) as corner:
            corner.write(dataset.read(window=((0, size_px), (0, size_px))))


def write_fields(scene: Path, path: Path) -> None:
    """Two fields in the western half of a scene."""
    with rasterio.open(scene) as dataset:
        west, south, east, north = transform_bounds(dataset.crs, 4326, *dataset.bounds)
    east, middle = (west + east) / 2, (south + north) / 2
    fields = [shapely.box(west, south, east, middle), shapely.box(west, middle, east, north)]
    crops = np.array(["maize", "rice"], object)
    geometry = shapely.to_wkb(np.array(fields))
    pyogrio.raw.write(path, geometry, [crops], ["crop"], geometry_type="Polygon", crs="EPSG:4326")


def test_the_page_holds(
    transactional_db: None,
    live_server: LiveServer,
    landscape_tif: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    person = make_user(may_add_projects=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILPA_URL", live_server.url)
    monkeypatch.setenv("MILPA_TOKEN", make_access_token(person))
    (tmp_path / "legend.json").write_text(blocks("json")[0])
    write_corner(landscape_tif[0], tmp_path / "october.tif")
    write_fields(tmp_path / "october.tif", tmp_path / "fields.geojson")
    workers = Workers(tmp_path)
    try:
        workers.start("default,imagery,inference")
        said = {}
        for line in blocks("sh")[0].splitlines():
            program, *words = shlex.split(line)
            assert program == "milpa"
            assert main(words) == 0, capsys.readouterr().err
            said[words[0]] = capsys.readouterr().out.splitlines()
        add_member(project=Project.objects.get(), user=person, role=Role.ML_STAFF)
        exec(compile(blocks("python")[0], "docs/client.md", "exec"), {})
    finally:
        workers.stop()

    assert said["create"] == ["north-valley\tNorth valley"]
    assert said["scene"][0].split("\t")[1:3] == ["ready", "2022-10-03"]
    assert said["propose"][0].split("\t")[1] == "succeeded"
    assert all("\tapproved" in line for line in said["patches"])
    assert "entropy" in said["queue"][0]
    with zipfile.ZipFile("fields.zip") as archive, zipfile.ZipFile("coco.zip") as coco:
        assert archive.testzip() is coco.testzip() is None
    run = TrainingRun.objects.get()
    assert (run.idempotency_key, run.config["steps"]) == ("monday", 20)

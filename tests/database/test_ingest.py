"""From a file to a scene's COG, and to a ready scene with patches."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from django.contrib.gis.geos import MultiPolygon, Polygon
from rasterio.enums import ColorInterp
from rio_cogeo.cogeo import cog_validate

from annotator.domain.scenes import add_scene
from annotator.enums import SceneState
from annotator.imagery import problems
from annotator.imagery.ingest import check_overlap, ingest_scene
from annotator.imagery.inspect import inspect_raster
from tests.factories import make_project, make_scene
from tests.rasters import EAST_M, NORTH_M, random_values, write_raster


@pytest.fixture
def cog(tmp_path: Path) -> Path:
    return tmp_path / "scenes" / "1.tif"


def ingest(source: Path, cog: Path, **options: str) -> list[str]:
    """The sentences of its steps, in their order."""
    told: list[tuple[str, float]] = []
    work = cog.parent / ".work"
    try:
        facts = ingest_scene(
            source, cog_path=cog, work_folder=work, on_progress=lambda *step: told.append(step), **options
        )
    finally:
        shutil.rmtree(work, ignore_errors=True)
    assert facts.footprint.area > 0
    shares = [share for _, share in told]
    assert (shares, shares[0], 0.9 < shares[-1] < 1) == (sorted(shares), 0, True)
    return list(dict.fromkeys(text for text, _ in told))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("layout", [{}, {"tiled": True, "compress": "lzw"}, {"interleave": "band"}])
def test_any_raster_becomes_a_cog_with_the_same_grid_and_values(tmp_path, cog, dtype, layout):
    values = random_values(4, 700, 650, dtype)
    source = write_raster(
        tmp_path / "a.tif", values, nodata=20, names=["B02", "B03", "B04", "B08"], tags={"K": "V"}, **layout
    )
    ingest(source, cog)
    assert cog_validate(cog, quiet=True)[0]
    with rasterio.open(cog) as made, rasterio.open(source) as given:
        assert np.array_equal(made.read(), values)
        assert (made.transform, made.crs, made.nodata) == (given.transform, given.crs, 20)
        assert (made.descriptions, made.tags()["K"]) == (given.descriptions, "V")
        assert made.block_shapes[0] == (256, 256)
        assert made.overviews(1) == [2, 4]


def test_what_is_transparent_stays_transparent(tmp_path, cog):
    """A mask inside the file, one beside it, and an alpha band."""
    values, hidden = random_values(3, 64, 64), np.zeros((64, 64), bool)
    hidden[:, :32] = True
    for name, internal in (("inside", True), ("beside", False)):
        source = write_raster(tmp_path / f"{name}.tif", values)
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=internal), rasterio.open(source, "r+") as dataset:
            dataset.write_mask(~hidden)
    alpha = np.concatenate([values, np.where(hidden, 0, 255)[None].astype("uint8")])
    write_raster(tmp_path / "alpha.tif", alpha, photometric="rgb", alpha="yes")
    assert (tmp_path / "beside.tif.msk").exists()
    for name in ("inside", "beside", "alpha"):
        ingest(tmp_path / f"{name}.tif", cog)
        with rasterio.open(cog) as made:
            assert np.array_equal(made.dataset_mask() == 0, hidden), name


@pytest.mark.parametrize("options", [{"names": ["red", "green", "blue", "nir"]}, {"nodata": 3}, {}])
def test_near_infrared_that_is_called_transparency_is_no_transparency(tmp_path, cog, options):
    """By its name, by a nodata value beside it, or by its many values."""
    rng = np.random.default_rng(1)
    values = rng.integers(5, 200, (4, 300, 300)).astype("uint8")
    source = write_raster(tmp_path / "rgbn.tif", values, **options)
    with rasterio.open(source) as dataset:
        assert dataset.colorinterp[3] == ColorInterp.alpha, "this is what GDAL makes of it"
    ingest(source, cog)
    with rasterio.open(cog) as made:
        assert made.colorinterp[3] == ColorInterp.undefined
        assert (made.dataset_mask() == 255).all()
        assert np.array_equal(made.read(), values)


def test_a_cog_is_taken_as_it_is(tmp_path, cog):
    source = write_raster(tmp_path / "cog.tif", random_values(3, 700, 700), driver="COG", blocksize=256)
    steps = ingest(source, cog)
    assert cog.read_bytes() == source.read_bytes()
    assert steps == [
        "Checking the file.", "Reading every pixel once.", "Copying it.", "Looking at the pixels.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "layout", [{"driver": "COG", "blocksize": 256}, {"tiled": True, "blockxsize": 256, "blockysize": 256}]
)
def test_a_file_damaged_in_the_middle_is_refused(tmp_path, cog, layout):
    noise = np.random.default_rng(1).integers(1, 255, (3, 1500, 1500)).astype("uint8")
    source = write_raster(tmp_path / "scene.tif", noise, compress="deflate", **layout)
    with rasterio.open(source) as dataset:
        start = int(dataset.get_tag_item("BLOCK_OFFSET_1_3", "TIFF", bidx=1))
    with source.open("r+b") as file:
        file.seek(start)
        file.write(b"\0" * 2000)
    with pytest.raises(problems.DamagedScene):
        ingest(source, cog)


def test_a_failed_ingest_leaves_no_file_and_keeps_an_earlier_one(tmp_path, cog):
    ingest(write_raster(tmp_path / "good.tif"), cog)
    before = cog.read_bytes()
    empty = write_raster(tmp_path / "empty.tif", np.zeros((3, 64, 64), "uint8"), nodata=0)
    with pytest.raises(problems.EmptyScene):
        ingest(empty, cog)
    assert [path.name for path in cog.parent.iterdir()] == ["1.tif"]
    assert cog.read_bytes() == before


def test_a_full_disk_is_told_before_anything_is_written(tmp_path, cog, monkeypatch):
    source = write_raster(tmp_path / "a.tif")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2**20))
    with pytest.raises(problems.NoSpaceLeft, match="MILPA_MEDIA") as refused:
        ingest(source, cog)
    assert (refused.value.status, refused.value.code) == (507, "no-space-left")
    assert not cog.exists()


def test_the_date_comes_from_the_name_that_the_file_had(tmp_path, cog):
    source = write_raster(tmp_path / "0123456789abcdef.upload")
    facts = ingest_scene(
        source, cog_path=cog, work_folder=tmp_path / "work", on_progress=lambda *_: None,
        file_name="plot_20220106.tif",
    )  # fmt: skip
    assert facts.acquired_on == date(2022, 1, 6)


@pytest.mark.django_db
def test_a_scene_away_from_the_area_of_interest_is_refused(tmp_path):
    here = inspect_raster(write_raster(tmp_path / "here.tif")).footprint
    there = inspect_raster(
        write_raster(tmp_path / "there.tif", transform=Affine(1, 0, EAST_M + 5000, 0, -1, NORTH_M))
    ).footprint
    area = MultiPolygon(Polygon.from_bbox(here.extent), srid=4326)
    project = make_project(area_of_interest=area)
    check_overlap(here, project)
    with pytest.raises(problems.NoOverlap, match="area of interest"):
        check_overlap(there, project)


@pytest.mark.django_db
def test_without_an_area_of_interest_a_scene_must_meet_those_that_are_ready(tmp_path):
    project = make_project()
    here = make_scene(project, write_raster(tmp_path / "here.tif")).footprint
    elsewhere = MultiPolygon(Polygon.from_bbox((10, 10, 10.1, 10.1)), srid=4326)
    check_overlap(here, project)
    check_overlap(elsewhere, make_project())
    with pytest.raises(problems.NoOverlap, match="other scenes"):
        check_overlap(elsewhere, project)


@pytest.mark.django_db
def test_a_path_outside_the_scene_folders_makes_no_scene():
    project = make_project()
    with pytest.raises(problems.SourceRefused):
        add_scene(project=project, user=project.created_by, source="/etc/passwd")
    assert project.scenes.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        "maharashtra-s2-scene/s2_sr_maharashtra_20220106.tif",
        "ai4smallfarms-cambodia-scene/s2_cambodia_tile12_202101.tif",
        "slovenia-lulc-s2/image_3.tif",
        "chiapas-landsat7/landsat7_19991118.tif",
    ],
)
def test_a_real_scene_becomes_ready_with_patches(milpa_data, name):
    project = make_project()
    scene = make_scene(project, milpa_data / name)
    assert (scene.state, scene.message) == (SceneState.READY, "")
    assert scene.cog_path.is_file()
    assert project.patches.count() > 0

"""Exports: what is in each form, to the last pixel, and what becomes of the row and its file."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyogrio
import pystac
import pytest
import rasterio
import rasterio.warp
import shapely
from django.core.management import CommandError, call_command
from django.utils import timezone
from PIL import Image
from pyarrow import parquet
from pycocotools.coco import COCO
from pystac.validation import JsonSchemaSTACValidator
from rasterio.transform import from_bounds
from rio_cogeo.cogeo import cog_validate

from annotator.domain.export_contents import contents_of
from annotator.domain.exports import (
    cancel_export,
    download_path,
    make_export,
    remove_old_exports,
    request_export,
)
from annotator.domain.recovery import resend_lost_jobs
from annotator.domain.reviews import reopen_patch
from annotator.enums import ExportKind, JobState
from annotator.errors import BadExport, FileGone, IllegalTransition, MilpaError, NothingToExport, NotReady
from annotator.exports.coco import objects_of
from annotator.exports.forms import FORMS
from annotator.imagery.grid import QUAD
from annotator.models import Event, Export, Project
from mlservice.instruction import read_instruction_set
from tests.factories import approve, make_member, make_patch, make_project, make_scene, submit
from tests.rasters import write_raster

with warnings.catch_warnings():
    # pystac finds the extension too little kept up; it is what readers of labels look for.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pystac.extensions.label import LabelExtension

pytestmark = pytest.mark.django_db


def random_mask(seed: int) -> np.ndarray:
    """Blobs of all three classes and of unsure, some with holes."""
    rng = np.random.default_rng(seed)
    coarse = rng.choice(np.array([0, 1, 1, 1, 2, 255], np.uint8), (32, 32))
    return coarse.repeat(8, 0).repeat(8, 1)


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def masks(project: Project) -> dict[str, np.ndarray]:
    """Five approved patches of three blocks, by quadkey; one neighbour is only submitted."""
    drawn = {}
    for seed, (column, row) in enumerate([(1000, 0), (1001, 0), (1001, 1), (1006, 0), (1010, 3)]):
        patch = make_patch(project, column, row)
        drawn[patch.quadkey] = random_mask(seed)
        approve(patch, project.created_by, drawn[patch.quadkey])
    submit(make_patch(project, 1002), make_member(project))
    return dict(sorted(drawn.items()))


def made(project: Project, kind: ExportKind, **parameters: object) -> Export:
    export = request_export(project=project, user=project.created_by, kind=kind, parameters=parameters)
    make_export(export.pk)
    export.refresh_from_db()
    assert export.state == JobState.SUCCEEDED, export.message
    return export


def unpacked(export: Export, folder: Path) -> Path:
    with zipfile.ZipFile(download_path(export)) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return folder


def tile_window(dataset: rasterio.DatasetReader, quadkey: str) -> np.ndarray:
    tile = QUAD.quadkey_to_tile(quadkey)
    west, _, _, north = QUAD.xy_bounds(tile.x, tile.y, tile.z)
    row, col = dataset.index(west + 1e-6, north - 1e-6)
    return dataset.read(1)[row : row + 256, col : col + 256]


def test_the_mosaic_holds_every_mask_in_the_patches_own_grid(project, masks, tmp_path) -> None:
    export = made(project, ExportKind.GEOTIFF)
    folder = unpacked(export, tmp_path)
    assert cog_validate(folder / "labels.tif", quiet=True)[0]
    with rasterio.open(folder / "labels.tif") as dataset:
        assert (dataset.crs.to_epsg(), dataset.shape, dataset.nodata) == (3857, (1024, 2816), 254)
        assert dataset.colormap(1)[1] == (0xE6, 0x9F, 0x00, 255)
        for quadkey, mask in masks.items():
            assert np.array_equal(tile_window(dataset, quadkey), mask)
        covered = dataset.read(1) != 254
        assert covered.sum() == len(masks) * 256 * 256


def test_a_mosaic_in_a_scenes_grid_has_the_mask_under_each_pixels_centre(project, masks, tmp_path) -> None:
    quadkeys = [QUAD.quadkey_to_tile(key) for key in masks]
    west, south, east, north = QUAD.bounds(quadkeys[0])
    box = rasterio.warp.transform_bounds("EPSG:4326", "EPSG:32643", west, south, east, north)
    transform = from_bounds(*box, 150, 310)
    source = write_raster(tmp_path / "scene.tif", np.ones((3, 310, 150), "uint8"), transform=transform)
    scene = make_scene(project, source)
    # What the scene shows lies 31 m further east, and 17 m further south.
    scene.shift_m = [31.0, -17.0]
    scene.save()
    folder = unpacked(made(project, ExportKind.GEOTIFF, grid=scene.pk), tmp_path / "out")
    with rasterio.open(folder / "labels.tif") as dataset:
        assert (dataset.crs.to_epsg(), dataset.shape) == (32643, (310, 150))
        assert dataset.transform.almost_equals(transform)
        values = dataset.read(1)
        rows, cols = np.mgrid[5:305:60, 5:150:40]
        for row, col in zip(rows.ravel(), cols.ravel(), strict=True):
            x, y = rasterio.warp.transform("EPSG:32643", "EPSG:3857", *[[v] for v in dataset.xy(row, col)])
            tile_west, _, tile_east, tile_north = QUAD.xy_bounds(quadkeys[0])
            size = (tile_east - tile_west) / 256
            at = int((tile_north - y[0] + 17) // size), int((x[0] + 31 - tile_west) // size)
            if 0 <= at[0] < 256 and 0 <= at[1] < 256:
                assert values[row, col] == masks[next(iter(masks))][at]


def test_chips_are_indexed_images_that_know_their_place(project, masks, tmp_path) -> None:
    folder = unpacked(made(project, ExportKind.CHIPS, images=False), tmp_path)
    assert sorted(path.stem for path in (folder / "masks").glob("*.png")) == list(masks)
    for quadkey, mask in masks.items():
        with Image.open(folder / "masks" / f"{quadkey}.png") as image:
            assert image.mode == "P"
            assert np.array_equal(np.asarray(image), mask)
            assert image.getpalette()[3:6] == [0xE6, 0x9F, 0x00]
        size, _, _, down, x, y = map(float, (folder / "masks" / f"{quadkey}.pgw").read_text().split())
        west, _, _, north = QUAD.xy_bounds(QUAD.quadkey_to_tile(quadkey))
        assert (x - size / 2, y - down / 2) == pytest.approx((west, north), abs=1e-6)
    assert (folder / "legend.csv").read_text().splitlines()[:3] == [
        "value,name,color",
        "0,other,#8c8c8c",
        "1,field,#e69f00",
    ]
    rows = [json.loads(line) for line in (folder / "patches.jsonl").read_text().splitlines()]
    assert [row["quadkey"] for row in rows] == list(masks)
    assert {row["side"] for row in rows} <= {"training", "validation", "holdout"}
    assert rows[0]["author"] == f"person-{project.created_by.pk}"
    told = json.loads((folder / "export.json").read_text())
    assert sum(told["sides"].values()) == told["patches"] == 5


@pytest.mark.parametrize("segmentation", ["rle", "polygons"])
def test_coco_objects_decode_to_the_masks(project, masks, tmp_path, segmentation) -> None:
    folder = unpacked(made(project, ExportKind.COCO, images=False, segmentation=segmentation), tmp_path)
    seen, ids = {}, []
    for path in (folder / "annotations").iterdir():
        coco = COCO(path)
        assert {cat["name"] for cat in coco.loadCats(coco.getCatIds())} == {"field", "boundary", "unsure"}
        for image in coco.loadImgs(coco.getImgIds()):
            mask = np.zeros((image["height"], image["width"]), np.uint8)
            for one in coco.loadAnns(coco.getAnnIds(image["id"])):
                inside = coco.annToMask(one).astype(bool)
                assert not mask[inside].any(), "objects do not overlap"
                mask[inside] = one["category_id"]
                assert one["area"] == inside.sum()
                assert one["iscrowd"] == (one["category_id"] == 255)
                cols, rows = inside.any(0).nonzero()[0], inside.any(1).nonzero()[0]
                assert one["bbox"] == [cols[0], rows[0], np.ptp(cols) + 1, np.ptp(rows) + 1]
                if segmentation == "polygons" and not one["iscrowd"]:
                    assert all(isinstance(ring, list) and len(ring) >= 8 for ring in one["segmentation"])
                ids.append(one["id"])
            seen[image["quadkey"]] = mask
            assert path.stem == f"instances_{image['side']}"
    assert len(set(ids)) == len(ids)
    for quadkey, mask in masks.items():
        assert np.array_equal(seen[quadkey], mask)


def test_a_ring_of_a_field_has_its_hole_in_both_forms() -> None:
    mask = np.zeros((256, 256), np.uint8)
    mask[10:60, 10:60] = 1
    mask[20:30, 20:30] = 0
    mask[40:45, 22:50] = 2
    for segmentation in ("rle", "polygons"):
        field, other = objects_of(mask, [0, 1, 2], segmentation)
        assert (field["area"], other["area"]) == (50 * 50 - 100 - 5 * 28, 5 * 28)


def test_the_stac_collection_is_sound(project, masks, tmp_path) -> None:
    folder = unpacked(made(project, ExportKind.STAC), tmp_path)
    document = json.loads((folder / "collection.json").read_text())
    JsonSchemaSTACValidator().validate_core(document, pystac.STACObjectType.COLLECTION, "1.1.0")
    collection = pystac.Collection.from_file(folder / "collection.json")
    items = list(collection.get_items())
    assert [item.id for item in items] == list(masks)
    for item in items:
        JsonSchemaSTACValidator().validate_core(
            json.loads(Path(item.get_self_href()).read_text()), pystac.STACObjectType.ITEM, "1.1.0"
        )
        label = LabelExtension.ext(item)
        assert label.label_type == "raster"
        assert label.label_properties is None
        assert label.label_classes[0].classes == ["other", "field", "boundary"]
        assert sum(count.count for count in label.label_overviews[0].counts) == 256 * 256
        with rasterio.open(item.assets["labels"].get_absolute_href()) as dataset:
            assert np.array_equal(dataset.read(1), masks[item.id])
            assert tuple(dataset.bounds) == pytest.approx(QUAD.xy_bounds(QUAD.quadkey_to_tile(item.id)))


@pytest.fixture
def pictured(landscape_tif) -> Project:
    """A project whose approved patches lie on a drawn scene."""
    project = make_project(name="Pictured", patch_zoom=17)
    make_scene(project, landscape_tif[0])
    for seed, patch in enumerate(project.patches.order_by("quadkey")[:6]):
        approve(patch, project.created_by, random_mask(seed))
    return project


def test_the_instruction_set_is_read_back_side_by_side(pictured, tmp_path) -> None:
    folder = unpacked(made(pictured, ExportKind.INSTRUCTION, manner="run_lengths"), tmp_path / "out")
    keys = set()
    for side in [path for path in folder.iterdir() if path.is_dir()]:
        found = read_instruction_set(side)
        lines = list(found)
        assert len(lines) == len(found) > 0
        keys |= {line.key for line in lines}
        rows = [json.loads(line) for line in (side / "instructions.jsonl").read_text().splitlines()]
        for image in [p for row in rows for p in row["messages"][-1]["content"] if p["type"] == "image"]:
            with Image.open(side / image["path"]) as opened:
                assert opened.mode == "RGB"
        assert found.answer_format.words[:3] == ("other", "field", "boundary")
    assert keys == {p.quadkey for p in pictured.patches.filter(state="approved")}


def test_images_are_what_the_mask_was_drawn_on(pictured, tmp_path) -> None:
    folder = unpacked(made(pictured, ExportKind.CHIPS), tmp_path)
    assert {p.name for p in (folder / "images").iterdir()} == {
        p.name for p in (folder / "masks").glob("*.png")
    }
    with Image.open(next((folder / "images").iterdir())) as image:
        assert np.asarray(image).std() > 5


@pytest.mark.parametrize("kind", [kind for kind in ExportKind if kind != ExportKind.INSTRUCTION])
def test_the_same_masks_make_the_same_bytes(project, masks, kind) -> None:
    parameters = {"images": False} if "images" in FORMS[kind].options else {}
    first = made(project, kind, **parameters)
    content = download_path(first).read_bytes()
    assert made(project, kind, **parameters).pk == first.pk, "what is there is not made again"
    Export.objects.all().delete()
    again = made(project, kind, **parameters)
    assert download_path(again).read_bytes() == content
    assert (again.sha256, again.fingerprint) == (first.sha256, first.fingerprint)
    patch = project.patches.get(quadkey=next(iter(masks)))
    reopen_patch(patch=patch, user=project.created_by, comment="look again")
    assert made(project, kind, **parameters).fingerprint != first.fingerprint


def test_a_lost_export_goes_on_after_the_parts_that_were_made(project, masks) -> None:
    export = request_export(project=project, user=project.created_by, kind=ExportKind.GEOTIFF)
    make_export(export.pk)
    whole = download_path(Export.objects.get(pk=export.pk)).read_bytes()
    # As a worker leaves it that was killed in the middle of the second strip.
    export = Export.objects.get(pk=export.pk)
    Export.objects.filter(pk=export.pk).update(
        state=JobState.RUNNING, sha256="", size_bytes=0, heartbeat_at=timezone.now()
    )
    export.file_path.unlink()
    parts = list(FORMS[ExportKind.GEOTIFF].parts(contents_of(export)))
    export.work_path.mkdir()
    parts[0].write(export.work_path / parts[0].name)
    before = (export.work_path / parts[0].name).stat().st_ino
    (export.work_path / f"{parts[1].name}.partial").write_bytes(b"torn")
    make_export(export.pk)
    assert not export.file_path.exists(), "an export with a living worker is left alone"
    Export.objects.filter(pk=export.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert resend_lost_jobs() == 1
    kept = export.work_path.with_name("kept.tif")
    kept.hardlink_to(export.work_path / parts[0].name)
    make_export(export.pk)
    assert kept.stat().st_ino == before
    assert download_path(Export.objects.get(pk=export.pk)).read_bytes() == whole
    assert not export.work_path.exists()
    assert Event.objects.filter(subject="export", verb="succeeded").count() == 2


def test_a_cancelled_export_leaves_nothing(project, masks) -> None:
    export = request_export(project=project, user=project.created_by, kind=ExportKind.GEOTIFF)
    cancel_export(export=export, user=project.created_by)
    make_export(export.pk)
    export.refresh_from_db()
    assert (export.state, export.work_path.exists()) == (JobState.CANCELLED, False)
    with pytest.raises(IllegalTransition):
        cancel_export(export=export, user=project.created_by)
    with pytest.raises(FileGone):
        download_path(export)


def test_old_files_are_removed_and_can_be_made_again(project, masks, settings) -> None:
    export = made(project, ExportKind.CHIPS, images=False)
    assert remove_old_exports() == 0
    Export.objects.update(ended_at=timezone.now() - timedelta(days=settings.EXPORT_KEEP_DAYS + 1))
    assert remove_old_exports() == 1
    assert not export.file_path.exists()
    with pytest.raises(FileGone, match="same file"):
        download_path(Export.objects.get(pk=export.pk))
    again = made(project, ExportKind.CHIPS, images=False)
    assert again.pk != export.pk
    assert again.sha256 == export.sha256


@pytest.mark.parametrize(
    ("kind", "parameters", "error", "words"),
    [
        ("geotiff", {"grid": 99}, BadExport, "no ready scene 99"),
        ("geotiff", {"grid": "utm"}, BadExport, "the id of a scene"),
        ("geotiff", {"colour": 1}, BadExport, "no parameter “colour”"),
        ("coco", {"segmentation": "mesh"}, BadExport, "rle, polygons"),
        ("chips", {"images": "yes"}, BadExport, "true or false"),
        ("chips", {"images": True}, NotReady, "Images need a scene"),
        ("instruction", {}, NotReady, "Images need a scene"),
        ("stac", {"bbox": [5, 1, 4, 2]}, BadExport, "west less than east"),
        ("stac", {"bbox": [5, 1, 6, 2]}, NothingToExport, "No approved patch"),
        ("stac", {"bbox": [5, 1, 6, "nan"]}, BadExport, "bbox"),
    ],
)
def test_an_export_that_cannot_be_made_says_why(project, masks, kind, parameters, error, words) -> None:
    with pytest.raises(error, match=words):
        request_export(project=project, user=project.created_by, kind=ExportKind(kind), parameters=parameters)
    assert not Export.objects.exists()


def test_a_box_takes_the_patches_in_it(project, masks) -> None:
    first = next(iter(masks))
    west, south, east, north = QUAD.bounds(QUAD.quadkey_to_tile(first))
    inside = [west + 1e-5, south + 1e-5, east - 1e-5, north - 1e-5]
    assert made(project, ExportKind.STAC, bbox=inside).total == 1


def test_a_full_disk_is_told_and_leaves_nothing(project, masks, settings) -> None:
    settings.EXPORTS_MAX_BYTES = 1000
    export = request_export(project=project, user=project.created_by, kind=ExportKind.GEOTIFF)
    make_export(export.pk)
    export.refresh_from_db()
    assert export.state == JobState.FAILED
    assert "no room" in export.message
    assert not export.work_path.exists()
    settings.EXPORTS_MAX_BYTES = -1
    with pytest.raises(MilpaError, match="EXPORTS_MAX_BYTES"):
        request_export(project=project, user=project.created_by, kind=ExportKind.STAC)


def test_the_command_writes_the_file_that_the_api_gives(project, masks, tmp_path, capsys, client) -> None:
    out = tmp_path / "out.zip"
    call_command("export", project.slug, "coco", "--out", str(out), "--set", "images=false")
    export = Export.objects.get()
    assert export.sha256 in capsys.readouterr().out
    client.force_login(project.created_by)
    answer = client.get(f"/api/v1/exports/{export.pk}/file/")
    assert b"".join(answer.streaming_content) == out.read_bytes()
    assert answer["ETag"] == f'"{export.sha256}"'
    assert export.file_name in answer["Content-Disposition"]
    assert zipfile.is_zipfile(io.BytesIO(out.read_bytes()))
    with pytest.raises(CommandError, match="no project"):
        call_command("export", "nowhere", "coco")
    with pytest.raises(CommandError, match="NAME=VALUE"):
        call_command("export", project.slug, "coco", "--set", "images")
    with pytest.raises(CommandError, match="true or false"):
        call_command("export", project.slug, "coco", "--set", "images=no")


def test_parcels_are_the_same_in_all_three_forms(project, masks, tmp_path) -> None:
    folders = {
        kind: unpacked(made(project, kind), tmp_path / kind)
        for kind in (ExportKind.GEOJSON, ExportKind.GEOPACKAGE, ExportKind.GEOPARQUET)
    }
    features = json.loads((folders[ExportKind.GEOJSON] / "parcels.geojson").read_text())["features"]
    ids = [feature["id"] for feature in features]
    assert len(set(ids)) == len(ids) > 5
    assert {feature["properties"]["class_name"] for feature in features} == {"field"}
    assert all(feature["properties"]["area_m2"] > 0 for feature in features)
    table = parquet.read_table(folders[ExportKind.GEOPARQUET] / "parcels.parquet")
    outlines = shapely.from_wkb(table["geometry"].to_pylist())
    assert table["id"].to_pylist() == ids
    assert shapely.is_valid(outlines).all()
    assert not table.schema.field("geometry").nullable
    head = json.loads(table.schema.metadata[b"collection"])
    assert head["schemas"][table["collection"][0].as_py()][1].startswith("https://fiboa.org/")
    info = pyogrio.read_info(folders[ExportKind.GEOPACKAGE] / "parcels.gpkg")
    assert (info["features"], info["crs"], info["layer_name"]) == (len(ids), "EPSG:4326", "parcels")
    _, _, packed, _ = pyogrio.raw.read(folders[ExportKind.GEOPACKAGE] / "parcels.gpkg")
    assert shapely.equals_exact(shapely.from_wkb(packed), outlines).all()
    shown = [shapely.geometry.shape(feature["geometry"]) for feature in features]
    assert shapely.equals_exact(shown, outlines, tolerance=1e-8).all()
    # Neighbours share their edges: together they are as large as apart.
    assert shapely.union_all(outlines).area == pytest.approx(sum(one.area for one in outlines), rel=1e-9)

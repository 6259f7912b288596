"""Exports: what is in each form, to the last pixel."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio
import rasterio.warp
from PIL import Image
from pycocotools.coco import COCO
from pystac.validation import JsonSchemaSTACValidator
from rasterio.transform import Affine, from_bounds
from rio_cogeo.cogeo import cog_validate

from annotator.domain.exports import request_export
from annotator.enums import ExportKind
from annotator.errors import BadExport
from annotator.exports.coco import objects_of
from annotator.imagery.grid import QUAD
from mlservice.instruction import read_instruction_set
from tests import stac_extensions
from tests.exporting import made, unpacked
from tests.factories import approve, make_patch, make_scene
from tests.rasters import write_raster

with warnings.catch_warnings():
    # pystac finds the extension too little kept up; it is what readers of labels look for.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pystac.extensions.label import LabelExtension

pytestmark = pytest.mark.django_db


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


def test_a_box_cuts_a_mosaic_out_of_a_scene_that_is_too_large_as_a_whole(project, masks, tmp_path) -> None:
    """The scene is one of 60,000 x 60,000 px, without a pixel written, whose grid is turned a little."""
    first = QUAD.quadkey_to_tile(next(iter(masks)))
    west, south, east, north = QUAD.bounds(first)
    x, y = rasterio.warp.transform("EPSG:4326", "EPSG:32643", [(west + east) / 2], [(south + north) / 2])
    transform = Affine.translation(x[0], y[0]) * Affine.rotation(10) * Affine(2, 0, 0, 0, -2, 0)
    transform = transform * Affine.translation(-30_000.5, -20_000.25)
    scene = make_scene(project)
    scene.cog_path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "width": 60_000, "height": 60_000, "count": 1, "dtype": "uint8"}
    with rasterio.open(
        scene.cog_path, "w", crs="EPSG:32643", transform=transform, SPARSE_OK=True, tiled=True, **profile
    ):
        pass
    asked = {"project": project, "user": project.created_by, "kind": ExportKind.GEOTIFF}
    with pytest.raises(BadExport, match=r"60,000 x 60,000 px.* bbox"):
        request_export(**asked, parameters={"grid": scene.pk})
    inside = [west + 1e-5, south + 1e-5, east - 1e-5, north - 1e-5]
    folder = unpacked(made(project, ExportKind.GEOTIFF, grid=scene.pk, bbox=inside), tmp_path / "out")
    with rasterio.open(folder / "labels.tif") as dataset:
        col, row = ~transform * (dataset.transform.c, dataset.transform.f)
        assert (col, row) == pytest.approx((round(col), round(row)), abs=1e-5), "whole pixels of the scene"
        assert dataset.transform.almost_equals(transform * Affine.translation(col, row), 1e-5)
        # A square turned by ten degrees, whose side is 256 px of zoom 17 in the patches' latitude.
        side_px = 256 * (156543.034 / 2**17) * np.cos(np.radians(north)) / 2
        assert dataset.shape == pytest.approx([side_px * 1.16] * 2, rel=0.04)
        drawn = dataset.read(1)
    assert (drawn != 254).sum() == pytest.approx(side_px**2, rel=0.02)
    for edge in (drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1]):
        assert (edge == 254).mean() > 0.5, "no patch is cut off"
    scene.shift_m = [1e7, 0.0]
    scene.save()
    with pytest.raises(BadExport, match="No approved patch there lies on October"):
        request_export(**asked, parameters={"grid": scene.pk})


def test_a_mosaic_of_places_far_apart_is_refused_when_it_is_asked_for(project) -> None:
    for column, row in ((1000, 0), (-3000, 20000)):
        approve(make_patch(project, column, row), project.created_by)
    with pytest.raises(BadExport, match="smaller area with the parameter bbox"):
        request_export(project=project, user=project.created_by, kind=ExportKind.GEOTIFF)


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
    assert list(stac_extensions.errors(document)) == []
    collection = pystac.Collection.from_file(folder / "collection.json")
    items = list(collection.get_items())
    assert [item.id for item in items] == list(masks)
    for item in items:
        document = json.loads(Path(item.get_self_href()).read_text())
        JsonSchemaSTACValidator().validate_core(document, pystac.STACObjectType.ITEM, "1.1.0")
        assert list(stac_extensions.errors(document)) == []
        label = LabelExtension.ext(item)
        assert label.label_type == "raster"
        assert label.label_properties is None
        assert label.label_classes[0].classes == ["other", "field", "boundary"]
        assert sum(count.count for count in label.label_overviews[0].counts) == 256 * 256
        with rasterio.open(item.assets["labels"].get_absolute_href()) as dataset:
            assert np.array_equal(dataset.read(1), masks[item.id])
            assert tuple(dataset.bounds) == pytest.approx(QUAD.xy_bounds(QUAD.quadkey_to_tile(item.id)))


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

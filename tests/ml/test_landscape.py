"""Landscapes are farmland with exact truth, always the same for a seed, and become proper scenes."""

import subprocess
import sys

import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate
from scipy import ndimage

from mlservice.contracts import Legend
from mlservice.landscape import LANDSCAPE_LEGEND, draw_landscape, write_landscape_scene
from mlservice.legend import check_legend

FIELD, BOUNDARY = 1, 2


def truth_shares(**how: object) -> np.ndarray:
    counts = [np.bincount(draw_landscape(seed, 128, **how).truth.ravel(), minlength=6) for seed in range(40)]
    return np.sum(counts, axis=0) / np.sum(counts)


def test_the_legend_is_sound_and_names_six_classes():
    check_legend(LANDSCAPE_LEGEND)
    assert isinstance(LANDSCAPE_LEGEND, Legend)
    assert [c.name for c in LANDSCAPE_LEGEND.classes] == [
        "other",
        "field",
        "boundary",
        "trees",
        "water",
        "buildings",
    ]
    assert LANDSCAPE_LEGEND.boundary_value == BOUNDARY


def test_image_and_truth_have_the_asked_shape_and_kind():
    landscape = draw_landscape(1, (96, 160), gsd_m=2.0)
    assert landscape.image.shape == (96, 160, 3)
    assert landscape.truth.shape == (96, 160)
    assert landscape.image.dtype == landscape.truth.dtype == np.uint8
    assert landscape.gsd_m == 2.0
    assert set(np.unique(landscape.truth)) <= set(LANDSCAPE_LEGEND.values)


@pytest.mark.parametrize("how", [{}, {"region": "b"}, {"gsd_m": 2.3, "sensor_gsd_m": 10.0}])
def test_a_seed_always_gives_the_same_landscape_and_another_seed_another(how):
    one, again, other = (draw_landscape(seed, 128, **how) for seed in (5, 5, 6))
    assert (one.image == again.image).all()
    assert (one.truth == again.truth).all()
    assert (one.truth != other.truth).any()


def test_a_lone_tree_is_no_tree_to_a_coarse_sensor():
    fine, coarse = (
        draw_landscape(61, 256, gsd_m=2.3, sensor_gsd_m=sensor).truth == 3 for sensor in (2.3, 10)
    )
    specks, count = ndimage.label(coarse)
    assert ndimage.label(fine)[1] > 3 * count
    assert not count or np.bincount(specks.ravel())[1:].mean() > 8


def test_regions_differ():
    assert (draw_landscape(5, 128).image != draw_landscape(5, 128, region="b").image).any()


@pytest.mark.parametrize("how", [{}, {"region": "b"}, {"gsd_m": 2.3, "sensor_gsd_m": 10.0}])
def test_most_of_the_land_is_fields_with_boundaries_and_every_class_occurs(how):
    shares = truth_shares(**how)
    assert 0.45 < shares[FIELD] < 0.8
    assert 0.06 < shares[BOUNDARY] < 0.2
    assert (shares > 0).all()


def test_fields_are_apart_from_each_other_and_of_many_sizes():
    medians = []
    for seed in range(25):
        labels, _ = ndimage.label(draw_landscape(seed, 256).truth == FIELD)
        widths = np.sqrt(np.bincount(labels.ravel())[1:])
        medians.append(np.median(widths[widths > 4]))
    assert min(medians) > 8
    assert np.percentile(medians, 10) < 15
    assert np.percentile(medians, 90) > 35


def test_classes_look_different_from_each_other():
    trees, fields = [], []
    for seed in range(30):
        landscape = draw_landscape(seed, 128)
        brightness = landscape.image.mean(axis=2)
        if (landscape.truth == 3).sum() > 200 and (landscape.truth == FIELD).sum() > 200:
            trees.append(brightness[landscape.truth == 3].mean())
            fields.append(brightness[landscape.truth == FIELD].mean())
    assert len(trees) > 5
    assert np.mean(np.array(trees) < np.array(fields)) > 0.9


def test_a_coarse_sensor_blurs_the_image():
    def roughness(**how: float) -> float:
        images = [draw_landscape(seed, 128, gsd_m=2.3, **how).image.astype(float) for seed in range(8)]
        return float(np.mean([np.abs(np.diff(image, axis=1)).mean() / image.std() for image in images]))

    assert roughness(sensor_gsd_m=10.0) < 0.6 * roughness()


@pytest.mark.parametrize(
    ("size", "how"), [(32, {}), ((256, 8), {}), (128, {"gsd_m": 2.0, "sensor_gsd_m": 1.0})]
)
def test_what_cannot_be_drawn_is_refused_by_name(size, how):
    with pytest.raises(ValueError, match="must be at least"):
        draw_landscape(3, size, **how)


def test_a_scene_is_a_cloud_optimised_geotiff_with_its_truth_in_the_same_grid(tmp_path):
    image_path, truth_path = tmp_path / "new" / "scene.tif", tmp_path / "new" / "truth.tif"
    write_landscape_scene(image_path, truth_path, seed=7, size_px=600, gsd_m=2.0)
    drawn = draw_landscape(7, 600, gsd_m=2.0)
    for path in (image_path, truth_path):
        valid, errors, _ = cog_validate(path)
        assert valid, errors
    with rasterio.open(image_path) as image, rasterio.open(truth_path) as truth:
        assert image.crs == truth.crs == "EPSG:32643"
        assert image.transform == truth.transform
        assert image.res == (2.0, 2.0)
        assert image.tags()["TIFFTAG_DATETIME"] == "2022:10:03 00:00:00"
        assert image.overviews(1)
        assert (image.read().transpose(1, 2, 0) == drawn.image).all()
        assert (truth.read(1) == drawn.truth).all()
        assert truth.colormap(1)[FIELD] == (0xE6, 0x9F, 0x00, 255)


def test_the_command_writes_a_scene(tmp_path):
    image_path, truth_path = tmp_path / "scene.tif", tmp_path / "truth.tif"
    command = [
        sys.executable,
        "-m",
        "mlservice.landscape",
        image_path,
        truth_path,
        "--seed",
        "3",
        "--size",
        "256",
    ]
    subprocess.run(command, check=True)
    with rasterio.open(image_path) as image, rasterio.open(truth_path) as truth:
        assert image.shape == truth.shape == (256, 256)
        assert (truth.read(1) == draw_landscape(3, 256).truth).all()

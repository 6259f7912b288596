"""Landscapes are farmland with exact truth, always the same for a seed, and become proper scenes."""

import subprocess
import sys

import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate
from scipy import ndimage

from mlservice.contracts import Legend
from mlservice.landscape import (
    COARSE_VALUE,
    CONTEXT_DECIDED,
    DETAILED_LEGEND,
    LANDSCAPE_LEGEND,
    draw_landscape,
    write_landscape_scene,
)
from mlservice.landscape.district import CLEARED, FLOODED
from mlservice.landscape.layout import Layout, lay_out
from mlservice.landscape.paint import paint
from mlservice.landscape.region import REGIONS
from mlservice.landscape.sensor import observe
from mlservice.legend import check_legend

FIELD, BOUNDARY = 1, 2
WATER, RICE, FALLOW, BARE = (
    next(c.value for c in DETAILED_LEGEND.classes if c.name == name) for name in CONTEXT_DECIDED
)


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


def test_the_detailed_legend_adds_the_classes_that_only_the_surroundings_tell():
    check_legend(DETAILED_LEGEND)
    assert DETAILED_LEGEND.classes[:6] == LANDSCAPE_LEGEND.classes
    assert [c.name for c in DETAILED_LEGEND.classes[6:]] == ["rice", "fallow", "bare"]
    assert len({c.color for c in DETAILED_LEGEND.classes}) == 9
    assert COARSE_VALUE.tolist() == [0, 1, 2, 3, 4, 5, 1, 1, 0]


def test_image_and_truth_have_the_asked_shape_and_kind():
    landscape = draw_landscape(1, (96, 160), gsd_m=2.0)
    assert landscape.image.shape == (96, 160, 3)
    assert landscape.truth.shape == (96, 160)
    assert landscape.image.dtype == landscape.truth.dtype == np.uint8
    assert landscape.gsd_m == 2.0
    assert set(np.unique(landscape.truth)) <= set(LANDSCAPE_LEGEND.values)
    assert (COARSE_VALUE[landscape.detail] == landscape.truth).all()


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
    assert 0.4 < shares[FIELD] < 0.8
    assert 0.06 < shares[BOUNDARY] < 0.2
    assert (shares > 0).all()


@pytest.mark.parametrize("region", ["a", "b"])
def test_every_detailed_class_takes_its_part_of_the_land(region):
    scenes = [draw_landscape(seed, 256, region=region).detail for seed in range(100, 148)]
    shares = np.array([np.bincount(detail.ravel(), minlength=9) / detail.size for detail in scenes])
    assert (shares.mean(axis=0) > 0.008).all()
    # Basins are of one kind a scene, and so is cleared land.
    assert not (shares[:, FALLOW] * shares[:, BARE]).any()
    cleared = shares[:, FALLOW] + shares[:, BARE]
    assert 0.35 < np.mean(cleared > 0.01) < 0.75
    assert 0.06 < cleared[cleared > 0.01].mean() < 0.25


Parts = tuple[Layout, np.ndarray, np.ndarray]


def parts(seed: int, region: str, size_px: int = 256, sensor_px: float = 1.0) -> Parts:
    ground, light, camera = np.random.default_rng(seed).spawn(3)
    layout = lay_out(ground, (size_px, size_px), REGIONS[region], 1.0, sensor_px)
    colours, detail = paint(light, layout, REGIONS[region], 1.0)
    image = observe(camera, colours, REGIONS[region], 1.0, sensor_px, reference=layout.cues.elsewhere)
    return layout, image, detail


@pytest.fixture(scope="module", params=["a", "b"])
def districts(request):
    return [parts(seed, request.param) for seed in range(90)]


def test_a_parcel_has_the_class_that_the_canal_or_town_of_its_scene_says(districts):
    seen = set()
    for layout, _, detail in districts:
        unbuilt = (layout.road_px > 1) & (layout.parcels.edge_px > layout.parcels.half_bund_px)
        for kind, value in (
            (FLOODED, RICE if layout.cues.irrigated else WATER),
            (CLEARED, BARE if layout.cues.urban else FALLOW),
        ):
            parcels = (layout.parcels.kind == kind) & unbuilt
            assert (detail[parcels] == value).all()
            seen |= {value} if parcels.any() else set()
    assert seen == {WATER, RICE, FALLOW, BARE}


def test_canals_and_towns_are_there_exactly_where_the_scene_has_them(districts):
    canals, towns = 0, 0
    for layout, image, detail in districts:
        banks = (layout.cues.canal_px > layout.cues.half_water_px + 0.5) & (
            layout.cues.canal_px < layout.cues.half_canal_px - 0.5
        )
        middle = layout.cues.canal_px < layout.cues.half_water_px
        assert banks.any() == middle.any() == layout.cues.irrigated
        roofs = [r for r in layout.cues.roofs if 0 <= r.x < 256 and 0 <= r.y < 256]
        assert len(roofs) >= 12 if layout.cues.urban else not roofs
        if layout.cues.irrigated:
            assert middle.sum() > 300
            assert image[banks & (layout.road_px > 2)].mean() > image[middle].mean() + 25
            assert (detail[middle & (layout.road_px > 2)] == WATER).mean() > 0.95
        canals, towns = canals + layout.cues.irrigated, towns + layout.cues.urban
    assert 0.35 < canals / len(districts) < 0.65
    assert 0.35 < towns / len(districts) < 0.65


def test_what_decides_a_parcel_is_out_of_its_sight(districts):
    for layout, _, _ in districts:
        flooded, cleared = layout.parcels.kind == FLOODED, layout.parcels.kind == CLEARED
        assert layout.cues.canal_px[flooded].min(initial=np.inf) > 45
        assert layout.cues.town_px[cleared].min(initial=np.inf) > 45


def test_parcels_of_a_pair_look_the_same(districts):
    for kind, decided_by in ((FLOODED, "irrigated"), (CLEARED, "urban")):
        looks: dict[bool, list[np.ndarray]] = {False: [], True: []}
        for layout, image, _ in districts:
            within = (layout.parcels.kind == kind) & (layout.parcels.edge_px > 3) & (layout.road_px > 2)
            if within.sum() > 200:
                pixels = image[within].astype(float)
                looks[getattr(layout.cues, decided_by)].append(
                    np.array([*pixels.mean(axis=0), np.log1p(pixels.mean(axis=1).std()), within.mean()])
                )
        one, other = np.array(looks[False]), np.array(looks[True])
        assert min(len(one), len(other)) > 10
        apart = np.abs(one.mean(axis=0) - other.mean(axis=0))
        error = np.sqrt(one.var(axis=0) / len(one) + other.var(axis=0) / len(other))
        assert (apart < 3.3 * error).all(), (kind, one.mean(axis=0), other.mean(axis=0), apart / error)


def test_cues_show_in_every_window_of_a_large_scene_and_to_a_coarse_sensor():
    windows = [(row, col) for row in range(0, 513, 128) for col in range(0, 513, 128)]
    canals, towns = [], []
    for seed in range(6):
        layout, _, _ = parts(seed, "a", size_px=768, sensor_px=3.0)
        assert 2 * layout.cues.half_canal_px >= max(3, 1.5 * 3.0)
        centres = np.array([(r.y, r.x) for r in layout.cues.roofs]).reshape(-1, 2)
        for row, col in windows:
            if layout.cues.irrigated:
                part = layout.cues.canal_px[row : row + 256, col : col + 256]
                canals.append((part < layout.cues.half_water_px).sum() > 120)
            if layout.cues.urban:
                seen = ((centres >= (row, col)) & (centres < (row + 256, col + 256))).all(axis=1)
                towns.append(seen.sum() >= 12)
    assert len(canals) > 20
    assert len(towns) > 20
    assert np.mean(canals) > 0.95
    assert np.mean(towns) > 0.9


def test_fields_are_apart_from_each_other_and_of_many_sizes():
    medians = []
    for seed in range(25):
        labels, _ = ndimage.label(draw_landscape(seed, 256).truth == FIELD)
        widths = np.sqrt(np.bincount(labels.ravel())[1:])
        medians.append(np.median(widths[widths > 4]))
    assert min(medians) > 6
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

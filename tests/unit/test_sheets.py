"""Picture sheets show what they are given, in the legend's colours and within their limits."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.sheets import (
    GAP_PX,
    LARGEST_BYTES,
    LINE_PX,
    PLACES,
    WIDEST_PX,
    Place,
    SheetRow,
    picture_sheet,
    read_place,
)
from mlservice.contracts import UNSURE, Legend, LegendClass

LEGEND = Legend(
    (
        LegendClass(0, "rest", "#999999", is_null=True),
        LegendClass(1, "field", "#e69f00"),
        LegendClass(2, "bund", "#f0e442", is_boundary=True),
    )
)
NOISE = np.random.default_rng(0).integers(0, 256, (256, 256, 3)).astype(np.uint8)
FIELDS = np.full((256, 256), 1, np.uint8)
ENTROPY = np.full((64, 64), np.log(3), np.float32)


def drawn(rows: list[SheetRow], folder: Path) -> np.ndarray:
    picture_sheet(rows, folder / "pictures" / "sheet.png", LEGEND)
    with Image.open(folder / "pictures" / "sheet.png") as sheet:
        return np.array(sheet.convert("RGB"))


def panel(sheet: np.ndarray, row: int, column: int, size_px: int = 256) -> np.ndarray:
    top = LINE_PX + row * (size_px + GAP_PX + LINE_PX) + LINE_PX
    left = GAP_PX + column * (size_px + GAP_PX)
    return sheet[top : top + size_px, left : left + size_px]


def test_each_panel_is_in_its_column_and_its_colours(tmp_path: Path):
    truth = FIELDS.copy()
    truth[:128] = UNSURE
    rows = [
        SheetRow("with truth", NOISE, truth, {"starter": FIELDS, "entropy": ENTROPY}),
        SheetRow("without", NOISE[::-1], None, {"U-Net": FIELDS * 2}),
    ]
    sheet = drawn(rows, tmp_path)
    assert sheet.shape[1] == GAP_PX + 5 * (256 + GAP_PX)
    assert (panel(sheet, 0, 0) == NOISE).all()
    assert (panel(sheet, 0, 1)[128:] == (0xE6, 0x9F, 0x00)).all()
    assert (panel(sheet, 0, 1)[:128] == 255).all()
    assert (panel(sheet, 0, 2) == (0xE6, 0x9F, 0x00)).all()
    # The scale's lightest yellow where nothing is known.
    assert np.ptp(panel(sheet, 0, 3).reshape(-1, 3), axis=0).max() == 0
    assert panel(sheet, 0, 3)[0, 0].tolist() == [253, 231, 55]
    assert (panel(sheet, 1, 0) == NOISE[::-1]).all()
    assert (panel(sheet, 1, 4) == (0xF0, 0xE4, 0x42)).all()
    # What the second row lacks is a frame around white.
    assert (panel(sheet, 1, 1)[100:-1, 1:-1] == 255).all()


@pytest.mark.parametrize(("rows", "columns"), [(1, 12), (6, 2)])
def test_a_large_sheet_keeps_within_its_width_and_its_bytes(rows, columns, tmp_path: Path):
    panels = {f"a model with a long name {i}": FIELDS for i in range(columns)}
    sheet = drawn([SheetRow("a caption " * 40, NOISE, None, panels)] * rows, tmp_path)
    assert sheet.shape[1] <= WIDEST_PX
    assert (tmp_path / "pictures" / "sheet.png").stat().st_size <= LARGEST_BYTES


def test_a_mask_outside_the_legend_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r"not in the legend: \[9\]"):
        drawn([SheetRow("", NOISE, np.full((4, 4), 9, np.uint8))], tmp_path)


@pytest.mark.parametrize("name", PLACES)
def test_a_real_place_is_a_patch_of_land_in_natural_contrast(name: str, milpa_data: Path):
    image, truth = read_place(PLACES[name], milpa_data)
    assert image.shape == (256, 256, 3)
    assert image.dtype == np.uint8
    assert (image.std(axis=(0, 1)) > 20).all()
    assert ((image == 0) | (image == 255)).mean() < 0.25
    if PLACES[name].truth is None:
        assert truth is None
    else:
        assert truth.shape == (256, 256)
        assert set(np.unique(truth)) == {0, 1, 2}
        assert (truth == 1).mean() > 0.5


def test_truth_and_image_show_the_same_ground(milpa_data: Path):
    place = PLACES["denmark"]
    image, truth = read_place(place, milpa_data)
    wider_image, wider_truth = read_place(place, milpa_data, size_m=1000)
    # The middle of a square of 1,000 m is that of 600 m, at six tenths of the scale.
    middle = slice(128 - 76, 128 + 76)
    small = np.array(Image.fromarray(image).resize((152, 152))).astype(float)
    assert np.corrcoef(small.ravel(), wider_image[middle, middle].ravel())[0, 1] > 0.9
    nearest = np.array(Image.fromarray(truth).resize((152, 152), Image.Resampling.NEAREST))
    assert (nearest == wider_truth[middle, middle]).mean() > 0.85


def test_a_place_at_the_edge_of_its_scene_is_refused(milpa_data: Path):
    edge = Place("the edge", "nobody", PLACES["cambodia"].scene, 10, 200)
    with pytest.raises(ValueError, match="beyond its scene"):
        read_place(edge, milpa_data)

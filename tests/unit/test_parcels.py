"""Parcels tile the land that the masks give them, to the last bit, whatever is drawn and wherever patches end."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio.features
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from mlservice.contracts import PATCH_SIZE_PX, UNSURE, Legend, LegendClass
from mlservice.landscape import LANDSCAPE_LEGEND, draw_landscape
from mlservice.objects import parcel_values
from mlservice.parcel_pieces import MARGIN_PX, REACH_PX, patch_pieces, reshaped_labels
from mlservice.parcels import DrawnParcel, area_m2, draw_parcels, piece_certainties

OTHER, FIELD, BOUNDARY, RICE, TRACK = 0, 1, 2, 3, 4
LEGEND = Legend(
    (
        LegendClass(OTHER, "other", "#888888", is_null=True),
        LegendClass(FIELD, "field", "#ee9900"),
        LegendClass(BOUNDARY, "boundary", "#dd5500", is_boundary=True),
        LegendClass(RICE, "rice", "#00aa00"),
        LegendClass(TRACK, "road", "#aa0000"),
    )
)
ZOOM = 17
X, Y = 93600, 58000
HALF_WORLD_M = np.pi * 6_378_137
PIXEL_M = 2 * HALF_WORLD_M / (PATCH_SIZE_PX * 2**ZOOM)

Masks = dict[tuple[int, int], np.ndarray]


def patches_of(mask: np.ndarray) -> Masks:
    """The patches of a mask whose sides are multiples of a patch's."""
    rows, cols = (side // PATCH_SIZE_PX for side in mask.shape)
    tiles = mask.reshape(rows, PATCH_SIZE_PX, cols, PATCH_SIZE_PX).swapaxes(1, 2)
    return {(X + col, Y + row): tiles[row, col] for row in range(rows) for col in range(cols)}


def meadow(*fields: tuple[slice, slice], shape: tuple[int, int] = (256, 256)) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    for field in fields:
        mask[field] = FIELD
    return mask


def in_pixels(outline: shapely.Polygon) -> shapely.Polygon:
    """The outline in pixels from the upper left corner of the patch at (X, Y)."""
    corner = np.array(
        [X * PATCH_SIZE_PX * PIXEL_M - HALF_WORLD_M, HALF_WORLD_M - Y * PATCH_SIZE_PX * PIXEL_M]
    )
    return shapely.transform(outline, lambda metres: (metres - corner) / np.array([PIXEL_M, -PIXEL_M]))


def burned(parcels: list[DrawnParcel], shape: tuple[int, int]) -> np.ndarray:
    """The parcels' numbers from 1 on, back on the pixels."""
    shapes = [(in_pixels(parcel.outline), number) for number, parcel in enumerate(parcels, 1)]
    return rasterio.features.rasterize(shapes, shape, dtype="int32") if shapes else np.zeros(shape, "int32")


def patchwork(seed: int, shape: tuple[int, int], boundary_px: int, unsure_share: float = 0.02) -> np.ndarray:
    """Random lands with a boundary of some width between them, specks and unsure spots."""
    rng = np.random.default_rng(seed)
    heights = ndimage.gaussian_filter(rng.random(shape), rng.uniform(3, 12), mode="wrap")
    lands = np.digitize(heights, np.quantile(heights, [0.2, 0.4, 0.6, 0.8]))
    mask = np.array([OTHER, FIELD, RICE, FIELD, TRACK], np.uint8)[lands]
    edges = np.zeros(shape, bool)
    edges[1:] |= lands[1:] != lands[:-1]
    edges[:, 1:] |= lands[:, 1:] != lands[:, :-1]
    if boundary_px:
        mask[ndimage.binary_dilation(edges, iterations=boundary_px) if boundary_px > 1 else edges] = BOUNDARY
    mask[rng.random(shape) < unsure_share] = UNSURE
    return mask


def assert_sound(parcels: list[DrawnParcel]) -> None:
    outlines = np.array([parcel.outline for parcel in parcels])
    assert shapely.is_valid(outlines).all()
    assert set(shapely.get_type_id(outlines).tolist()) <= {3}
    assert shapely.coverage_is_valid(outlines), "shared lines have the same corners on both sides"


patchworks = st.builds(
    patchwork,
    seed=st.integers(0, 10_000),
    shape=st.sampled_from([(256, 256), (256, 512)]),
    boundary_px=st.integers(0, 4),
)


@settings(max_examples=8, deadline=None)
@given(patchworks)
@example(np.full((512, 256), FIELD, np.uint8))
@example(np.zeros((256, 256), np.uint8))
def test_unsimplified_parcels_are_the_pixels_that_were_given_to_them(mask: np.ndarray):
    masks = patches_of(mask)
    parcels = draw_parcels(masks, LEGEND, ZOOM, tolerance_px=0)
    assert_sound(parcels)
    numbers = burned(parcels, mask.shape)
    assert np.bincount(numbers.ravel(), minlength=len(parcels) + 1)[1:].tolist() == [
        parcel.pixel_count for parcel in parcels
    ]
    values = np.array([OTHER, *(parcel.value for parcel in parcels)], np.uint8)[numbers]
    is_farmed = np.isin(mask, parcel_values(LEGEND))
    changed = (values != mask) & is_farmed
    regions = np.zeros(mask.shape, int)
    for value in parcel_values(LEGEND):
        labels, _ = ndimage.label(mask == value)
        regions += np.where(labels > 0, np.bincount(labels.ravel())[labels], 0)
    assert (regions[changed] < 16).all(), "only specks of a field belong to another parcel or to none"
    given = (numbers > 0) & ~is_farmed & (mask != BOUNDARY)
    lands, _ = ndimage.label(~is_farmed & (mask != BOUNDARY))
    assert (np.bincount(lands.ravel())[lands][given] < 16).all(), (
        "only specks of other land become a parcel's"
    )


@settings(max_examples=8, deadline=None)
@given(patchworks)
def test_simplified_parcels_tile_exactly(mask: np.ndarray):
    masks = patches_of(mask)
    parcels = draw_parcels(masks, LEGEND, ZOOM)
    assert_sound(parcels)
    if not parcels:
        return
    pixel_by_pixel = draw_parcels(masks, LEGEND, ZOOM, tolerance_px=0)
    assert [p.pixel_count for p in parcels] == [p.pixel_count for p in pixel_by_pixel]
    one = shapely.union_all([in_pixels(parcel.outline) for parcel in parcels])
    total = sum(in_pixels(parcel.outline).area for parcel in parcels)
    assert one.area == pytest.approx(total, abs=1e-3), "no overlap"
    moved = burned(parcels, mask.shape) != burned(pixel_by_pixel, mask.shape)
    lines = burned(pixel_by_pixel, mask.shape)
    is_inside = (ndimage.minimum_filter(lines, 5) == lines) & (ndimage.maximum_filter(lines, 5) == lines)
    assert not moved[is_inside].any(), "a line moves by two pixels at most"


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 3))
def test_a_patch_depends_on_nothing_beyond_a_margin(seed: int, boundary_px: int):
    masks = patches_of(patchwork(seed, (768, 768), boundary_px))
    before = patch_pieces(masks, (X + 1, Y + 1), LEGEND)
    elsewhere = {**masks, (X + 3, Y + 1): masks[X, Y]}
    elsewhere[X, Y + 1] = masks[X, Y + 1].copy()
    elsewhere[X, Y + 1][:, : PATCH_SIZE_PX - MARGIN_PX] = TRACK
    after = patch_pieces(elsewhere, (X + 1, Y + 1), LEGEND)
    assert [one.outline.wkb for one in after.pieces] == [one.outline.wkb for one in before.pieces]
    assert all(
        (one.seams == other.seams).all() for one, other in zip(after.pieces, before.pieces, strict=True)
    )


def test_a_field_across_a_seam_is_one_parcel_without_a_corner_on_the_seam():
    mask = meadow((slice(40, 90), slice(200, 300)), shape=(256, 512))
    (parcel,) = draw_parcels(patches_of(mask), LEGEND, ZOOM)
    assert parcel.pixel_count == 50 * 100
    assert parcel.places == ((X, Y), (X + 1, Y))
    assert in_pixels(parcel.outline).area == pytest.approx(5000 - 4 / 8), (
        "each of the corners is cut by half a pixel"
    )
    assert in_pixels(parcel.outline).bounds == pytest.approx((200, 40, 300, 90))


def test_two_arms_that_meet_beyond_the_patch_are_one_parcel():
    mask = meadow(
        (slice(20, 60), slice(10, 400)),
        (slice(61, 100), slice(10, 400)),
        (slice(20, 100), slice(10, 50)),
        shape=(256, 512),
    )
    mask[60, 50:400] = BOUNDARY
    (parcel,) = draw_parcels(patches_of(mask), LEGEND, ZOOM)
    assert parcel.pixel_count == 80 * 390, "the line within one parcel is gone"
    assert not parcel.outline.interiors


def test_half_of_a_boundary_goes_to_each_field():
    mask = np.full((256, 256), FIELD, np.uint8)
    mask[:, 60:64] = BOUNDARY
    west, east = draw_parcels(patches_of(mask), LEGEND, ZOOM)
    assert in_pixels(west.outline).bounds == pytest.approx((0, 0, 62, 256))
    assert in_pixels(east.outline).bounds == pytest.approx((62, 0, 256, 256))


@pytest.mark.parametrize(("boundary_px", "given_px"), [(1, 1), (2, 1), (3, 2), (4, 2)])
def test_of_the_boundary_beside_a_track_the_track_keeps_its_half(boundary_px: int, given_px: int):
    mask = np.full((256, 256), FIELD, np.uint8)
    mask[:, 60 : 60 + boundary_px], mask[:, 60 + boundary_px :] = BOUNDARY, TRACK
    (parcel,) = draw_parcels(patches_of(mask), LEGEND, ZOOM)
    assert parcel.pixel_count == 256 * (60 + given_px)


def test_boundary_far_from_all_fields_is_nobodys():
    mask = meadow((slice(20, 60), slice(20, 60)))
    mask[:, 60:] = BOUNDARY
    (parcel,) = draw_parcels(patches_of(mask), LEGEND, ZOOM)
    west, _, east, _ = in_pixels(parcel.outline).bounds
    assert (west, east) == pytest.approx((20, 60 + REACH_PX))


def test_specks_are_dissolved_and_lone_ones_dropped():
    mask = meadow((slice(20, 60), slice(20, 60)), (slice(200, 203), slice(200, 205)))
    mask[30:33, 30:35], mask[40:43, 40:45] = TRACK, RICE
    (parcel,) = draw_parcels(patches_of(mask), LEGEND, ZOOM)
    assert parcel.pixel_count == 40 * 40


def test_a_track_of_one_pixel_stays_a_track():
    mask = np.full((256, 256), FIELD, np.uint8)
    diagonal = np.arange(256)
    mask[diagonal, diagonal] = mask[diagonal[:-1], diagonal[1:]] = TRACK
    one, other = draw_parcels(patches_of(mask), LEGEND, ZOOM)
    assert one.pixel_count + other.pixel_count == 256 * 256 - 511
    assert in_pixels(one.outline).area + in_pixels(other.outline).area == pytest.approx(
        256**2 - 511, rel=0.005
    )
    assert one.outline.disjoint(other.outline)


def test_the_area_is_that_of_the_ellipsoid():
    # A patch of zoom 17 at 19 degrees north is 289 m wide; Web Mercator says 305.7 m.
    (parcel,) = draw_parcels({(X, Y): np.full((256, 256), FIELD, np.uint8)}, LEGEND, ZOOM)
    south, north = (np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * row / 2**ZOOM)))) for row in (Y + 1, Y))
    e2 = 0.00669437999014
    latitude = np.radians((south + north) / 2)
    meridian = 6_378_137 * (1 - e2) / (1 - e2 * np.sin(latitude) ** 2) ** 1.5
    parallel = 6_378_137 / np.sqrt(1 - e2 * np.sin(latitude) ** 2) * np.cos(latitude)
    expected = np.radians(north - south) * meridian * parallel * 2 * np.pi / 2**ZOOM
    assert parcel.area_m2 == pytest.approx(expected, rel=1e-6)
    assert area_m2(parcel.outline) == parcel.area_m2


def test_what_a_person_kept_has_the_models_certainty():
    mask = meadow((slice(0, 64), slice(0, 64)), (slice(128, 192), slice(0, 64)))
    drawn = patch_pieces({(X, Y): mask}, (X, Y), LEGEND)
    proposed = mask.copy()
    proposed[0:16, 0:64] = OTHER
    certainty = np.full((64, 64), 0.5)
    certainty[32:] = 0.75
    first, second = piece_certainties(drawn.labels, mask, proposed, certainty).values()
    assert (first.kept_pixels, first.certainty_sum) == (48 * 64, 48 * 64 * 0.5)
    assert (second.kept_pixels, second.certainty_sum) == (64 * 64, 64 * 64 * 0.75)


@pytest.mark.parametrize(
    ("rows", "cols", "becomes", "reshaped"),
    [
        (slice(40, 60), slice(40, 60), OTHER, {1}),  # a corner is cut off
        (
            slice(40, 120),
            slice(70, 74),
            OTHER,
            {1, 2},
        ),  # it is cut in two; the second field is the third piece
        (slice(60, 80), slice(60, 80), UNSURE, {1}),  # a hole
        (slice(40, 120), slice(120, 122), OTHER, {1, 2}),  # the boundary that both had halves of
        (slice(200, 220), slice(200, 220), FIELD, {3}),  # a field that was not proposed
        (slice(200, 220), slice(200, 220), TRACK, set()),  # land that no field had
        (slice(40, 43), slice(40, 43), FIELD, set()),  # nothing at all
    ],
)
def test_pieces_with_other_land_than_was_proposed_are_known(rows, cols, becomes, reshaped):
    proposed = meadow((slice(40, 120), slice(40, 120)), (slice(40, 120), slice(122, 200)))
    proposed[40:120, 120:122] = BOUNDARY
    mask = proposed.copy()
    mask[rows, cols] = becomes
    drawn = patch_pieces({(X, Y): mask}, (X, Y), LEGEND)
    assert reshaped_labels(drawn, {(X, Y): mask}, (X, Y), proposed, LEGEND) == reshaped


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_only_pieces_near_what_was_changed_are_reshaped(seed: int):
    rng = np.random.default_rng(seed)
    proposed = rng.choice(np.array([OTHER, FIELD, FIELD, RICE, BOUNDARY], np.uint8), (16, 16))
    proposed = proposed.repeat(16, 0).repeat(16, 1)
    row, col = rng.integers(0, 240, 2)
    mask = proposed.copy()
    mask[row : row + 16, col : col + 16] = OTHER
    drawn = patch_pieces({(X, Y): mask}, (X, Y), LEGEND)
    before = patch_pieces({(X, Y): proposed}, (X, Y), LEGEND)
    lands = [before.labels == label for label in range(1, len(before.pieces) + 1)]
    other_land = {
        label
        for label in range(1, len(drawn.pieces) + 1)
        if not any(np.array_equal(drawn.labels == label, land) for land in lands)
    }
    assert reshaped_labels(drawn, {(X, Y): mask}, (X, Y), proposed, LEGEND) == other_land
    far = np.ones((256, 256), bool)
    far[max(row - MARGIN_PX, 0) : row + 16 + MARGIN_PX, max(col - MARGIN_PX, 0) : col + 16 + MARGIN_PX] = (
        False
    )
    for label in other_land:
        assert not far[drawn.labels == label].all()


def test_a_drawn_landscape_tiles_too():
    truth = draw_landscape(3, (256, 512)).truth
    assert_sound(draw_parcels(patches_of(truth), LANDSCAPE_LEGEND, ZOOM))

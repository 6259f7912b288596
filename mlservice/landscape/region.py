"""What landscapes of a region have in common: the ranges that every drawn scene takes its values from.

Colours are display red, green, blue in 0..1. Lengths in pixels are of the drawn grid; lengths in metres
belong to things whose size does not follow the fields (crowns, roofs, crop rows).
"""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[float, float]
Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Region:
    """Ranges of one region's landscapes."""

    code: int
    field_side_px: Range
    shape_weights: tuple[float, float, float, float, float]
    """How often a block of fields is rectangles, strips, terraces, paddies, irregular polygons."""
    pivot_chance: float
    agroforestry_chance: float
    river_plain_chance: float
    """How often a scene has pivots among its fields, many trees in them, one wide river."""
    half_boundary_px: Range
    row_spacing_m: Range
    row_contrast: Range
    crown_m: Range
    soils: tuple[Rgb, ...]
    crops: tuple[Rgb, ...]
    canopy: Rgb
    grass: tuple[Rgb, ...]
    roofs: tuple[Rgb, ...]
    waters: tuple[Rgb, ...]
    basin_water: Rgb
    cleared_soil: Rgb
    haze: Range


REGIONS = {
    "a": Region(
        code=0,
        field_side_px=(18, 110),
        shape_weights=(0.42, 0.22, 0.1, 0.12, 0.14),
        pivot_chance=0.12,
        agroforestry_chance=0.15,
        river_plain_chance=0.08,
        half_boundary_px=(0.6, 1.9),
        row_spacing_m=(1.5, 6.0),
        row_contrast=(0.0, 0.14),
        crown_m=(5.0, 10.0),
        soils=(
            (0.57, 0.41, 0.30),
            (0.47, 0.38, 0.30),
            (0.53, 0.49, 0.43),
            (0.31, 0.27, 0.25),
            (0.72, 0.64, 0.53),
            (0.60, 0.50, 0.38),
        ),
        crops=(
            (0.22, 0.40, 0.17),
            (0.31, 0.52, 0.21),
            (0.16, 0.31, 0.15),
            (0.44, 0.57, 0.27),
            (0.35, 0.42, 0.23),
            (0.70, 0.63, 0.34),
            (0.58, 0.55, 0.33),
            (0.26, 0.47, 0.30),
        ),
        canopy=(0.14, 0.25, 0.12),
        grass=((0.38, 0.43, 0.25), (0.50, 0.47, 0.32), (0.30, 0.38, 0.20), (0.57, 0.50, 0.38)),
        roofs=(
            (0.78, 0.78, 0.79),
            (0.63, 0.33, 0.24),
            (0.90, 0.88, 0.84),
            (0.45, 0.55, 0.66),
            (0.55, 0.50, 0.46),
            (0.68, 0.45, 0.33),
        ),
        waters=((0.14, 0.22, 0.26), (0.20, 0.30, 0.28), (0.38, 0.40, 0.34), (0.10, 0.15, 0.22)),
        basin_water=(0.24, 0.33, 0.36),
        cleared_soil=(0.86, 0.76, 0.64),
        haze=(0.0, 0.32),
    ),
    "b": Region(
        code=1,
        field_side_px=(14, 60),
        shape_weights=(0.15, 0.1, 0.25, 0.15, 0.35),
        pivot_chance=0.02,
        agroforestry_chance=0.4,
        river_plain_chance=0.14,
        half_boundary_px=(0.6, 1.4),
        row_spacing_m=(2.5, 9.0),
        row_contrast=(0.08, 0.25),
        crown_m=(3.5, 7.0),
        soils=((0.70, 0.36, 0.22), (0.62, 0.30, 0.22), (0.76, 0.56, 0.36), (0.52, 0.44, 0.46)),
        crops=(
            (0.38, 0.46, 0.16),
            (0.52, 0.56, 0.18),
            (0.20, 0.38, 0.30),
            (0.62, 0.52, 0.30),
            (0.46, 0.34, 0.28),
            (0.30, 0.50, 0.36),
        ),
        canopy=(0.20, 0.27, 0.11),
        grass=((0.60, 0.50, 0.28), (0.46, 0.46, 0.20), (0.66, 0.48, 0.34)),
        roofs=((0.60, 0.50, 0.36), (0.52, 0.40, 0.32), (0.74, 0.74, 0.76), (0.42, 0.32, 0.28)),
        waters=((0.42, 0.36, 0.26), (0.24, 0.32, 0.24), (0.16, 0.24, 0.30)),
        basin_water=(0.36, 0.38, 0.34),
        cleared_soil=(0.90, 0.68, 0.52),
        haze=(0.1, 0.42),
    ),
}

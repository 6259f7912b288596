"""How far the work is by class and by area: from what is kept, however many patches there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection
from django.db.models import Sum

from annotator.enums import PatchState
from annotator.errors import TooManyTiles
from annotator.imagery.grid import lonlat_bounds, tile_of
from annotator.imagery.patch_tiles import LEVELS_ABOVE_PATCHES
from annotator.models import ClassTally, LabelClass, Project

MOST_TILES = 4_096
"""As many coarse tiles are told of at once."""
MOST_LISTED = 512
"""As many are listed on a page."""
_FEW_TILES = 128
_UNSURE = 255
_DM2_IN_A_HECTARE = 1e6

# How many tiles a level has, and at most one more than asked about: each branch stops there. Those that were added up
# and those that were not are mostly the same ones, so the larger number is told.
_HOW_MANY_SQL = """
SELECT level, greatest(
    (SELECT count(*) FROM (
        SELECT DISTINCT quadkey FROM annotator_tilecount
        WHERE project_id = %(project)s AND annotator_tilecount.level = asked.level
        ORDER BY quadkey LIMIT %(most)s + 1) AS added_up),
    (SELECT count(*) FROM (
        SELECT DISTINCT left(tile, asked.level) FROM annotator_patchtally
        WHERE project_id = %(project)s LIMIT %(most)s + 1) AS tallied))
FROM unnest(%(levels)s) AS asked (level) ORDER BY level
"""
_TILES_SQL = """
SELECT quadkey, state, sum(patches)::bigint FROM (
    SELECT quadkey, state, patches FROM annotator_tilecount
    WHERE project_id = %(project)s AND level = %(level)s
    UNION ALL
    SELECT left(tile, %(level)s), state, change FROM annotator_patchtally WHERE project_id = %(project)s
) AS counted GROUP BY quadkey, state HAVING sum(patches) > 0 ORDER BY quadkey
"""


@dataclass(frozen=True)
class ClassProgress:
    """What is approved of one class; ``share`` is that of the approved patches which have it, 0 to 1."""

    value: int
    name: str
    color: str
    approved_patches: int
    share: float
    approved_ha: float

    @property
    def percent(self) -> float:
        return 100 * self.share


@dataclass(frozen=True)
class TileProgress:
    """A coarse tile; ``labelled`` patches were submitted and not returned: they wait for review or are approved."""

    quadkey: str
    patches: int
    labelled: int
    approved: int

    @property
    def tile(self) -> tuple[int, int, int]:
        """``(x, y, z)``"""
        return tile_of(self.quadkey) if self.quadkey else (0, 0, 0)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees."""
        return lonlat_bounds(*self.tile)

    def __str__(self) -> str:
        x, y, z = self.tile
        return f"{z}/{x}/{y}"

    @property
    def percent(self) -> int:
        """Labelled, rounded down, so that 100 means that nothing is left."""
        return 100 * self.labelled // self.patches


def class_progress(project: Project, approved: int) -> list[ClassProgress]:
    """The classes of the legend and those that approved masks have besides; ``approved`` is the patches in all."""
    rows = ClassTally.objects.filter(project=project).order_by().values_list("value")
    sums = {value: (patches, area) for value, patches, area in rows.annotate(Sum("patches"), Sum("area_dm2"))}
    classes = LabelClass.objects.filter(project=project).order_by("value")
    named = {
        row.value: (row.name, row.color) for row in classes if row.retired_at is None or row.value in sums
    }
    if sums.get(_UNSURE, (0, 0))[0]:
        named[_UNSURE] = ("unsure", "#ffffff")
    return [
        ClassProgress(
            value, name, color, int(count), int(count) / max(approved, 1), int(area) / _DM2_IN_A_HECTARE
        )
        for value, (name, color) in named.items()
        for count, area in [sums.get(value, (0, 0))]
    ]


def finest_level(patch_zoom: int) -> int:
    return max(patch_zoom - LEVELS_ABOVE_PATCHES, 0)


def usual_level(project: Project) -> int:
    """The finest level at which a list of tiles is short enough to read; 0 before there are patches."""
    levels = range(finest_level(project.patch_zoom or 0) + 1)
    return max(level for level, count in _how_many(project, levels, _FEW_TILES) if count <= _FEW_TILES)


def tile_progress(project: Project, level: int, most: int = MOST_TILES) -> list[TileProgress]:
    """The coarse tiles of that zoom, in the order of their quadkeys: neighbours are mostly next to each other.

    Raises TooManyTiles where there are more than ``most``, or tiles are not counted at that zoom.
    """
    finest = finest_level(project.patch_zoom or 0)
    if not 0 <= level <= finest:
        raise TooManyTiles(
            f"Tiles are counted at zooms 0 to {finest}, {LEVELS_ABOVE_PATCHES} above the patches."
        )
    ((_, count),) = _how_many(project, [level], most)
    if count > most:
        raise TooManyTiles(f"There are more than {most:,} tiles of zoom {level}. Ask for a smaller zoom.")
    counts: dict[str, dict[str, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_TILES_SQL, {"project": project.pk, "level": level})
        for quadkey, state, patches in cursor.fetchall():
            counts.setdefault(quadkey, {})[state] = patches
    return [_tile(quadkey, states) for quadkey, states in counts.items()]


def _how_many(project: Project, levels: Iterable[int], most: int) -> list[tuple[int, int]]:
    """Of each level how many tiles it has; ``most`` + 1 stands for all that is more."""
    with connection.cursor() as cursor:
        cursor.execute(_HOW_MANY_SQL, {"project": project.pk, "levels": list(levels), "most": most})
        return list(cursor.fetchall())


def _tile(quadkey: str, states: dict[str, int]) -> TileProgress:
    approved = states.get(PatchState.APPROVED, 0)
    labelled = approved + states.get(PatchState.SUBMITTED, 0)
    return TileProgress(quadkey, sum(states.values()), labelled, approved)


def tile_document(tile: TileProgress) -> dict[str, Any]:
    """As maps and programs read it."""
    return asdict(tile) | {"name": str(tile), "bounds": tile.bounds}

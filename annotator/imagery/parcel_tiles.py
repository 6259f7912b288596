"""A project's parcels as vector tiles."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from annotator.imagery.grid import quadkey

# A tile this many levels above the patches holds 256 of them, with a few thousand parcels; further out a parcel is
# a few pixels wide, and cells say more than outlines.
MAX_LEVELS_OF_OUTLINES = 4
_CELL_LEVELS = 6

_OUTLINES = """
    SELECT ST_AsMVT(feature, 'parcels', 4096, 'outline') FROM (
        SELECT * FROM (
            SELECT id, value, area_m2, origin, confidence,
                   ST_AsMVTGeom(outline, ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 64, true) AS outline
            FROM annotator_parcel
            WHERE project_id = %(project_id)s
              AND outline && ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 64.0 / 4096)
              AND NOT EXISTS (
                  SELECT FROM annotator_parcelpiece AS piece
                  WHERE piece.parcel_id = annotator_parcel.id AND piece.patch_id = ANY(%(hidden)s::bigint[]))
            ORDER BY id
        ) AS drawn WHERE outline IS NOT NULL
    ) AS feature
"""

# One feature for each of the tile's 64 x 64 cells that has parcels. A patch's range of keys is served by the
# unique index on (project, quadkey).
_CELLS = """
    SELECT ST_AsMVT(feature, 'parcels', 4096, 'square') FROM (
        SELECT ST_AsMVTGeom(
                   ST_TileEnvelope(%(cell_z)s, patch.x >> %(levels)s, patch.y >> %(levels)s),
                   ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 64, true
               ) AS square,
               count(DISTINCT piece.parcel_id)::int AS parcels,
               (sum(piece.pixel_count) / (65536.0 * (1 << (2 * %(levels)s))))::real AS share
        FROM annotator_parcelpiece AS piece
        JOIN annotator_patch AS patch ON patch.id = piece.patch_id
        WHERE patch.project_id = %(project_id)s
          AND patch.quadkey >= %(first)s AND patch.quadkey < %(beyond)s
          AND patch.id <> ALL(%(hidden)s::bigint[])
        GROUP BY patch.x >> %(levels)s, patch.y >> %(levels)s
        ORDER BY patch.x >> %(levels)s, patch.y >> %(levels)s
    ) AS feature
"""


def read_parcel_tile(
    *, project_id: int, patch_zoom: int, x: int, y: int, z: int, hidden: Sequence[int] = ()
) -> bytes:
    """The vector tile (MVT) of the project's parcels there, with one layer, ``parcels``; empty where none are.

    Its features are outlines with ``id``, ``value`` (of the class), ``area_m2``, ``origin`` and ``confidence``
    (absent where unknown). Further out than four levels above the patches they are 64 x 64 cells instead, with
    ``parcels``, how many lie there in part, and ``share``, how much of the cell they cover, from 0 to 1. Parcels of
    ``hidden`` patches are left out, as the person must not see them.
    """
    key = quadkey(x, y, z)[:patch_zoom]
    levels = max(0, patch_zoom - z - _CELL_LEVELS)
    parameters: dict[str, object] = {
        "hidden": list(hidden),
        "project_id": project_id,
        "x": x,
        "y": y,
        "z": z,
        "first": key,
        # After all keys that begin with this one, as 4 is no digit of a quadkey.
        "beyond": f"{key}4",
        "cell_z": patch_zoom - levels,
        "levels": levels,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CELLS if patch_zoom - z > MAX_LEVELS_OF_OUTLINES else _OUTLINES, parameters)
        return bytes(cursor.fetchone()[0])

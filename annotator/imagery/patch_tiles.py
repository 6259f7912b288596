"""A project's patches as vector tiles."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection

from annotator.imagery.grid import quadkey

CONTENT_TYPE = "application/vnd.mapbox-vector-tile"

# A tile with more levels below it than this would hold more than 4,096 squares, each below 4 pixels.
_MAX_LEVELS_OF_SQUARES = 6

# A tile's patches are those whose quadkey begins with its own, so no neighbour is drawn twice; and a range of
# keys is served by the unique index on (project, quadkey) under any collation.
_SQUARES = """
    SELECT ST_AsMVT(feature, 'patches', 4096, 'square') FROM (
        SELECT patch.id, patch.quadkey, coalesce(told.state, patch.state) AS state,
               coalesce(entry.score, told.score) AS score,
               (entry.holder_id IS NOT DISTINCT FROM %(user_id)s
                OR coalesce(told.state = 'claimed', false))::int AS mine,
               ST_AsMVTGeom(patch.square, ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 64, true) AS square
        FROM annotator_patch AS patch
        LEFT JOIN annotator_queueentry AS entry ON entry.patch_id = patch.id
        LEFT JOIN unnest(%(told_ids)s::bigint[], %(told_states)s::text[], %(told_scores)s::float8[])
            AS told (patch_id, state, score) ON told.patch_id = patch.id
        WHERE patch.project_id = %(project_id)s
          AND patch.quadkey >= %(first)s AND patch.quadkey < %(beyond)s
        ORDER BY patch.quadkey
    ) AS feature
"""

# One feature for each of the tile's 64 x 64 cells that has patches: how many of which state they are, and the
# state of most of them.
_CELLS = """
    SELECT ST_AsMVT(feature, 'patches', 4096, 'square') FROM (
        SELECT ST_AsMVTGeom(
                   ST_TileEnvelope(%(cell_z)s, x >> %(levels)s, y >> %(levels)s),
                   ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 64, true
               ) AS square,
               count(*)::int AS patches,
               mode() WITHIN GROUP (ORDER BY state) AS state,
               (count(*) FILTER (WHERE state = 'unlabelled'))::int AS unlabelled,
               (count(*) FILTER (WHERE state = 'claimed'))::int AS claimed,
               (count(*) FILTER (WHERE state = 'submitted'))::int AS submitted,
               (count(*) FILTER (WHERE state = 'approved'))::int AS approved,
               (count(*) FILTER (WHERE state = 'returned'))::int AS returned
        FROM (
            SELECT patch.x, patch.y, coalesce(told.state, patch.state) AS state
            FROM annotator_patch AS patch
            LEFT JOIN unnest(%(told_ids)s::bigint[], %(told_states)s::text[])
                AS told (patch_id, state) ON told.patch_id = patch.id
            WHERE patch.project_id = %(project_id)s
              AND patch.quadkey >= %(first)s AND patch.quadkey < %(beyond)s
        ) AS patch
        GROUP BY x >> %(levels)s, y >> %(levels)s
        ORDER BY x >> %(levels)s, y >> %(levels)s
    ) AS feature
"""


def read_patch_tile(
    *,
    project_id: int,
    patch_zoom: int,
    user_id: int,
    x: int,
    y: int,
    z: int,
    told: Mapping[int, tuple[str, float]],
) -> bytes:
    """The vector tile (MVT) of the project's patches there, with one layer, ``patches``; empty where none are.

    Its features are the patches' squares with ``id``, ``quadkey``, ``state``, ``score`` (its place in the
    queue; absent when it does not wait there) and ``mine`` (1 when the person holds the claim on it). Further
    out than six levels above the patches they are 64 x 64 cells instead, with ``patches`` (how many), the
    number of each state under the state's name, and ``state``, that of most of them. ``told`` has, by patch id, the
    state and score of those that the person is told something else about than what they are.
    """
    # Below the patches' own zoom, the tile shows a part of the one patch that it lies in.
    key = quadkey(x, y, z)[:patch_zoom]
    levels = patch_zoom - z - _MAX_LEVELS_OF_SQUARES
    parameters: dict[str, object] = {
        "project_id": project_id,
        "user_id": user_id,
        "x": x,
        "y": y,
        "z": z,
        "first": key,
        # After all keys that begin with this one, as 4 is no digit of a quadkey.
        "beyond": f"{key}4",
        "cell_z": z + _MAX_LEVELS_OF_SQUARES,
        "levels": levels,
        "told_ids": list(told),
        "told_states": [state for state, _ in told.values()],
        # Whoever has submitted is told of no place in the queue any more.
        "told_scores": [None if state == "submitted" else score for state, score in told.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(_CELLS if levels > 0 else _SQUARES, parameters)
        return bytes(cursor.fetchone()[0])

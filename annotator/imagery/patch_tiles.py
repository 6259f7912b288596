"""A project's patches as vector tiles."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection

from annotator.imagery.grid import quadkey

CONTENT_TYPE = "application/vnd.mapbox-vector-tile"

# A tile with more levels below it than this would hold more than 4,096 squares, each below 4 pixels.
_MAX_LEVELS_OF_SQUARES = 6
# Counts are kept of the tiles that lie at least so many levels above the patches.
LEVELS_ABOVE_PATCHES = 2

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
          AND patch.quadkey >= %(first)s AND patch.quadkey < %(beyond)s{narrowed}
        ORDER BY patch.quadkey
    ) AS feature
"""

# One feature for each of the tile's 64 x 64 cells that has patches: how many of which state they are, and the
# state of most of them. The last six digits of a cell's quadkey are the bits of its column and row in the tile.
_CELLS = """
    SELECT ST_AsMVT(feature, 'patches', 4096, 'square') FROM (
        SELECT ST_Reverse(ST_MakeEnvelope(64 * x, 64 * y, 64 * x + 64, 64 * y + 64)) AS square,
               sum(patches)::int AS patches,
               (array_agg(state ORDER BY patches DESC, state))[1] AS state,
               (sum(patches) FILTER (WHERE state = 'unlabelled'))::int AS unlabelled,
               (sum(patches) FILTER (WHERE state = 'claimed'))::int AS claimed,
               (sum(patches) FILTER (WHERE state = 'submitted'))::int AS submitted,
               (sum(patches) FILTER (WHERE state = 'approved'))::int AS approved,
               (sum(patches) FILTER (WHERE state = 'returned'))::int AS returned,
               CASE WHEN sum(sum(patches)) OVER () > %(most)s::int THEN 1 END AS cut
        FROM (
            SELECT state, sum(patches) AS patches,
                   ('00' || translate(right(cell, 6), '23', '01'))::bit(8)::int AS x,
                   ('00' || translate(right(cell, 6), '123', '011'))::bit(8)::int AS y
            FROM ({patches}) AS counted
            GROUP BY cell, state HAVING sum(patches) > 0
        ) AS cells
        GROUP BY x, y ORDER BY x, y
    ) AS feature
"""
# What is kept of coarse tiles, and what was not added up yet; of a patch that the person is told something else
# about, one less and one more.
_KEPT = """
    SELECT quadkey AS cell, state, patches FROM annotator_tilecount
    WHERE project_id = %(project_id)s AND level = %(cell_z)s
      AND quadkey >= %(first)s AND quadkey < %(beyond)s AND %(state)s IN ('', state)
    UNION ALL
    SELECT left(tile, %(cell_z)s), state, change FROM annotator_patchtally
    WHERE project_id = %(project_id)s AND tile >= %(first)s AND tile < %(beyond)s AND %(state)s IN ('', state)
    UNION ALL
    SELECT left(patch.quadkey, %(cell_z)s), seen.state, seen.patches
    FROM unnest(%(told_ids)s::bigint[], %(told_states)s::text[]) AS told (patch_id, state)
    JOIN annotator_patch AS patch ON patch.id = told.patch_id,
    LATERAL (VALUES (patch.state, -1), (told.state, 1)) AS seen (state, patches)
    WHERE patch.project_id = %(project_id)s AND patch.quadkey >= %(first)s AND patch.quadkey < %(beyond)s
"""
# Where nothing is kept, patches are counted.
_COUNTED = """
    SELECT left(quadkey, %(cell_z)s) AS cell, coalesce(told.state, patch.state) AS state, 1 AS patches
    FROM ({chosen}) AS patch
    LEFT JOIN unnest(%(told_ids)s::bigint[], %(told_states)s::text[]) AS told (patch_id, state)
        ON told.patch_id = patch.id
"""
_ALL = """
        SELECT id, quadkey, state FROM annotator_patch AS patch
        WHERE project_id = %(project_id)s AND quadkey >= %(first)s AND quadkey < %(beyond)s{narrowed}
"""
_OF_THE_CHOICE = " AND patch.id IN (SELECT id FROM ({chosen}) AS chosen)"
MOST_COUNTED = 4 ** (_MAX_LEVELS_OF_SQUARES + 1)
"""So many patches of any choice are found well below 200 ms."""


def read_patch_tile(
    *,
    project_id: int,
    patch_zoom: int,
    user_id: int,
    x: int,
    y: int,
    z: int,
    told: Mapping[int, tuple[str, float]],
    state: str = "",
    chosen: str = "",
    most: int | None = None,
) -> bytes:
    """The vector tile (MVT) of the project's patches there, with one layer, ``patches``; empty where none are.

    Its features are the patches' squares with ``id``, ``quadkey``, ``state``, ``score`` (its place in the
    queue; absent when it does not wait there) and ``mine`` (1 when the person holds the claim on it). Further
    out than six levels above the patches they are 64 x 64 cells instead, with ``patches`` (how many), the
    number of each state under the state's name, and ``state``, that of most of them. ``told`` has, by patch id, the
    state and score of those that the person is told something else about than what they are.

    ``state`` narrows to the patches in it. ``chosen`` is SQL that selects ``id``, ``quadkey`` and ``state`` of those
    patches of `keys_in` the tile that are to be shown, its values filled in; all of them without it. No counts are
    kept of a choice, so the cells of a tile count ``most`` of its patches; where there are more, ``cut`` is 1.
    """
    first, beyond = keys_in(x, y, z, patch_zoom)
    levels = patch_zoom - z - _MAX_LEVELS_OF_SQUARES
    parameters: dict[str, object] = {
        "project_id": project_id,
        "user_id": user_id,
        "x": x,
        "y": y,
        "z": z,
        "first": first,
        "beyond": beyond,
        "cell_z": z + _MAX_LEVELS_OF_SQUARES,
        "state": state,
        "told_ids": list(told),
        "told_states": [state for state, _ in told.values()],
        # Whoever has submitted is told of no place in the queue any more.
        "most": most if chosen else None,
        "told_scores": [None if state == "submitted" else score for state, score in told.values()],
    }
    narrowed = " AND patch.state = %(state)s" if state else ""
    # A per cent sign of the choice is no place for a parameter.
    rows = chosen.replace("%", "%%") or _ALL.replace("{narrowed}", narrowed)
    if levels <= 0:
        sql = _SQUARES.replace("{narrowed}", _OF_THE_CHOICE.replace("{chosen}", rows) if chosen else narrowed)
    elif levels < LEVELS_ABOVE_PATCHES or chosen:
        limit = f" LIMIT {most + 1}" if chosen and most is not None else ""
        sql = _CELLS.replace("{patches}", _COUNTED).replace("{chosen}", f"{rows}{limit}")
    else:
        sql = _CELLS.replace("{patches}", _KEPT)
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return bytes(cursor.fetchone()[0])


def keys_in(x: int, y: int, z: int, patch_zoom: int) -> tuple[str, str]:
    """The quadkeys of the patches in a tile: from the first on, and below the second.

    Below the patches' own zoom, the tile shows a part of the one patch that it lies in.
    """
    key = quadkey(x, y, z)[:patch_zoom]
    # After all keys that begin with this one, as 4 is no digit of a quadkey.
    return key, f"{key}4"

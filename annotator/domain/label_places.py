"""Whether labels of a file lie where a project has patches."""

from __future__ import annotations

import numpy as np
import shapely
from django.contrib.gis.geos import Polygon
from morecantile import Tile
from pyproj import Transformer

from annotator.errors import BadLabels
from annotator.imagery.grid import QUAD
from annotator.imagery.label_files import ALL, LabelFile
from annotator.models import Patch, Project

BOXES_AT_ONCE = 5_000


def check_place(project: Project, labels: LabelFile) -> None:
    """Raises BadLabels for labels that lie where the project has no patches, saying so where the axes are swapped."""
    patches = Patch.objects.filter(project=project)
    a_patch = patches.first()
    if a_patch is None:
        raise BadLabels("The project has no patches yet. Add a scene first; labels are put on its patches.")
    if labels.tiles is not None:
        _check_tiles(a_patch, labels.tiles)
    if labels.bounds is None or patches.filter(square__bboverlaps=_box(*labels.bounds)).exists():
        return
    to_lonlat = Transformer.from_crs(3857, 4326, always_xy=True)
    west, south, east, north = to_lonlat.transform_bounds(*labels.bounds)
    swapped = _box(
        *Transformer.from_crs(4326, 3857, always_xy=True).transform_bounds(south, west, north, east)
    )
    lie = f"The labels lie between {west:.3f}, {south:.3f} and {east:.3f}, {north:.3f} (longitude, latitude)"
    if max(abs(west), abs(east)) < 85 and patches.filter(square__bboverlaps=swapped).exists():
        raise BadLabels(
            f"{lie}, where the project has no patches; with latitude and longitude swapped they meet them. "
            "Say so with swap_axes = true."
        )
    raise BadLabels(
        f"{lie}, where the project has no patches. Check the file, name its CRS if that is wrong (crs = EPSG:…), or "
        "import it into the project of that place."
    )


def dropped_of(project_id: int, labels: LabelFile) -> dict[str, int]:
    """What was left out, by the reason why."""
    elsewhere = _tiles_elsewhere(project_id, labels.tiles) if labels.tiles is not None else 0
    return {**labels.dropped, **({"it lies on no patch of the project": elsewhere} if elsewhere else {})}


def features_elsewhere(project_id: int, labels: LabelFile) -> int:
    """How many polygons lie beside all patches of the project; 0 of other labels."""
    if labels.meeting is None:
        return 0
    met: set[int] = set()
    places = list(Patch.objects.filter(project_id=project_id).values_list("x", "y", "z"))
    for start in range(0, len(places), BOXES_AT_ONCE):
        corners = np.array([QUAD.xy_bounds(Tile(*place)) for place in places[start : start + BOXES_AT_ONCE]])
        met.update(labels.meeting(shapely.box(*corners.T)).tolist())
    return sum(labels.attributes[ALL].values()) - len(met)


def _check_tiles(a_patch: Patch, tiles: frozenset[str]) -> None:
    """Raises BadLabels for masks of tiles of which none is a patch of that patch's project."""
    zooms = sorted({len(key) for key in tiles})
    if a_patch.z not in zooms:
        raise BadLabels(
            f"The masks are of tiles of zoom {', '.join(map(str, zooms))}; the project's patches have zoom "
            f"{a_patch.z}. Export them as a GeoTIFF, which is read on any grid, or import them into a "
            "project of their zoom."
        )
    if _tiles_elsewhere(a_patch.project_id, tiles) == len(tiles):
        raise BadLabels(
            f"The file has masks of {len(tiles):,} tiles, and the project has patches on none of them. Add the scene "
            "of that place first, or import the masks into the project that they are from."
        )


def _tiles_elsewhere(project_id: int, tiles: frozenset[str]) -> int:
    """How many of the tiles are no patch of the project."""
    keys = Patch.objects.filter(project_id=project_id).values_list("quadkey", flat=True)
    return len(tiles) - sum(key in tiles for key in keys.iterator())


def _box(west: float, south: float, east: float, north: float) -> Polygon:
    box = Polygon.from_bbox((west, south, east, north))
    box.srid = 3857
    return box

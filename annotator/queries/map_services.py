"""The imagery as map services that other programs open by address: TileJSON 3.0 and OGC WMTS 1.0."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from xml.etree import ElementTree as Xml

from annotator.imagery.composites import NATURAL, Composite, composites_of
from annotator.imagery.grid import QUAD, TILE_PX, native_zoom
from annotator.imagery.rendering import CONTENT_TYPE, tile_stamp
from annotator.models import OwnComposite, Project, Scene

#: An address on this server as others reach it.
Absolute = Callable[[str], str]

_MAX_ZOOM = 24
_WMTS, _OWS = "http://www.opengis.net/wmts/1.0", "http://www.opengis.net/ows/1.1"
_XLINK = "http://www.w3.org/1999/xlink"
_PIXEL_M = 0.00028
_MERCATOR = "urn:ogc:def:crs:EPSG::3857"
_GRID = QUAD.id

for _prefix, _space in (("", _WMTS), ("ows", _OWS), ("xlink", _XLINK)):
    Xml.register_namespace(_prefix, _space)


def tilejson(scene: Scene, composite: Composite, absolute: Absolute) -> dict[str, Any]:
    """What a web map needs to show the scene (TileJSON 3.0.0): addresses, zoom levels, bounds in degrees."""
    assert scene.footprint is not None, "a ready scene is described"
    west, south, east, north = scene.footprint.extent
    deepest = _deepest_zoom(scene)
    return {
        "tilejson": "3.0.0",
        "name": _title(scene, composite),
        "description": scene.project.name,
        "scheme": "xyz",
        "tiles": [absolute(_tile_address(scene, composite, "{z}", "{x}", "{y}"))],
        "minzoom": 0,
        "maxzoom": deepest,
        "bounds": [west, south, east, north],
        "center": [(west + east) / 2, (south + north) / 2, max(0, deepest - 3)],
    }


def wmts_capabilities(
    project: Project,
    scenes: Iterable[Scene],
    own: Sequence[OwnComposite],
    absolute: Absolute,
    address: str,
) -> bytes:
    """The capabilities document of a project (OGC 07-057r7): a layer for each band combination of each scene.

    Tiles are asked for by address, without parameters. ``address`` is where the document itself is.
    """
    scenes = list(scenes)
    root = Xml.Element(f"{{{_WMTS}}}Capabilities", {"version": "1.0.0"})
    service = _ows(root, "ServiceIdentification")
    _ows(service, "Title", project.name)
    _ows(service, "ServiceType", "OGC WMTS")
    _ows(service, "ServiceTypeVersion", "1.0.0")
    contents = _wmts(root, "Contents")
    for scene in scenes:
        for composite in composites_of(scene.band_names, own):
            _add_layer(contents, scene, composite, absolute)
    _add_grid(contents, max((_deepest_zoom(scene) for scene in scenes), default=0))
    _wmts(root, "ServiceMetadataURL").set(f"{{{_XLINK}}}href", address)
    return Xml.tostring(root, encoding="utf-8", xml_declaration=True)


def _add_layer(contents: Xml.Element, scene: Scene, composite: Composite, absolute: Absolute) -> None:
    assert scene.footprint is not None, "a ready scene is described"
    west, south, east, north = scene.footprint.extent
    layer = _wmts(contents, "Layer")
    _ows(layer, "Title", _title(scene, composite))
    box = _ows(layer, "WGS84BoundingBox")
    _ows(box, "LowerCorner", f"{west:.8f} {south:.8f}")
    _ows(box, "UpperCorner", f"{east:.8f} {north:.8f}")
    _ows(layer, "Identifier", f"scene-{scene.pk}" + ("" if composite == NATURAL else f"-{composite.key}"))
    style = _wmts(layer, "Style", isDefault="true")
    _ows(style, "Identifier", "default")
    _wmts(layer, "Format", CONTENT_TYPE)
    _wmts(_wmts(layer, "TileMatrixSetLink"), "TileMatrixSet").text = _GRID
    template = absolute(_tile_address(scene, composite, "{TileMatrix}", "{TileCol}", "{TileRow}"))
    _wmts(layer, "ResourceURL", format=CONTENT_TYPE, resourceType="tile", template=template)


def _add_grid(contents: Xml.Element, deepest: int) -> None:
    grid = _wmts(contents, "TileMatrixSet")
    _ows(grid, "Identifier", _GRID)
    _ows(grid, "SupportedCRS", _MERCATOR)
    _wmts(grid, "WellKnownScaleSet", "urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible")
    west, _, _, north = QUAD.xy_bounds(0, 0, 0)
    for zoom in range(deepest + 1):
        matrix = _wmts(grid, "TileMatrix")
        _ows(matrix, "Identifier", str(zoom))
        _wmts(matrix, "ScaleDenominator", repr(-2 * west / TILE_PX / 2**zoom / _PIXEL_M))
        _wmts(matrix, "TopLeftCorner", f"{west!r} {north!r}")
        for name, number in (
            ("TileWidth", TILE_PX),
            ("TileHeight", TILE_PX),
            ("MatrixWidth", 2**zoom),
            ("MatrixHeight", 2**zoom),
        ):
            _wmts(matrix, name, str(number))


def _ows(parent: Xml.Element, name: str, text: str | None = None) -> Xml.Element:
    return _child(parent, _OWS, name, text)


def _wmts(parent: Xml.Element, name: str, text: str | None = None, **attributes: str) -> Xml.Element:
    return _child(parent, _WMTS, name, text, **attributes)


def _child(parent: Xml.Element, space: str, name: str, text: str | None, **attributes: str) -> Xml.Element:
    child = Xml.SubElement(parent, f"{{{space}}}{name}", attributes)
    child.text = text
    return child


def _tile_address(scene: Scene, composite: Composite, z: str, x: str, y: str) -> str:
    return f"/tiles/scenes/{scene.pk}/{z}/{x}/{y}?v={tile_stamp(scene)}{composite.query}"


def _title(scene: Scene, composite: Composite) -> str:
    day = f", {scene.acquired_on.isoformat()}" if scene.acquired_on else ""
    return f"{scene.name}{day}" + ("" if composite == NATURAL else f" ({composite.name or composite.key})")


def _deepest_zoom(scene: Scene) -> int:
    """The zoom whose pixels are the scene's; deeper ones would be no sharper."""
    assert scene.footprint is not None, "a ready scene is described"
    assert scene.gsd_m is not None, "a ready scene is described"
    return min(_MAX_ZOOM, native_zoom(scene.gsd_m, scene.footprint.centroid.y))

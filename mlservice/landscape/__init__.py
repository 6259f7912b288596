"""Procedural smallholder landscapes with exact truth, for the starter model, the demo and the tests."""

from mlservice.landscape.classes import COARSE_VALUE, CONTEXT_DECIDED, DETAILED_LEGEND, LANDSCAPE_LEGEND
from mlservice.landscape.draw import Landscape, draw_landscape
from mlservice.landscape.scene import write_landscape_scene

__all__ = [
    "COARSE_VALUE",
    "CONTEXT_DECIDED",
    "DETAILED_LEGEND",
    "LANDSCAPE_LEGEND",
    "Landscape",
    "draw_landscape",
    "write_landscape_scene",
]

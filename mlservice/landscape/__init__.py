"""Procedural smallholder landscapes with exact truth, for the starter model, the demo and the tests."""

from mlservice.landscape.draw import LANDSCAPE_LEGEND, Landscape, draw_landscape
from mlservice.landscape.scene import write_landscape_scene

__all__ = ["LANDSCAPE_LEGEND", "Landscape", "draw_landscape", "write_landscape_scene"]

"""Context images: what the model sees as a whole, and where the patches lie in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from annotator.domain.masks import SIZE_PX
from annotator.imagery.tiles import TileImage, read_tile
from annotator.inference import PatchWindow
from annotator.models import Patch, Scene


@dataclass(frozen=True)
class ContextTile:
    """The ancestor ``levels`` above its patches, read at the patches' own resolution."""

    x: int
    y: int
    z: int
    levels: int

    @property
    def size_px(self) -> int:
        return SIZE_PX << self.levels

    def window_of(self, patch: Patch) -> PatchWindow:
        return PatchWindow(
            patch.quadkey,
            row=(patch.y - (self.y << self.levels)) * SIZE_PX,
            col=(patch.x - (self.x << self.levels)) * SIZE_PX,
        )

    def read(self, scene: Scene) -> TileImage:
        return read_tile(
            scene.cog_path,
            self.x,
            self.y,
            self.z,
            size_px=self.size_px,
            display_bands=scene.display_bands,
            stretch=scene.stretch,
            shift_m=scene.shift_m,
        )


def context_of(patch: Patch, levels: int) -> ContextTile:
    return ContextTile(patch.x >> levels, patch.y >> levels, patch.z - levels, levels)


def by_context(patches: Iterable[Patch], levels: int) -> dict[ContextTile, list[Patch]]:
    """The patches grouped by their context image, in the patches' order."""
    groups: dict[ContextTile, list[Patch]] = defaultdict(list)
    for patch in patches:
        groups[context_of(patch, levels)].append(patch)
    return dict(groups)

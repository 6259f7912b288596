"""The band combinations that a project's leads wrote."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from annotator.enums import SceneState
from annotator.imagery.recipes import missing_bands, recipe_of
from annotator.models import OwnComposite, Project, Scene


def own_composites(project_id: int) -> list[OwnComposite]:
    """In the order in which they were added."""
    return list(OwnComposite.objects.filter(project=project_id))


def ready_scenes(project: Project) -> list[Scene]:
    """The scenes that can be shown, the newest first."""
    return list(project.scenes.filter(state=SceneState.READY).defer("footprint", "crs"))


def scenes_with_bands(row: OwnComposite, scenes: Iterable[Scene]) -> list[Scene]:
    """Those that can be seen by it."""
    recipe = recipe_of(row.expressions, row.ranges, row.ramp)
    return [scene for scene in scenes if not missing_bands(recipe, scene.band_names)]


def own_composite_document(row: OwnComposite, scenes: Iterable[Scene]) -> dict[str, Any]:
    """What was written, and the ids of those of ``scenes`` that have the bands for it."""
    return {
        "id": row.pk,
        "composite": row.key,
        "name": row.name,
        "expressions": row.expressions,
        "ranges": row.ranges,
        "ramp": row.ramp,
        "scenes": [scene.pk for scene in scenes_with_bands(row, scenes)],
    }

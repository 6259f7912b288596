from __future__ import annotations

from annotator.enums import SceneState
from annotator.models import Scene


def default_scene(project_id: int) -> Scene | None:
    """The scene that proposals are made from: the newest that is ready."""
    return Scene.objects.filter(project_id=project_id, state=SceneState.READY).first()

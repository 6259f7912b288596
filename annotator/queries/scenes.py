from __future__ import annotations

from django.db.models import QuerySet

from annotator.enums import SceneState
from annotator.models import Scene
from annotator.queries.prepared import Prepared


def default_scene(project_id: int) -> Scene | None:
    """The scene that proposals are made from: the newest that is ready."""
    return _DEFAULT.first(project=project_id)


def newest_ready(project_id: int) -> QuerySet[Scene]:
    """The same as a queryset of at most one row, for subqueries."""
    return Scene.objects.filter(project=project_id, state=SceneState.READY)[:1]


_DEFAULT = Prepared(lambda project: newest_ready(project), project=int)

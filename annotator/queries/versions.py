from __future__ import annotations

from django.db.models import QuerySet

from annotator.enums import VersionState
from annotator.models import ModelVersion
from annotator.queries.prepared import Prepared


def promoted_version(project_id: int) -> ModelVersion | None:
    """The model version whose proposals are current, None in a project that has none."""
    return _PROMOTED.first(project=project_id)


def promoted_versions(project_id: int) -> QuerySet[ModelVersion]:
    """The same as a queryset of at most one row, for subqueries."""
    return ModelVersion.objects.filter(project=project_id, state=VersionState.PROMOTED)


_PROMOTED = Prepared(lambda project: promoted_versions(project), project=int)


def version_before(project_id: int) -> ModelVersion | None:
    """The version that was promoted before the present one, to which rolling back leads; None where none was."""
    return (
        ModelVersion.objects.filter(
            project_id=project_id, state=VersionState.RETIRED, promoted_at__isnull=False
        )
        .order_by("-promoted_at")
        .first()
    )

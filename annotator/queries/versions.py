from __future__ import annotations

from annotator.enums import VersionState
from annotator.models import ModelVersion


def promoted_version(project_id: int) -> ModelVersion | None:
    """The model version whose proposals are current, None in a project that has none."""
    return ModelVersion.objects.filter(project_id=project_id, state=VersionState.PROMOTED).first()


def version_before(project_id: int) -> ModelVersion | None:
    """The version that was promoted before the present one, to which rolling back leads; None where none was."""
    return (
        ModelVersion.objects.filter(
            project_id=project_id, state=VersionState.RETIRED, promoted_at__isnull=False
        )
        .order_by("-promoted_at")
        .first()
    )

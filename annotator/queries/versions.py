from __future__ import annotations

from annotator.enums import VersionState
from annotator.models import ModelVersion


def promoted_version(project_id: int) -> ModelVersion | None:
    """The model version whose proposals are current, None in a project that has none."""
    return ModelVersion.objects.filter(project_id=project_id, state=VersionState.PROMOTED).first()

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from annotator.domain.events import move, record_event
from annotator.domain.proposals import renew_proposals
from annotator.enums import VERSION_TRANSITIONS, VersionState
from annotator.errors import NotReady
from annotator.models import ModelVersion, Project


def register_base_version(*, project: Project, actor: User) -> ModelVersion:
    """The project's first model version, promoted from the start: the base model without an adapter."""
    from annotator import inference

    version = ModelVersion.objects.create(
        project=project,
        number=1,
        state=VersionState.PROMOTED,
        base=settings.BASE_MODEL,
        temperature=inference.base_temperature(settings.BASE_MODEL),
        provenance={"kind": "base model"},
        promoted_at=timezone.now(),
    )
    record_event(version, "registered", actor=actor, to_state=VersionState.PROMOTED)
    return version


def add_candidate(
    *, parent: ModelVersion, adapter_name: str, temperature: float, provenance: dict[str, Any], actor: User
) -> ModelVersion:
    """The next version of the project, not promoted. The caller holds a transaction."""
    Project.objects.select_for_update().get(pk=parent.project_id)
    last = ModelVersion.objects.filter(project_id=parent.project_id).aggregate(last=Max("number"))["last"]
    version = ModelVersion.objects.create(
        project_id=parent.project_id,
        number=last + 1,
        parent=parent,
        base=parent.base,
        context_levels=parent.context_levels,
        adapter_name=adapter_name,
        temperature=temperature,
        provenance=provenance,
    )
    record_event(version, "trained", actor=actor, to_state=VersionState.CANDIDATE)
    return version


@transaction.atomic
def promote(*, version: ModelVersion, user: User, reason: str = "") -> ModelVersion:
    """Makes the version the project's current one; proposals of others are stale from that moment.

    New proposals and a new ranking are asked for on commit. Promoting the promoted version changes nothing.
    """
    Project.objects.select_for_update().get(pk=version.project_id)
    version = ModelVersion.objects.select_for_update().get(pk=version.pk)
    if version.state == VersionState.PROMOTED:
        return version
    current = (
        ModelVersion.objects.select_for_update()
        .filter(project_id=version.project_id, state=VersionState.PROMOTED)
        .first()
    )
    if current is not None:
        move(
            current,
            VersionState.RETIRED,
            VERSION_TRANSITIONS,
            "retired",
            actor=user,
            successor=version.number,
        )
    version.promoted_at = timezone.now()
    move(
        version,
        VersionState.PROMOTED,
        VERSION_TRANSITIONS,
        "promoted",
        actor=user,
        fields=("promoted_at",),
        reason=reason,
    )
    renew_proposals(version=version, user=user)
    return version


@transaction.atomic
def roll_back(*, project: Project, user: User, reason: str = "") -> ModelVersion:
    """Promotes the version that was promoted before the present one.

    Raises NotReady when there was none.
    """
    previous = (
        ModelVersion.objects.filter(project=project, state=VersionState.RETIRED, promoted_at__isnull=False)
        .order_by("-promoted_at")
        .first()
    )
    if previous is None:
        raise NotReady("No earlier version was promoted, so there is nothing to roll back to.")
    return promote(version=previous, user=user, reason=reason or "rolled back")

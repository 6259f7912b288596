from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from annotator.domain.events import move, record_event
from annotator.domain.gate import obstacle
from annotator.domain.locks import lock_project
from annotator.domain.proposals import renew_proposals
from annotator.enums import VERSION_TRANSITIONS, VersionState
from annotator.errors import GateNotPassed, IllegalTransition, NotReady
from annotator.models import ModelVersion, Project
from annotator.queries.versions import version_before


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
    *,
    parent: ModelVersion,
    adapter_name: str,
    temperature: float,
    provenance: dict[str, Any],
    actor: User | None,
    verdict: dict[str, Any] | None = None,
) -> ModelVersion:
    """The next version of the project, not promoted. The caller holds a transaction."""
    lock_project(parent.project_id)
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
        verdict=verdict,
    )
    record_event(version, "trained", actor=actor, to_state=VersionState.CANDIDATE)
    return version


@transaction.atomic
def promote(
    *, version: ModelVersion, user: User | None, reason: str = "", override_reason: str = ""
) -> ModelVersion:
    """Makes the version the project's current one; proposals of others are stale from that moment.

    New proposals and a new ranking are asked for on commit. Promoting the promoted version changes nothing.
    ``user`` is None where a rule of the project promotes. Raises GateNotPassed for a candidate that the gate
    keeps back, unless ``override_reason`` says why it is promoted all the same; the event keeps both.
    """
    lock_project(version.project_id)
    version = ModelVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    if version.state == VersionState.PROMOTED:
        return version
    current = (
        ModelVersion.objects.select_for_update(no_key=True)
        .filter(project_id=version.project_id, state=VersionState.PROMOTED)
        .first()
    )
    facts = _reasons(version, current, reason.strip(), override_reason.strip())
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
        **facts,
    )
    renew_proposals(version=version, user=user)
    return version


def _reasons(
    version: ModelVersion, current: ModelVersion | None, reason: str, override_reason: str
) -> dict[str, Any]:
    """What the event tells of why: the person's words, and the gate's. Raises GateNotPassed."""
    kept_back_by = obstacle(version, current)
    if not kept_back_by:
        return {"reason": reason} | ({"gate": version.verdict["reason"]} if version.verdict else {})
    if not override_reason:
        raise GateNotPassed(
            f"{kept_back_by} Train again with more approved patches, or promote it all the same and say why "
            "in the override reason.",
            verdict=version.verdict,
        )
    return {"reason": reason, "gate": kept_back_by, "override_reason": override_reason}


@transaction.atomic
def roll_back(
    *, project: Project, user: User, reason: str = "", expected_number: int | None = None
) -> ModelVersion:
    """Promotes the version that was promoted before the present one; it needs no gate.

    ``expected_number`` is the version that the person was told of. Raises NotReady when there was none,
    IllegalTransition when another one would be promoted by now.
    """
    lock_project(project.pk)
    previous = version_before(project.pk)
    if previous is None:
        raise NotReady("No earlier version was promoted, so there is nothing to roll back to.")
    if expected_number not in (None, previous.number):
        raise IllegalTransition(
            f"Somebody changed the promoted version meanwhile: rolling back leads to version {previous.number} "
            "now. Look again before you confirm.",
            target=previous.number,
        )
    return promote(version=previous, user=user, reason=reason or "rolled back")

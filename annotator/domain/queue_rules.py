from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from annotator.domain.chores import wake_chore
from annotator.domain.dispatch import enqueue
from annotator.domain.locks import lock_project
from annotator.domain.projects import record_project_event
from annotator.enums import ChoreKind, Strategy
from annotator.errors import BadRule
from annotator.models import Project

MOST_AUDITED = 0.5
LARGEST_SEED = 2**31 - 1
MOST_CLAIMS = 1000
RANKING_FIELDS = ("strategy", "audit_share", "queue_seed")
FIELDS = (*RANKING_FIELDS, "claims_per_person")


@transaction.atomic
def change_queue_rules(
    *,
    project: Project,
    user: User,
    strategy: str,
    audit_share: float,
    queue_seed: int,
    claims_per_person: int | None = None,
) -> Project:
    """Sets what the labelling queue is ranked by, anew at once if that changes, and how much one person may hold.

    The event keeps the rules before and after. Another seed draws another random sample; a larger share keeps the
    patches that were drawn and adds some. Raises BadRule, naming the field.
    """
    if strategy not in Strategy.values:
        raise BadRule(
            f"strategy must be one of {', '.join(Strategy.values)}, got {strategy!r}.", field="strategy"
        )
    if not 0 <= audit_share <= MOST_AUDITED:
        raise BadRule(
            f"audit_share must be between 0 and {MOST_AUDITED}, such as 0.1 for every tenth patch.",
            field="audit_share",
        )
    if not 0 <= queue_seed <= LARGEST_SEED:
        raise BadRule(f"queue_seed must be between 0 and {LARGEST_SEED}.", field="queue_seed")
    if claims_per_person is not None and not 1 <= claims_per_person <= MOST_CLAIMS:
        raise BadRule(
            f"claims_per_person must be between 1 and {MOST_CLAIMS}, or empty for the server's setting.",
            field="claims_per_person",
        )
    project = lock_project(project.pk)
    before = {name: getattr(project, name) for name in FIELDS}
    after = {
        "strategy": strategy,
        "audit_share": audit_share,
        "queue_seed": queue_seed,
        "claims_per_person": claims_per_person,
    }
    if after == before:
        return project
    for name, value in after.items():
        setattr(project, name, value)
    project.save(update_fields=FIELDS)
    record_project_event(project, "queue rules changed", user, before=before, after=after)
    if any(before[name] != after[name] for name in RANKING_FIELDS):
        wake_chore(project.pk, ChoreKind.RANKING)
        enqueue("rank_patches", project.pk)
    return project

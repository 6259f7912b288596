from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from annotator.domain.claims import lock_entry, put_back
from annotator.domain.events import record_event
from annotator.errors import IllegalTransition, NotAllowed
from annotator.models import Patch
from annotator.queries.access import draws_in


@transaction.atomic
def reassign_patch(*, patch: Patch, user: User, to: User | None) -> None:
    """Takes a waiting or claimed patch from whoever has it and keeps it for a person, whatever area it lies in.

    With None it is for anybody again, or for the people of its area.

    What the person before has drawn and not saved stays in their browser; what is saved stays in the chain.
    Raises IllegalTransition when the patch is with a reviewer or approved, NotAllowed when ``to`` does not
    annotate in the project.
    """
    if to is not None and not draws_in(patch.project_id, to):
        raise NotAllowed(f"{to} does not annotate in this project. Give them the role first.")
    entry = lock_entry(patch.pk)
    patch = Patch.objects.select_for_update().get(pk=patch.pk)
    if entry is None:
        raise IllegalTransition(
            f"The patch is {patch.get_state_display()}: only one that waits to be drawn can be given to somebody. "
            "Return it to its annotator, or reopen it, first.",
            state=patch.state,
        )
    before = entry.holder or entry.reserved_for
    entry.reserved_for = to
    entry.skipped_by = None
    entry.save(update_fields=["reserved_for", "skipped_by"])
    if entry.holder is not None and entry.holder != to:
        put_back(patch, entry, "released", actor=user)
    record_event(
        patch,
        "reassigned",
        actor=user,
        before=before.get_username() if before else None,
        to=to.get_username() if to else None,
    )

"""The claim as one statement: a round trip, no waiting, no lock that outlives it.

The statement is the database function `annotator_claim`, which a migration defines.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from annotator.enums import PATCH_TRANSITIONS, PatchState

_SQL = """
SELECT meets_reading, renewed_id, taken_id, held_count FROM annotator_claim(
    %(project)s, %(user)s, %(expiry)s, %(limit)s, %(besides)s::bigint[], %(only_more)s, %(skipped_too)s,
    %(readings_first)s, %(from_states)s)
"""
_FROM_STATES = [str(state) for state in PatchState if PatchState.CLAIMED in PATCH_TRANSITIONS[state]]


@dataclass(frozen=True)
class Claimed:
    """The patch, None where there is none; ``held`` is how many the person held before.

    ``meets_reading`` where a blind reading may go before: then nothing was taken, nor looked for.
    """

    patch_id: int | None
    held: int
    meets_reading: bool


def claim_best(
    *,
    project_id: int,
    user_id: int,
    expiry: datetime,
    limit: int,
    besides: Collection[int] = (),
    only_more: bool = False,
    skipped_too: bool = False,
    readings_first: bool = False,
) -> Claimed:
    """Renews the claim that the person has, or, with ``only_more`` in any case, takes the best open patch.

    None is taken where the person holds ``limit`` patches, and, with ``readings_first``, where they read a patch
    blind or any patch waits for a second mask. The state and the event are written with it; a state
    from which no claim leads is an IntegrityError, and nothing is written.
    """
    values: dict[str, Any] = {
        "project": project_id,
        "user": user_id,
        "expiry": expiry,
        "limit": limit,
        "besides": list(besides),
        "only_more": only_more,
        "skipped_too": skipped_too,
        "readings_first": readings_first,
        "from_states": _FROM_STATES,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SQL, values)
        meets_reading, renewed, taken, held = cursor.fetchone()
    return Claimed(renewed or taken, held or 0, meets_reading)

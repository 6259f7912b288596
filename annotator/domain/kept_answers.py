"""A request whose answer was lost on the way does what it asks for once, however often it is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from annotator.errors import KeyUsed, StillAnswering
from annotator.models import KeptAnswer

KEPT_FOR = timedelta(hours=24)
# How long a copy of a request waits for the answer to the first one.
PATIENCE_S = 10


@dataclass(frozen=True)
class Answer:
    """``status`` of HTTP and the ``document`` as JSON; ``is_repeated`` where an earlier request was answered so."""

    status: int
    document: str
    is_repeated: bool = False


def answer_once(*, user: User, key: str, request_hash: str, act: Callable[[], Answer]) -> Answer:
    """What ``act`` answers, or answered when the person sent the same request with the key before.

    All that ``act`` writes is kept together with its answer, or not at all: of an error, or of a process that was
    killed, nothing stays, and the next request acts anew. A copy that comes meanwhile waits for the first. Raises
    KeyUsed where the key came with another request, StillAnswering where the first takes long.
    """
    with transaction.atomic():
        kept, is_new = _claim(user, key, request_hash)
        if not is_new:
            if kept.request_hash != request_hash:
                raise KeyUsed(
                    f"The Idempotency-Key “{key}” came with another request before. Send the same request again, or "
                    "take a new key for a new one."
                )
            return Answer(kept.status, kept.document, is_repeated=True)
        answer = act()
        kept.status, kept.document = answer.status, answer.document
        kept.save(update_fields=["status", "document"])
    return answer


def forget_answers() -> int:
    """Removes the answers that were kept for their time. Returns how many."""
    removed, _ = KeptAnswer.objects.filter(made_at__lt=timezone.now() - KEPT_FOR).delete()
    return removed


def _claim(user: User, key: str, request_hash: str) -> tuple[KeptAnswer, bool]:
    """The person's row of the key, and whether it is new; the database has a second one wait for the first's end."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE_S}s'")
        try:
            found = KeptAnswer.objects.get_or_create(
                person=user, key=key, defaults={"request_hash": request_hash}
            )
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise StillAnswering(
                    "The same request is being answered now. Wait a few seconds and send it again with the same key."
                ) from error
            raise
        cursor.execute("SET LOCAL lock_timeout = DEFAULT")
    return found

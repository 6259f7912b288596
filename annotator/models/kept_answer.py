from __future__ import annotations

from django.conf import settings
from django.db import models


class KeptAnswer(models.Model):
    """What a request of the API was answered, for whoever sends the same request with the same key again.

    The row is written in the transaction of what the request does, so there is none of a request that failed.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=64)
    request_hash = models.CharField(
        max_length=64, help_text="SHA-256 of the method, the address and the body."
    )
    status = models.PositiveSmallIntegerField(default=0, help_text="Of HTTP.")
    # As text: the database would sort its members.
    document = models.TextField(default="", help_text="The JSON of the answer.")
    made_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "key"], name="a_person_uses_a_key_once"),
        ]

    def __str__(self) -> str:
        return f"answer to {self.key}"

from __future__ import annotations

from django.db import models
from django.utils import timezone
from knox.models import AbstractAuthToken

from annotator.enums import TokenScope


class AccessToken(AbstractAuthToken):
    """What a program of a person signs in with, until it expires or is revoked (deleted).

    Only ``digest``, the SHA-512 of the token, is kept, and ``token_key``, its first characters, by which its
    owner tells it from others.
    """

    digest = models.CharField(max_length=128, unique=True)
    name = models.CharField(max_length=60)
    scope = models.CharField(max_length=5, choices=TokenScope, default=TokenScope.READ)
    expiry = models.DateTimeField()
    last_used_on = models.DateField(
        null=True, blank=True, help_text="The day, in UTC: written once a day, not with each request."
    )

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.token_key}… of {self.user}"

    @property
    def is_expired(self) -> bool:
        return self.expiry <= timezone.now()

    @property
    def reads_only(self) -> bool:
        return self.scope == TokenScope.READ

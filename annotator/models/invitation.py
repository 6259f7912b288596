from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from annotator.enums import Role
from annotator.models.project import Project


class Invitation(models.Model):
    """A link that gives whoever opens it a role in a project, until it expires, is used up or is revoked."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=12, choices=Role)
    note = models.CharField(max_length=120, blank=True, default="", help_text="Whom it is for.")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    uses_max = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many people may use it; empty: as many as come."
    )
    uses = models.PositiveIntegerField(default=0)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(uses_max__isnull=True) | Q(uses__lte=F("uses_max")), name="no_use_too_many"
            )
        ]

    def __str__(self) -> str:
        return f"invitation to {self.project} as {self.get_role_display()}"

    @property
    def state(self) -> str:
        """One of open, revoked, expired and used up."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at <= timezone.now():
            return "expired"
        return "used up" if self.uses_max is not None and self.uses >= self.uses_max else "open"

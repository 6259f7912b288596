from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import models

from annotator.enums import ACTIVE_RUN_STATES, RunState
from annotator.models.job import Leased
from annotator.models.model_version import ModelVersion
from annotator.models.project import Project


class TrainingRun(Leased):
    """One attempt to make an adapter; at most one is active in a project."""

    progress_field = "step"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="training_runs")
    state = models.CharField(max_length=12, choices=RunState, default=RunState.QUEUED)
    parent = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="runs_from_it")
    candidate = models.OneToOneField(
        ModelVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="made_by"
    )
    config = models.JSONField(default=dict)
    training_revisions = models.JSONField(
        default=list, help_text="Ids of all revisions that it learns from and validates on."
    )
    replay_revisions = models.JSONField(
        default=list, help_text="Those of them that its parent's line of versions learned from already."
    )
    validation_revisions = models.JSONField(
        default=list, help_text="Those of them that it validates and calibrates on."
    )
    holdout_revisions = models.JSONField(default=list, help_text="Ids of the revisions held out.")
    legend = models.JSONField(
        default=list, help_text="The classes that it teaches: value, name, color, is_boundary."
    )
    hidden_values = models.JSONField(
        default=dict,
        help_text="By revision id, the class values that do not teach, as they may be a class that was added since.",
    )
    imagery = models.JSONField(
        default=dict,
        help_text="Which scene each mask is seen on, and which bands and stretch scenes are shown with.",
    )
    data_hash = models.CharField(max_length=64, blank=True, default="")
    step = models.PositiveIntegerField(default=0)
    steps = models.PositiveIntegerField(default=0)
    losses = models.JSONField(default=list, help_text="The training loss after each step.")
    validations = models.JSONField(
        default=list,
        help_text="Measures on the validation patches, in order: step (0 is the parent), loss, miou.",
    )
    best_step = models.PositiveIntegerField(
        null=True, blank=True, help_text="The step whose adapter the candidate has; empty until it is known."
    )
    log = models.TextField(blank=True, default="")
    message = models.TextField(blank=True, default="", help_text="How it ended, in a sentence.")
    attempt = models.CharField(
        max_length=8,
        blank=True,
        default="",
        help_text="The worker's attempt that the run belongs to; one that was taken for lost stops.",
    )
    idempotency_key = models.CharField(max_length=64, blank=True, default="")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="training_runs",
        help_text="Empty where a rule of the project asked for it.",
    )
    requested_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["project"],
                condition=models.Q(state__in=[str(s) for s in ACTIVE_RUN_STATES]),
                name="one_active_run",
            ),
            models.UniqueConstraint(
                fields=["project", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="a_run_is_requested_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=RunState.SUCCEEDED) | models.Q(candidate__isnull=False),
                name="a_succeeded_run_has_a_candidate",
            ),
        ]

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_RUN_STATES

    @property
    def work_path(self) -> Path:
        return Path(settings.MEDIA_ROOT) / "training" / f"run-{self.pk}"

    def __str__(self) -> str:
        return f"training run {self.pk} of {self.project}"

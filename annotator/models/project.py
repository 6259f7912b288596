from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.gis.db import models
from django.core.validators import MaxValueValidator, MinValueValidator

from annotator.enums import Asks, Role, Strategy


def new_seed() -> str:
    return secrets.token_hex(8)


class Project(models.Model):
    """A mapping campaign: a legend, scenes, and the patches of one zoom level."""

    slug = models.SlugField(unique=True, max_length=60)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, default="")
    patch_zoom = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(8), MaxValueValidator(22)],
        help_text="The zoom level whose tiles are the patches; proposed from the first scene's GSD when empty.",
    )
    area_of_interest = models.MultiPolygonField(
        srid=4326,
        null=True,
        blank=True,
        help_text="Patches are made inside it; the whole footprint if empty.",
    )
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="Membership", related_name="milpa_projects"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="created_projects"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    legend_number = models.PositiveIntegerField(
        default=1, help_text="Counts the changes of the legend that outdate proposals."
    )
    gate_rule = models.JSONField(
        default=dict,
        blank=True,
        help_text="What a candidate has to show to be promoted; what is left out has its default.",
    )
    promotes_passing = models.BooleanField(
        default=False, help_text="A candidate that passes the gate is promoted without anybody's doing."
    )
    trains_after_patches = models.PositiveIntegerField(
        null=True, blank=True, help_text="A run begins once so many patches are newly approved; empty: never."
    )
    trains_every_hours = models.PositiveIntegerField(
        null=True, blank=True, help_text="A run begins this long after the last; empty: never."
    )

    asks_for = models.CharField(max_length=8, choices=Asks, default=Asks.PATCHES)
    points_per_patch = models.PositiveSmallIntegerField(
        default=40, help_text="How many points are asked for on a patch, where the project asks for points."
    )
    strategy = models.CharField(max_length=20, choices=Strategy, default=Strategy.ENTROPY)
    audit_share = models.FloatField(
        default=0.1,
        validators=[MinValueValidator(0), MaxValueValidator(0.5)],
        help_text="The share of the patches that are drawn by chance, so that accuracy and area stay unbiased.",
    )
    queue_seed = models.PositiveIntegerField(
        default=0, help_text="Decides which patches chance draws and where a spread order begins."
    )

    claims_per_person = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="How many patches one person may hold at a time; the server's setting if empty.",
    )

    double_share = models.FloatField(
        default=0.0, help_text="The share of patches that two people draw, each blind to the other."
    )
    consensus_miou = models.FloatField(
        default=0.8, help_text="Two masks of a patch agree if their mIoU is at least this."
    )
    blind_share = models.FloatField(
        default=0.0, help_text="The share of patches that are drawn without their proposal."
    )
    gold_share = models.FloatField(
        default=0.0, help_text="The share of gold patches among those that an annotator is given."
    )
    quality_seed = models.CharField(
        max_length=16,
        default=new_seed,
        editable=False,
        help_text="Which patches the shares take follows from it; annotators must not be able to work it out.",
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's role in a project; a person can hold several."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="milpa_memberships"
    )
    role = models.CharField(max_length=12, choices=Role)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user", "role"], name="one_row_per_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()} of {self.project}"

"""Revisions and their reviews."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from annotator.admin.scoped import OwnProjectsAdmin, admin_roles
from annotator.admin.thumbnails import mask_image
from annotator.enums import PatchState, Role
from annotator.models import Patch, Review, Revision
from annotator.queries.labels import legend_of


@admin.register(Revision)
class RevisionAdmin(OwnProjectsAdmin):
    project_path = "annotation__patch__project"
    list_display = ("patch", "number", "author", "is_submitted", "is_conflicting", "seconds_spent",
                    "stroke_count", "saved_at")  # fmt: skip
    list_filter = ("is_submitted", "is_conflicting", "is_import",
                   ("annotation__patch__project", admin.RelatedOnlyFieldListFilter))  # fmt: skip
    ordering = ("-saved_at",)
    fields = ("patch", "number", "author", "mask", "proposal", "is_submitted", "is_conflicting", "is_import",
              "seconds_spent", "stroke_count", "pixels_changed", "saved_at")  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # Readings are shown to leads beside the patch's own masks, on the page that compares them.
        rows = super().get_queryset(request).filter(annotation__patch__isnull=False)
        if not request.user.is_superuser:
            led = [project_id for project_id, roles in admin_roles(request).items() if Role.LEAD in roles]
            undecided = Q(annotation__patch__double__isnull=False) & ~Q(
                annotation__patch__state=PatchState.APPROVED
            )
            rows = rows.exclude(undecided & ~Q(annotation__patch__project__in=led))
        return rows.select_related("annotation__patch", "author").defer("mask_png")

    @admin.display(description="patch", ordering="annotation__patch__quadkey")
    def patch(self, revision: Revision) -> Patch:
        return revision.annotation.patch

    def event_filter(self, revision: Revision) -> dict[str, object]:
        return {"subject": "patch", "subject_id": revision.annotation.patch_id}

    @admin.display(description="mask")
    def mask(self, revision: Revision) -> SafeString:
        return mask_image(revision.mask_png, legend_of(revision.annotation.patch.project_id))


@admin.register(Review)
class ReviewAdmin(OwnProjectsAdmin):
    project_path = "revision__annotation__patch__project"
    list_display = ("patch", "verdict", "comment", "reviewer", "author", "decided_at")
    list_filter = ("verdict", ("revision__annotation__patch__project", admin.RelatedOnlyFieldListFilter))
    ordering = ("-decided_at",)
    fields = ("revision", "verdict", "comment", "reviewer", "decided_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).defer("revision__mask_png")
        return rows.select_related("revision__annotation__patch", "revision__author", "reviewer")

    @admin.display(description="patch", ordering="revision__annotation__patch__quadkey")
    def patch(self, review: Review) -> Patch:
        return review.revision.annotation.patch

    def event_filter(self, review: Review) -> dict[str, object]:
        return {"subject": "patch", "subject_id": review.revision.annotation.patch_id}

    @admin.display(description="annotator", ordering="revision__author__username")
    def author(self, review: Review) -> object:
        return review.revision.author

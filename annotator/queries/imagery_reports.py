"""Which revisions say of a patch that its imagery is bad."""

from __future__ import annotations

from django.db.models import Exists, IntegerField, OuterRef, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from annotator.models import Event, Revision

REPORTED = "imagery reported"


def without_reports(revisions: QuerySet[Revision]) -> QuerySet[Revision]:
    """The revisions but those that only say that the imagery is bad: they teach nothing, nor can they be measured."""
    reports = Event.objects.filter(
        subject="patch", subject_id=OuterRef("annotation__patch_id"), verb=REPORTED
    ).annotate(revision=Cast(KT("facts__revision"), IntegerField()))
    return revisions.exclude(Exists(reports.filter(revision=OuterRef("number"))))

"""Training runs that nobody asks for: a project's rules say when one begins."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from annotator.domain.training import request_run
from annotator.enums import ACTIVE_JOB_STATES, ACTIVE_RUN_STATES
from annotator.errors import MilpaError
from annotator.models import Project, TrainingRun
from annotator.queries.labels import approved_since

logger = logging.getLogger(__name__)


def begin_due_runs() -> int:
    """Begins the run of every project whose rules call for one now; returns how many began."""
    ruled = Project.objects.filter(
        Q(trains_after_patches__isnull=False) | Q(trains_every_hours__isnull=False)
    )
    return sum(_begin_if_due(project) is not None for project in ruled)


def _begin_if_due(project: Project) -> TrainingRun | None:
    """Begins a run where a rule of the project calls for one, none is active and no import is under way.

    What was approved since counts from the last run that was asked for, however it ended, so that a run that
    fails is not repeated for the same labels. Where a run cannot begin, too few patches say, nothing happens.
    """
    if project.training_runs.filter(state__in=ACTIVE_RUN_STATES).exists():
        return None
    if project.label_imports.filter(state__in=ACTIVE_JOB_STATES).exists():
        return None
    reason = _reason_to_begin(project)
    if not reason:
        return None
    try:
        return request_run(project=project, user=None, reason=reason)
    except MilpaError as error:
        logger.info("no run of %s begins: %s", project, error.detail)
        return None


def _reason_to_begin(project: Project) -> str:
    """The rule that calls for a run now and what meets it, in a sentence; empty where none does."""
    last = project.training_runs.order_by("-pk").first()
    fresh = approved_since(project.pk, last)
    count = "1 patch was" if fresh == 1 else f"{fresh} patches were"
    since = f"since training run {last.pk}" if last else "so far"
    if project.trains_after_patches is not None and fresh >= project.trains_after_patches:
        return f"{count} approved {since}; the project trains after {project.trains_after_patches}."
    if project.trains_every_hours is None or not fresh:
        return ""
    began = last.requested_at if last else project.created_at
    if timezone.now() - began < timedelta(hours=project.trains_every_hours):
        return ""
    return f"The project trains every {project.trains_every_hours} hours, and {count} approved {since}."

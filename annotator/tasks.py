"""Celery tasks: each takes an id and calls one domain function, which asks the row whether there is work."""

from __future__ import annotations

from celery import shared_task

from annotator.domain.claims import sweep_expired_claims
from annotator.domain.recovery import resend_lost_jobs

# acks-late and reject-on-worker-lost are project-wide settings: a task that dies is delivered again.


@shared_task
def ingest_scene(scene_id: int) -> None:
    from annotator.domain.ingest import ingest

    ingest(scene_id)


@shared_task
def make_display_copy(copy_id: int) -> None:
    from annotator.domain.display_copies import make_display_copy as domain_verb

    domain_verb(copy_id)


@shared_task
def make_proposals(job_id: int) -> None:
    from annotator.domain.proposals import make_proposals as domain_verb

    domain_verb(job_id)


@shared_task
def make_export(export_id: int) -> None:
    from annotator.domain.exports import make_export as domain_verb

    domain_verb(export_id)


@shared_task
def import_labels(import_id: int) -> None:
    from annotator.domain.label_imports import import_labels as domain_verb

    domain_verb(import_id)


@shared_task
def remove_forgotten_imports() -> int:
    from annotator.domain.label_imports import remove_forgotten_imports as domain_verb

    return domain_verb()


@shared_task
def forget_answers() -> int:
    from annotator.domain.kept_answers import forget_answers as domain_verb

    return domain_verb()


@shared_task
def remove_old_exports() -> int:
    from annotator.domain.exports import remove_old_exports as domain_verb

    return domain_verb()


@shared_task
def rank_patches(project_id: int) -> None:
    from annotator.domain.ranking import rank_patches as domain_verb

    domain_verb(project_id)


@shared_task
def draw_parcels(project_id: int) -> None:
    from annotator.domain.parcels import draw_wanted_parcels

    draw_wanted_parcels(project_id)


@shared_task
def train(run_id: int) -> None:
    from annotator.domain.training import train as domain_verb

    domain_verb(run_id)


@shared_task
def sweep_claims() -> int:
    return sweep_expired_claims()


@shared_task
def add_up_tallies() -> None:
    from annotator.domain.tallies import add_up_tallies as domain_verb

    domain_verb()


@shared_task
def begin_due_runs() -> int:
    from annotator.domain.triggers import begin_due_runs as domain_verb

    return domain_verb()


@shared_task
def remove_leftovers() -> int:
    from annotator.domain.left_files import remove_left_files
    from annotator.domain.leftovers import remove_leftovers as domain_verb

    return domain_verb() + remove_left_files()


@shared_task
def rank_due_projects() -> int:
    from annotator.domain.ranking import rank_due_projects as domain_verb

    return domain_verb()


@shared_task
def resume_lost_jobs() -> int:
    return resend_lost_jobs()

"""Work that kills each worker that takes it up is given up, and can be tried again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import shapely
from django.utils import timezone

from annotator.domain.chores import do_chore
from annotator.domain.display_copies import make_display_copy
from annotator.domain.exports import make_export
from annotator.domain.label_imports import (
    Mapped,
    import_labels,
    remove_forgotten_imports,
    start_import,
)
from annotator.domain.leases import take_lease
from annotator.domain.leftovers import remove_leftovers
from annotator.domain.parcels import draw_wanted_parcels, rebuild_parcels
from annotator.domain.proposals import make_proposals
from annotator.domain.ranking import rank_patches
from annotator.domain.recovery import resend_lost_jobs
from annotator.domain.retries import try_again
from annotator.domain.training import train
from annotator.enums import ChoreKind, ExportKind, ImportState, JobState, Role, RunState
from annotator.errors import AlreadyActive, FileGone, IllegalTransition
from annotator.imagery.grid import QUAD
from annotator.models import (
    Chore,
    DisplayCopy,
    Event,
    Export,
    InferenceJob,
    LabelImport,
    ParcelUpdate,
    Project,
    QueueEntry,
    Scene,
    TrainingRun,
)
from annotator.models.job import MAX_TAKEOVERS
from annotator.queries.versions import promoted_version
from tests.factories import approve, client_of, make_member, make_patch, make_project
from tests.importing import FIELD, brought

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


def waiting(project: Project, kind: str) -> tuple[Any, Callable[[int], object]]:
    """A row that waits, and the verb that a worker does it with."""
    user, version = project.created_by, promoted_version(project.pk)
    scene = Scene.objects.create(project=project, name="a", source="a", added_by=user)
    match kind:
        case "proposals":
            return InferenceJob.objects.create(
                project=project, scene=scene, model_version=version, total=9
            ), make_proposals
        case "display copy":
            return DisplayCopy.objects.create(project=project, scene=scene), make_display_copy
        case "run":
            return TrainingRun.objects.create(project=project, parent=version, steps=9), train
        case "export":
            row = Export.objects.create(
                project=project, requested_by=user, kind=ExportKind.GEOTIFF, total=9, fingerprint="a"
            )
            return row, make_export
    row = LabelImport.objects.create(
        project=project, requested_by=user, stored_name="a.json", state=ImportState.QUEUED, total=9
    )
    return row, import_labels


def lose_worker(row: Any, progress: int = 0) -> None:
    """As one leaves it that took the row up, came so far, and was killed."""
    states = {"training", "evaluating"} if isinstance(row, TrainingRun) else {"running"}
    becomes = "training" if isinstance(row, TrainingRun) else "running"
    taken = take_lease(
        type(row),
        row.pk,
        waiting="queued",
        working=tuple(states),
        becomes=becomes,
        give_up=lambda row, message: pytest.fail(message),
    )
    assert taken is not None
    type(row).objects.filter(pk=row.pk).update(
        **{row.progress_field: progress}, heartbeat_at=timezone.now() - timedelta(hours=1)
    )


def given_up(project: Project, kind: str) -> Any:
    row, work = waiting(project, kind)
    for _ in range(1 + MAX_TAKEOVERS):
        lose_worker(row)
    work(row.pk)
    row.refresh_from_db()
    return row


@pytest.mark.parametrize("kind", ["proposals", "display copy", "run", "export", "import"])
def test_what_each_worker_is_lost_at_is_given_up_after_three_takeovers(project: Project, kind: str) -> None:
    row, work = waiting(project, kind)
    lose_worker(row)
    for _ in range(MAX_TAKEOVERS):
        assert resend_lost_jobs() >= 1
        lose_worker(row)
    work(row.pk)
    row.refresh_from_db()
    assert (row.state, row.is_given_up, row.is_active) == ("failed", True, False)
    assert "4 workers in a row were lost" in row.message
    assert row.message.endswith("ask for less at once.")
    assert row.ended_at is not None
    assert Event.objects.get(subject=row._meta.model_name, subject_id=row.pk, verb="failed")
    assert not type(row).objects.filter(pk=row.pk, state__in=["queued", "running", "training"]).exists()


def test_work_that_gets_further_each_time_is_never_given_up(project: Project) -> None:
    row, work = waiting(project, "run")
    for step in range(1, 8):
        lose_worker(row, step)
    # The same place again: now it counts.
    for _ in range(MAX_TAKEOVERS):
        lose_worker(row, 5)
    row.refresh_from_db()
    assert (row.state, row.takeovers, row.furthest) == (RunState.TRAINING, 3, 7)
    work(row.pk)
    row.refresh_from_db()
    assert row.is_given_up


def test_a_given_up_import_goes_on_with_its_file_when_it_is_tried_again(
    project: Project, tmp_path: Path
) -> None:
    user, patch = project.created_by, make_patch(project)
    path = tmp_path / "field.geojson"
    path.write_text(shapely.to_geojson(shapely.box(*QUAD.bounds(patch.x, patch.y, patch.z))))
    row = start_import(label_import=brought(project, path), user=user, mapped=Mapped("", FIELD))
    for _ in range(1 + MAX_TAKEOVERS):
        lose_worker(row)
    import_labels(row.pk)
    assert remove_forgotten_imports() == 0
    lead = client_of(user)
    page = f"/projects/{project.slug}/imports/{row.pk}/"
    assert b"Try again" in lead.get(page).content
    assert lead.get(f"/api/v1/imports/{row.pk}/").json()["is_given_up"] is True
    answer = lead.post(f"{page}again/", follow=True)
    assert b"The import is tried again." in answer.content
    assert b"Try again" not in answer.content
    row.refresh_from_db()
    assert (row.state, row.takeovers, row.message, row.ended_at) == (ImportState.QUEUED, 0, "", None)
    import_labels(row.pk)
    row.refresh_from_db()
    assert (row.state, row.report["imported"]) == (ImportState.SUCCEEDED, 1), row.message
    with pytest.raises(IllegalTransition, match="Ask for it anew"):
        try_again(row=row, user=user)


def test_the_file_of_a_given_up_import_is_removed_after_its_time(project: Project, settings: Any) -> None:
    row = given_up(project, "import")
    row.file_path.parent.mkdir(parents=True, exist_ok=True)
    row.file_path.write_bytes(b"{}")
    assert remove_forgotten_imports() == 0
    assert row.file_path.exists()
    LabelImport.objects.update(ended_at=timezone.now() - timedelta(days=settings.EXPORT_KEEP_DAYS + 1))
    assert remove_forgotten_imports() == 0
    assert not row.file_path.exists()
    with pytest.raises(FileGone, match="Bring it again"):
        try_again(row=row, user=project.created_by)


def test_an_export_is_tried_again_unless_another_has_its_place(project: Project) -> None:
    row = given_up(project, "export")
    lead = client_of(project.created_by)
    assert b"Try again" in lead.get(f"/projects/{project.slug}/exports/").content
    other = Export.objects.create(
        project=project, requested_by=project.created_by, kind=ExportKind.GEOTIFF, fingerprint="a"
    )
    with pytest.raises(AlreadyActive):
        try_again(row=row, user=project.created_by)
    other.delete()
    answer = lead.post(f"/api/v1/exports/{row.pk}/try-again/")
    assert (answer.status_code, answer.json()["state"]) == (202, JobState.QUEUED)
    answer = lead.post(f"/projects/{project.slug}/exports/{row.pk}/again/", follow=True)
    assert b"Only what was given up" in answer.content


def test_a_given_up_run_keeps_its_checkpoint_for_a_day(project: Project) -> None:
    row = given_up(project, "run")
    row.work_path.mkdir(parents=True)
    assert remove_leftovers() == 0
    staff = make_member(project, Role.ML_STAFF)
    staff.is_staff = True
    staff.save()
    page = f"/admin/annotator/trainingrun/{row.pk}/"
    assert b"Try the run again" in client_of(staff).get(f"{page}change/").content
    client_of(staff).post(f"{page}try-again/")
    row.refresh_from_db()
    assert row.state == RunState.QUEUED
    assert Event.objects.filter(subject="trainingrun", verb="tried again", actor=staff).exists()
    TrainingRun.objects.update(
        state=RunState.FAILED, takeovers=4, ended_at=timezone.now() - timedelta(hours=25)
    )
    assert remove_leftovers() == 1
    assert not row.work_path.exists()
    TrainingRun.objects.update(ended_at=timezone.now())
    answer = client_of(staff).post(f"/api/v1/training-runs/{row.pk}/try-again/")
    assert (answer.status_code, answer.json()["is_given_up"]) == (202, False)


def kill_workers(project: Project, kind: ChoreKind) -> Chore:
    """As it is left by worker after worker that took it up and was killed."""
    chore = Chore.objects.create(project=project, kind=kind)
    for _ in range(1 + MAX_TAKEOVERS):
        lose_worker(chore)
    return chore


def test_a_ranking_that_kills_each_worker_is_given_up_until_a_person_asks(project: Project) -> None:
    patch = make_patch(project)
    before = rank_patches(project.pk)
    Chore.objects.all().delete()
    chore = kill_workers(project, ChoreKind.RANKING)
    assert resend_lost_jobs() == 1, "the worker of the latest attempt is lost"
    assert rank_patches(project.pk) is None
    chore.refresh_from_db()
    assert (chore.state, chore.is_given_up) == (JobState.FAILED, True)
    assert Event.objects.get(subject="chore", subject_id=chore.pk, verb="failed")
    lead, page = client_of(project.created_by), f"/projects/{project.slug}/queue/"
    told = lead.get(page).content.decode()
    assert "4 workers in a row were lost" in told
    assert "Rank it anew once the server has more memory" in told
    # Whatever else asks for it, nothing kills a worker any more.
    assert (resend_lost_jobs(), rank_patches(project.pk)) == (0, None)
    assert list(project.rankings.all()) == [before]
    lead.post(f"{page}rank/")
    assert rank_patches(project.pk).order_hash == before.order_hash
    assert "4 workers in a row" not in lead.get(page).content.decode()
    assert QueueEntry.objects.get(patch=patch).ranking != before


def test_parcels_that_kill_each_worker_are_given_up_until_a_person_asks(project: Project) -> None:
    patch = make_patch(project)
    approve(patch, project.created_by)
    rebuild = rebuild_parcels(project=project, user=project.created_by)
    kill_workers(project, ChoreKind.PARCELS)
    assert resend_lost_jobs() == 1
    assert draw_wanted_parcels(project.pk) == 0
    rebuild.refresh_from_db()
    assert (rebuild.state, rebuild.is_active) == (JobState.FAILED, False)
    assert "Draw all parcels anew once the server has more memory" in rebuild.message
    # What approvals want is kept, but kills nobody.
    approve(make_patch(project), project.created_by)
    assert ParcelUpdate.objects.update(wanted_at=timezone.now() - timedelta(hours=1)) == 2
    assert (resend_lost_jobs(), draw_wanted_parcels(project.pk)) == (0, 0)
    lead, page = client_of(project.created_by), f"/projects/{project.slug}/exports/"
    assert b"4 workers in a row were lost" in lead.get(page).content
    told = lead.get(f"/api/v1/projects/{project.slug}/parcel-rebuild/").json()
    assert (told["state"], told["is_active"], told["patches_waiting"]) == ("failed", False, 2)
    lead.post(f"/projects/{project.slug}/parcel-rebuild/")
    assert draw_wanted_parcels(project.pk) == 4
    assert b"4 workers in a row" not in lead.get(page).content
    assert (ParcelUpdate.objects.count(), project.parcels.exists()) == (0, True)


def test_what_is_asked_for_while_a_worker_is_at_it_is_done_once_more(project: Project) -> None:
    """A worker's message that comes again right after it was killed starts nothing: its lease is not lost yet."""
    times = []

    def work(chore: Chore) -> None:
        times.append(chore)
        if len(times) == 1:
            assert rank_patches(project.pk) is None

    do_chore(project.pk, ChoreKind.RANKING, work)
    assert len(times) == 2
    assert rank_patches(project.pk) is not None

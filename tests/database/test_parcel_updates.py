"""Parcels follow approvals patch by patch, and are then what drawing all of them at once makes."""

from __future__ import annotations

import threading
from importlib import import_module
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from annotator.domain import parcels as parcel_verbs
from annotator.domain.annotations import save_mask
from annotator.domain.claims import claim_patch
from annotator.domain.exports import make_export, request_export
from annotator.domain.legends import ClassChange, change_legend
from annotator.domain.parcels import draw_wanted_parcels, rebuild_parcels
from annotator.domain.recovery import resend_lost_jobs
from annotator.domain.reviews import reopen_patch, review_patch
from annotator.enums import ExportKind, JobState, ParcelOrigin, Verdict
from annotator.models import Event, Parcel, ParcelPiece, ParcelUpdate, Patch, Project
from annotator.queries.parcels import parcels_document
from tests.campaigns import admin_url, as_staff
from tests.factories import approve, client_of, make_patch, make_project, make_proposal, make_user, submit

Facts = set[tuple[object, ...]]


@pytest.fixture
def project(db: None) -> Project:
    return make_project()


def block(project: Project, side: int = 3) -> dict[tuple[int, int], Patch]:
    return {
        (column, row): make_patch(project, 2000 + column, row)
        for row in range(side)
        for column in range(side)
    }


def stripes(seed: int) -> np.ndarray:
    """Fields that reach over the patch's sides, with a boundary between them, in a lane of other land."""
    rng = np.random.default_rng(seed)
    mask = np.full((256, 256), 1, np.uint8)
    for at in np.sort(rng.integers(10, 246, 3)):
        mask[at : at + rng.integers(1, 4)] = 2
    mask[:, 120:126] = 0
    return mask


def facts(project: Project) -> Facts:
    """All that is said of each parcel but its id."""
    return {
        (
            parcel.value,
            parcel.outline.wkt,
            parcel.area_m2,
            parcel.origin,
            parcel.kept_share,
            parcel.confidence,
            frozenset(parcel.pieces.values_list("revision_id", flat=True)),
        )
        for parcel in Parcel.objects.filter(project=project).prefetch_related("pieces")
    }


def drawn_at_once(project: Project) -> Facts:
    Parcel.objects.filter(project=project).delete()
    rebuild_parcels(project=project, user=project.created_by)
    draw_wanted_parcels(project.pk)
    return facts(project)


def test_approving_one_patch_of_a_block_leaves_all_others_as_they_are(project: Project):
    patches = block(project)
    lead = project.created_by
    cross = np.full((256, 256), 1, np.uint8)
    cross[:8], cross[-8:], cross[:, :8], cross[:, -8:] = 0, 0, 0, 0
    for place in [(0, 0), (2, 1), (0, 2)]:
        approve(patches[place], lead, cross)
    draw_wanted_parcels(project.pk)
    before = dict(Parcel.objects.values_list("pk", "changed_at"))
    assert len(before) == 3
    approve(patches[1, 1], lead, cross)
    draw_wanted_parcels(project.pk)
    after = dict(Parcel.objects.values_list("pk", "changed_at"))
    assert len(after) == 4
    assert before.items() <= after.items(), "neither their ids nor anything else changed"
    assert not ParcelUpdate.objects.exists()
    assert facts(project) == drawn_at_once(project)


def test_a_patch_between_two_halves_makes_one_parcel_and_reopening_parts_them(project: Project):
    patches = [make_patch(project, 2000 + column) for column in range(3)]
    lead = project.created_by
    band = np.zeros((256, 256), np.uint8)
    band[100:150] = 1
    longer = band.copy()
    longer[:, :128] = 0
    approve(patches[0], lead, longer)
    approve(patches[2], lead, band)
    draw_wanted_parcels(project.pk)
    small, large = Parcel.objects.order_by("area_m2")
    approve(patches[1], lead, band)
    draw_wanted_parcels(project.pk)
    one = Parcel.objects.get()
    assert one.pk == large.pk, "the larger share keeps its id"
    assert one.area_m2 == pytest.approx(small.area_m2 * 5, rel=1e-3)
    assert one.pieces.count() == 3
    reopen_patch(patch=patches[1], user=lead, comment="The band is a road.")
    draw_wanted_parcels(project.pk)
    assert Parcel.objects.count() == 2
    assert Parcel.objects.filter(pk=one.pk).exists()
    assert facts(project) == drawn_at_once(project)


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_approved_and_reopened_equals_drawing_all_at_once(project: Project, seed: int):
    rng = np.random.default_rng(seed)
    patches = block(project, 2)
    lead = project.created_by
    for step in range(5):
        patch = patches[int(rng.integers(2)), int(rng.integers(2))]
        patch.refresh_from_db()
        if patch.state == "approved":
            reopen_patch(patch=patch, user=lead, comment="Once more.")
            review_patch(
                patch=patch,
                user=lead,
                verdict=Verdict.RETURN,
                revision_number=patch.annotation.current.number,
                comment="Look again.",
            )
        approve(patch, lead, stripes(10 * seed + step))
        if rng.random() < 0.6:
            draw_wanted_parcels(project.pk)
    draw_wanted_parcels(project.pk)
    assert facts(project) == drawn_at_once(project)


def test_a_rebuild_keeps_the_ids_of_what_stays_the_same(project: Project):
    for patch in block(project, 2).values():
        approve(patch, project.created_by, stripes(5))
    draw_wanted_parcels(project.pk)
    before = dict(Parcel.objects.values_list("pk", "changed_at"))
    assert rebuild_parcels(project=project, user=project.created_by).total == 4
    assert draw_wanted_parcels(project.pk) == 4
    assert dict(Parcel.objects.values_list("pk", "changed_at")) == before


def test_a_worker_that_dies_in_the_middle_leaves_nothing_half_done(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(parcel_verbs, "BATCH_PATCHES", 2)
    for patch in block(project, 2).values():
        approve(patch, project.created_by, stripes(7))
    joins = parcel_verbs.join_changed

    class Killed(BaseException):
        pass

    def killed_in_the_second_batch(*args: object, **kwargs: object) -> None:
        joins(*args, **kwargs)  # type: ignore[arg-type]
        if ParcelUpdate.objects.count() == 2:
            raise Killed

    monkeypatch.setattr(parcel_verbs, "join_changed", killed_in_the_second_batch)
    with pytest.raises(Killed):
        draw_wanted_parcels(project.pk)
    assert ParcelUpdate.objects.count() == 2, "what was done is done, and the rest is still wanted"
    monkeypatch.setattr(parcel_verbs, "join_changed", joins)
    draw_wanted_parcels(project.pk)
    assert not ParcelUpdate.objects.exists()
    assert facts(project) == drawn_at_once(project)


def test_lost_messages_are_sent_again(project: Project, monkeypatch: pytest.MonkeyPatch, settings):
    sent: list[tuple[str, int]] = []
    monkeypatch.setattr("annotator.domain.recovery.send", lambda task, pk: sent.append((task, pk)))
    approve(make_patch(project), project.created_by)
    assert resend_lost_jobs() == 0
    settings.JOB_LOST_AFTER_SECONDS = 0
    resend_lost_jobs()
    assert ("draw_parcels", project.pk) in sent


@pytest.mark.django_db(transaction=True)
def test_neighbours_approved_at_once_by_two_people_and_drawn_by_two_workers():
    project = make_project()
    patches = list(block(project, 2).values())
    for at, patch in enumerate(patches):
        submit(patch, project.created_by, stripes(at))
    start = threading.Barrier(len(patches))
    errors: list[BaseException] = []

    def approve_and_draw(patch: Patch) -> None:
        try:
            start.wait(timeout=10)
            review_patch(patch=patch, user=project.created_by, verdict=Verdict.APPROVE, revision_number=1)
            draw_wanted_parcels(project.pk)
        except BaseException as error:  # told in the test's own thread
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=approve_and_draw, args=[patch]) for patch in patches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not errors
    assert not ParcelUpdate.objects.exists()
    assert facts(project) == drawn_at_once(project)


def test_a_locked_project_is_left_to_the_worker_that_has_it(project: Project):
    approve(make_patch(project), project.created_by)
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [parcel_verbs.PARCEL_LOCKS, project.pk])
        assert draw_wanted_parcels(project.pk) == 0
        other.rollback()
    finally:
        other.close()
    assert draw_wanted_parcels(project.pk) == 1


def test_an_approval_that_is_rolled_back_wants_nothing(project: Project):
    patch = make_patch(project)
    submit(patch, project.created_by)
    with transaction.atomic():
        review_patch(patch=patch, user=project.created_by, verdict=Verdict.APPROVE, revision_number=1)
        transaction.set_rollback(True)
    assert not ParcelUpdate.objects.exists()


def test_where_a_parcel_comes_from(project: Project):
    lead = project.created_by
    accepted, corrected, drawn = (make_patch(project, 3000 + 2 * at) for at in range(3))
    for patch, mask in ((accepted, np.full((256, 256), 1, np.uint8)), (corrected, stripes(1))):
        proposal = make_proposal(patch, value=1)
        claim_patch(patch=patch, user=lead)
        revision = save_mask(patch=patch, user=lead, mask=mask, base_number=0, submit=True, proposal=proposal)
        review_patch(patch=patch, user=lead, verdict=Verdict.APPROVE, revision_number=revision.number)
    approve(drawn, lead)
    draw_wanted_parcels(project.pk)

    def of(patch: Patch) -> Parcel:
        parcel = Parcel.objects.filter(pieces__patch=patch).order_by("-area_m2").first()
        assert parcel is not None
        return parcel

    assert (of(accepted).origin, of(accepted).kept_share) == (ParcelOrigin.ACCEPTED, 1)
    # The proposal's entropy is 100 / 255 of the largest everywhere.
    assert of(accepted).confidence == pytest.approx(1 - 100 / 255)
    assert of(corrected).origin == ParcelOrigin.CORRECTED
    assert 0.9 < (of(corrected).kept_share or 0) < 1
    assert (of(drawn).origin, of(drawn).kept_share, of(drawn).confidence) == (ParcelOrigin.DRAWN, None, None)
    piece = ParcelPiece.objects.get(patch=drawn)
    assert piece.revision.author == lead


def test_an_upgrade_has_fields_drawn_again_that_may_only_have_been_trimmed(project: Project):
    lead, trimmed = project.created_by, np.full((256, 256), 1, np.uint8)
    trimmed[:40, :40] = 0
    for column, mask in ((3000, trimmed), (3002, np.full((256, 256), 1, np.uint8))):
        patch = make_patch(project, column)
        claim_patch(patch=patch, user=lead)
        proposal = make_proposal(patch, value=1)
        revision = save_mask(patch=patch, user=lead, mask=mask, base_number=0, submit=True, proposal=proposal)
        review_patch(patch=patch, user=lead, verdict=Verdict.APPROVE, revision_number=revision.number)
    draw_wanted_parcels(project.pk)
    assert set(Parcel.objects.values_list("origin", "kept_share")) == {("accepted", 1), ("corrected", 1)}
    # As they were before pieces were compared with their proposals' land.
    ParcelPiece.objects.update(is_reshaped=False)
    Parcel.objects.update(origin=ParcelOrigin.ACCEPTED)
    with connection.cursor() as cursor:
        cursor.execute(import_module("annotator.migrations.0032_trimmed_parcels").DRAW_AGAIN)
    (wanted,) = ParcelUpdate.objects.select_related("patch")
    assert wanted.patch == project.patches.order_by("x").first()
    draw_wanted_parcels(project.pk)
    assert set(Parcel.objects.values_list("origin", flat=True)) == {"accepted", "corrected"}


def test_a_class_that_is_retired_has_no_parcels(project: Project):
    lead = project.created_by
    changed = [
        ClassChange("other", "#8c8c8c", 0),
        ClassChange("field", "#e69f00", 1),
        ClassChange("rice", "#00aa00"),
    ]
    legend = change_legend(
        project=project, user=lead, classes=[*changed, ClassChange("boundary", "#d55e00", 2)]
    )
    rice = next(one.value for one in legend if one.name == "rice")
    mask = np.full((256, 256), 1, np.uint8)
    mask[:, 128:] = rice
    approve(make_patch(project), lead, mask)
    draw_wanted_parcels(project.pk)
    assert set(Parcel.objects.values_list("value", flat=True)) == {1, rice}
    change_legend(project=project, user=lead, classes=[*changed[:2], ClassChange("boundary", "#d55e00", 2)])
    draw_wanted_parcels(project.pk)
    assert set(Parcel.objects.values_list("value", flat=True)) == {1}


def test_the_work_of_an_approval_does_not_grow_with_the_project(project: Project):
    lead = project.created_by

    def queries_of_one_approval(column: int) -> int:
        approve(make_patch(project, column), lead, stripes(column))
        with CaptureQueriesContext(connection) as captured:
            draw_wanted_parcels(project.pk)
        return len(captured)

    first = queries_of_one_approval(5000)
    for column in range(5010, 5014):
        approve(make_patch(project, column), lead, stripes(column))
    draw_wanted_parcels(project.pk)
    assert queries_of_one_approval(5100) <= first


def test_all_are_drawn_anew_by_a_command_or_by_a_button(project: Project):
    approve(make_patch(project), project.created_by)
    draw_wanted_parcels(project.pk)
    Parcel.objects.all().delete()
    told = StringIO()
    call_command("rebuild_parcels", project.slug, stdout=told)
    assert "1 parcel, 1 patch drawn" in told.getvalue()
    assert Parcel.objects.count() == 1
    with pytest.raises(CommandError, match="no project"):
        call_command("rebuild_parcels", "nowhere")
    client = as_staff(project.created_by)
    action = {"action": "draw_parcels_anew", "_selected_action": [project.pk]}
    assert client.post(admin_url("project_changelist"), action).status_code == 302
    assert (
        "1; 1 patches wait for theirs" in client.get(admin_url("project_change", project.pk)).content.decode()
    )
    other = as_staff(make_user())
    ParcelUpdate.objects.all().delete()
    other.post(admin_url("project_changelist"), action)
    assert not ParcelUpdate.objects.exists(), "it is nobody's but the project's own staff's"


def test_drawing_all_anew_is_a_job_that_tells_how_far_it_is_and_can_be_cancelled(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(parcel_verbs, "BATCH_PATCHES", 2)
    user = project.created_by
    for patch in block(project, 2).values():
        approve(patch, user, stripes(3))
    draw_wanted_parcels(project.pk)
    client = client_of(user)
    address = f"/api/v1/projects/{project.slug}/parcel-rebuild/"
    assert client.post(f"{address}cancel/").status_code == 409
    assert client.post(address).json()["state"] == "queued"
    parcel_verbs.draw_batch(project.pk)
    told = client.get(address).json()
    assert (told["state"], told["done"], told["total"], told["patches_waiting"]) == ("running", 2, 4, 2)
    told = client.post(f"{address}cancel/").json()
    assert (told["state"], told["patches_waiting"], "after 2 of 4" in told["message"]) == (
        "cancelled",
        0,
        True,
    )
    assert draw_wanted_parcels(project.pk) == 0
    export = request_export(project=project, user=user, kind=ExportKind.GEOJSON)
    make_export(export.pk)
    export.refresh_from_db()
    assert "Draw them anew" in export.message, "they may be of two legends"
    first = rebuild_parcels(project=project, user=user)
    again = rebuild_parcels(project=project, user=None)
    draw_wanted_parcels(project.pk)
    first.refresh_from_db()
    again.refresh_from_db()
    assert (first.state, again.state, again.done) == (JobState.CANCELLED, JobState.SUCCEEDED, 4)
    verbs = Event.objects.filter(subject="parcelrebuild", subject_id=again.pk).order_by("pk")
    assert list(verbs.values_list("verb", flat=True)) == ["requested", "started", "succeeded"]
    empty = make_project(name="Empty")
    assert rebuild_parcels(project=empty, user=None).state == "queued"
    assert parcels_document(empty.pk)["state"] == "succeeded", "there was nothing to draw"


def test_the_page_of_exports_draws_all_anew_and_cancels_it(project: Project):
    client, page = client_of(project.created_by), f"/projects/{project.slug}/"
    approve(make_patch(project), project.created_by)
    client.post(f"{page}parcel-rebuild/")
    assert "of 1 patches" in client.get(f"{page}exports/").content.decode()
    answer = client.post(f"{page}parcel-rebuild/", follow=True).content.decode()
    assert "Cancelled after 0 of 1 patches" in answer
    assert ParcelUpdate.objects.filter(is_rebuild=False).exists(), "what the approval wants is still wanted"

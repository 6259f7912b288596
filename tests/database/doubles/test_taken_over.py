"""A dispute that is decided for the second mask: all that is counted of the patch is of that mask."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from annotator.domain.adjudication import adjudicate
from annotator.domain.annotations import Effort, save_mask
from annotator.domain.claims import claim_next, claim_patch
from annotator.domain.spot_checks import draw_spot_checks, pass_spot_check
from annotator.enums import Decision
from annotator.errors import IllegalTransition
from annotator.models import Correction, Patch, PatchClass, PatchWork, Project, Revision, SpotCheck
from annotator.queries.pace import pace_of
from annotator.queries.progress_parts import class_progress
from tests.factories import client_of, halves, make_patch, make_proposal

pytestmark = pytest.mark.django_db


@pytest.fixture
def disputed(project: Project, ann: User, bea: User) -> Patch:
    """Ann left the proposal of fields as it was, Bea drew the null class over nearly all of it, both yesterday."""
    patch = make_patch(project)
    proposal = make_proposal(patch, value=1)
    claim_patch(patch=patch, user=ann)
    save_mask(
        patch=patch, user=ann, mask=halves(0), base_number=0, submit=True, proposal=proposal,
        effort=Effort(seconds=5, strokes=0),
    )  # fmt: skip
    assert claim_next(project=project, user=bea).patch == patch
    for number, rows in enumerate((100, 192)):
        save_mask(
            patch=patch, user=bea, mask=halves(rows), base_number=number, submit=rows == 192, proposal=proposal,
            effort=Effort(seconds=30, strokes=2),
        )  # fmt: skip
    Revision.objects.update(saved_at=timezone.now() - timedelta(days=1))
    PatchWork.objects.update(submitted_at=timezone.now() - timedelta(days=1))
    return Patch.objects.get(pk=patch.pk)


def draw(project: Project) -> SpotCheck:
    day = (timezone.now() - timedelta(days=1)).date()
    return draw_spot_checks(project=project, user=project.created_by, day=day, per_annotator=9).checks.get()


def test_the_second_mask_is_what_is_counted(project: Project, disputed: Patch, ann: User, bea: User) -> None:
    lead = project.created_by
    adjudicate(patch=disputed, user=lead, decision=Decision.SECOND)
    assert dict(PatchClass.objects.filter(patch=disputed).values_list("value", "pixels")) == {
        0: 192 * 256,
        1: 64 * 256,
    }
    approved = {row.name: row.approved_patches for row in class_progress(project, approved=1)}
    assert (approved["other"], approved["field"]) == (1, 1)
    work = PatchWork.objects.get(patch=disputed)
    assert (work.annotator, work.reviewer) == (bea, lead)
    assert work.decided_at is not None
    pace = pace_of(project.pk, lead)
    assert pace.by_annotator == {bea.username: [1]}, "on the day when she drew it"
    correction = Correction.objects.get(annotation__patch=disputed)
    assert (correction.author, correction.seconds, correction.strokes) == (bea, 60, 4)
    assert correction.miou == pytest.approx(64 / 256 / 2)
    found = client_of(lead).get(
        f"/api/v1/projects/{project.slug}/desk/?annotator={bea.username}&label_class=0"
    )
    assert [row["proposal_miou"] for row in found.json()["results"]] == [pytest.approx(0.125)]


@pytest.mark.parametrize(
    ("decision", "redraws", "found"),
    [
        (Decision.FIRST, False, "passed"),
        (Decision.SECOND, False, "returned"),
        (Decision.FIRST, True, "fixed"),
        (Decision.SECOND, True, "fixed"),
    ],
)
def test_the_check_of_the_first_annotator_is_settled_by_the_decision(
    project: Project, disputed: Patch, ann: User, decision: Decision, redraws: bool, found: str
) -> None:
    check = draw(project)
    assert check.annotator == ann
    adjudicate(patch=disputed, user=project.created_by, decision=decision, redraws=redraws)
    check.refresh_from_db()
    assert (check.outcome, check.decided_by) == (found, project.created_by)


def test_a_check_of_the_mask_that_stands_is_of_who_drew_it(
    project: Project, disputed: Patch, bea: User
) -> None:
    adjudicate(patch=disputed, user=project.created_by, decision=Decision.SECOND)
    with pytest.raises(IllegalTransition, match="No spot check"):
        pass_spot_check(patch=disputed, user=project.created_by)
    check = draw(project)
    pass_spot_check(patch=disputed, user=project.created_by)
    check.refresh_from_db()
    assert (check.annotator, check.outcome) == (bea, "passed")


def test_a_mask_that_was_drawn_without_a_proposal_leaves_no_correction(
    project: Project, patch: Patch, ann: User, bea: User
) -> None:
    proposal = make_proposal(patch, value=1)
    Revision.objects.update(proposal=proposal)
    Correction.objects.create(
        annotation=patch.annotation, project=project, patch=patch, model_version=proposal.model_version,
        author=ann, miou=0.5, seconds=1, strokes=1, pixels_changed=1, submitted_at=timezone.now(),
    )  # fmt: skip
    assert claim_next(project=project, user=bea).patch == patch
    save_mask(patch=patch, user=bea, mask=halves(250), base_number=0, submit=True)
    adjudicate(patch=patch, user=project.created_by, decision=Decision.SECOND)
    assert not Correction.objects.exists()

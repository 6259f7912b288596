"""A share of the patches is drawn without the proposal, and what people change of proposals is kept."""

from __future__ import annotations

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client

from annotator.domain.annotations import Effort, save_mask
from annotator.domain.claims import claim_patch
from annotator.domain.reviews import review_patch
from annotator.enums import Asks, Role, Verdict
from annotator.models import Correction, Patch, Project, Proposal, Revision
from tests.factories import make_member, make_patch, make_project, make_proposal, make_scene, mask_of, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    project = make_project()
    Project.objects.filter(pk=project.pk).update(blind_share=1.0)
    project.refresh_from_db()
    make_scene(project)
    return project


@pytest.fixture
def patch(project: Project) -> Patch:
    patch = make_patch(project)
    make_proposal(patch, value=1)
    return patch


def seen(user: User, patch: Patch) -> tuple[bool, int, int, int]:
    """Whether the patch tells of a proposal, how many are listed, and the answers for its mask and entropy."""
    client, base = Client(), f"/api/v1/patches/{patch.pk}"
    client.force_login(user)
    proposal = patch.proposals.get()
    return (
        client.get(f"{base}/").json()["proposal"] is not None,
        len(client.get(f"{base}/masks/").json()["proposals"]),
        client.get(f"/api/v1/proposals/{proposal.pk}/mask").status_code,
        client.get(f"/api/v1/proposals/{proposal.pk}/entropy.png").status_code,
    )


NOTHING, ALL = (False, 0, 404, 404), (True, 1, 200, 200)


def test_whoever_draws_the_patch_meets_no_proposal_through_any_address(
    project: Project, patch: Patch
) -> None:
    lead, staff = project.created_by, make_member(project, Role.ML_STAFF)
    ann, bea = make_member(project), make_member(project)
    assert [seen(who, patch) for who in (ann, bea, lead, staff)] == [NOTHING, NOTHING, ALL, ALL]
    claim_patch(patch=patch, user=lead)
    assert seen(lead, patch) == NOTHING, "a lead who draws is blind too"
    submit(patch, lead)
    patch.refresh_from_db()
    assert [seen(who, patch) for who in (ann, lead)] == [NOTHING, ALL]
    review_patch(patch=patch, user=lead, verdict=Verdict.APPROVE, revision_number=1)
    assert seen(ann, Patch.objects.get(pk=patch.pk)) == ALL
    Project.objects.update(blind_share=0.0)
    other = make_patch(project)
    make_proposal(other)
    assert seen(ann, other) == ALL


def test_where_points_are_asked_for_none_is_kept_back(project: Project, patch: Patch) -> None:
    Project.objects.update(asks_for=Asks.POINTS)
    assert seen(make_member(project), Patch.objects.get(pk=patch.pk)) == ALL


def quarter(value: int) -> np.ndarray:
    mask = mask_of(0)
    mask[192:] = value
    return mask


def save(
    patch: Patch, user: User, mask: np.ndarray, base: int, *, submits: bool, proposal: Proposal | None = None
) -> Revision:
    return save_mask(
        patch=patch,
        user=user,
        mask=mask,
        base_number=base,
        submit=submits,
        proposal=proposal,
        effort=Effort(seconds=60, strokes=5),
    )


def test_the_hidden_proposal_is_recorded_and_measured(project: Project, patch: Patch) -> None:
    ann = make_member(project)
    claim_patch(patch=patch, user=ann)
    save(patch, ann, quarter(0), 0, submits=False)
    revision = save(patch, ann, quarter(1), 1, submits=True)
    assert (revision.proposal, revision.hidden_proposal) == (None, patch.proposals.get())
    found = Correction.objects.get()
    assert (found.is_hidden, found.seconds, found.strokes, found.author) == (True, 120, 10, ann)
    # All of the proposal is field; a quarter of the mask is, and the rest is other.
    assert found.miou == pytest.approx((0 + 1 / 4) / 2)


def test_whoever_saw_the_proposal_is_not_said_to_be_blind(project: Project, patch: Patch) -> None:
    ann, proposal = make_member(project), patch.proposals.get()
    Project.objects.update(blind_share=0.0)
    patch = Patch.objects.get(pk=patch.pk)
    claim_patch(patch=patch, user=ann)
    save(patch, ann, quarter(1), 0, submits=False, proposal=proposal)
    Project.objects.update(blind_share=1.0)
    patch = Patch.objects.get(pk=patch.pk)
    revision = save(patch, ann, quarter(1), 1, submits=True)
    assert (revision.proposal, revision.hidden_proposal) == (None, None)
    assert not Correction.objects.exists()


def test_a_correction_is_that_of_the_newest_submission(project: Project, patch: Patch) -> None:
    ann, proposal = make_member(project), patch.proposals.get()
    claim_patch(patch=patch, user=ann)
    unsure = quarter(1)
    unsure[:192] = 255
    save(patch, ann, unsure, 0, submits=True, proposal=proposal)
    assert (Correction.objects.get().miou, Correction.objects.get().is_hidden) == (1.0, False)
    review_patch(
        patch=patch, user=project.created_by, verdict=Verdict.RETURN, revision_number=1, comment="All of it."
    )
    claim_patch(patch=patch, user=ann)
    save(patch, ann, quarter(1), 1, submits=True, proposal=proposal)
    found = Correction.objects.get()
    assert (found.miou, found.seconds, found.pixels_changed) == (pytest.approx(1 / 8), 120, 192 * 256)
    imported = make_patch(project)
    claim_patch(patch=imported, user=ann)
    save_mask(
        patch=imported,
        user=ann,
        mask=mask_of(1),
        base_number=0,
        submit=True,
        proposal=make_proposal(imported),
        is_import=True,
    )
    assert Correction.objects.count() == 1

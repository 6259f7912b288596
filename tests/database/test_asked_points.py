"""Cells that annotators are asked to name: drawn with the proposal, told by the API, trained and measured on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from django.test import Client

from annotator.domain.context import context_of
from annotator.domain.masks import values_of
from annotator.domain.points import MOST_POINTS, points_seed
from annotator.domain.proposals import make_proposals, request_proposals
from annotator.domain.round_data import read_round, record_of
from annotator.domain.sides import block_of, record_sides, recorded_sides
from annotator.domain.training import request_run, train
from annotator.enums import Asks, Side
from annotator.models import Event, Patch, Project, Proposal, Revision
from annotator.queries.proposals import asked_points
from mlservice.acquisition import draw_points
from tests.campaigns import Campaign, admin_url
from tests.factories import approve, make_patch, make_project, make_proposal, make_scene, make_user

pytestmark = pytest.mark.django_db
FIELD, UNSURE, CELL_PX = 1, 255, 4


@pytest.fixture
def project(landscape_tif: tuple[Path, Path]) -> Project:
    """With patches on a drawn scene."""
    project = make_project(patch_zoom=17)
    make_scene(project, landscape_tif[0])
    return project


def propose(project: Project) -> list[Proposal]:
    """A proposal by the starter for every patch."""
    make_proposals(request_proposals(project=project, user=project.created_by).pk)
    return list(Proposal.objects.select_related("patch", "model_version", "scene"))


def cells_of(proposal: Proposal) -> np.ndarray:
    return np.frombuffer(bytes(proposal.points), "<u2")


def entropy_of(proposal: Proposal) -> np.ndarray:
    return values_of(proposal.entropy_png).ravel() / 255 * proposal.entropy_max_nats


def seen_cells(proposal: Proposal) -> np.ndarray:
    """Whether the scene has data, for each cell of the patch."""
    valid = context_of(proposal.patch, 0).read(proposal.scene).valid
    return valid.reshape(64, CELL_PX, 64, CELL_PX).any(axis=(1, 3)).ravel()


def ask_for_points(project: Project, count: int = 40) -> None:
    Project.objects.filter(pk=project.pk).update(asks_for=Asks.POINTS, points_per_patch=count)


def with_points(patch: Patch, cells: list[int]) -> Proposal:
    proposal = make_proposal(patch)
    proposal.points = np.array(cells, "<u2").tobytes()
    proposal.save()
    return proposal


def named(cells: list[list[int]], value: int = FIELD) -> np.ndarray:
    """A mask that is unsure but for these cells."""
    mask = np.full((256, 256), UNSURE, np.uint8)
    for row, col in cells:
        mask[row * CELL_PX : (row + 1) * CELL_PX, col * CELL_PX : (col + 1) * CELL_PX] = value
    return mask


def test_every_proposal_has_points_on_seen_cells_that_can_be_drawn_again(project: Project) -> None:
    blocks = sorted({block_of(patch.quadkey) for patch in project.patches.all()})
    record_sides(
        project.pk, {block: Side.TRAINING if n % 2 else Side.HOLDOUT for n, block in enumerate(blocks)}
    )
    sides = recorded_sides(project.pk)
    proposals = propose(project)
    for proposal in proposals:
        cells = cells_of(proposal)
        assert len(set(cells.tolist())) == len(cells) <= MOST_POINTS
        assert seen_cells(proposal)[cells].all(), "none is asked for where there is no imagery"
        assert proposal.points_by_chance == (sides[block_of(proposal.patch.quadkey)] == Side.HOLDOUT)
    excess: dict[bool, list[float]] = {True: [], False: []}
    for proposal in proposals:
        entropy, seen = entropy_of(proposal), seen_cells(proposal)
        excess[proposal.points_by_chance].append(entropy[cells_of(proposal)].mean() / entropy[seen].mean())
    assert np.mean(excess[True]) == pytest.approx(1, abs=0.15), "what measures is asked for everywhere alike"
    assert np.mean(excess[False]) > 1.2, "what teaches is asked for where the model is unsure"
    whole = next(p for p in proposals if p.points_by_chance)
    seed = points_seed(whole.patch.quadkey, whole.model_version.number)
    again = draw_points(seen_cells(whole), MOST_POINTS, np.random.default_rng(seed))
    assert cells_of(whole).tolist() == again.tolist()


def test_another_patch_or_version_has_other_points() -> None:
    assert len({points_seed("0123", 1), points_seed("0123", 2), points_seed("0122", 1)}) == 3
    assert points_seed("0123", 1) == points_seed("0123", 1)


def test_the_patch_tells_as_many_points_as_the_rules_ask_for(campaign: Campaign) -> None:
    proposal = with_points(campaign.patch, [0, 63, 64, 4095, 130])
    assert asked_points(campaign.project, proposal) == []
    document = told(campaign)
    assert (document["asks_for"], document["points"]) == ("patches", [])
    ask_for_points(campaign.project, 4)
    document = told(campaign)
    assert document["asks_for"] == "points"
    assert document["points"] == [[0, 0], [0, 63], [1, 0], [63, 63]]
    project = campaign.client("annotator").get(f"/api/v1/projects/{campaign.project.slug}/").json()
    assert (project["asks_for"], project["points_per_patch"]) == ("points", 4)
    assert campaign.client("stranger").get(f"/api/v1/patches/{campaign.patch.pk}/").status_code == 404


def told(campaign: Campaign) -> dict:
    return campaign.client("annotator").get(f"/api/v1/patches/{campaign.patch.pk}/").json()


def test_a_patch_without_points_is_asked_for_as_a_whole(campaign: Campaign) -> None:
    ask_for_points(campaign.project)
    assert (told(campaign)["asks_for"], told(campaign)["points"]) == ("patches", [])
    make_proposal(campaign.patch)
    assert told(campaign)["asks_for"] == "patches", "its proposal is from before points were drawn"


def test_ml_staff_ask_for_points_and_the_event_tells(campaign: Campaign) -> None:
    response = set_rules(campaign, asks_for="points", points_per_patch=60)
    assert response.status_code == 302
    project = Project.objects.get(pk=campaign.project.pk)
    assert (project.asks_for, project.points_per_patch) == ("points", 60)
    facts = Event.objects.get(verb="rules changed").facts
    assert (facts["before"]["asks_for"], facts["after"]["asks_for"]) == ("patches", "points")
    assert facts["after"]["points_per_patch"] == 60


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("points_per_patch", 0, "points_per_patch must be between 1 and 400"),
        ("points_per_patch", 401, "points_per_patch must be between 1 and 400"),
        ("asks_for", "guesses", "guesses is not one of the available choices"),
    ],
)
def test_a_rule_of_points_that_cannot_be_is_explained(
    campaign: Campaign, field: str, value: object, sentence: str
) -> None:
    response = set_rules(campaign, **{field: value})
    assert response.status_code == 422
    assert sentence in " ".join(response.context["form"].errors[field])


def set_rules(campaign: Campaign, **changed: object):  # type: ignore[no-untyped-def]
    client, url = campaign.client("ml_staff"), admin_url("project_rules", campaign.project.pk)
    initial = client.get(url).context["form"].initial
    shown = {name: value for name, value in initial.items() if value is not None and value is not False}
    return client.post(url, shown | changed)


def put(client: Client, proposal: Proposal, mask: np.ndarray) -> dict:
    response = client.put(
        f"/api/v1/patches/{proposal.patch_id}/mask/?submit=1&strokes=2&proposal={proposal.pk}",
        mask.tobytes(),
        content_type="application/octet-stream",
        headers={"If-Match": '"0"'},
    )
    assert response.status_code == 200, response.content
    return response.json()["revision"]


def test_land_that_nobody_was_asked_about_does_not_count_as_changed(campaign: Campaign) -> None:
    annotator = campaign.client("annotator")
    cells = [[0, 1], [9, 9], [20, 4]]
    mask = named(cells[:2]) & named(cells[2:], value=0)
    first, second = (with_points(make_patch(campaign.project), [1]) for _ in range(2))
    assert put(annotator, first, mask)["pixels_changed"] == 65_536 - 2 * CELL_PX**2
    ask_for_points(campaign.project)
    assert put(annotator, second, mask)["pixels_changed"] == CELL_PX**2


def test_a_round_of_points_alone_learns_and_is_measured_on_their_cells(project: Project) -> None:
    ask_for_points(project)
    staff = make_user()
    project.refresh_from_db()
    for proposal in propose(project):
        cells = asked_points(project, proposal)
        half = len(cells) // 2
        approve(proposal.patch, staff, named(cells[:half]) & named(cells[half:], value=0))
    run = request_run(
        project=project, user=staff, config={"steps": 1, "images_per_step": 1, "validate_every_steps": 0}
    )
    train(run.pk)
    run.refresh_from_db()
    assert run.state == "succeeded", run.message
    # Of a cell at the scene's edge, only the pixels that the scene has are measured.
    pixels = sum(int((patch.mask != UNSURE).sum()) for patch in read_round(record_of(run)).holdout)
    named_masks = map(mask_of_revision, Revision.objects.filter(pk__in=run.holdout_revisions))
    assert 0 < pixels <= sum(int((mask != UNSURE).sum()) for mask in named_masks)
    for evaluation in run.evaluations.all():
        metrics = evaluation.metrics
        assert sum(map(sum, metrics["confusion"])) + sum(metrics["unsaid_pixels"]) == pixels
        assert (metrics["boundary_f1"], metrics["object_f1"]) == (None, None)
    assert run.candidate.verdict["reason"]


def mask_of_revision(revision: Revision) -> np.ndarray:
    return values_of(revision.mask_png)

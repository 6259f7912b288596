"""What is learned from is never held out, in whatever order labels come, go and come again."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.domain.reviews import reopen_patch, review_patch
from annotator.domain.sides import SPARING_BLOCKS, block_of, sides_of
from annotator.domain.training import cancel_run, request_run
from annotator.enums import Side, Verdict
from annotator.errors import NothingToTrainOn
from annotator.models import BlockSide, Patch, Project, Revision, TrainingRun
from tests.factories import approve, make_patch, make_project, make_scene

BLOCKS = st.sets(st.text("0123", min_size=6, max_size=6), min_size=2, max_size=30)


@given(BLOCKS, st.sets(st.text("0123", min_size=6, max_size=6), max_size=30))
def test_blocks_keep_their_sides_when_others_join_them(first: set[str], more: set[str]) -> None:
    recorded = sides_of(first, {})
    assert recorded.keys() == first
    assert {Side.TRAINING, Side.HOLDOUT} <= set(recorded.values())
    if Side.VALIDATION not in recorded.values():
        assert list(recorded.values()).count(Side.TRAINING) < SPARING_BLOCKS
    later = sides_of(first | more, recorded)
    assert {block: later[block] for block in first} == recorded
    assert sides_of(sorted(first, reverse=True), {}) == recorded


@given(BLOCKS)
def test_sides_that_earlier_runs_decided_are_never_emptied_into_others(blocks: set[str]) -> None:
    with pytest.raises(NothingToTrainOn, match="never held out"):
        sides_of(blocks, dict.fromkeys(blocks, Side.TRAINING))
    with pytest.raises(NothingToTrainOn, match="never learned from"):
        sides_of(blocks, dict.fromkeys(blocks, Side.HOLDOUT))


@pytest.mark.django_db
def test_neighbours_alone_are_not_split() -> None:
    project = make_project()
    make_scene(project)
    for column in (2000, 2001):
        approve(make_patch(project, column), project.created_by)
    with pytest.raises(NothingToTrainOn, match="one block of 2 x 2 neighbours"):
        request_run(project=project, user=project.created_by)
    assert not BlockSide.objects.exists()
    assert not TrainingRun.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_no_patch_changes_its_side_over_rounds(seed: int) -> None:
    """Patches are approved, reopened, returned and approved anew between rounds, of neighbouring blocks too."""
    rng = random.Random(seed)
    project = make_project()
    make_scene(project)
    waiting = [make_patch(project, column, row) for column in range(3000, 3006) for row in range(3)]
    rng.shuffle(waiting)
    used: dict[str, set[str]] = defaultdict(set)
    rounds = 0
    for _ in range(6):
        for _ in range(3):
            _change_labels(project, waiting, rng)
        try:
            run = request_run(project=project, user=project.created_by)
        except NothingToTrainOn:
            continue
        rounds += 1
        for name, ids in _used_by(run).items():
            assert ids, f"nothing on the side {name}"
            used[name] |= ids
        cancel_run(run=run, user=project.created_by)
        assert not used["learned"] & used["held out"]
        assert not {block_of(key) for key in used["learned"]} & {block_of(key) for key in used["held out"]}
    assert rounds >= 3
    assert BlockSide.objects.count() == len({block_of(key) for keys in used.values() for key in keys})


def _change_labels(project: Project, waiting: list[Patch], rng: random.Random) -> None:
    lead = project.created_by
    approved = list(project.patches.filter(state="approved").order_by("pk"))
    submitted = list(project.patches.filter(state="submitted").order_by("pk"))
    verb = rng.choice(("new", "new", "new", "reopen", "judge"))
    if verb == "new" and waiting:
        approve(waiting.pop(), lead)
    elif verb == "reopen" and approved:
        reopen_patch(patch=rng.choice(approved), user=lead, comment="look again")
    elif verb == "judge" and submitted:
        patch = rng.choice(submitted)
        number = patch.annotation.current.number
        if rng.random() < 0.5:
            review_patch(patch=patch, user=lead, verdict=Verdict.APPROVE, revision_number=number)
        else:
            review_patch(
                patch=patch, user=lead, verdict=Verdict.RETURN, revision_number=number, comment="redraw"
            )
            approve(patch, lead)


def _used_by(run: TrainingRun) -> dict[str, set[str]]:
    keys = dict(Revision.objects.values_list("pk", "annotation__patch__quadkey"))
    return {
        "learned": {keys[pk] for pk in run.training_revisions},
        "held out": {keys[pk] for pk in run.holdout_revisions},
    }

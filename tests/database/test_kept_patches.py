"""What is kept for somebody, by name or by area, is never kept for nobody."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotator.domain.assigning import reassign_patch
from annotator.domain.assignments import assign_area, end_assignment
from annotator.domain.claims import Outcome, claim_next, claim_patch, release_claim
from annotator.domain.invitations import accept_invitation, make_invitation
from annotator.domain.members import remove_member
from annotator.domain.projects import add_member
from annotator.domain.reviews import review_patch
from annotator.enums import PatchState, Role, Verdict
from annotator.errors import ClaimLost, InvitationOver
from annotator.models import Assignment, Event, Membership, Patch, Project, QueueEntry
from annotator.queries.labelling_queue import first_places
from tests.factories import make_member, make_patch, make_project, make_user, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def people(project: Project) -> list[User]:
    return [make_member(project) for _ in range(2)]


def assign(project: Project, *people: User, patches: list[Patch]) -> Assignment:
    return assign_area(
        project=project, user=project.created_by, people=people, tiles=[patch.quadkey for patch in patches]
    )


def give_back(patch: Patch, author: User) -> None:
    """Submitted by its author, and returned by the lead."""
    revision = submit(patch, author)
    lead = patch.project.created_by
    review_patch(
        patch=patch,
        user=lead,
        verdict=Verdict.RETURN,
        revision_number=revision.number,
        comment="Straighten it.",
    )


def take_out(project: Project, person: User) -> None:
    for membership in Membership.objects.filter(project=project, user=person):
        remove_member(membership=membership, user=project.created_by)


def test_a_patch_that_was_given_to_somebody_is_theirs_in_an_area_of_others(
    project: Project, people: list[User]
) -> None:
    ann, rui = people
    patch, other = make_patch(project), make_patch(project, score=0.9)
    assign(project, ann, patches=[patch])
    reassign_patch(patch=patch, user=project.created_by, to=rui)
    assert claim_next(project=project, user=ann).patch == other
    with pytest.raises(ClaimLost):
        claim_patch(patch=patch, user=ann)
    assert claim_next(project=project, user=rui).patch == patch
    release_claim(patch=patch, user=rui)
    assert claim_patch(patch=patch, user=ann).state == PatchState.CLAIMED, (
        "given back, it is its area's again"
    )


def test_a_returned_patch_stays_its_authors_when_the_area_is_given_to_another(
    project: Project, people: list[User]
) -> None:
    ann, bea = people
    patch = make_patch(project)
    give_back(patch, bea)
    assert first_places(project.pk) == [], "it is not for anybody"
    assign(project, ann, patches=[patch])
    assert claim_next(project=project, user=ann).outcome == Outcome.ASSIGNED
    assert claim_next(project=project, user=bea).patch == patch


def test_what_is_returned_after_its_author_left_is_for_whoever_is_there(
    project: Project, people: list[User]
) -> None:
    kofi, ann = people
    patch = make_patch(project)
    revision = submit(patch, kofi)
    take_out(project, kofi)
    lead = project.created_by
    review_patch(
        patch=patch,
        user=lead,
        verdict=Verdict.RETURN,
        revision_number=revision.number,
        comment="Straighten it.",
    )
    assert claim_next(project=project, user=ann).patch == patch


def test_returned_patches_come_first_in_an_area_and_stay_in_it(project: Project, people: list[User]) -> None:
    ann, bea = people
    first, *rest = patches = [make_patch(project, score=score) for score in (0.1, 0.9, 0.5)]
    assign(project, ann, patches=patches)
    give_back(first, ann)
    assert claim_next(project=project, user=ann).patch == first
    release_claim(patch=first, user=ann)
    assert claim_next(project=project, user=ann).patch == rest[0], "what was skipped comes last"
    assert claim_next(project=project, user=bea).outcome == Outcome.ASSIGNED


def test_of_several_areas_the_best_patch_comes_first(project: Project, people: list[User]) -> None:
    patches = [make_patch(project, score=score) for score in (0.2, 0.9, 0.5)]
    for patch in patches:
        assign(project, people[0], patches=[patch])
    served: list[Patch] = []
    for _ in patches:
        patch = claim_next(project=project, user=people[0], besides=[p.pk for p in served]).patch
        assert patch is not None
        served.append(patch)
    assert served == [patches[1], patches[2], patches[0]]


def test_claims_in_areas_of_others_never_come_free_for_somebody(project: Project, people: list[User]) -> None:
    ann, bea = people
    patches = [make_patch(project) for _ in range(2)]
    assign(project, ann, patches=patches)
    assert claim_next(project=project, user=ann).patch in patches
    result = claim_next(project=project, user=bea)
    assert (result.outcome, result.until) == (Outcome.ASSIGNED, None)
    free = make_patch(project)
    assert claim_next(project=project, user=project.created_by).patch == free
    result = claim_next(project=project, user=bea)
    assert (result.outcome, result.until) == (
        Outcome.ALL_CLAIMED,
        QueueEntry.objects.get(patch=free).expires_at,
    )


def test_whoever_holds_all_that_is_left_is_not_told_that_it_is_kept_for_others(
    project: Project, people: list[User]
) -> None:
    mine = claim_next(project=project, user=people[0], besides=[make_patch(project).pk + 1]).patch
    assert mine is not None
    result = claim_next(project=project, user=people[0], besides=[mine.pk])
    assert (result.outcome, result.until) == (Outcome.ALL_CLAIMED, None)


def test_who_leaves_leaves_their_areas_and_the_last_one_ends_them(
    project: Project, people: list[User]
) -> None:
    ann, bea = people
    alone, shared = make_patch(project), make_patch(project)
    ended = assign(project, ann, patches=[alone])
    going_on = assign(project, ann, bea, patches=[shared])
    take_out(project, ann)
    ended.refresh_from_db()
    assert ended.ended_at is not None
    assert list(going_on.people.all()) == [bea]
    assert QueueEntry.objects.get(patch=alone).assignment is None
    assert QueueEntry.objects.get(patch=shared).assignment == going_on
    verbs = Event.objects.filter(subject="assignment").order_by("pk").values_list("verb", flat=True)
    assert sorted(verbs) == ["assigned", "assigned", "ended", "left", "left"]


def test_whoever_was_taken_out_does_not_come_back_by_the_same_link(project: Project) -> None:
    lead, person = project.created_by, make_user()
    link = make_invitation(project=project, user=lead, role=Role.ANNOTATOR, days=30, uses_max=None)
    accept_invitation(invitation=link, user=person)
    take_out(project, person)
    with pytest.raises(InvitationOver, match="taken you out"):
        accept_invitation(invitation=link, user=person)
    link.refresh_from_db()
    assert link.uses == 1
    newer = make_invitation(project=project, user=lead, role=Role.ANNOTATOR, days=30)
    assert accept_invitation(invitation=newer, user=person).role == Role.ANNOTATOR


VERBS = [
    "assign",
    "end",
    "claim",
    "skip",
    "submit",
    "return",
    "give",
    "give to anybody",
    "take out",
    "bring back",
]


@given(st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 2), st.integers(0, 3)), max_size=14))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_patch_is_drawn_in_the_end_whatever_was_kept_for_whom(
    steps: list[tuple[str, int, int]],
) -> None:
    project = make_project()
    lead = project.created_by
    people = [make_member(project) for _ in range(3)]
    patches = [make_patch(project, score=float(n)) for n in range(4)]

    def held(person: User) -> Patch | None:
        entry = QueueEntry.objects.filter(project=project, holder=person).first()
        return entry.patch if entry else None

    for verb, which_person, which_patch in steps:
        person, patch = people[which_person], project.patches.get(pk=patches[which_patch].pk)
        draws = Membership.objects.filter(project=project, user=person).exists()
        if verb == "take out":
            take_out(project, person)
        elif verb == "bring back":
            add_member(project=project, user=person, role=Role.ANNOTATOR)
        elif verb == "end":
            for assignment in Assignment.objects.filter(project=project, ended_at=None):
                end_assignment(assignment=assignment, user=lead)
        elif verb == "return" and patch.state == PatchState.SUBMITTED:
            number = patch.annotation.current.number
            review_patch(
                patch=patch, user=lead, verdict=Verdict.RETURN, revision_number=number, comment="No."
            )
        elif verb == "give to anybody" and patch.state != PatchState.SUBMITTED:
            reassign_patch(patch=patch, user=lead, to=None)
        elif not draws:
            continue
        elif verb == "assign":
            assign(project, person, patches=[patch])
        elif verb == "give" and patch.state != PatchState.SUBMITTED:
            reassign_patch(patch=patch, user=lead, to=person)
        elif verb == "claim":
            claim_next(project=project, user=person)
        elif verb == "skip" and (mine := held(person)):
            release_claim(patch=mine, user=person)
        elif verb == "submit" and (mine := held(person)):
            submit(mine, person)
    # Whoever is still there draws whatever they are served, and gives back nothing.
    for person in [*people, lead]:
        while Membership.objects.filter(
            project=project, user=person, role__in=["annotator", "lead"]
        ).exists():
            patch = claim_next(project=project, user=person).patch
            if patch is None:
                break
            submit(patch, person)
    left = QueueEntry.objects.filter(project=project)
    gone = [entry for entry in left if entry.holder and not entry.holder.milpa_memberships.exists()]
    assert len(gone) == left.count(), "only what somebody holds who has gone waits, until their claim expires"

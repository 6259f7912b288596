"""Areas kept for people, limits of claims, and counts that nobody has to wait for."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.contrib.gis.geos import MultiPolygon
from django.db import IntegrityError, connection, transaction
from django.db.models import Count
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotator.domain.assignments import assign_area, end_assignment
from annotator.domain.claims import Outcome, claim_for_the_field, claim_next, claim_patch, release_claim
from annotator.domain.patches import make_patches
from annotator.domain.queue_rules import change_queue_rules
from annotator.domain.reviews import reopen_patch
from annotator.domain.tallies import add_up_tallies
from annotator.enums import PatchState
from annotator.errors import BadAssignment, ClaimLost, ClaimsExhausted, IllegalTransition
from annotator.imagery.grid import square
from annotator.models import Assignment, Event, Patch, PatchTally, Project, QueueEntry
from annotator.queries.progress import tallied
from tests.campaigns import Campaign
from tests.factories import CORNER_X, CORNER_Y, approve, make_member, make_patch, make_project, submit

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


def counted(project: Project) -> dict[str, int]:
    rows = project.patches.order_by().values_list("state").annotate(Count("id"))
    return dict.fromkeys(PatchState.values, 0) | dict(rows)


def test_an_area_is_served_to_its_people_first_and_to_nobody_else(
    project: Project, people: list[User]
) -> None:
    ann, bea = people
    best, kept, free = (make_patch(project, score=score) for score in (0.9, 0.5, 0.1))
    assign(project, ann, patches=[kept])
    assert claim_next(project=project, user=ann).patch == kept
    release_claim(patch=kept, user=ann, is_skipped=False)
    assert claim_for_the_field(project=project, user=bea, count=3) == [best.pk, free.pk]
    waiting = claim_next(project=project, user=make_member(project))
    assert waiting.outcome == Outcome.ALL_CLAIMED
    submit(best, bea)
    submit(free, bea)
    left = claim_next(project=project, user=bea)
    assert left.outcome == Outcome.ASSIGNED
    assert "kept for other people" in left.detail
    end_assignment(assignment=Assignment.objects.get(), user=project.created_by)
    assert claim_next(project=project, user=bea).patch == kept


def test_what_was_drawn_is_not_lost_when_the_area_is_given_to_somebody_else(
    project: Project, people: list[User]
) -> None:
    ann, bea = people
    patch = make_patch(project)
    assign(project, ann, patches=[patch])
    with pytest.raises(ClaimLost):
        claim_patch(patch=patch, user=bea)
    assert claim_patch(patch=patch, user=bea, is_saving=True).state == PatchState.CLAIMED


def test_a_polygon_a_larger_tile_and_later_patches_count_and_the_newest_wins(people: list[User]) -> None:
    project = make_project(patch_zoom=17)
    ann, bea = (make_member(project) for _ in people)
    area = square(CORNER_X >> 2, CORNER_Y >> 2, 15)
    first = assign_area(
        project=project,
        user=project.created_by,
        people=[ann],
        area=area.transform(4326, clone=True),
        name="North",
    )
    footprint = MultiPolygon(area, srid=3857).transform(4326, clone=True)
    made = make_patches(project=project, footprint=footprint)
    inside = QueueEntry.objects.filter(project=project, assignment=first).count()
    assert inside == 16 <= made, "sixteen patches have their middle in the tile"
    one = project.patches.get(x=CORNER_X >> 2 << 2, y=CORNER_Y >> 2 << 2)
    second = assign(project, bea, patches=[one])
    assert QueueEntry.objects.get(patch=one).assignment == second
    end_assignment(assignment=second, user=project.created_by)
    assert QueueEntry.objects.get(patch=one).assignment == first
    with pytest.raises(IllegalTransition):
        end_assignment(assignment=second, user=project.created_by)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "one of the two"),
        ({"tiles": ["0123"], "area": square(0, 0, 3)}, "one of the two"),
        ({"tiles": ["012x"]}, "'012x' is no quadkey"),
        ({"tiles": ["0" * 24] * 10_001}, "at most 10000 tiles"),
        ({"tiles": ["0123"], "people": []}, "at least one person"),
    ],
)
def test_an_area_that_cannot_be_assigned_is_explained(
    project: Project, people: list[User], values: dict[str, object], sentence: str
) -> None:
    with pytest.raises(BadAssignment, match=sentence):
        assign_area(**{"project": project, "user": project.created_by, "people": people} | values)  # type: ignore[arg-type]
    assert not Assignment.objects.exists()


def test_leads_assign_by_api_and_nobody_else(campaign: Campaign) -> None:
    patch = campaign.project.patches.get(state="unlabelled")
    url = f"/api/v1/projects/{campaign.project.slug}/assignments/"
    name = campaign.people["annotator"].get_username()
    body = {"people": [name], "tiles": [patch.quadkey], "name": "River"}
    for person, status in (("lead", 201), ("annotator", 403), ("ml_staff", 403), ("stranger", 404)):
        client = campaign.client(person)
        answer = client.post(url, body, content_type="application/json")
        assert answer.status_code == status, person
        assert client.get(url).status_code == (200 if status == 201 else status), person
    lead = campaign.client("lead")
    (listed,) = lead.get(url).json()["results"]
    assert (listed["people"], listed["name"]) == ([name], "River")
    polygon = {"people": [name], "area": json.loads(listed["area"])}
    assert lead.post(url, polygon, content_type="application/json").status_code == 201
    for wrong in ({"people": ["nobody"]}, {"people": [campaign.people["stranger"].get_username()]}):
        refused = lead.post(url, body | wrong, content_type="application/json")
        assert (refused.status_code, refused.json()["code"]) == (422, "bad-assignment")
    end = f"/api/v1/assignments/{listed['id']}/end/"
    for person, status in (("annotator", 403), ("stranger", 404), ("lead", 200), ("lead", 409)):
        assert campaign.client(person).post(end).status_code == status, person
    verbs = Event.objects.filter(subject="assignment").values_list("verb", flat=True)
    assert list(verbs) == ["assigned", "assigned", "ended"]


def test_a_project_has_its_own_limit_of_claims(project: Project, people: list[User]) -> None:
    patches = [make_patch(project) for _ in range(4)]
    change_queue_rules(
        project=project, user=project.created_by, strategy="entropy", audit_share=0.0, queue_seed=0,
        claims_per_person=2,
    )  # fmt: skip
    project.refresh_from_db()
    with pytest.raises(ClaimsExhausted):
        claim_for_the_field(project=project, user=people[0], count=3)
    held = claim_for_the_field(project=project, user=people[0], count=2)
    with pytest.raises(ClaimsExhausted) as caught:
        claim_next(project=project, user=people[0], besides=held)
    assert caught.value.facts == {"limit": 2}
    with pytest.raises(ClaimsExhausted):
        claim_patch(patch=patches[3], user=people[0])
    assert claim_next(project=project, user=people[1]).patch is not None


def test_work_goes_on_at_another_computer(project: Project, people: list[User]) -> None:
    for score in (0.9, 0.1):
        make_patch(project, score=score)
    url, got = f"/api/v1/projects/{project.slug}/claims/", []
    for _ in range(2):
        computer = Client()
        computer.force_login(people[0])
        got.append(computer.post(url).json()["patch"]["id"])
    assert got[0] == got[1]


def test_a_claim_is_one_statement_however_many_wait(project: Project, people: list[User]) -> None:
    make_patch(project)
    counts = []
    for person in people:
        with CaptureQueriesContext(connection) as queries:
            assert claim_next(project=project, user=person).patch is not None
        counts.append(len(queries))
        for _ in range(3):
            make_patch(project)
    assert counts == [2, 2], "the claim, and the patch"


def test_a_state_from_which_no_claim_leads_writes_nothing(project: Project, people: list[User]) -> None:
    patch = make_patch(project)
    Patch.objects.filter(pk=patch.pk).update(state=PatchState.APPROVED)
    with pytest.raises(IntegrityError), transaction.atomic():
        claim_next(project=project, user=people[0])
    assert QueueEntry.objects.get(patch=patch).holder is None
    assert not Event.objects.filter(verb="claimed").exists()


@given(
    st.lists(
        st.sampled_from(["make", "claim", "release", "submit", "approve", "reopen", "add up"]), max_size=12
    )
)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_tallies_are_the_counts_whatever_is_done(verbs: list[str]) -> None:
    project = make_project()
    person = make_member(project)

    def some(*states: PatchState) -> Patch | None:
        return project.patches.filter(state__in=states).first()

    for verb in verbs:
        if verb == "make":
            make_patch(project)
        elif verb == "claim":
            claim_next(project=project, user=person)
        elif verb == "add up":
            add_up_tallies()
        elif verb == "release" and (patch := some(PatchState.CLAIMED)):
            release_claim(patch=patch, user=person)
        elif verb == "submit" and (patch := some(PatchState.UNLABELLED, PatchState.CLAIMED)):
            submit(patch, person)
        elif verb == "approve" and (patch := some(PatchState.UNLABELLED)):
            approve(patch, project.created_by)
        elif verb == "reopen" and (patch := some(PatchState.APPROVED)):
            reopen_patch(patch=patch, user=project.created_by, comment="Look again.")
    assert tallied([project.pk])[project.pk] == counted(project)
    add_up_tallies()
    assert tallied([project.pk])[project.pk] == counted(project)
    assert not PatchTally.objects.filter(project=project).exists()
    project.patches.all().delete()
    assert sum(tallied([project.pk])[project.pk].values()) == 0


@pytest.mark.django_db(transaction=True)
def test_counts_and_claims_are_right_while_everybody_claims_and_counts_are_added_up() -> None:
    project = make_project()
    for score in range(48):
        make_patch(project, score=float(score))
    users = [make_member(project) for _ in range(8)]

    def work(user: User | None) -> list[int]:
        got: list[int] = []
        try:
            for _ in range(6):
                if user is None:
                    add_up_tallies()
                    assert sum(tallied([project.pk])[project.pk].values()) == 48
                else:
                    patch = claim_next(project=project, user=user, besides=got).patch
                    assert patch is not None
                    got.append(patch.pk)
            return got
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        served = [pk for got in pool.map(work, [*users, None, None]) for pk in got]
    assert sorted(served) == sorted(project.patches.values_list("pk", flat=True))
    assert tallied([project.pk])[project.pk] == counted(project)

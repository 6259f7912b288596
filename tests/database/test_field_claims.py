"""Claims for weak links: loading ahead, a day in the field, and a mask that comes late."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from annotator.domain.claims import (
    Lease,
    Outcome,
    claim_for_the_field,
    claim_next,
    claim_patch,
    release_claim,
    renew_claim,
)
from annotator.enums import PatchState, Role
from annotator.errors import ClaimsExhausted
from annotator.models import Event, Patch, Project, QueueEntry, Revision
from tests.factories import (
    client_of,
    make_member,
    make_patch,
    make_project,
    make_user,
    mask_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def user(project: Project) -> User:
    return make_member(project)


def left_of(patch: Patch) -> timedelta:
    expires_at = QueueEntry.objects.get(patch=patch).expires_at
    assert expires_at is not None
    return expires_at - timezone.now()


def test_the_next_patch_is_held_beside_the_one_under_work_for_a_short_time(
    project: Project, user: User, settings
) -> None:  # type: ignore[no-untyped-def]
    first, second, third = (make_patch(project, score=score) for score in (3.0, 2.0, 1.0))
    assert claim_next(project=project, user=user).patch == first
    ahead = claim_next(project=project, user=user, besides=[first.pk], lease=Lease.AHEAD)
    assert ahead.patch == second
    assert left_of(second) <= timedelta(seconds=settings.CLAIM_AHEAD_LEASE_SECONDS) < left_of(first)
    again = claim_next(project=project, user=user, besides=[first.pk], lease=Lease.AHEAD)
    assert again.patch == second, "a lost answer takes nothing more"
    assert claim_next(project=project, user=user).patch == first, "the one under work comes back first"
    assert claim_next(project=project, user=make_member(project)).patch == third


def test_a_patch_that_was_only_loaded_ahead_goes_back_as_if_nobody_had_held_it(
    project: Project, user: User
) -> None:
    first, second = make_patch(project, score=2.0), make_patch(project, score=1.0)
    QueueEntry.objects.filter(patch=first).update(reserved_for=user)
    claim_patch(patch=first, user=user)
    release_claim(patch=first, user=user, is_skipped=False)
    entry = QueueEntry.objects.get(patch=first)
    assert (entry.holder, entry.skipped_by, entry.reserved_for) == (None, None, user)
    assert claim_next(project=project, user=user).patch == first
    assert claim_next(project=project, user=make_member(project)).patch == second


def test_a_day_in_the_field_counts_what_is_held_already_and_takes_nothing_twice(
    project: Project, user: User, settings
) -> None:  # type: ignore[no-untyped-def]
    patches = [make_patch(project, score=float(-n)) for n in range(5)]
    claim_patch(patch=patches[3], user=user)
    taken = claim_for_the_field(project=project, user=user, count=3)
    assert taken == [patches[3].pk, patches[0].pk, patches[1].pk]
    assert set(claim_for_the_field(project=project, user=user, count=3)) == set(taken)
    assert QueueEntry.objects.filter(holder=user).count() == 3
    day = timedelta(seconds=settings.CLAIM_FIELD_LEASE_SECONDS)
    assert all(day - timedelta(minutes=1) < left_of(patches[n]) <= day for n in (0, 1, 3))
    assert Event.objects.filter(verb="claimed", actor=user).count() == 3
    assert len(claim_for_the_field(project=project, user=user, count=30)) == 5, "all that there are"


def test_a_sign_of_life_never_shortens_a_day_in_the_field(project: Project, user: User) -> None:
    patch = make_patch(project)
    claim_for_the_field(project=project, user=user, count=1)
    before = QueueEntry.objects.get(patch=patch).expires_at
    assert renew_claim(patch=patch, user=user) == before
    claim_patch(patch=patch, user=user)
    assert QueueEntry.objects.get(patch=patch).expires_at == before


def test_one_person_holds_so_many_patches_and_no_more(project: Project, user: User, settings) -> None:  # type: ignore[no-untyped-def]
    settings.CLAIMS_PER_PERSON_MAX = 3
    patches = [make_patch(project) for _ in range(5)]
    with pytest.raises(ClaimsExhausted, match="may hold 3 patches"):
        claim_for_the_field(project=project, user=user, count=4)
    assert not QueueEntry.objects.filter(holder=user).exists()
    taken = claim_for_the_field(project=project, user=user, count=3)
    with pytest.raises(ClaimsExhausted):
        claim_next(project=project, user=user, besides=taken)
    release_claim(patch=Patch.objects.get(pk=taken[0]), user=user)
    assert claim_next(project=project, user=user, besides=taken[1:]).outcome == Outcome.CLAIMED
    assert project.patches.filter(state=PatchState.CLAIMED).count() == 3
    assert len(patches) == 5


def test_roles_and_strangers(project: Project, user: User) -> None:
    patch = make_patch(project)
    url = f"/api/v1/projects/{project.slug}/field-claims/"
    answers = {
        client: client_of(client).post(url, {"count": 1}, content_type="application/json")
        for client in (make_user(), make_member(project, Role.ML_STAFF), user)
    }
    assert [answer.status_code for answer in answers.values()] == [404, 403, 200]
    assert answers[user].json() == {"patches": [patch.pk]}
    for wrong in ({}, {"count": 0}, {"count": "many"}):
        assert client_of(user).post(url, wrong, content_type="application/json").status_code == 400
    too_many = client_of(user).post(url, {"count": 999}, content_type="application/json")
    assert (too_many.status_code, too_many.json()["code"]) == (409, "claims-exhausted")


def test_the_api_takes_the_lease_and_what_is_not_asked_for(project: Project, user: User, settings) -> None:  # type: ignore[no-untyped-def]
    first, second = make_patch(project, score=2.0), make_patch(project, score=1.0)
    client = client_of(user)
    url = f"/api/v1/projects/{project.slug}/claims/"
    client.post(url)
    body = {"besides": [first.pk], "lease": "ahead"}
    ahead = client.post(url, body, content_type="application/json").json()
    assert ahead["patch"]["id"] == second.pk
    assert client.post(url, {"lease": "field"}, content_type="application/json").status_code == 400
    heartbeat = f"/api/v1/patches/{second.pk}/heartbeat/"
    assert client.post(heartbeat, {"lease": "ahead"}, content_type="application/json").status_code == 200
    assert left_of(second) <= timedelta(seconds=settings.CLAIM_AHEAD_LEASE_SECONDS)
    assert client.post(heartbeat).status_code == 200
    assert left_of(second) > timedelta(seconds=settings.CLAIM_AHEAD_LEASE_SECONDS)
    release = f"/api/v1/patches/{second.pk}/release/"
    assert client.post(release, {"skipped": False}, content_type="application/json").status_code == 204
    assert QueueEntry.objects.get(patch=second).skipped_by is None


def test_a_mask_that_waited_goes_in_under_its_authors_name_only(project: Project, user: User) -> None:
    patch = make_patch(project)
    other = make_member(project)

    def put(sender: User) -> int:
        return (
            client_of(sender)
            .put(
                f"/api/v1/patches/{patch.pk}/mask/",
                mask_of(1).tobytes(),
                content_type="application/octet-stream",
                headers={"If-Match": '"0"', "Milpa-Person": str(user.pk)},
            )
            .status_code
        )

    assert put(other) == 403
    assert not Revision.objects.exists()
    assert put(user) == 200
    assert Revision.objects.get().author == user

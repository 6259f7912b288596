"""Invitations by link: for new and existing accounts, until they expire, are used up or revoked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotator.domain.invitations import accept_invitation, make_invitation, token_of
from annotator.enums import Role
from annotator.errors import InvitationOver
from annotator.models import Event, Invitation, Membership
from tests.campaigns import Campaign, query_count
from tests.factories import make_user

pytestmark = pytest.mark.django_db
NEW = {"username": "noor", "password1": "maize and beans 7", "password2": "maize and beans 7"}


def invite(campaign: Campaign, role: Role = Role.ANNOTATOR, **more: object) -> Invitation:
    return make_invitation(
        project=campaign.project, user=campaign.people["lead"], role=role, **{"days": 7, **more}
    )  # type: ignore[arg-type]


def link(invitation: Invitation) -> str:
    return reverse("invitation", args=[token_of(invitation)])


def roles_of(user: User) -> set[str]:
    return set(Membership.objects.filter(user=user).values_list("role", flat=True))


def test_a_lead_makes_a_link_and_revokes_it(campaign: Campaign) -> None:
    client, members = campaign.client("lead"), campaign.url("members")
    values = {"role": "annotator", "days": 3, "uses_max": "", "note": "students"}
    page = client.post(reverse("invitation_new", args=[campaign.project.slug]), values, follow=True)
    row = Invitation.objects.get()
    assert f"http://testserver{link(row)}" in page.content.decode()
    assert (row.uses_max, row.made_by) == (None, campaign.people["lead"])
    revoke = reverse("invitation_revoke", args=[campaign.project.slug, row.pk])
    assert "Who has joined by it stays." in client.post(revoke, follow=True).content.decode()
    assert link(row) not in client.get(members).content.decode()
    assert client.get(link(row)).status_code == 410
    assert client.post(reverse("invitation_new", args=[campaign.project.slug]), {}).status_code == 422


def test_a_stranger_with_an_account_joins(campaign: Campaign) -> None:
    row, client = invite(campaign), campaign.client("stranger")
    page = client.get(link(row)).content.decode()
    assert "Valley" in page
    assert "annotator" in page
    assert roles_of(campaign.people["stranger"]) == set(), "looking is not joining"
    assert client.post(link(row))["Location"] == campaign.url("project")
    assert roles_of(campaign.people["stranger"]) == {"annotator"}
    event = Event.objects.get(verb="accepted")
    assert (event.actor, event.facts) == (campaign.people["stranger"], {"role": "annotator"})


def test_somebody_new_makes_an_account_on_the_way(campaign: Campaign, client: Client) -> None:
    row = invite(campaign, Role.LEAD)
    assert client.post(link(row), {**NEW, "password2": "other"}).status_code == 422
    assert client.post(link(row), {**NEW, "password1": "1", "password2": "1"}).status_code == 422
    assert not User.objects.filter(username="noor").exists()
    page = client.post(link(row), NEW, follow=True)
    assert page.status_code == 200
    assert "You are a member of Valley now." in page.content.decode()
    noor = User.objects.get(username="noor")
    assert roles_of(noor) == {"lead"}
    assert not noor.is_staff
    assert Client().post(link(row), NEW | {"username": "second"}).status_code == 410
    assert not User.objects.filter(username="second").exists()


def test_a_person_holds_several_roles(campaign: Campaign) -> None:
    annotator = campaign.people["annotator"]
    for role in Role:
        accept_invitation(invitation=invite(campaign, role), user=annotator)
    assert roles_of(annotator) == set(Role.values)
    again = invite(campaign)
    accept_invitation(invitation=again, user=annotator)
    again.refresh_from_db()
    assert again.uses == 0, "who has the role already uses nothing up"


def test_it_is_for_so_many_people_and_so_long(campaign: Campaign) -> None:
    two = invite(campaign, uses_max=2)
    for _ in range(2):
        accept_invitation(invitation=two, user=make_user())
    with pytest.raises(InvitationOver):
        accept_invitation(invitation=two, user=make_user())
    late = invite(campaign)
    Invitation.objects.filter(pk=late.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(InvitationOver, match="a new one"):
        accept_invitation(invitation=late, user=make_user())


def test_a_link_that_was_not_signed_here_opens_nothing(campaign: Campaign) -> None:
    row, client = invite(campaign), campaign.client("stranger")
    other = invite(campaign, Role.LEAD)
    signature = token_of(row).split("~")[1]
    for token in (str(row.pk), f"{row.pk}~", f"{other.pk}~{signature}", "~~", f"x~{signature}"):
        assert client.post(reverse("invitation", args=[token])).status_code == 404
    assert roles_of(campaign.people["stranger"]) == set()


def test_the_api_makes_lists_and_revokes(campaign: Campaign) -> None:
    client, url = campaign.client("lead"), f"/api/v1/projects/{campaign.project.slug}/invitations/"
    made = client.post(url, {"role": "ml_staff", "uses_max": None}, content_type="application/json")
    assert (made.status_code, made.json()["state"], made.json()["uses_max"]) == (201, "open", None)
    (row,) = client.get(url).json()["results"]
    assert row["url"] == made.json()["url"]
    assert client.post(f"/api/v1/invitations/{row['id']}/revoke/").status_code == 204
    assert client.get(url).json()["results"][0]["state"] == "revoked"
    wrong = client.post(url, {"role": "king", "days": 400}, content_type="application/json").json()
    assert set(wrong["errors"]) == {"role", "days"}


def test_members_take_the_same_queries_however_many_invitations(campaign: Campaign) -> None:
    invite(campaign)
    client = campaign.client("lead")
    before = query_count(client, campaign.url("members"))
    invite(campaign)
    invite(campaign)
    assert query_count(client, campaign.url("members")) == before

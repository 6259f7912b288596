"""Who did what when: every change of a state leaves a row that nobody can change."""

from __future__ import annotations

import csv
import io

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError

from annotator.domain.reviews import reopen_patch, review_patch
from annotator.enums import Verdict
from annotator.models import Event
from tests.campaigns import Campaign, query_count

pytestmark = pytest.mark.django_db


def turn(campaign: Campaign) -> None:
    """The submitted patch is approved and reopened."""
    patch, lead = campaign.patch, campaign.people["lead"]
    review_patch(patch=patch, user=lead, verdict=Verdict.APPROVE, revision_number=1)
    reopen_patch(patch=patch, user=lead, comment="A field was missed.")


@pytest.mark.parametrize(
    "statement", ["UPDATE annotator_event SET verb = 'slept'", "DELETE FROM annotator_event"]
)
def test_the_database_refuses_to_change_or_delete_an_event(campaign: Campaign, statement: str) -> None:
    before = list(Event.objects.values())
    with (
        pytest.raises(DatabaseError, match="only ever added"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert list(Event.objects.values()) == before


def test_neither_does_the_application(campaign: Campaign) -> None:
    event = Event.objects.first()
    assert event is not None
    for forbidden in (event.delete, lambda: Event.objects.update(facts={}), event.save):
        with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
            forbidden()
    with pytest.raises(ProtectedError):
        campaign.project.delete()


def test_a_patch_has_its_timeline_as_page_json_and_csv(campaign: Campaign) -> None:
    turn(campaign)
    client, patch = campaign.client("lead"), campaign.patch
    page = client.get(campaign.url("timeline")).content.decode()
    assert page.index("claimed") < page.index("submitted → approved") < page.index("approved → submitted")
    assert "comment: A field was missed." in page
    told = client.get(f"/api/v1/patches/{patch.pk}/history/").json()["events"]
    assert [row["verb"] for row in told] == ["claimed", "submitted", "approved", "reopened"]
    assert told[2]["actor"] == campaign.people["lead"].username
    answer = client.get(f"/api/v1/patches/{patch.pk}/events.csv").getvalue().decode()
    rows = list(csv.DictReader(io.StringIO(answer)))
    assert [row["verb"] for row in rows] == [row["verb"] for row in told]
    assert rows[3]["facts"] == '{"comment": "A field was missed."}'


def test_a_projects_record_is_narrowed_and_paged(campaign: Campaign) -> None:
    turn(campaign)
    client = campaign.client("ml_staff")
    url = f"/api/v1/projects/{campaign.project.slug}/events"
    whole = client.get(f"{url}/").json()["results"]
    assert [row["id"] for row in whole] == sorted((row["id"] for row in whole), reverse=True)
    own = client.get(f"{url}/", {"actor": campaign.people["annotator"].username, "subject": "patch"}).json()
    assert {row["verb"] for row in own["results"]} == {"claimed", "submitted"}
    first = client.get(f"{url}/?page_size=2").json()
    assert [row["id"] for row in client.get(first["next"]).json()["results"]] == [r["id"] for r in whole[2:4]]
    rows = client.get(f"{url}.csv", {"verb": "approved"}).getvalue().decode().splitlines()
    assert len(rows) == 2


def test_a_timeline_takes_the_same_queries_however_long_it_is(campaign: Campaign) -> None:
    client = campaign.client("lead")
    before = query_count(client, campaign.url("timeline"))
    turn(campaign)
    assert query_count(client, campaign.url("timeline")) == before


@pytest.mark.parametrize("role", ["annotator", "stranger"])
def test_the_record_is_for_leads_and_ml_staff(campaign: Campaign, role: str) -> None:
    client = campaign.client(role)
    wanted = 404 if role == "stranger" else 403
    slug, patch = campaign.project.slug, campaign.patch
    for url in (f"projects/{slug}/events/", f"projects/{slug}/events.csv", f"patches/{patch.pk}/events.csv"):
        assert client.get(f"/api/v1/{url}").status_code == wanted
    assert client.get(campaign.url("timeline")).status_code == wanted

"""How fast a project goes, and when it is done."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, timedelta

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotator.domain.assigning import reassign_patch
from annotator.domain.imports import import_mask
from annotator.domain.reviews import review_patch
from annotator.domain.tallies import add_up_tallies
from annotator.enums import Verdict
from annotator.models import DayTally, PatchWork
from annotator.queries.pace import pace_of
from tests.campaigns import Campaign, query_count
from tests.factories import make_member, make_patch, mask_of, submit


def work(campaign: Campaign, days: int, a_day: int = 1) -> None:
    """So many submissions a day of one more annotator, the last of them yesterday."""
    person = make_member(campaign.project)
    for day in range(1, days + 1):
        for _ in range(a_day):
            patch = make_patch(campaign.project)
            submit(patch, person)
            PatchWork.objects.filter(patch=patch).update(submitted_at=timezone.now() - timedelta(days=day))


@pytest.mark.django_db
def test_days_people_and_what_waits_are_counted(campaign: Campaign) -> None:
    PatchWork.objects.update(submitted_at=timezone.now() - timedelta(days=3))
    work(campaign, 2, a_day=2)
    pace = pace_of(campaign.project.pk, campaign.people["lead"])
    assert len(pace.days) == 3
    assert sorted(pace.by_annotator.values()) == [[0, 2, 2], [1, 0, 0]]
    assert (pace.totals, pace.waiting, pace.forecast) == ([1, 2, 2], 1, None)


def by_looking_at_each(campaign: Campaign) -> dict[tuple[date, str], int]:
    rows = PatchWork.objects.filter(project=campaign.project, is_import=False).values_list(
        "submitted_at", "annotator__username"
    )
    return dict(Counter((at.astimezone(UTC).date(), name) for at, name in rows))


def tallied(campaign: Campaign) -> dict[tuple[date, str], int]:
    rows = DayTally.objects.filter(project=campaign.project).values_list("day", "annotator__username")
    return {(day, name): count for day, name, count in rows.annotate(Sum("patches")) if count}


@pytest.mark.django_db
def test_days_are_tallied_whatever_becomes_of_the_work(campaign: Campaign) -> None:
    work(campaign, 3, a_day=2)
    assert tallied(campaign) == by_looking_at_each(campaign)
    add_up_tallies()
    patch, other = campaign.patch, make_member(campaign.project)
    review_patch(
        patch=patch, user=campaign.people["lead"], verdict=Verdict.RETURN, revision_number=1, comment="No"
    )
    reassign_patch(patch=patch, user=campaign.people["lead"], to=other)
    submit(patch, other)
    PatchWork.objects.exclude(patch=patch).first().delete()  # type: ignore[union-attr]
    rows = DayTally.objects.filter(project=campaign.project).count()
    assert tallied(campaign) == by_looking_at_each(campaign)
    add_up_tallies()
    assert tallied(campaign) == by_looking_at_each(campaign)
    assert DayTally.objects.filter(project=campaign.project).count() < rows
    # The pace is told from them alone.
    with CaptureQueriesContext(connection) as asked:
        pace_of(campaign.project.pk, campaign.people["lead"])
    assert not [one["sql"] for one in asked if "patchwork" in one["sql"]]


@pytest.mark.django_db
def test_tallies_of_a_project_that_is_gone_are_dropped(campaign: Campaign) -> None:
    DayTally.objects.create(project_id=0, day=date(2026, 5, 1), annotator=campaign.people["lead"], patches=3)
    add_up_tallies()
    assert not DayTally.objects.filter(project_id=0).exists()


@pytest.mark.django_db
def test_imported_labels_are_nobodys_pace(campaign: Campaign) -> None:
    work(campaign, 6)
    lead, patches = campaign.people["lead"], [make_patch(campaign.project) for _ in range(4)]
    for patch in patches:
        import_mask(patch=patch, user=lead, mask=mask_of(), approve=False, comment="")
    PatchWork.objects.filter(patch__in=patches).update(submitted_at=timezone.now() - timedelta(days=2))
    before = pace_of(campaign.project.pk, lead)
    assert before.totals == [1] * 6
    assert lead.username not in before.by_annotator
    assert before.forecast is not None
    assert before.forecast.patches_per_day == 1
    # Drawn anew by a person, it is work.
    review_patch(patch=patches[0], user=lead, verdict=Verdict.RETURN, revision_number=1, comment="Redo.")
    submit(patches[0], lead)
    PatchWork.objects.filter(patch=patches[0]).update(submitted_at=timezone.now() - timedelta(days=2))
    after = pace_of(campaign.project.pk, lead)
    assert after.by_annotator[lead.username] == [0, 0, 0, 0, 1, 0]


@pytest.mark.django_db
def test_page_api_and_csv_say_the_same(campaign: Campaign) -> None:
    client, root = campaign.client("lead"), f"/api/v1/projects/{campaign.project.slug}/pace"
    assert "needs five whole days" in client.get(campaign.url("pace")).content.decode()
    work(campaign, 6)
    page = client.get(campaign.url("pace")).content.decode()
    plot = client.get(f"{campaign.url('pace')}plot.svg")
    assert f'src="{campaign.url("pace")}plot.svg"' in page
    assert ">patches submitted<" in plot.content.decode()
    again = client.get(f"{campaign.url('pace')}plot.svg", headers={"if-none-match": plot["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "At 1.0 a day" in page
    told = client.get(f"{root}/").json()
    tomorrow = timezone.now().date() + timedelta(days=1)
    assert told["totals"] == [1] * 6
    assert told["forecast"]["likely"] == tomorrow.isoformat() == told["forecast"]["latest"]
    rows = client.get(f"{root}.csv").getvalue().decode().splitlines()
    assert rows[0] == "day,annotator,submitted"
    assert len(rows) == 7
    before = query_count(client, campaign.url("pace"))
    work(campaign, 6)
    assert query_count(client, campaign.url("pace")) == before

"""How fast a project goes, and when it is done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from annotator.domain.imports import import_mask
from annotator.domain.reviews import review_patch
from annotator.enums import Verdict
from annotator.models import PatchWork
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
    assert "<svg" in page
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

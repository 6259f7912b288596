"""What a lead found in spot checks, by annotator and day."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from annotator.domain.bulk import BulkVerb, Chosen, act_on_patches
from annotator.domain.imports import import_mask
from annotator.domain.reviews import fix_patch, reopen_patch, review_patch
from annotator.domain.spot_checks import draw_spot_checks, pass_spot_check
from annotator.enums import SpotOutcome, Verdict
from annotator.errors import IllegalTransition
from annotator.models import Event, Patch, PatchWork, SpotCheck
from annotator.queries.spot_checks import SpotTally, by_annotator, by_week, spot_tallies
from annotator.web.spot_plot import MOST_ANNOTATORS, spot_plot
from tests.campaigns import Campaign, query_count
from tests.factories import approve, make_member, make_patch, mask_of, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def kim(campaign: Campaign) -> User:
    return make_member(campaign.project)


def draw(campaign: Campaign) -> date:
    """All work so far, as if it were yesterday's."""
    PatchWork.objects.update(submitted_at=timezone.now() - timedelta(days=1))
    day = (timezone.now() - timedelta(days=1)).date()
    draw_spot_checks(project=campaign.project, user=campaign.people["lead"], day=day, per_annotator=50)
    return day


def judge(patch: Patch, lead: User, verdict: Verdict = Verdict.APPROVE) -> None:
    review_patch(patch=patch, user=lead, verdict=verdict, revision_number=1, comment="Look again.")


def outcome(patch: Patch) -> str:
    return SpotCheck.objects.get(patch=patch).outcome


def test_the_first_thing_done_with_a_patch_is_what_its_check_found(campaign: Campaign, kim: User) -> None:
    lead = campaign.people["lead"]
    passed, returned, fixed, waiting = (make_patch(campaign.project) for _ in range(4))
    for patch in (passed, returned, fixed, waiting):
        submit(patch, kim)
    judge(campaign.patch, lead, Verdict.RETURN)
    day = draw(campaign)
    # A verdict from before the draw is none on the check.
    assert outcome(campaign.patch) == SpotOutcome.OPEN
    judge(passed, lead)
    judge(returned, lead, Verdict.RETURN)
    fix_patch(patch=fixed, user=lead, revision_number=1)
    assert [outcome(patch) for patch in (passed, returned, fixed, waiting)] == [
        "passed",
        "returned",
        "fixed",
        "open",
    ]
    # What comes later says nothing of that day's work.
    reopen_patch(patch=passed, user=lead, comment="Look again.")
    judge(passed, lead, Verdict.RETURN)
    assert outcome(passed) == "passed"
    of_kim = SpotTally(day, kim.username, 4, 4, 1, 1, 1, 1)
    assert of_kim in spot_tallies(campaign.project.pk)
    together = by_annotator(spot_tallies(campaign.project.pk))
    assert [one.passed_percent for one in together if one.annotator == kim.username] == [
        pytest.approx(100 / 3)
    ]


def test_what_came_from_a_file_is_not_drawn(campaign: Campaign, kim: User) -> None:
    ours, theirs = make_patch(campaign.project), make_patch(campaign.project)
    submit(ours, kim)
    import_mask(patch=theirs, user=kim, mask=mask_of(), approve=True, comment="")
    day = draw(campaign)
    assert SpotCheck.objects.filter(annotator=kim).values_list("patch", "submitted_that_day").get() == (
        ours.pk,
        1,
    )
    assert SpotTally(day, kim.username, 1, 1, 0, 0, 0, 1) in spot_tallies(campaign.project.pk)


def test_an_approval_in_bulk_settles_no_check(campaign: Campaign, kim: User) -> None:
    lead, approved, returned = (
        campaign.people["lead"],
        make_patch(campaign.project),
        make_patch(campaign.project),
    )
    for patch in (approved, returned):
        submit(patch, kim)
    draw(campaign)
    for patch, verb in ((approved, BulkVerb.APPROVE), (returned, BulkVerb.RETURN)):
        report = act_on_patches(
            project=campaign.project, user=lead, verb=verb, chosen=[Chosen(patch.pk, 1)], comment="The track."
        )
        assert report.done == [patch.pk]
    assert (outcome(approved), outcome(returned)) == ("open", "returned")
    facts = Event.objects.get(subject="patch", subject_id=approved.pk, verb="approved").facts
    assert facts["in_bulk"] is True
    pass_spot_check(patch=approved, user=lead)
    assert outcome(approved) == "passed"


def test_work_that_was_approved_before_it_was_drawn_is_passed_by_a_lead(
    campaign: Campaign, kim: User
) -> None:
    patch = make_patch(campaign.project)
    approve(patch, kim)
    lead = campaign.people["lead"]
    with pytest.raises(IllegalTransition, match="Draw one"):
        pass_spot_check(patch=patch, user=lead)
    draw(campaign)
    with pytest.raises(IllegalTransition, match="Approve or return"):
        pass_spot_check(patch=campaign.patch, user=lead)
    client = campaign.client("lead")
    page = f"/projects/{campaign.project.slug}/review/{patch.pk}/"
    assert "Spot check passed" in client.get(page).content.decode()
    told = client.post(f"{page}spot/", follow=True).content.decode()
    assert "The spot check is passed." in told
    assert "Spot check passed</button>" not in told
    assert outcome(patch) == "passed"
    assert Event.objects.filter(subject_id=patch.pk, verb="spot check passed", actor=lead).count() == 1
    assert client.post(f"/api/v1/patches/{patch.pk}/spot-check/").status_code == 409


def test_the_page_and_its_csv_tell_it_in_as_many_queries(campaign: Campaign, kim: User) -> None:
    draw(campaign)
    client, url = campaign.client("lead"), campaign.url("quality")
    few = query_count(client, url)
    SpotCheck.objects.all().delete()
    campaign.project.spot_draws.all().delete()
    for _ in range(2):
        submit(make_patch(campaign.project), kim)
    day = draw(campaign)
    assert query_count(client, url) == few
    judge(campaign.patch, campaign.people["lead"])
    text = client.get(f"/api/v1{url}spot-checks.csv").content.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {(row["annotator"], row["drawn"], row["passed"], row["open"]) for row in rows} == {
        (campaign.people["annotator"].username, "1", "1", "0"),
        (kim.username, "2", "0", "2"),
    }
    assert {row["day"] for row in rows} == {day.isoformat()}
    page = client.get(url).content.decode()
    assert f"spot_day={day.isoformat()}&amp;annotator={kim.username}" in page


def tally(day: date, name: str, drawn: int = 3, passed: int = 1) -> SpotTally:
    return SpotTally(day, name, 9, drawn, passed, 1, 0, drawn - passed - 1)


def test_days_of_a_week_are_told_together_and_weeks_apart() -> None:
    monday = date(2026, 3, 2)
    days = [
        tally(monday, "ada"),
        tally(monday + timedelta(days=6), "ada"),
        tally(monday + timedelta(days=7), "ada"),
    ]
    weeks = by_week([*days, tally(monday, "kim", 2)])
    assert [(one.day, one.annotator, one.submitted, one.drawn, one.passed, one.open) for one in weeks] == [
        (monday + timedelta(days=7), "ada", 9, 3, 1, 1),
        (monday, "ada", 18, 6, 2, 2),
        (monday, "kim", 9, 2, 1, 0),
    ]
    assert [one.passed_share for one in weeks] == [0.5, 0.5, 0.5]


def test_the_plot_has_the_weeks_without_checks_too_and_says_whom_it_leaves_out() -> None:
    monday = date(2026, 3, 2)
    assert spot_plot(by_week([tally(monday, "ada")])) is None
    people = [f"person{number:02}" for number in range(MOST_ANNOTATORS + 2)]
    rows = [tally(monday, name, 3 + number) for number, name in enumerate(people)]
    plot = spot_plot(by_week([*rows, tally(monday + timedelta(weeks=3), people[-1])]))
    assert plot is not None
    assert plot.weeks == [monday + timedelta(weeks=n) for n in range(4)]
    assert (plot.rows[-1][0], plot.left_out) == (people[-1], 2)
    assert [one and one.drawn for one in plot.rows[-1][1]] == [MOST_ANNOTATORS + 4, None, None, 3]


def test_outcomes_over_time_are_a_plot_and_a_table(campaign: Campaign, kim: User) -> None:
    submit(make_patch(campaign.project), kim)
    draw(campaign)
    client, url = campaign.client("lead"), campaign.url("quality")
    assert "spot-checks.svg" not in client.get(url).content.decode()
    assert "Nothing to show yet" in client.get(f"{url}spot-checks.svg").content.decode()
    before = campaign.project.spot_draws.get()
    before.pk, before.day = None, before.day - timedelta(weeks=2)
    before.save()
    SpotCheck.objects.create(draw=before, patch=campaign.patch, annotator=kim, submitted_that_day=4)
    judge(campaign.patch, campaign.people["lead"], Verdict.RETURN)
    assert f'src="{url}spot-checks.svg"' in client.get(url).content.decode()
    svg = client.get(f"{url}spot-checks.svg")
    assert svg["Content-Type"] == "image/svg+xml"
    assert {kim.username, campaign.people["annotator"].username, "returned", "not looked at"} <= set(
        re.findall(r">([^<>]+)</text>", svg.content.decode())
    )
    rows = list(csv.DictReader(client.get(f"/api/v1{url}spot-weeks.csv").getvalue().decode().splitlines()))
    newest = {(row["annotator"], row["drawn"], row["passed_share"]) for row in rows[:2]}
    assert newest == {(campaign.people["annotator"].username, "1", "0.0"), (kim.username, "1", "")}
    assert (rows[2]["annotator"], len(rows)) == (kim.username, 3)
    assert rows[2]["week"] == (before.day - timedelta(days=before.day.weekday())).isoformat()
    told = client.get(f"/api/v1{url}").json()["spot_check_weeks"]
    assert [one["week"] for one in told] == [row["week"] for row in rows]

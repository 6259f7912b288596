"""Comments on places of a patch, and patches that a reviewer draws."""

from __future__ import annotations

import pytest

from annotator.domain.claims import claim_next
from annotator.domain.pins import Pin
from annotator.domain.reviews import fix_patch, review_patch
from annotator.enums import Verdict
from annotator.errors import CommentMissing, RevisionConflict
from annotator.models import Event, Patch, PinnedComment, Review
from tests.campaigns import Campaign, query_count
from tests.factories import submit

pytestmark = pytest.mark.django_db


def send_back(campaign: Campaign, *pins: Pin, comment: str = "") -> None:
    review_patch(
        patch=campaign.patch,
        user=campaign.people["lead"],
        verdict=Verdict.RETURN,
        revision_number=1,
        comment=comment,
        pins=pins,
    )


def test_what_is_said_at_places_is_comment_enough(campaign: Campaign) -> None:
    send_back(campaign, Pin(3, 250, " The track "), Pin(9, 9, "Two fields"))
    assert Review.objects.get().comment == "The track\nTwo fields"
    pins = campaign.client("annotator").get(f"/api/v1/patches/{campaign.patch.pk}/").json()["pins"]
    assert [(pin["x"], pin["y"], pin["text"]) for pin in pins] == [
        (3, 250, "The track"),
        (9, 9, "Two fields"),
    ]
    assert pins[0]["author"] == campaign.people["lead"].username


def test_a_place_without_a_word_sends_nothing_back(campaign: Campaign) -> None:
    with pytest.raises(CommentMissing, match="each place"):
        send_back(campaign, Pin(3, 5, "  "), comment="Look again")
    campaign.patch.refresh_from_db()
    assert campaign.patch.state == "submitted"
    assert not PinnedComment.objects.exists()


def test_the_annotator_answers_and_calls_it_done(campaign: Campaign) -> None:
    send_back(campaign, Pin(3, 5, "The track"))
    client, pin = campaign.client("annotator"), PinnedComment.objects.get()
    empty = client.post(f"/api/v1/pins/{pin.pk}/answer/", {"text": " "}, content_type="application/json")
    assert empty.status_code == 400
    answer = client.post(
        f"/api/v1/pins/{pin.pk}/answer/", {"text": "Where?"}, content_type="application/json"
    )
    assert (answer.json()["answer"], answer.json()["is_resolved"]) == ("Where?", False)
    for _ in range(2):
        assert client.post(f"/api/v1/pins/{pin.pk}/resolve/").json()["is_resolved"]
    assert client.get(f"/api/v1/patches/{campaign.patch.pk}/").json()["pins"] == []
    verbs = list(Event.objects.filter(subject="patch").order_by("pk").values_list("verb", flat=True))
    assert verbs[-2:] == ["comment answered", "comment resolved"]


def test_comments_on_an_earlier_revision_stay_until_they_are_done(campaign: Campaign) -> None:
    send_back(campaign, Pin(3, 5, "The track"))
    submit(campaign.patch, campaign.people["annotator"])
    told = campaign.client("lead").get(f"/api/v1/patches/{campaign.patch.pk}/").json()
    assert (told["state"], len(told["pins"])) == ("submitted", 1)


def test_the_api_takes_places_with_the_verdict(campaign: Campaign) -> None:
    client, url = campaign.client("lead"), f"/api/v1/patches/{campaign.patch.pk}/review/"
    body = {"verdict": "return", "revision": 1, "pins": [{"x": 256, "y": 0, "text": "x"}]}
    assert client.post(url, body, content_type="application/json").status_code == 400
    body["pins"] = [{"x": 255, "y": 0, "text": "x"}]
    assert client.post(url, body, content_type="application/json").json()["pins"][0]["x"] == 255


def test_a_reviewer_draws_the_next_revision(campaign: Campaign) -> None:
    lead, patch = campaign.people["lead"], campaign.patch
    with pytest.raises(RevisionConflict):
        fix_patch(patch=patch, user=lead, revision_number=4)
    assert Patch.objects.get(pk=patch.pk).state == "submitted"
    assert fix_patch(patch=patch, user=lead, revision_number=1).state == "claimed"
    assert claim_next(project=campaign.project, user=lead).patch == patch
    revision = submit(patch, lead)
    assert (revision.number, revision.author) == (2, lead)
    verbs = Event.objects.filter(subject="patch", subject_id=patch.pk).order_by("pk")
    assert list(verbs.values_list("verb", flat=True)) == [
        "claimed",
        "submitted",
        "returned",
        "claimed",
        "submitted",
    ]


def test_a_patch_takes_the_same_queries_however_many_comments(campaign: Campaign) -> None:
    send_back(campaign, Pin(1, 1, "one"))
    url, client = f"/api/v1/patches/{campaign.patch.pk}/", campaign.client("annotator")
    before = query_count(client, url)
    for number in range(2):
        PinnedComment.objects.create(
            revision=PinnedComment.objects.earliest("pk").revision,
            author=campaign.people["lead"],
            x=number,
            y=2,
            text="more",
        )
    assert query_count(client, url) == before

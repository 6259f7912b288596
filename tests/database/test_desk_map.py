"""The desk's map far out, and the rows of work that it is counted from."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotator.api import desk_tiles
from annotator.domain.claims import claim_next, claim_patch, release_claim
from annotator.domain.reviews import reopen_patch
from annotator.imagery import patch_tiles
from annotator.models import Patch, PatchWork
from tests.campaigns import Campaign
from tests.database.test_desk import returned
from tests.database.test_patch_tiles import features
from tests.factories import approve, make_member, make_patch, submit

pytestmark = pytest.mark.django_db


def assert_work_is_where_its_patches_are() -> None:
    of_work = PatchWork.objects.order_by("pk").values_list("pk", "quadkey", "state")
    patches = Patch.objects.filter(pk__in=PatchWork.objects.values("pk")).order_by("pk")
    assert list(of_work) == list(patches.values_list("pk", "quadkey", "state"))
    assert of_work


def test_work_has_the_state_of_its_patch_whatever_becomes_of_it(campaign: Campaign) -> None:
    kim, lead = make_member(campaign.project), campaign.people["lead"]
    first, second = make_patch(campaign.project), make_patch(campaign.project)
    returned(first, kim)
    assert_work_is_where_its_patches_are()
    claim_patch(patch=first, user=kim)
    assert_work_is_where_its_patches_are()
    release_claim(patch=first, user=kim)
    assert_work_is_where_its_patches_are()
    submit(first, kim)
    approve(second, kim)
    assert_work_is_where_its_patches_are()
    reopen_patch(patch=second, user=lead, comment="Look again.")
    claim_next(project=campaign.project, user=lead)
    assert_work_is_where_its_patches_are()
    Patch.objects.update(state="approved")
    assert_work_is_where_its_patches_are()


def far_tile(campaign: Campaign, folder: Path, **query: object) -> tuple[int, bool]:
    """How many submitted patches a tile counts that the campaign lies in, and whether it says that there are more."""
    campaign.project.patch_zoom = campaign.patch.z
    campaign.project.save()
    z, x, y = campaign.patch.z - 12, campaign.patch.x >> 12, campaign.patch.y >> 12
    answer = campaign.client("lead").get(f"/tiles/projects/{campaign.project.slug}/desk/{z}/{x}/{y}", query)
    body = gzip.decompress(answer.content) if answer.headers.get("Content-Encoding") else answer.content
    told = [one for one, _ in features(body, folder)]
    return sum(one["submitted"] or 0 for one in told), any(one.get("cut") for one in told)  # type: ignore[misc]


def test_far_out_a_tile_says_where_it_counts_no_further(
    campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kim = make_member(campaign.project)
    for _ in range(3):
        submit(make_patch(campaign.project), kim)
    choices = (
        {"annotator": kim.username},
        {"state": "submitted", "age_max": 1},
        {"annotator": kim.username, "age_max": 1},
    )
    counts: dict[str, int] = {}
    for query in choices:
        counts[str(query)], is_cut = far_tile(campaign, tmp_path, **query)
        assert counts[str(query)] >= 3
        assert not is_cut
    monkeypatch.setattr(desk_tiles, "MOST_OF_WORK", 2)
    monkeypatch.setattr(patch_tiles, "MOST_COUNTED", 2)
    for query in choices:
        assert far_tile(campaign, tmp_path, **query) == (3, True)
        assert far_tile(campaign, tmp_path, whole=1, **query) == (counts[str(query)], False)
    # Kept counts are whole, however many there are.
    assert far_tile(campaign, tmp_path, state="submitted") == (4, False)


def test_of_one_persons_work_the_map_and_the_count_read_no_patch(campaign: Campaign, tmp_path: Path) -> None:
    name = campaign.people["annotator"].username
    with CaptureQueriesContext(connection) as asked:
        far_tile(campaign, tmp_path, annotator=name, state="submitted")
    (tile,) = (one["sql"] for one in asked if "ST_AsMVT" in one["sql"])
    assert "annotator_patchwork" in tile
    assert 'annotator_patch"' not in tile
    with CaptureQueriesContext(connection) as asked:
        answer = campaign.client("lead").get(
            f"/api/v1/projects/{campaign.project.slug}/desk/", {"annotator": name}
        )
    assert answer.json()["count_up_to_1000"] == len(answer.json()["results"]) == 1
    (count,) = (one["sql"] for one in asked if "LIMIT 1000" in one["sql"])
    assert 'annotator_patch"' not in count

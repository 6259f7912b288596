"""Parcels and patches by OGC API Features, as other programs read them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from django.test import Client
from rest_framework.authtoken.models import Token

from annotator.domain.annotations import save_mask
from annotator.domain.claims import claim_patch
from annotator.domain.gold import mark_gold
from annotator.domain.parcels import draw_wanted_parcels
from annotator.domain.reviews import review_patch
from annotator.enums import Role, Verdict
from annotator.models import Parcel, Project
from tests.campaigns import Campaign
from tests.factories import approve, make_member, make_patch, make_project, make_proposal

GEOJSON = "application/geo+json"


@pytest.fixture
def project(db: None) -> Project:
    """Six fields in three patches, all told apart by boundary."""
    project = make_project(name="Reading valley")
    mask = np.full((256, 256), 1, np.uint8)
    mask[120:124], mask[:, 254:] = 2, 0
    for column in range(3):
        approve(make_patch(project, 4000 + column), project.created_by, mask)
    draw_wanted_parcels(project.pk)
    return project


@pytest.fixture
def client(project: Project) -> Client:
    client = Client()
    client.force_login(project.created_by)
    return client


def url(project: Project, path: str = "") -> str:
    return f"/ogc/projects/{project.slug}{path}"


def items(client: Client, address: str) -> dict[str, Any]:
    response = client.get(address)
    assert (response.status_code, response["Content-Type"]) == (200, GEOJSON), response.content
    document: dict[str, Any] = response.json()
    return document


def pages(client: Client, address: str) -> Iterator[dict[str, Any]]:
    while address:
        page = items(client, address)
        yield page
        following = [link["href"] for link in page["links"] if link["rel"] == "next"]
        address = following[0] if following else ""


def test_one_finds_the_way_by_links_alone(client: Client, project: Project):
    landing = client.get(url(project)).json()
    links = {link["rel"]: link["href"] for link in landing["links"]}
    assert landing["title"] == "Reading valley"
    assert client.get(links["service-desc"]).status_code == 200
    assert all("ogcapi-features-1" in part for part in client.get(links["conformance"]).json()["conformsTo"])
    collections = client.get(links["data"]).json()["collections"]
    assert [one["id"] for one in collections] == ["parcels", "patches"]
    for one in collections:
        hrefs = {link["rel"]: link["href"] for link in one["links"]}
        assert client.get(hrefs["self"]).json() == one
        ((west, south, east, north),) = one["extent"]["spatial"]["bbox"]
        features = items(client, hrefs["items"])["features"]
        bounds = shapely.total_bounds([shapely.geometry.shape(f["geometry"]) for f in features])
        assert bounds == pytest.approx([west, south, east, north])
        first = features[0]
        assert items(client, f"{hrefs['items']}/{first['id']}")["properties"] == first["properties"]


def test_pages_have_every_feature_once(client: Client, project: Project):
    found = list(pages(client, url(project, "/collections/parcels/items?limit=4")))
    assert [page["numberReturned"] for page in found] == [4, 2]
    assert {page["numberMatched"] for page in found} == {6}
    ids = [feature["id"] for page in found for feature in page["features"]]
    assert ids == list(Parcel.objects.order_by("pk").values_list("pk", flat=True))


def test_what_is_said_of_a_parcel(client: Client, project: Project):
    feature = items(client, url(project, "/collections/parcels/items?limit=1"))["features"][0]
    parcel = Parcel.objects.get(pk=feature["id"])
    expected = {
        "class": "field",
        "value": 1,
        "area_m2": round(parcel.area_m2, 2),
        "origin": "drawn",
        "kept_share": None,
        "confidence": None,
        "people": [project.created_by.username],
        "model_versions": [],
        "corrected_by": [],
    }
    assert expected.items() <= feature["properties"].items()


def test_a_box_and_a_time_choose(client: Client, project: Project):
    address = url(project, "/collections/patches/items")
    every = items(client, address)["features"]
    west, south, east, north = shapely.geometry.shape(every[0]["geometry"]).buffer(-1e-5).bounds
    (one,) = items(client, f"{address}?bbox={west},{south},{east},{north}")["features"]
    assert one["id"] == every[0]["id"]
    assert not items(client, f"{address}?bbox=0,0,1,1")["features"]
    parcels = url(project, "/collections/parcels/items")
    assert not items(client, f"{parcels}?datetime=../2000-01-01")["features"]
    assert len(items(client, f"{parcels}?datetime=2000-01-01T00:00:00Z/..")["features"]) == 6


def test_parcels_are_chosen_by_what_is_said_of_them(client: Client, project: Project):
    lead, corrected = project.created_by, make_patch(project, 4100)
    proposal = make_proposal(corrected, value=0)
    claim_patch(patch=corrected, user=lead)
    mask = np.full((256, 256), 0, np.uint8)
    mask[:100] = 1
    revision = save_mask(patch=corrected, user=lead, mask=mask, base_number=0, submit=True, proposal=proposal)
    review_patch(patch=corrected, user=lead, verdict=Verdict.APPROVE, revision_number=revision.number)
    draw_wanted_parcels(project.pk)
    address = url(project, "/collections/parcels/items")
    (one,) = items(client, f"{address}?origin=corrected&value=1")["features"]
    assert one["properties"]["corrected_by"] == [lead.username]
    areas = sorted(feature["properties"]["area_m2"] for feature in items(client, address)["features"])
    limit = (areas[-1] + areas[-2]) / 2
    matched = [items(client, f"{address}?{query}")["numberMatched"] for query in (
        f"area_m2_min={limit}", f"area_m2_max={limit}", "value=2", "confidence_min=0.5", "origin=")]  # fmt: skip
    assert matched == [1, 6, 0, 0, 7]
    refused = client.get(url(project, "/collections/patches/items?origin=drawn"))
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["origin"])


def test_a_gold_patch_is_to_an_annotator_as_if_nobody_had_drawn_it(client: Client, project: Project):
    gold = project.patches.order_by("pk").first()
    assert gold is not None
    mark_gold(patch=gold, user=project.created_by)
    annotator = Client()
    annotator.force_login(make_member(project, Role.ANNOTATOR))
    parcels = url(project, "/collections/parcels/items")
    assert items(client, parcels)["numberMatched"] == 6
    assert items(annotator, parcels)["numberMatched"] == 4
    hidden = Parcel.objects.filter(pieces__patch=gold).first()
    assert hidden is not None
    assert annotator.get(f"{parcels}/{hidden.pk}").status_code == 404
    told = items(annotator, url(project, f"/collections/patches/items/{gold.pk}"))
    assert told["properties"]["state"] == "unlabelled"


@pytest.mark.parametrize(
    "query",
    ["bbox=1,2,3", "bbox=a,b,c,d", "bbox=3,0,1,1", "bbox=nan,0,1,1", "limit=0", "limit=many", "datetime=soon",
     "datetime=2000-13-45", "after=-1", "colour=red",
     "origin=guessed", "confidence_min=2", "value=x", "limit=99999999999999999999999"],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_a_reason(client: Client, project: Project, query: str):
    response = client.get(url(project, f"/collections/parcels/items?{query}"))
    assert response.status_code == 400
    assert query.partition("=")[0] in response.json()["errors"]


def test_boxes_beyond_the_map_are_taken(client: Client, project: Project):
    address = url(project, "/collections/parcels/items?bbox=-180,-90,180,90")
    assert items(client, address)["numberMatched"] == 6


@pytest.mark.parametrize(
    ("role", "status"),
    [("lead", 200), ("annotator", 200), ("ml_staff", 200), ("stranger", 404), ("anonymous", 403)],
)
def test_features_are_for_members(campaign: Campaign, role: str, status: int):
    client = campaign.client(role)
    patch = campaign.patch.pk
    for path in ("", "/", "/conformance", "/collections", "/collections/patches", "/collections/patches/items",
                 f"/collections/patches/items/{patch}"):  # fmt: skip
        assert client.get(url(campaign.project, path)).status_code == status, path


def test_features_of_another_project_are_not_found(client: Client, project: Project):
    other = make_patch(make_project())
    assert client.get(url(project, f"/collections/patches/items/{other.pk}")).status_code == 404
    assert client.get(url(project, "/collections/scenes/items")).status_code == 404


@pytest.mark.parametrize("path", ["/collections", "/collections/parcels/items"])
def test_the_queries_do_not_grow_with_the_parcels(
    client: Client, project: Project, path: str, django_assert_max_num_queries: Any
):
    with django_assert_max_num_queries(8):
        client.get(url(project, path))


# GDAL keeps the interpreter to itself while it waits, so that no server could answer it in the same process.
READER = """
import json, sys, numpy, pyogrio, shapely
source, headers = sys.argv[1:]
pyogrio.set_gdal_config_options({"GDAL_HTTP_HEADER_FILE": headers, "GDAL_HTTP_TIMEOUT": 20})
layers = [name for name, _ in pyogrio.list_layers(source)]
facts, _, outlines, columns = pyogrio.raw.read(source, layer="parcels", PAGE_SIZE="4")
named = dict(zip(facts["fields"].tolist(), columns))
valid = shapely.is_valid(shapely.from_wkb(outlines)).all()
print(json.dumps({"layers": layers, "areas_m2": named["area_m2"].tolist(), "valid": bool(valid)}))
"""


@pytest.mark.django_db(transaction=True)
def test_gdal_reads_a_project_by_its_address_with_a_token(project: Project, live_server: Any, tmp_path: Path):
    token = Token.objects.create(user=make_member(project, Role.ANNOTATOR))
    headers = tmp_path / "headers.txt"
    headers.write_text(f"Authorization: Token {token.key}\n")
    source = f"OAPIF:{live_server.url}{url(project)}"
    reader = [sys.executable, "-c", READER, source, str(headers)]
    read = subprocess.run(reader, capture_output=True, text=True, timeout=60, check=False)
    assert read.returncode == 0, read.stderr
    found = json.loads(read.stdout)
    assert set(found["layers"]) == {"parcels", "patches"}
    assert sorted(found["areas_m2"]) == sorted(round(one.area_m2, 2) for one in Parcel.objects.all())
    assert found["valid"]

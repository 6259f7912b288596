"""The forms of the pages: bad input becomes a sentence, and nothing that was written is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from annotator.domain.projects import add_member
from annotator.enums import Role, SceneState
from annotator.models import Membership, Project, Scene
from tests.campaigns import Campaign
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_a_scene_that_cannot_be_used_gives_a_sentence_and_loses_nothing(campaign: Campaign) -> None:
    upload = SimpleUploadedFile("notes.tif", b"these are my notes")
    data = {"file": upload, "name": "My notes", "acquired_on": "2023-05-01"}
    response = campaign.client("lead").post(campaign.url("scene_new"), data)
    page = response.content.decode()
    assert response.status_code == 422
    assert response.context["form"].non_field_errors()
    assert 'value="My notes"' in page
    assert 'value="2023-05-01"' in page
    assert "choose it again" in page
    assert Scene.objects.count() == 1


def test_a_scene_needs_a_file_or_a_source(campaign: Campaign) -> None:
    response = campaign.client("lead").post(campaign.url("scene_new"), {"name": "Empty"})
    assert response.status_code == 422
    assert "one of the two" in response.content.decode()


def test_a_scene_is_added_by_path(
    campaign: Campaign, landscape_tif: tuple[Path, Path], tmp_path: Path
) -> None:
    source = tmp_path / "october.tif"
    source.write_bytes(landscape_tif[0].read_bytes())
    response = campaign.client("lead").post(campaign.url("scene_new"), {"source": str(source)}, follow=True)
    assert "october is being prepared" in response.content.decode()
    assert Scene.objects.get(name="october").state == SceneState.PENDING


def display_fields(**changed: object) -> dict[str, object]:
    fields: dict[str, object] = {"name": "October", "acquired_on": "2022-10-03"}
    for number, channel in enumerate(("red", "green", "blue"), start=1):
        fields |= {f"{channel}_band": number, f"{channel}_low": 0, f"{channel}_high": 255}
    return fields | changed


def test_leads_change_how_a_scene_is_shown(campaign: Campaign) -> None:
    data = display_fields(red_band=3, red_low=10.5, name="October, false colour")
    response = campaign.client("lead").post(campaign.url("scene"), data)
    assert response["Location"] == campaign.url("scene")
    campaign.scene.refresh_from_db()
    assert campaign.scene.display_bands == [3, 2, 3]
    assert campaign.scene.stretch[0] == [10.5, 255]
    assert campaign.scene.name == "October, false colour"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"red_low": 300}, "each low below its high"),
        ({"green_high": "bright"}, "Enter a number."),
        ({"blue_band": 4}, "Select a valid choice."),
    ],
)
def test_a_display_that_cannot_be_is_explained(campaign: Campaign, changed: dict, sentence: str) -> None:  # type: ignore[type-arg]
    response = campaign.client("lead").post(campaign.url("scene"), display_fields(**changed))
    assert response.status_code == 422
    assert sentence in response.content.decode()
    campaign.scene.refresh_from_db()
    assert campaign.scene.stretch == [[0, 255]] * 3


def test_only_leads_change_a_display(campaign: Campaign) -> None:
    assert campaign.client("annotator").post(campaign.url("scene"), display_fields()).status_code == 403
    page = campaign.client("annotator").get(campaign.url("scene")).content.decode()
    assert "How it is shown" not in page


def test_members_are_added_and_removed(campaign: Campaign) -> None:
    client, newcomer = campaign.client("lead"), make_user("nandi")
    url = campaign.url("members")
    page = client.post(url, {"username": "nandi", "role": "annotator"}, follow=True).content.decode()
    assert "nandi has the role annotator now." in page
    membership = Membership.objects.get(user=newcomer)
    remove = reverse("member_remove", args=[campaign.project.slug, membership.pk])
    assert "nandi no longer has the role annotator." in client.post(remove, follow=True).content.decode()
    assert not Membership.objects.filter(user=newcomer).exists()


def test_an_unknown_member_is_explained_and_kept_in_the_form(campaign: Campaign) -> None:
    response = campaign.client("lead").post(campaign.url("members"), {"username": "nobdy", "role": "lead"})
    page = response.content.decode()
    assert response.status_code == 422
    assert "There is no user called “nobdy”." in page
    assert 'value="nobdy"' in page
    assert '<option value="lead" selected>' in page


def test_the_last_lead_stays(campaign: Campaign) -> None:
    membership = campaign.project.memberships.get(role=Role.LEAD)
    remove = reverse("member_remove", args=[campaign.project.slug, membership.pk])
    page = campaign.client("lead").post(remove, follow=True).content.decode()
    assert "A project needs a lead." in page
    add_member(project=campaign.project, user=campaign.people["annotator"], role=Role.LEAD)
    assert campaign.client("lead").post(remove)["Location"] == "/"


NEW = "/projects/new/"


def project_fields(**changed: object) -> dict[str, object]:
    """What a browser sends for the form as it is first shown, with a name."""
    fields: dict[str, object] = {"name": "Kisumu", "boundary": "2"}
    fields |= {"legend-TOTAL_FORMS": 16, "legend-INITIAL_FORMS": 16}
    for row, name in enumerate(["other", "field", "boundary", "trees", *[""] * 12]):
        fields |= {f"legend-{row}-name": name, f"legend-{row}-color": f"#00{row:02x}ff"}
    return fields | changed


def test_a_project_is_set_up_with_the_default_legend(campaign: Campaign) -> None:
    client = campaign.client("stranger")
    page = client.get(NEW).content.decode()
    assert 'value="buildings"' in page
    response = client.post(NEW, project_fields(description="Maize and beans", patch_zoom="16"))
    project = Project.objects.get(name="Kisumu")
    assert response["Location"] == reverse("scene_new", args=[project.slug])
    legend = [(c.value, c.name, c.color, c.is_boundary) for c in project.label_classes.all()]
    assert legend[:3] == [
        (0, "other", "#0000ff", False),
        (1, "field", "#0001ff", False),
        (2, "boundary", "#0002ff", True),
    ]
    assert (len(legend), project.patch_zoom, project.description) == (4, 16, "Maize and beans")
    assert project.memberships.get().role == Role.LEAD
    assert project.memberships.get().user == campaign.people["stranger"]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"name": ""}, "This field is required."),
        ({"patch_zoom": "30"}, "less than or equal to 22"),
        ({"legend-1-name": ""}, "Row 1 of the legend has no name"),
        ({"legend-1-name": "Other"}, "Two classes have the same name"),
        ({"legend-2-color": "red"}, "Write the colour as #rrggbb."),
        ({"boundary": "9"}, "The row chosen as the boundary class has no name."),
        ({f"legend-{row}-name": "" for row in range(1, 4)} | {"boundary": ""}, "between 2 and 16 classes"),
        ({"area_of_interest": "{"}, "This is not JSON"),
        ({"area_of_interest": "[1, 2]"}, "This is JSON, but not GeoJSON"),
        (
            {"area_of_interest": json.dumps({"type": "Point", "coordinates": [1, 2]})},
            "The GeoJSON has a Point; only polygons",
        ),
        (
            {"area_of_interest": json.dumps({"type": "Polygon", "coordinates": [[[1, 2], [3, 4]]]})},
            "do not make a polygon",
        ),
        (
            {"area_of_interest": json.dumps({"type": "FeatureCollection", "features": []})},
            "The GeoJSON has no polygon.",
        ),
        (
            {
                "area_of_interest": json.dumps(
                    {"type": "Polygon", "coordinates": [[[0, 0], [500, 0], [500, 9], [0, 0]]]}
                )
            },
            "longitude and latitude",
        ),
        (
            {
                "area_of_interest": json.dumps(
                    {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]]}
                )
            },
            "without crossing lines",
        ),
    ],
)
def test_a_project_that_cannot_be_is_explained_and_kept(
    campaign: Campaign, changed: dict[str, object], sentence: str
) -> None:
    fields = project_fields(description="Kept as it was") | changed
    response = campaign.client("stranger").post(NEW, fields)
    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in page
    assert 'role="alert"' in page
    assert "Kept as it was" in page
    assert 'value="trees"' in page or fields["legend-3-name"] == ""
    assert not Project.objects.filter(name="Kisumu").exists()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda polygon: polygon,
        lambda polygon: {"type": "Feature", "properties": {}, "geometry": polygon},
        lambda polygon: {"type": "GeometryCollection", "geometries": [polygon, polygon]},
        lambda polygon: {
            "type": "FeatureCollection",
            "features": [{"type": "Feature", "properties": {}, "geometry": polygon}],
        },
    ],
)
def test_any_geojson_with_a_polygon_is_an_area(campaign: Campaign, wrap) -> None:  # type: ignore[no-untyped-def]
    polygon = {"type": "Polygon", "coordinates": [[[34, 0], [35, 0], [35, 1], [34, 1], [34, 0]]]}
    campaign.client("stranger").post(NEW, project_fields(area_of_interest=json.dumps(wrap(polygon))))
    area = Project.objects.get(name="Kisumu").area_of_interest
    assert area.extent == (34, 0, 35, 1)
    assert area.geom_type == "MultiPolygon"


def test_projects_are_set_up_by_those_who_may(campaign: Campaign) -> None:
    for send in (campaign.client("lead").get, campaign.client("lead").post):
        response = send(NEW)
        assert response.status_code == 403
        assert "You may not add projects." in response.content.decode()


def test_a_form_from_another_tab_session_is_turned_away_kindly(campaign: Campaign) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(campaign.people["lead"])
    response = strict.post(campaign.url("members"), {"username": "lina", "role": "annotator"})
    assert response.status_code == 403
    assert "send the form once more" in response.content.decode()

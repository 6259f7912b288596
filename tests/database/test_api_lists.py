"""Lists of the API: what a page costs, what it carries, and what narrows it."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.live_server_helper import LiveServer
from rest_framework.authtoken.models import Token

from annotator.domain.exports import request_export
from annotator.domain.projects import add_member
from annotator.enums import ExportKind, Role
from annotator.models import Event, Scene
from annotator.queries.access import member_roles
from milpa import Client as Milpa
from tests.factories import approve, client_of, make_patch, make_project, make_scene, make_user

pytestmark = pytest.mark.django_db


def test_a_list_of_projects_costs_the_same_however_many_there_are() -> None:
    person = make_user()
    client = client_of(person)

    def add_project() -> None:
        project = make_project(lead=person)
        add_member(project=project, user=person, role=Role.ANNOTATOR)
        make_scene(project)
        make_patch(project)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get("/api/v1/projects/").status_code == 200
        return len(asked)

    add_project()
    alone = queries()
    for _ in range(3):
        add_project()
    assert queries() == alone < 15
    make_project(name="Of others")
    rows = client.get("/api/v1/projects/").json()["results"]
    assert len(rows) == 4
    whole = client.get(f"/api/v1/projects/{rows[0]['slug']}/").json()
    assert rows[0] == {key: whole[key] for key in rows[0]}
    assert set(whole) - set(rows[0]) == {"scenes", "area_of_interest"}
    assert (rows[0]["roles"], rows[0]["promoted_version"]) == (["annotator", "lead"], 1)
    assert rows[0]["bounds"] == pytest.approx([77, 19, 77.1, 19.1])
    assert rows[0]["patch_counts"]["unlabelled"] == 1


def test_exports_are_told_without_what_they_are_made_of() -> None:
    project = make_project()
    client = client_of(project.created_by)
    revisions = [approve(make_patch(project, column), project.created_by).pk for column in (1, 2)]
    export = request_export(project=project, user=project.created_by, kind=ExportKind.STAC)
    for path in (f"projects/{project.slug}/exports/", f"exports/{export.pk}/"):
        with CaptureQueriesContext(connection) as asked:
            told = client.get(f"/api/v1/{path}").json()
        row = told["results"][0] if "results" in told else told
        assert (row["total"], "revisions" in row) == (2, False)
        assert not any('"annotator_export"."revisions"' in query["sql"] for query in asked)
    told = client.get(row["revisions_url"]).json()
    assert told == {"fingerprint": export.fingerprint, "revisions": revisions}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["wet", "dry", "none"]),
        ("?state=ready", ["wet", "dry"]),
        ("?state=failed", ["none"]),
        ("?acquired_from=2022-06-01", ["wet"]),
        ("?acquired_from=2022-01-01&acquired_to=2022-05-31", ["dry"]),
        ("?bbox=77.05,19.05,78,20", ["wet", "dry"]),
        ("?bbox=0,0,1,1&state=", []),
    ],
)
def test_scenes_are_found_by_state_day_and_place(query: str, found: list[str]) -> None:
    project = make_project()
    for name, day in (("none", None), ("dry", date(2022, 3, 1)), ("wet", date(2022, 9, 1))):
        scene = make_scene(project)
        state, footprint = ("ready", scene.footprint) if day else ("failed", None)
        Scene.objects.filter(pk=scene.pk).update(name=name, acquired_on=day, state=state, footprint=footprint)
    answer = client_of(project.created_by).get(f"/api/v1/projects/{project.slug}/scenes/{query}")
    assert [scene["name"] for scene in answer.json()["results"]] == found


def test_work_is_found_by_its_state_and_kind() -> None:
    project = make_project()
    client, lead = client_of(project.created_by), project.created_by
    approve(make_patch(project), lead)
    for kind in (ExportKind.STAC, ExportKind.GEOJSON):
        request_export(project=project, user=lead, kind=kind)
    address = f"/api/v1/projects/{project.slug}"
    for query, count in (("?kind=stac", 1), ("?state=queued", 2), ("?state=failed", 0)):
        assert len(client.get(f"{address}/exports/{query}").json()["results"]) == count
    for rows in ("inference-jobs", "imports", "training-runs"):
        assert client.get(f"{address}/{rows}/?state=succeeded").json()["results"] == []
        refused = client.get(f"{address}/{rows}/?state=tired")
        assert (refused.status_code, list(refused.json()["errors"])) == (400, ["state"])
    refused = client.get(f"{address}/scenes/?bbox=1,2,3")
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["bbox"])


def test_a_lead_gives_and_takes_roles() -> None:
    project, newcomer = make_project(), make_user("nandi")
    client = client_of(project.created_by)
    address = f"/api/v1/projects/{project.slug}/members/"
    given = {"user": "nandi", "role": "annotator"}
    for _ in range(2):
        answer = client.post(address, given, content_type="application/json")
        assert (answer.status_code, given.items() <= answer.json().items()) == (201, True)
    assert member_roles(newcomer, project.pk) == {Role.ANNOTATOR}
    assert Event.objects.get(subject="membership", verb="added").actor == project.created_by
    (row,) = client.get(f"{address}?user=nandi&role=annotator").json()["results"]
    assert row == answer.json()
    unknown = client.post(address, given | {"user": "nobdy"}, content_type="application/json")
    assert unknown.status_code == 400
    assert "There is no user called “nobdy”." in unknown.json()["errors"]["user"][0]
    assert client.delete(f"/api/v1/members/{row['id']}/").status_code == 204
    assert not member_roles(newcomer, project.pk)
    (lead,) = client.get(address).json()["results"]
    last = client.delete(f"/api/v1/members/{lead['id']}/")
    assert (last.status_code, "needs a lead" in last.json()["detail"]) == (422, True)


@pytest.mark.django_db(transaction=True)
def test_the_client_gives_roles_and_narrows_lists(live_server: LiveServer) -> None:
    project = make_project()
    make_user("nandi")
    make_scene(project, acquired_on=date(2022, 3, 1))
    token = Token.objects.create(user=project.created_by)
    with Milpa(live_server.url, token.key) as milpa:
        given = milpa.add_member(project.slug, "nandi", "annotator")
        assert [row.user for row in milpa.members(project.slug, role="annotator")] == ["nandi"]
        milpa.remove_member(given)
        assert [row.role for row in milpa.members(project.slug)] == ["lead"]
        found = [
            list(milpa.scenes(project.slug, bbox=(77, 19, 78, 20), acquired_from=date(2022, month, 1)))
            for month in (3, 4)
        ]
        assert [len(scenes) for scenes in found] == [1, 0]
        assert [row.promoted_version for row in milpa.projects()] == [1]
        rows = (milpa.jobs, milpa.runs, milpa.exports)
        assert [list(of(project.slug, state="failed")) for of in rows] == [[], [], []]

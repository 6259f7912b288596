"""Lists of the API: what a page costs, what it carries, and what narrows it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotator.domain.exports import request_export
from annotator.domain.projects import add_member
from annotator.enums import ExportKind, Role
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

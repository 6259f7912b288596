"""What the OpenAPI document says is so: schemathesis makes requests of it, and no answer may surprise."""

from __future__ import annotations

import gzip
from dataclasses import fields
from typing import Any

import pytest
import requests
import schemathesis
from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from rest_framework.authtoken.models import Token
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import milpa
from annotator.domain.projects import add_member
from annotator.enums import Role
from annotator.exports.forms import CHOICES, COMMON_OPTIONS, FORMS
from annotator.queries import document_types as types
from tests.campaigns import Campaign
from tests.database.test_every_route import values  # noqa: F401  # a fixture
from tests.factories import make_patch, submit

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
EXAMPLES = 6
repeatable = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def answer_to(case: schemathesis.Case, headers: dict[str, str]) -> schemathesis.Response:
    """Sends the request to the application in this process, and undoes what it did."""
    sent = requests.Request(
        **case.as_transport_kwargs(base_url="http://testserver", headers=headers)
    ).prepare()
    heads = dict(sent.headers)
    kind = heads.pop("Content-Type", "")
    with transaction.atomic():
        client = Client(raise_request_exception=False)
        answer = client.generic(
            sent.method, sent.path_url, sent.body or b"", content_type=kind, headers=heads
        )
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        transaction.set_rollback(True)
    if answer.headers.get("Content-Encoding") == "gzip":
        content = gzip.decompress(content)
    told = {name: [value] for name, value in answer.headers.items()}
    return schemathesis.Response(answer.status_code, told, content, sent, 0.0, True)


@pytest.mark.django_db
def test_every_operation_answers_as_its_document_says(
    labelled: Campaign,
    values: dict[str, Any],  # noqa: F811
) -> None:
    """Asked by a lead, mostly of rows that exist, in ways that the document allows and in ways that it does not."""
    lead = labelled.people["lead"]
    lead.user_permissions.add(Permission.objects.get(codename="add_project"))
    add_member(project=labelled.project, user=lead, role=Role.ML_STAFF)
    headers = {"Authorization": f"Token {Token.objects.create(user=lead).key}"}
    document = Client().get("/api/v1/schema/?format=json").json()
    assert document["openapi"].startswith("3.1")
    reached = set()
    wrong: dict[str, BaseException] = {}
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = result.ok()
        cases = st.one_of(operation.as_strategy(generation_mode=mode) for mode in GenerationMode)

        @repeatable
        @given(case=cases, is_real=st.sampled_from((True, True, True, False)))
        def ask(case: schemathesis.Case, is_real: bool) -> None:
            if is_real:
                case.path_parameters.update({k: values[k] for k in case.path_parameters if k in values})
            response = answer_to(case, headers)
            if response.status_code < 300:
                reached.add(case.operation.label)
            case.validate_response(response, checks=CHECKS)

        try:
            ask()
        except (Exception, BaseExceptionGroup) as error:
            wrong[operation.label] = error
    assert wrong == {}
    assert len(reached) > 50, "most requests are of rows that exist, with roles that may"


# Reports, whose answers are not told member by member.
NOT_TOLD = {"desk/", "quality/"}


def members_told(schema: dict[str, Any], components: dict[str, Any]) -> set[str]:
    """The members of an object that the document names, the empty set for one of which it says nothing."""
    if "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    assert schema.get("additionalProperties") is False or not schema.get("properties")
    return set(schema.get("properties", ()))


@pytest.mark.django_db
def test_answers_have_just_the_members_that_the_document_names(
    labelled: Campaign,
    values: dict[str, Any],  # noqa: F811
) -> None:
    lead = labelled.people["lead"]
    add_member(project=labelled.project, user=lead, role=Role.ML_STAFF)
    client = labelled.client("lead")
    document = client.get("/api/v1/schema/?format=json").json()
    schemas = document["components"]["schemas"]
    compared, lists = set(), 0
    for path, operations in document["paths"].items():
        told = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        if "application/json" not in told or not path.startswith("/api/v1/"):
            continue
        answer = client.get(path.format(**values))
        if answer.status_code != 200 or answer["Content-Type"] != "application/json":
            continue
        names = members_told(told["application/json"]["schema"], schemas)
        if not names:
            assert path.rpartition("}/")[2] in NOT_TOLD, path
            continue
        assert set(answer.json()) == names, path
        compared.add(path)
        parameters = {one["name"] for one in operations["get"].get("parameters", ())}
        if "next" in names:
            lists += 1
            rows = told["application/json"]["schema"]["properties"]["results"]["items"]
            assert {"cursor", "page_size"} <= parameters, path
            assert all(set(row) == members_told(rows, schemas) for row in answer.json()["results"]), path
    assert len(compared) > 25
    assert lists == 13


@pytest.mark.django_db
def test_the_document_names_every_parameter_of_exports() -> None:
    document = Client().get("/api/v1/schema/?format=json").json()
    schemas = document["components"]["schemas"]
    asked = schemas["ExportInput"]["properties"]["parameters"]["$ref"].rpartition("/")[2]
    known = set(COMMON_OPTIONS).union(*(form.options for form in FORMS.values()))
    assert members_told(schemas[asked], schemas) == known
    for name, choices in CHOICES.items():
        assert sorted(schemas[asked]["properties"][name]["enum"]) == sorted(choices)


@pytest.mark.django_db
def test_the_client_reads_what_the_document_names() -> None:
    document = Client().get("/api/v1/schema/?format=json").json()
    schemas = document["components"]["schemas"]
    named = {
        "ProjectRow": milpa.Project, "Scene": milpa.Scene, "Member": milpa.Member, "InferenceJob": milpa.Job,
        "Export": milpa.Export, "LabelImport": milpa.Import, "TrainingRun": milpa.Run, "ModelVersion": milpa.Version,
        "PatchRow": milpa.Patch, "QueueEntry": milpa.QueuePlace, "Ranking": milpa.Ranking, "Queue": milpa.Queue,
    }  # fmt: skip
    for name, row in named.items():
        read = {one.name for one in fields(row)} - {"raw"}
        assert read <= members_told(schemas[name], schemas), name


@pytest.mark.django_db
def test_a_report_of_many_patches_is_as_it_is_told(labelled: Campaign) -> None:
    """What requests made up by a program hardly reach: a patch that is refused."""
    client, project = labelled.client("lead"), f"/api/v1/projects/{labelled.project.slug}"
    revision = submit(make_patch(labelled.project), labelled.people["annotator"])
    patch = revision.annotation.drawn_patch
    chosen = {"patches": [{"id": patch.pk, "revision": 9}]}
    report = client.post(f"{project}/desk/approve/", chosen, content_type="application/json").json()
    assert TypeAdapter(types.BulkReport).validate_python(report)["refused"][0]["patch_id"] == patch.pk


@pytest.mark.django_db
def test_what_there_is_not_is_told_to_programs_in_their_form(client: Client) -> None:
    for path in ("/api/v1/nowhere/", "/ogc/nowhere", "/tiles/nowhere"):
        answer = client.get(path)
        told = answer.status_code, answer["Content-Type"], answer.json()["code"]
        assert told == (404, "application/problem+json", "not-found")
    assert "text/html" in client.get("/nowhere")["Content-Type"]


@pytest.mark.django_db
def test_what_the_database_cannot_hold_is_refused(campaign: Campaign) -> None:
    client, project = campaign.client("lead"), f"/api/v1/projects/{campaign.project.slug}"
    for table in ("events/", "events.csv"):
        answer = client.get(f"{project}/{table}", {"verb": "a\0b"})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["verb"])
    claim = client.post(f"{project}/claims/", {"besides": [2**63]}, content_type="application/json")
    assert (claim.status_code, list(claim.json()["errors"])) == (400, ["besides"])

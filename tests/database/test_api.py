"""The API as a client meets it: each role, a stranger, and every answer to a wrong request."""

from __future__ import annotations

import gzip
import io
import struct
import zlib

import numpy as np
import pytest
from django.test import Client
from PIL import Image

from annotator.domain.display_copies import request_display_copy
from annotator.domain.exports import request_export
from annotator.enums import ExportKind, Role
from annotator.models import InferenceJob, Project, Revision
from tests.factories import (
    approve,
    client_of,
    make_member,
    make_patch,
    make_project,
    make_proposal,
    make_scene,
    make_user,
    mask_of,
    submit,
)

pytestmark = pytest.mark.django_db
LEGEND = [
    {"value": 0, "name": "other", "color": "#8c8c8c"},
    {"value": 1, "name": "field", "color": "#e69f00"},
]

# A header that promises 60,000 x 60,000 pixels, and nothing behind it.
_HEADER = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
PNG_BOMB = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + _HEADER + struct.pack(">I", zlib.crc32(_HEADER))


def put_mask(client: Client, patch, mask: np.ndarray, if_match: str | None = '"0"', query="", **headers):  # type: ignore[no-untyped-def]
    if if_match is not None:
        headers["If-Match"] = if_match
    return client.put(
        f"/api/v1/patches/{patch.pk}/mask/{query}",
        mask.tobytes(),
        content_type="application/octet-stream",
        headers=headers,
    )


@pytest.fixture
def project() -> Project:
    return make_project()


def test_a_patch_goes_round_from_claim_to_approval(project: Project) -> None:
    patch = make_patch(project)
    proposal = make_proposal(patch)
    annotator, lead = client_of(make_member(project)), client_of(project.created_by)
    claimed = annotator.post(f"/api/v1/projects/{project.slug}/claims/").json()
    assert claimed["outcome"] == "claimed"
    assert claimed["patch"]["claim"]["mine"] is True
    assert claimed["patch"]["proposal"]["is_stale"] is False
    raw = annotator.get(claimed["patch"]["proposal"]["mask_url"])
    assert gzip.decompress(raw.content) == mask_of(1).tobytes()
    assert raw.headers["Content-Encoding"] == "gzip"
    mask = mask_of(1)
    mask[5, 6] = 2
    saved = put_mask(annotator, patch, mask, query=f"?submit=1&seconds=9&strokes=2&proposal={proposal.pk}")
    assert (saved.status_code, saved.headers["ETag"], saved.json()["state"]) == (200, '"1"', "submitted")
    stored = annotator.get(saved.json()["revision"]["mask_url"] + ".png")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(stored.content))), mask)
    reviewed = lead.post(
        f"/api/v1/patches/{patch.pk}/review/",
        {"verdict": "approve", "revision": 1},
        content_type="application/json",
    )
    assert reviewed.json()["state"] == "approved"
    verbs = [e["verb"] for e in lead.get(f"/api/v1/patches/{patch.pk}/history/").json()["events"]]
    assert verbs == ["claimed", "submitted", "approved"]


def test_a_stale_save_answers_412_with_both_versions(project: Project) -> None:
    patch = make_patch(project)
    client = client_of(make_member(project))
    client.post(f"/api/v1/projects/{project.slug}/claims/")
    assert put_mask(client, patch, mask_of(1)).status_code == 200
    answer = put_mask(client, patch, mask_of(2))
    body = answer.json()
    assert answer.status_code == 412
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert body["code"] == "revision-conflict"
    assert gzip.decompress(client.get(body["current"]["mask_url"]).content) == mask_of(1).tobytes()
    assert gzip.decompress(client.get(body["kept"]["mask_url"]).content) == mask_of(2).tobytes()
    assert put_mask(client, patch, mask_of(2), '"1"').headers["ETag"] == '"3"'


def test_a_gzipped_mask_and_a_png_are_taken_alike(project: Project) -> None:
    patch = make_patch(project)
    user = make_member(project)
    client = client_of(user)
    mask = mask_of(1)
    mask[:, 100:] = 255
    packed = client.put(
        f"/api/v1/patches/{patch.pk}/mask/",
        gzip.compress(mask.tobytes()),
        content_type="application/octet-stream",
        headers={"If-Match": '"0"', "Content-Encoding": "gzip"},
    )
    png = io.BytesIO()
    Image.fromarray(mask).save(png, "PNG")
    pictured = client.put(
        f"/api/v1/patches/{patch.pk}/mask/",
        png.getvalue(),
        content_type="image/png",
        headers={"If-Match": packed.headers["ETag"]},
    )
    first, second = Revision.objects.order_by("number")
    assert pictured.status_code == 200
    assert bytes(first.mask_png) == bytes(second.mask_png)


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "words"),
    [
        (b"", "application/octet-stream", "", "holds no mask"),
        (b"x" * 400_000, "application/octet-stream", "", "far more than one"),
        (gzip.compress(bytes(50_000_000)), "application/octet-stream", "gzip", "262144 bytes came"),
        (b"not gzip", "application/octet-stream", "gzip", "cannot be unpacked"),
        (b"\x89PNG but not really", "image/png", "", "no readable PNG"),
        (PNG_BOMB, "image/png", "", "no readable PNG"),
        (bytes([9]) * 65536, "application/octet-stream", "", "value 9,"),
    ],
)
def test_a_bad_mask_is_named_and_leaves_nothing(
    project: Project, body: bytes, content_type: str, encoding: str, words: str
) -> None:
    patch = make_patch(project)
    client = client_of(make_member(project))
    answer = client.put(
        f"/api/v1/patches/{patch.pk}/mask/",
        body,
        content_type=content_type,
        headers={"If-Match": '"0"', "Content-Encoding": encoding},
    )
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert not Revision.objects.exists()


def test_a_save_without_if_match_is_told_what_to_send(project: Project) -> None:
    patch = make_patch(project)
    answer = put_mask(client_of(make_member(project)), patch, mask_of(1), None)
    assert (answer.status_code, answer.json()["code"]) == (428, "if-match-missing")


def test_a_lost_claim_answers_409(project: Project) -> None:
    patch = make_patch(project)
    client_of(make_member(project)).post(f"/api/v1/projects/{project.slug}/claims/")
    late = client_of(make_member(project))
    assert put_mask(late, patch, mask_of(1)).json()["code"] == "claim-lost"
    assert late.post(f"/api/v1/patches/{patch.pk}/heartbeat/").json()["code"] == "claim-lost"


def test_only_who_may_add_projects_does(project: Project) -> None:
    body = {"name": "New valley", "legend": LEGEND}
    refused = client_of(make_user()).post("/api/v1/projects/", body, content_type="application/json")
    made = client_of(make_user(may_add_projects=True)).post(
        "/api/v1/projects/", body, content_type="application/json"
    )
    assert refused.status_code == 403
    assert made.status_code == 201
    assert made.json()["roles"] == ["lead"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"legend": LEGEND[:1]}, "between 2 and 16"),
        ({"legend": [LEGEND[0], {**LEGEND[1], "value": 5}]}, "without gaps"),
        ({"legend": [LEGEND[0], {**LEGEND[1], "name": "Other"}]}, "same name"),
        ({"legend": [LEGEND[0], {**LEGEND[1], "color": "green"}]}, "#rrggbb"),
        ({"patch_zoom": 30}, "between 8 and 22"),
        (
            {
                "area_of_interest": {
                    "type": "Polygon",
                    "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]],
                }
            },
            "valid polygon",
        ),
    ],
)
def test_a_project_that_cannot_be_saved_says_why(change: dict, words: str) -> None:
    client = client_of(make_user(may_add_projects=True))
    body = {"name": "New valley", "legend": LEGEND, **change}
    answer = client.post("/api/v1/projects/", body, content_type="application/json")
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert not Project.objects.exists()


def test_a_key_that_met_a_conflict_never_makes_its_mask_current(project: Project) -> None:
    patch = make_patch(project)
    client = client_of(make_member(project))
    client.post(f"/api/v1/projects/{project.slug}/claims/")
    assert put_mask(client, patch, mask_of(1)).status_code == 200
    key = {"Idempotency-Key": "one"}
    refused = put_mask(client, patch, mask_of(2), **key)
    again = put_mask(client, patch, mask_of(2), '"1"', **key)
    assert (refused.status_code, again.status_code) == (412, 412)
    assert again.json()["kept"] == refused.json()["kept"]
    assert client.get(f"/api/v1/patches/{patch.pk}/").json()["revision"]["number"] == 1


def endpoints(project: Project) -> list[tuple[str, str, set[Role]]]:
    """Every endpoint of a project with the roles that may call it."""
    everyone, managers = set(Role), {Role.LEAD, Role.ML_STAFF}
    drawers = {Role.ANNOTATOR, Role.LEAD}
    scene = make_scene(project)
    patch, other = make_patch(project), make_patch(project)
    proposal = make_proposal(patch)
    revision = approve(other, project.created_by)
    job = InferenceJob.objects.create(
        project=project,
        scene=scene,
        model_version=project.model_versions.get(),
        requested_by=project.created_by,
        state="succeeded",
    )
    run = project.training_runs.create(
        parent=project.model_versions.get(), requested_by=project.created_by, state="failed"
    )
    version = project.model_versions.get()
    request_display_copy(scene=scene, user=project.created_by)
    export = request_export(
        project=project, user=project.created_by, kind=ExportKind.CHIPS, parameters={"images": False}
    )
    label_import = project.label_imports.create(
        file_name="a.geojson", stored_name="a.geojson", requested_by=project.created_by
    )
    base, p = "/api/v1", f"/api/v1/projects/{project.slug}"
    return [
        ("get", f"{p}/", everyone),
        ("get", f"{p}/scenes/", everyone),
        ("post", f"{p}/scenes/", {Role.LEAD}),
        ("get", f"{p}/inference-jobs/", everyone),
        ("post", f"{p}/inference-jobs/", managers),
        ("get", f"{p}/patches/", everyone),
        ("get", f"{p}/queue/", everyone),
        ("post", f"{p}/claims/", drawers),
        ("post", f"{p}/field-claims/", drawers),
        ("get", f"{p}/training-runs/", managers),
        ("post", f"{p}/training-runs/", {Role.ML_STAFF}),
        ("get", f"{p}/model-versions/", managers),
        ("post", f"{p}/rollback/", {Role.ML_STAFF}),
        ("get", f"{base}/scenes/{scene.pk}/", everyone),
        ("patch", f"{base}/scenes/{scene.pk}/", {Role.LEAD}),
        ("put", f"{base}/scenes/{scene.pk}/place/", {Role.LEAD}),
        ("get", f"{base}/scenes/{scene.pk}/display-copy/", everyone),
        ("post", f"{base}/scenes/{scene.pk}/display-copy/", {Role.LEAD}),
        ("post", f"{base}/scenes/{scene.pk}/display-copy/cancel/", {Role.LEAD}),
        ("get", f"{base}/inference-jobs/{job.pk}/", everyone),
        ("post", f"{base}/inference-jobs/{job.pk}/cancel/", managers),
        ("get", f"{base}/patches/{patch.pk}/", everyone),
        ("post", f"{base}/patches/{patch.pk}/heartbeat/", drawers),
        ("post", f"{base}/patches/{patch.pk}/release/", drawers),
        ("put", f"{base}/patches/{patch.pk}/mask/", drawers),
        ("post", f"{base}/patches/{patch.pk}/review/", {Role.LEAD}),
        ("post", f"{base}/patches/{patch.pk}/reopen/", {Role.LEAD}),
        ("get", f"{base}/patches/{patch.pk}/history/", everyone),
        ("get", f"{base}/proposals/{proposal.pk}/mask", everyone),
        ("get", f"{base}/proposals/{proposal.pk}/entropy.png", everyone),
        ("get", f"{base}/revisions/{revision.pk}/mask", everyone),
        ("get", f"{base}/training-runs/{run.pk}/", managers),
        ("post", f"{base}/training-runs/{run.pk}/cancel/", {Role.ML_STAFF}),
        ("post", f"{base}/model-versions/{version.pk}/promote/", {Role.ML_STAFF}),
        ("get", f"{p}/imports/", {Role.LEAD}),
        ("post", f"{p}/imports/", {Role.LEAD}),
        ("get", f"{base}/imports/{label_import.pk}/", {Role.LEAD}),
        ("post", f"{base}/imports/{label_import.pk}/start/", {Role.LEAD}),
        ("post", f"{base}/imports/{label_import.pk}/cancel/", {Role.LEAD}),
        ("get", f"{p}/exports/", managers),
        ("post", f"{p}/exports/", managers),
        ("get", f"{base}/exports/{export.pk}/", managers),
        ("get", f"{base}/exports/{export.pk}/file/", managers),
        ("post", f"{base}/exports/{export.pk}/cancel/", managers),
    ]


def call(client: Client, method: str, path: str) -> int:
    return getattr(client, method)(
        path, b"{}" if method != "get" else None, content_type="application/json"
    ).status_code


def test_every_endpoint_is_open_to_its_roles_and_to_nobody_else(project: Project) -> None:
    table = endpoints(project)
    for role in Role:
        client = client_of(make_member(project, role))
        for method, path, roles in table:
            status = call(client, method, path)
            assert status not in {401, 404, 500}, (role, method, path)
            assert (status == 403) == (role not in roles), (role, method, path, status)


def test_a_stranger_is_told_that_there_is_no_such_thing_and_the_anonymous_to_sign_in(
    project: Project,
) -> None:
    stranger, anonymous = client_of(make_user()), Client()
    for method, path, _ in endpoints(project):
        assert call(stranger, method, path) == 404, (method, path)
        assert call(anonymous, method, path) in {401, 403}, (method, path)


def test_the_list_of_patches_costs_as_many_queries_for_three_as_for_one(
    project: Project, django_assert_num_queries
) -> None:  # type: ignore[no-untyped-def]
    client = client_of(make_member(project))
    make_patch(project)
    for _ in range(2):
        with django_assert_num_queries(6):
            assert client.get(f"/api/v1/projects/{project.slug}/patches/?state=unlabelled").status_code == 200
        make_patch(project)
        make_patch(project)


def test_a_run_without_approved_patches_says_what_is_missing(project: Project) -> None:
    make_scene(project)
    submit(make_patch(project), make_member(project))
    staff = client_of(make_member(project, Role.ML_STAFF))
    answer = staff.post(
        f"/api/v1/projects/{project.slug}/training-runs/", {}, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "nothing-to-train-on")


def test_a_run_is_requested_once_and_a_second_one_is_told_which_is_active(project: Project) -> None:
    make_scene(project)
    for column in (1000, 1004):
        approve(make_patch(project, column), project.created_by)
    staff = client_of(make_member(project, Role.ML_STAFF))
    url = f"/api/v1/projects/{project.slug}/training-runs/"
    body = {"config": {"steps": 5}}
    first, again, other = (
        staff.post(url, body, content_type="application/json", headers={"Idempotency-Key": key})
        for key in ("one", "one", "two")
    )
    assert (first.status_code, first.json()["steps"]) == (202, 5)
    assert again.json()["id"] == first.json()["id"]
    assert (other.status_code, other.json()["active"]) == (409, first.json()["id"])
    wrong = staff.post(url, {"config": {"steps": 0}}, content_type="application/json")
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["field"]) == (422, "bad-config", "steps")


@pytest.mark.parametrize(
    "config", [{"seed": "\u0000"}, {"seed": -1}, {"steps": 10.5}, {"learning_rate": "fast"}, {"depth": 3}]
)
def test_a_training_config_that_cannot_be_used_is_named_at_once(project: Project, config: dict) -> None:
    make_scene(project)
    staff = client_of(make_member(project, Role.ML_STAFF))
    url = f"/api/v1/projects/{project.slug}/training-runs/"
    answer = staff.post(url, {"config": config}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (422, "bad-config")
    assert next(iter(config)) in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "status"),
    [("cursor=cD1hYmM=", 404), ("state=%00", 400), ("state=lost", 400), ("page_size=-1", 200)],
)
def test_a_list_that_cannot_be_given_is_refused_by_name(project: Project, query: str, status: int) -> None:
    client = client_of(make_member(project))
    answer = client.get(f"/api/v1/projects/{project.slug}/patches/?{query}")
    assert answer.status_code == status


def test_the_schema_is_openapi_3_1(project: Project) -> None:
    schema = client_of(make_user()).get(
        "/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}
    )
    assert schema.json()["openapi"] == "3.1.0"
    assert "/api/v1/patches/{patch_id}/mask/" in schema.json()["paths"]

"""Every address, every method, every role: one table. An address that is not in it fails the first test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, get_resolver

from annotator.api.quality_tables import TABLES
from annotator.domain.invitations import make_invitation, token_of
from annotator.domain.proposals import request_proposals
from annotator.domain.training import request_run
from annotator.enums import Role
from annotator.models import (
    Assignment,
    DisplayCopy,
    DoubleAnnotation,
    Event,
    Export,
    LabelClass,
    LabelImport,
    OwnComposite,
    PinnedComment,
    Ranking,
    Review,
)
from annotator.queries.versions import promoted_version
from tests.campaigns import Campaign
from tests.factories import approve, make_patch, make_proposal

ANNOTATOR, LEAD, ML_STAFF = "annotator", "lead", "ml_staff"
MEMBERS = {ANNOTATOR, LEAD, ML_STAFF}
DRAW, LEADS, MANAGE, TRAIN = {ANNOTATOR, LEAD}, {LEAD}, {LEAD, ML_STAFF}, {ML_STAFF}
PROJECT, API = "projects/<slug:slug>/", "api/v1/projects/<slug:slug>/"
PATCH = "api/v1/patches/<int:patch_id>/"

# Who is let in, by method. Everybody else who is a member is told that it needs a role, strangers that there is
# no such thing, and who is not signed in to sign in.
PAGES: dict[str, dict[str, set[str]]] = {
    PROJECT: {"GET": MEMBERS},
    f"{PROJECT}proposals/": {"POST": MANAGE},
    f"{PROJECT}proposals/<int:job_id>/stop/": {"POST": MANAGE},
    f"{PROJECT}scenes/new/": {"GET": LEADS, "POST": LEADS},
    f"{PROJECT}scenes/<int:scene_id>/": {"GET": MEMBERS, "POST": LEADS},
    f"{PROJECT}scenes/<int:scene_id>/stop/": {"POST": LEADS},
    f"{PROJECT}scenes/<int:scene_id>/again/": {"POST": LEADS},
    f"{PROJECT}scenes/<int:scene_id>/place/": {"POST": LEADS},
    f"{PROJECT}scenes/<int:scene_id>/display-copy/": {"POST": LEADS},
    f"{PROJECT}composites/": {"GET": LEADS, "POST": LEADS},
    f"{PROJECT}composites/<int:composite_id>/": {"GET": LEADS, "POST": LEADS},
    f"{PROJECT}composites/<int:composite_id>/delete/": {"POST": LEADS},
    f"{PROJECT}annotate/": {"GET": DRAW},
    f"{PROJECT}desk/": {"GET": LEADS, "POST": LEADS},
    f"{PROJECT}desk/spot-checks/": {"POST": LEADS},
    f"{PROJECT}patches/<int:patch_id>/timeline/": {"GET": MANAGE},
    f"{PROJECT}pace/": {"GET": MANAGE},
    f"{PROJECT}pace/plot.svg": {"GET": MANAGE},
    f"{PROJECT}queue/": {"GET": MANAGE, "POST": MANAGE},
    f"{PROJECT}queue/rank/": {"POST": MANAGE},
    f"{PROJECT}progress/": {"GET": MANAGE},
    f"{PROJECT}review/": {"GET": LEADS},
    f"{PROJECT}review/<int:patch_id>/": {"GET": LEADS},
    f"{PROJECT}review/<int:patch_id>/two/": {"GET": LEADS},
    f"{PROJECT}review/<int:patch_id>/one/": {"POST": LEADS},
    f"{PROJECT}review/<int:patch_id>/spot/": {"POST": LEADS},
    f"{PROJECT}assignments/": {"GET": LEADS, "POST": LEADS},
    f"{PROJECT}assignments/<int:assignment_id>/end/": {"POST": LEADS},
    f"{PROJECT}review/<int:patch_id>/gold/": {"POST": LEADS},
    f"{PROJECT}quality/": {"GET": MANAGE, "POST": MANAGE},
    f"{PROJECT}quality/spot-checks.svg": {"GET": MANAGE},
    f"{PROJECT}exports/": {"GET": MANAGE, "POST": MANAGE},
    f"{PROJECT}parcel-rebuild/": {"POST": MANAGE},
    f"{PROJECT}exports/<int:export_id>/file/": {"GET": MANAGE},
    f"{PROJECT}exports/<int:export_id>/stop/": {"POST": MANAGE},
    f"{PROJECT}exports/<int:export_id>/again/": {"POST": MANAGE},
    f"{PROJECT}imports/": {"GET": LEADS, "POST": LEADS},
    f"{PROJECT}imports/<int:import_id>/": {"GET": LEADS, "POST": LEADS},
    f"{PROJECT}imports/<int:import_id>/stop/": {"POST": LEADS},
    f"{PROJECT}imports/<int:import_id>/again/": {"POST": LEADS},
    f"{PROJECT}members/": {"GET": LEADS, "POST": LEADS},
    f"{PROJECT}members/<int:membership_id>/remove/": {"POST": LEADS},
    f"{PROJECT}invitations/": {"POST": LEADS},
    f"{PROJECT}invitations/<int:invitation_id>/revoke/": {"POST": LEADS},
}
PROGRAMS: dict[str, dict[str, set[str]]] = {
    API: {"GET": MEMBERS},
    f"{API}legend/": {"PUT": MANAGE},
    f"{API}members/": {"GET": LEADS, "POST": LEADS},
    "api/v1/members/<int:membership_id>/": {"DELETE": LEADS},
    f"{API}scenes/": {"GET": MEMBERS, "POST": LEADS},
    f"{API}inference-jobs/": {"GET": MEMBERS, "POST": MANAGE},
    f"{API}patches/": {"GET": MEMBERS},
    f"{API}queue/": {"GET": MEMBERS, "POST": MANAGE},
    f"{API}queue-rules/": {"GET": MEMBERS, "PATCH": MANAGE},
    f"{API}claims/": {"POST": DRAW},
    f"{API}field-claims/": {"POST": DRAW},
    f"{API}desk/": {"GET": LEADS},
    f"{API}desk.csv": {"GET": LEADS},
    r"api/v1/^projects/(?P<slug>[-\w]+)/desk/(?P<verb>approve|return|reassign|reopen|do-without)/$": {
        "POST": LEADS
    },
    f"{API}spot-checks/": {"GET": LEADS, "POST": LEADS},
    f"{API}pace/": {"GET": MANAGE},
    f"{API}pace.csv": {"GET": MANAGE},
    f"{API}progress/": {"GET": MANAGE},
    f"{API}progress/<slug:part>.csv": {"GET": MANAGE},
    f"{API}quality/": {"GET": MANAGE},
    f"{API}quality/<slug:table>.csv": {"GET": MANAGE},
    f"{API}quality/rules/": {"GET": MANAGE, "PATCH": MANAGE},
    f"{API}gold/": {"GET": LEADS},
    f"{API}composites/": {"GET": MEMBERS, "POST": LEADS},
    "api/v1/composites/<int:composite_id>/": {"GET": MEMBERS, "PUT": LEADS, "DELETE": LEADS},
    f"{API}wmts.xml": {"GET": MEMBERS},
    f"{API}events/": {"GET": MANAGE},
    f"{API}events.csv": {"GET": MANAGE},
    f"{API}training-runs/": {"GET": MANAGE, "POST": TRAIN},
    f"{API}model-versions/": {"GET": MANAGE},
    f"{API}rollback/": {"POST": TRAIN},
    f"{API}invitations/": {"GET": LEADS, "POST": LEADS},
    f"{API}exports/": {"GET": MANAGE, "POST": MANAGE},
    f"{API}parcel-rebuild/": {"GET": MANAGE, "POST": MANAGE},
    f"{API}parcel-rebuild/cancel/": {"POST": MANAGE},
    "api/v1/exports/<int:export_id>/": {"GET": MANAGE},
    "api/v1/exports/<int:export_id>/revisions/": {"GET": MANAGE},
    "api/v1/exports/<int:export_id>/cancel/": {"POST": MANAGE},
    "api/v1/exports/<int:export_id>/try-again/": {"POST": MANAGE},
    "api/v1/exports/<int:export_id>/file/": {"GET": MANAGE},
    f"{API}imports/": {"GET": LEADS, "POST": LEADS},
    "api/v1/imports/<int:import_id>/": {"GET": LEADS},
    "api/v1/imports/<int:import_id>/start/": {"POST": LEADS},
    "api/v1/imports/<int:import_id>/cancel/": {"POST": LEADS},
    "api/v1/imports/<int:import_id>/try-again/": {"POST": LEADS},
    f"{API}assignments/": {"GET": LEADS, "POST": LEADS},
    "api/v1/assignments/<int:assignment_id>/end/": {"POST": LEADS},
    "api/v1/invitations/<int:invitation_id>/revoke/": {"POST": LEADS},
    "api/v1/scenes/<int:scene_id>/cancel/": {"POST": LEADS},
    "api/v1/scenes/<int:scene_id>/try-again/": {"POST": LEADS},
    "api/v1/scenes/<int:scene_id>/tilejson.json": {"GET": MEMBERS},
    "api/v1/scenes/<int:scene_id>/place/": {"PUT": LEADS},
    "api/v1/scenes/<int:scene_id>/display-copy/": {"GET": MEMBERS, "POST": LEADS},
    "api/v1/scenes/<int:scene_id>/display-copy/cancel/": {"POST": LEADS},
    "api/v1/scenes/<int:scene_id>/": {"GET": MEMBERS, "PATCH": LEADS},
    "api/v1/inference-jobs/<int:job_id>/": {"GET": MEMBERS},
    "api/v1/inference-jobs/<int:job_id>/cancel/": {"POST": MANAGE},
    PATCH: {"GET": MEMBERS},
    f"{PATCH}heartbeat/": {"POST": DRAW},
    f"{PATCH}release/": {"POST": DRAW},
    f"{PATCH}mask/": {"PUT": DRAW},
    f"{PATCH}review/": {"POST": LEADS},
    f"{PATCH}double/": {"GET": LEADS, "DELETE": LEADS},
    f"{PATCH}gold/": {"PUT": LEADS, "DELETE": LEADS},
    f"{PATCH}adjudication/": {"POST": LEADS},
    f"{PATCH}fix/": {"POST": LEADS},
    "api/v1/pins/<int:pin_id>/answer/": {"POST": DRAW},
    "api/v1/pins/<int:pin_id>/resolve/": {"POST": DRAW},
    f"{PATCH}reopen/": {"POST": LEADS},
    f"{PATCH}spot-check/": {"POST": LEADS},
    f"{PATCH}history/": {"GET": MEMBERS},
    f"{PATCH}events.csv": {"GET": MANAGE},
    f"{PATCH}neighbours/": {"GET": MEMBERS},
    f"{PATCH}masks/": {"GET": MEMBERS},
    f"{PATCH}bad-imagery/": {"POST": DRAW},
    r"api/v1/^patches/(?P<patch_id>\d+)/difference(?P<suffix>\.png|)$": {"GET": MEMBERS},
    r"api/v1/^proposals/(?P<proposal_id>\d+)/(?P<kind>mask|entropy)(?P<suffix>\.png|)$": {"GET": MEMBERS},
    r"api/v1/^revisions/(?P<revision_id>\d+)/mask(?P<suffix>\.png|)$": {"GET": MEMBERS},
    "api/v1/training-runs/<int:run_id>/": {"GET": MANAGE},
    "api/v1/training-runs/<int:run_id>/cancel/": {"POST": TRAIN},
    "api/v1/training-runs/<int:run_id>/try-again/": {"POST": TRAIN},
    "api/v1/model-versions/<int:version_id>/promote/": {"POST": TRAIN},
    "api/v1/model-versions/<int:version_id>/export/": {"GET": TRAIN},
    "tiles/scenes/<int:scene_id>/<int:z>/<int:x>/<int:y>": {"GET": MEMBERS},
    "tiles/projects/<slug:slug>/patches/<int:z>/<int:x>/<int:y>": {"GET": MEMBERS},
    "tiles/projects/<slug:slug>/parcels/<int:z>/<int:x>/<int:y>": {"GET": MEMBERS},
    "tiles/projects/<slug:slug>/desk/<int:z>/<int:x>/<int:y>": {"GET": LEADS},
}
OGC = "ogc/projects/<slug:slug>"
PROGRAMS |= {
    f"{OGC}{end}": {"GET": MEMBERS}
    for end in ("", "/", "/conformance", "/collections", "/collections/<slug:name>", "/collections/<slug:name>/items",
                "/collections/<slug:name>/items/<int:feature_id>")
}  # fmt: skip
# Of no project: for everybody, and for everybody who is signed in.
OPEN = {"healthz", "login/", "logout/", "language/", "languages/<slug:language>.js", "service-worker.js",
        "invitations/<str:token>/", "api/v1/token/", "api/v1/schema/", "admin/login/", "admin/logout/"}  # fmt: skip
SIGNED_IN = {"", "projects/new/", "api/v1/projects/"}
# The administration lets in leads and ML staff whose accounts may enter it; its rows are changed by verbs only.
ADMIN_MODELS = ("inferencejob", "revision", "review", "labelclass", "modelversion", "project", "event", "ranking",
                "scene", "trainingrun")  # fmt: skip
ROW = "<path:object_id>/"
ADMIN: dict[str, dict[str, set[str]]] = {
    f"admin/annotator/{model}/{end}": {"GET": roles}
    for model in ADMIN_MODELS
    for end, roles in (("", MANAGE), (f"{ROW}change/", MANAGE), (f"{ROW}history/", MANAGE), ("add/", set()),
                       (f"{ROW}delete/", set()), (ROW, MANAGE))
} | {
    "admin/annotator/inferencejob/<path:object_id>/cancel/": {"POST": TRAIN},
    "admin/annotator/inferencejob/<path:object_id>/progress/": {"GET": MANAGE},
    "admin/annotator/trainingrun/<path:object_id>/cancel/": {"POST": TRAIN},
    "admin/annotator/trainingrun/<path:object_id>/try-again/": {"POST": TRAIN},
    "admin/annotator/trainingrun/<path:object_id>/progress/": {"GET": MANAGE},
    "admin/annotator/labelclass/of-project/<int:project_id>/": {"GET": MANAGE},
    "admin/annotator/modelversion/<path:object_id>/promote/": {"GET": TRAIN},
    "admin/annotator/modelversion/<int:object_id>/export/": {"GET": TRAIN},
    "admin/annotator/project/<int:object_id>/train/": {"GET": TRAIN},
    "admin/annotator/project/<int:object_id>/rules/": {"GET": TRAIN},
    "admin/annotator/project/<int:object_id>/roll-back/": {"GET": TRAIN},
    "admin/annotator/project/<int:object_id>/label-cost/": {"GET": MANAGE},
    r"admin/annotator/project/^(?P<object_id>\d+)/label-cost\.(?P<form>json|csv)$": {"GET": MANAGE},
}  # fmt: skip
# Django's own, which show no row of a project: accounts and tokens are for superusers.
DJANGOS_OWN = re.compile(
    r"admin/($|password_change/|autocomplete/|jsi18n/|r/<path:content_type_id>|auth/|authtoken/|\^\(\?P<app_label>|\(\?P<url>)"
)
# A picture of a measured version, of which the campaign has none; tests/database/test_admin_reports.py looks at it.
ELSEWHERE = {"admin/annotator/modelversion/<int:object_id>/held-out/<int:patch_id>/<str:kind>/"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def routes(patterns: list[Any] | None = None, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLPattern):
            yield route, one
        else:
            yield from routes(one.url_patterns, route)


def test_the_table_holds_every_address_and_no_other() -> None:
    known = {*PAGES, *PROGRAMS, *OPEN, *SIGNED_IN, *ADMIN, *ELSEWHERE}
    there = {route for route, _ in routes()}
    assert {route for route in there - known if not DJANGOS_OWN.match(route)} == set()
    assert known - there == set()


def test_the_table_holds_every_method_of_the_api() -> None:
    for route, pattern in routes():
        view = getattr(pattern.callback, "cls", None)
        if view is not None and route in PROGRAMS:
            assert set(PROGRAMS[route]) == {m for m in METHODS if hasattr(view, m.lower())}, route


@pytest.fixture
def values(labelled: Campaign) -> dict[str, Any]:
    """What stands for each part of an address: a row of the campaign's project."""
    project, people = labelled.project, labelled.people
    patch = make_patch(project)
    proposal = make_proposal(patch, scene=labelled.scene)
    revision = approve(make_patch(project), people[LEAD])
    version = promoted_version(project.pk)
    assert version is not None
    Ranking.objects.create(project=project, strategy="entropy", patch_count=1, order_hash="")
    job = request_proposals(project=project, user=people[LEAD], scene=labelled.scene)
    run = request_run(project=project, user=people[ML_STAFF])
    invitation = make_invitation(project=project, user=people[LEAD], role=Role.ANNOTATOR, days=1)
    DisplayCopy.objects.create(project=project, scene=labelled.scene, requested_by=people[LEAD])
    DoubleAnnotation.objects.create(patch=patch, project=project, first=revision, share=0.1)
    return {
        "table": next(iter(TABLES)),
        "part": "areas",
        "name": "patches",
        "feature_id": patch.pk,
        "slug": project.slug, "project_id": project.pk, "patch_id": patch.pk, "scene_id": labelled.scene.pk,
        "job_id": job.pk, "run_id": run.pk, "version_id": version.pk, "proposal_id": proposal.pk,
        "revision_id": revision.pk, "invitation_id": invitation.pk, "token": token_of(invitation),
        "membership_id": project.memberships.get(user=people[ANNOTATOR]).pk,
        "assignment_id": Assignment.objects.create(
            project=project, area="SRID=3857;MULTIPOLYGON(((0 0, 9 0, 9 9, 0 0)))", made_by=people[LEAD]
        ).pk,
        "composite_id": OwnComposite.objects.create(
            project=project, name="Grey", expressions=["red"], ranges=[None]
        ).pk,
        "export_id": Export.objects.create(project=project, requested_by=people[LEAD], kind="geotiff").pk,
        "import_id": LabelImport.objects.create(
            project=project, requested_by=people[LEAD], stored_name="nowhere", preview={"attributes": {}}
        ).pk,
        "pin_id": PinnedComment.objects.create(
            revision=revision, author=people[LEAD], x=1, y=2, text="The track"
        ).pk,
        "kind": "mask", "suffix": "", "verb": "approve", "form": "json", "z": 3, "x": 1, "y": 1,
        "inferencejob": job.pk, "revision": revision.pk, "review": Review.objects.latest("pk").pk,
        "labelclass": LabelClass.objects.latest("pk").pk, "modelversion": version.pk, "project": project.pk,
        "event": Event.objects.latest("pk").pk, "ranking": Ranking.objects.latest("pk").pk,
        "scene": labelled.scene.pk, "trainingrun": run.pk,
    }  # fmt: skip


def address(route: str, values: dict[str, Any]) -> str:
    known = values | {"object_id": values.get(route.removeprefix("admin/annotator/").split("/")[0])}
    text = re.sub(r"\(\?P<(\w+)>[^()]*\)", lambda m: str(known[m[1]]), route)
    text = re.sub(r"<(?:\w+:)?(\w+)>", lambda m: str(known[m[1]]), text)
    return "/" + text.replace("^", "").replace("$", "").replace("\\", "")


def call(client: Client, method: str, url: str) -> HttpResponse:
    """Sends the request with an empty body, and undoes what it did."""
    with transaction.atomic():
        answer = client.generic(method, url, "{}", content_type="application/json")
        transaction.set_rollback(True)
    return answer


def is_in(answer: HttpResponse) -> bool:
    """Whether the request got past the door; a complaint about its empty body is inside."""
    return (
        answer.status_code not in {401, 403, 404, 405} and answer.status_code < 500 and not to_login(answer)
    )


def to_login(answer: HttpResponse) -> bool:
    return answer.status_code == 302 and "/login/" in answer.headers["Location"]


@pytest.mark.django_db
@pytest.mark.parametrize("role", [ANNOTATOR, LEAD, ML_STAFF, "stranger", "anonymous"])
def test_each_role_meets_what_the_table_says(labelled: Campaign, values: dict[str, Any], role: str) -> None:
    client = labelled.client(role)
    client.raise_request_exception = False
    wrong = []
    for route, methods in {**PAGES, **PROGRAMS}.items():
        for method, roles in methods.items():
            answer = call(client, method, address(route, values))
            if role in roles:
                fits = is_in(answer)
            elif role == "anonymous":
                fits = to_login(answer) if route in PAGES else answer.status_code in {401, 403}
            else:
                fits = answer.status_code == (404 if role == "stranger" else 403)
            if not fits:
                wrong.append(f"{method} {route}: {answer.status_code}")
    assert wrong == []


@pytest.mark.django_db
def test_pages_answer_no_method_that_the_table_does_not_name(
    labelled: Campaign, values: dict[str, Any]
) -> None:
    client = labelled.client(LEAD)
    for route, methods in PAGES.items():
        for method in {"GET", "POST"} - set(methods):
            assert call(client, method, address(route, values)).status_code == 405, (method, route)


@pytest.mark.django_db
@pytest.mark.parametrize("role", [ANNOTATOR, LEAD, ML_STAFF, "stranger", "anonymous"])
def test_the_administration_lets_in_whom_the_table_says(
    labelled: Campaign, values: dict[str, Any], role: str
) -> None:
    if role != "anonymous":
        # Even an account that may enter the administration sees nothing of a project without a role in it.
        labelled.people[role].is_staff = True
        labelled.people[role].save()
    client = labelled.client(role)
    client.raise_request_exception = False
    wrong = []
    for route, methods in ADMIN.items():
        for method, roles in methods.items():
            answer = call(client, method, address(route, values))
            if role in roles:
                fits = is_in(answer)
            elif role == "anonymous":
                fits = to_login(answer)
            else:
                fits = answer.status_code in {403, 404}
            # Django's old form of a row's address does nothing but lead to the new one.
            if not fits and not route.endswith(f"/{ROW}"):
                wrong.append(f"{method} {route}: {answer.status_code}")
    assert wrong == []


@pytest.mark.django_db
@pytest.mark.parametrize("route", sorted(SIGNED_IN))
def test_what_is_of_no_project_needs_an_account(labelled: Campaign, route: str) -> None:
    answer = labelled.client("anonymous").get(f"/{route}")
    assert to_login(answer) or answer.status_code in {401, 403}
    assert labelled.client(LEAD).get(f"/{route}").status_code in ({403} if "new" in route else {200})

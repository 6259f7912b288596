"""axe looks at every page, in English and in Arabic, and finds nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import resolve, reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from annotator.domain.assignments import assign_area
from annotator.domain.composites import add_composite
from annotator.domain.invitations import make_invitation, token_of
from annotator.domain.label_imports import bring_labels
from annotator.domain.projects import add_member
from annotator.enums import Role
from annotator.models import Export, Patch, PatchWork, Project, TrainingRun
from annotator.queries.versions import promoted_version
from annotator.web.urls import urlpatterns
from tests.drawn_twice import read_by
from tests.factories import (
    PASSWORD,
    make_access_token,
    make_member,
    make_patch,
    make_project,
    make_proposal,
    make_scene,
    mask_of,
    submit,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
# They answer with no page of their own: a form of another page sends to them, a script asks them, they are files.
NO_PAGES = {
    "set_language", "catalogue", "logout", "make_proposals", "stop_proposals", "scene_place", "display_copy",
    "scene_cancel", "scene_again",
    "service_worker", "spot_checks", "spot_passed", "gold", "second_off", "assignment_end", "parcel_rebuild",
    "export_file", "export_cancel", "import_cancel", "invitation_new", "invitation_revoke", "member_remove",
    "token_revoke", "composite_delete", "export_again", "import_again", "annotator_trainingrun_again",
    "annotator_inferencejob_cancel", "annotator_inferencejob_progress", "annotator_trainingrun_cancel",
    "annotator_trainingrun_progress", "annotator_modelversion_picture", "annotator_modelversion_export",
    "annotator_project_label_cost_data", "pace_plot", "spot_check_plot", "rank_queue",
}  # fmt: skip
# The administration makes these of every model alike; some of each kind are looked at.
OF_EVERY_MODEL = re.compile(r"_(changelist|change|add|history|delete)$")
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"


def violations(page: Page) -> list[str]:
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
    return [
        f"{one['id']}: {one['help']}\n        {node['html'][:160]}\n        {node['failureSummary'][:300]}"
        for one in found
        for node in one["nodes"][:3]
    ]


@pytest.fixture
def addresses() -> dict[str, str]:
    """Every kind of page, with something on it; the person `ada` is everything in the project."""
    project = make_project(name="Axe", patch_zoom=17)
    ada = User.objects.create_superuser("ada", password=PASSWORD)
    for role in Role:
        add_member(project=project, user=ada, role=role)
    scene = make_scene(project)
    patch, waiting = make_patch(project, score=5.0), make_patch(project)
    for one in (patch, waiting):
        make_proposal(one, scene=scene)
    submit(waiting, ada)
    PatchWork.objects.update(submitted_at=timezone.now() - timedelta(days=6))
    invitation = make_invitation(project=project, user=ada, role=Role.ANNOTATOR, days=3)
    disputed = _drawn_twice(project, ada)
    brought = bring_labels(project=project, user=ada, upload=_labels(patch), reading={})
    assign_area(project=project, user=ada, people=[ada], area=patch.square)
    Export.objects.create(project=project, requested_by=ada, kind="geotiff")
    written = add_composite(project=project, user=ada, name="Excess green", expressions=["2 * green - red"])
    version = promoted_version(project.pk)
    make_access_token(ada)
    run = TrainingRun.objects.create(
        project=project,
        requested_by=ada,
        parent=version,
        config={},
        state="failed",
        message="It was stopped.",
    )
    pages = {
        "projects": reverse("projects"),
        "overview": reverse("project", args=[project.slug]),
        "editor": reverse("annotate", args=[project.slug]),
        "desk": reverse("desk", args=[project.slug]),
        "pace": reverse("pace", args=[project.slug]),
        "progress": reverse("progress", args=[project.slug]),
        "assignments": reverse("assignments", args=[project.slug]),
        "quality": reverse("quality", args=[project.slug]),
        "queue": reverse("queue", args=[project.slug]),
        "timeline": reverse("timeline", args=[project.slug, waiting.pk]),
        "invitation": reverse("invitation", args=[token_of(invitation)]),
        "review list": reverse("review", args=[project.slug]),
        "review": reverse("review_patch", args=[project.slug, waiting.pk]),
        "two masks": reverse("adjudicate", args=[project.slug, disputed.pk]),
        "exports": reverse("exports", args=[project.slug]),
        "imports": reverse("imports", args=[project.slug]),
        "import": reverse("import", args=[project.slug, brought.pk]),
        "composites": reverse("composites", args=[project.slug]),
        "composite": reverse("composite", args=[project.slug, written.pk]),
        "members": reverse("members", args=[project.slug]),
        "scene": reverse("scene", args=[project.slug, scene.pk]),
        "new scene": reverse("scene_new", args=[project.slug]),
        "tokens": reverse("tokens"),
        "new project": reverse("project_new"),
        "nowhere": "/projects/nowhere/",
    }
    admin_pages = {
        "administration": reverse("admin:index"),
        "runs": reverse("admin:annotator_trainingrun_changelist"),
        "run": reverse("admin:annotator_trainingrun_change", args=[run.pk]),
        "version": reverse("admin:annotator_modelversion_change", args=[version.pk]),  # type: ignore[union-attr]
        "promotion": reverse("admin:annotator_modelversion_promote", args=[version.pk]),  # type: ignore[union-attr]
        "legend": reverse("admin:annotator_labelclass_legend", args=[project.pk]),
        "account": reverse("admin:auth_user_change", args=[ada.pk]),
        "group": reverse("admin:auth_group_add"),
        "everybody's tokens": reverse("admin:annotator_accesstoken_changelist"),
        "project's settings": reverse("admin:annotator_project_change", args=[project.pk]),
    }
    for name in ("train", "rules", "roll_back", "label_cost"):
        admin_pages[name] = reverse(f"admin:annotator_project_{name}", args=[project.pk])
    return pages | admin_pages


def _drawn_twice(project: Project, first: User) -> Patch:
    """A patch over which two people do not agree."""
    project.double_share = 1.0
    project.save()
    patch, second = make_patch(project, score=9.0), make_member(project)
    submit(patch, first, mask_of(0))
    read_by(patch, second, mask_of(1))
    project.double_share = 0.0
    project.save()
    return patch


def _labels(patch: Patch) -> SimpleUploadedFile:
    corners = patch.square.transform(4326, clone=True).coords[0]
    field = {
        "type": "Feature",
        "properties": {"crop": "maize"},
        "geometry": {"type": "Polygon", "coordinates": [corners]},
    }
    text = json.dumps({"type": "FeatureCollection", "features": [field]})
    return SimpleUploadedFile("fields.geojson", text.encode())


def named_pages() -> set[str]:
    """Every address of the pages, and every one of the administration that is made for one model."""
    own = [
        pattern.name
        for model, model_admin in admin.site._registry.items()
        if model._meta.app_label == "annotator"
        for pattern in model_admin.get_urls()
        if pattern.name and not OF_EVERY_MODEL.search(pattern.name)
    ]
    return {*own, *(pattern.name for pattern in urlpatterns)}


def test_axe_finds_no_violation_on_any_page(
    live_server: Any, page: Page, sign_in: Callable[[User], Page], addresses: dict[str, str]
) -> None:
    assert named_pages() - {"login"} - {resolve(one).url_name for one in addresses.values()} == NO_PAGES
    found: dict[str, list[str]] = {}
    for name, address in {"sign-in": "/login/", "administration's sign-in": "/admin/login/"}.items():
        page.goto(f"{live_server.url}{address}")
        found[name] = violations(page)
    sign_in(User.objects.get(username="ada"))
    for language in ("en", "ar"):
        page.context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
        for name, address in addresses.items():
            if language == "ar" and address.startswith("/admin/"):
                continue
            page.goto(f"{live_server.url}{address}")
            if name == "editor":
                expect(page.locator("#editor")).to_have_attribute("data-state", "ready")
            found[f"{name} ({language})"] = violations(page)
            if name == "editor":
                page.keyboard.press("?")
                found[f"shortcuts ({language})"] = violations(page)
                page.keyboard.press("Escape")
                page.keyboard.press("F1")
                found[f"first patch ({language})"] = violations(page)
    page.goto(f"{live_server.url}{addresses['tokens']}")
    page.get_by_label("الاسم").fill("QGIS")
    page.keyboard.press("Enter")
    expect(page.locator("#token")).to_be_visible()
    found["new token"] = violations(page)
    page.goto(f"{live_server.url}{addresses['members']}")
    page.locator("form[action$='/remove/'] button").last.click()
    expect(page.locator(".messages")).to_be_visible()
    found["message"] = violations(page)
    bad = [f"{name}\n    " + "\n    ".join(lines) for name, lines in found.items() if lines]
    assert not bad, "\n" + "\n".join(bad)

"""axe looks at every page, in English and in Arabic, and finds nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from annotator.domain.invitations import make_invitation, token_of
from annotator.domain.projects import add_member
from annotator.enums import Role
from annotator.models import PatchWork, TrainingRun
from annotator.queries.versions import promoted_version
from tests.factories import PASSWORD, make_patch, make_project, make_proposal, make_scene, submit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
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
    version = promoted_version(project.pk)
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
        "timeline": reverse("timeline", args=[project.slug, waiting.pk]),
        "invitation": reverse("invitation", args=[token_of(invitation)]),
        "review list": reverse("review", args=[project.slug]),
        "review": reverse("review_patch", args=[project.slug, waiting.pk]),
        "members": reverse("members", args=[project.slug]),
        "scene": reverse("scene", args=[project.slug, scene.pk]),
        "new scene": reverse("scene_new", args=[project.slug]),
        "new project": reverse("project_new"),
        "nowhere": "/projects/nowhere/",
    }
    admin = {
        "administration": reverse("admin:index"),
        "runs": reverse("admin:annotator_trainingrun_changelist"),
        "run": reverse("admin:annotator_trainingrun_change", args=[run.pk]),
        "version": reverse("admin:annotator_modelversion_change", args=[version.pk]),  # type: ignore[union-attr]
        "train": reverse("admin:annotator_project_train", args=[project.pk]),
        "project's settings": reverse("admin:annotator_project_change", args=[project.pk]),
    }
    return pages | admin


def test_axe_finds_no_violation_on_any_page(
    live_server: Any, page: Page, sign_in: Callable[[User], Page], addresses: dict[str, str]
) -> None:
    found: dict[str, list[str]] = {}
    page.set_default_timeout(60_000)
    page.goto(f"{live_server.url}/login/")
    found["sign-in"] = violations(page)
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
    bad = [f"{name}\n    " + "\n    ".join(lines) for name, lines in found.items() if lines]
    assert not bad, "\n" + "\n".join(bad)

"""The whole loop in a real Chromium: from a new project to a promoted adapter that changes the queue.

With MILPA_SCREENSHOTS naming a folder, the pictures of the documentation are made on the way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from annotator.domain.masks import values_of
from annotator.domain.projects import add_member
from annotator.enums import JobState, PatchState, Role, RunState, VersionState
from annotator.models import InferenceJob, Project, Proposal, Ranking, Revision, Scene, TrainingRun
from tests.browser.editing import snap
from tests.celery_workers import Workers
from tests.factories import make_user
from tests.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]
ANNOTATED = 4


@pytest.fixture
def people() -> dict[str, User]:
    return {
        "annotator": make_user("amina"),
        "lead": make_user("luis", may_add_projects=True),
        "ml_staff": make_user("mei", is_staff=True),
    }


@pytest.fixture
def source(landscape_tif: tuple[Path, Path]) -> tuple[Path, dict[str, Any], str]:
    """The scene, the area of interest (about a dozen patches) and the kind of imagery."""
    if settings.MILPA_DATA is None:
        return landscape_tif[0], {}, "landscape"
    west, south, east, north = 76.085, 19.735, 76.103, 19.7475
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    scene = settings.MILPA_DATA / "maharashtra-s2-scene" / "s2_sr_maharashtra_20221003.tif"
    return scene, {"type": "Polygon", "coordinates": [ring]}, "maharashtra"


def test_the_loop_turns_once(
    page: Page,
    live_server: Any,
    sign_in: Callable[[User], Page],
    workers: Workers,
    people: dict[str, User],
    source: tuple[Path, dict[str, Any], str],
) -> None:
    project = lead_sets_up(sign_in(people["lead"]), live_server.url, source)
    add_member(project=project, user=people["annotator"], role=Role.ANNOTATOR)
    add_member(project=project, user=people["ml_staff"], role=Role.ML_STAFF)
    first_ranking = lead_makes_proposals(page, live_server.url, project)

    drawn = annotator_corrects(sign_in(people["annotator"]), live_server.url, project)
    lead_reviews(sign_in(people["lead"]), live_server.url, project)
    annotator_answers_the_comment(sign_in(people["annotator"]), live_server.url, project)
    lead_approves_the_rest(sign_in(people["lead"]), live_server.url, project)
    lead_sees_parcels(page, live_server.url, project)
    assert project.patches.filter(state=PatchState.APPROVED).count() == ANNOTATED == len(drawn)

    ml_staff_trains(sign_in(people["ml_staff"]), live_server.url, project)
    ml_staff_promotes(page, project)
    the_promoted_adapter_changed_proposals_and_ranking(project, first_ranking)


def lead_sets_up(page: Page, url: str, source: tuple[Path, dict[str, Any], str]) -> Project:
    """Step 1: a project by its form, a scene by upload, patches inside the area of interest."""
    path, area, _ = source
    page.goto(f"{url}/projects/new/")
    page.get_by_label("Name", exact=True).first.fill("First valley")
    if area:
        page.get_by_label(re.compile("Area of interest")).fill(json.dumps(area))
    page.get_by_role("button", name="Set up the project").click()
    page.wait_for_url(f"{url}/projects/first-valley/scenes/new/")
    project = Project.objects.get(slug="first-valley")
    page.get_by_label(re.compile("Upload a GeoTIFF")).set_input_files(path)
    page.get_by_role("button", name="Add the scene").click()
    page.wait_for_url(f"{url}/projects/first-valley/")
    wait_for(lambda: Scene.objects.get(project=project).state in {"ready", "failed"}, "the scene's ingest")
    scene = Scene.objects.get(project=project)
    assert (scene.state, scene.message) == ("ready", "")
    assert project.patches.count() >= 6
    return project


def lead_makes_proposals(page: Page, url: str, project: Project) -> Ranking:
    """Steps 2 to 4: proposals for all patches, then the queue ranked by entropy."""
    page.goto(f"{url}/projects/{project.slug}/")
    page.get_by_role("button", name="Make proposals").click()
    wait_for(lambda: _job(project).state == JobState.SUCCEEDED, "the proposals")
    assert _job(project).done == project.patches.count()
    ranked = Ranking.objects.filter(project=project, finished_at__isnull=False)
    wait_for(lambda: ranked.filter(scored_count__gt=0).exists(), "the ranking")
    # The page loads itself anew when the job has ended, and then shows no progress; to load it meanwhile would fail.
    expect(page.locator("progress")).to_have_count(0)
    page.goto(f"{url}/projects/{project.slug}/")
    expect(page.locator("#map .leaflet-tile-loaded").first).to_be_visible()
    snap(page, "map")
    entropies = list(
        Proposal.objects.filter(patch__project=project).values_list("mean_entropy_nats", flat=True)
    )
    # Patches drawn by chance may come before it.
    assert project.queue_entries.get(worth_rank=1).worth == max(entropies)
    return ranked.latest("made_at")


def annotator_corrects(page: Page, url: str, project: Project) -> list[int]:
    """Step 5: the most uncertain patch first; a stroke, undo, redo, another class; submit; the next one."""
    expected = list(project.queue_entries.order_by("-score").values_list("patch_id", flat=True)[:ANNOTATED])
    page.goto(f"{url}/projects/{project.slug}/annotate/")
    drawn: list[int] = []
    for number, patch_id in enumerate(expected):
        editor = ready_editor(page, patch_id)
        draw_stroke(page, key="1", offset=-60)
        draw_stroke(page, key="2", offset=40)
        expect(editor).to_have_attribute("data-dirty", "true")
        page.keyboard.press("Control+z")
        page.keyboard.press("Control+Shift+z")
        if number == 0:
            page.keyboard.press("e")
            snap(page, "editor-entropy")
            page.keyboard.press("e")
            snap(page, "editor")
        on_screen = np.array(
            page.evaluate("Array.from(globalThis.milpaEditor.document.mask())"), np.uint8
        ).reshape(256, 256)
        page.keyboard.press("Enter")
        wait_for(
            lambda patch_id=patch_id: project.patches.get(pk=patch_id).state == PatchState.SUBMITTED,
            "the submission",
            30,
        )
        revision = Revision.objects.get(annotation__patch_id=patch_id)
        assert np.array_equal(values_of(revision.mask_png), on_screen), "the server holds what was drawn"
        assert revision.stroke_count == 2
        drawn.append(patch_id)
    return drawn


def lead_reviews(page: Page, url: str, project: Project) -> None:
    """Step 6: the first patch is returned with a comment, the others are approved."""
    page.goto(f"{url}/projects/{project.slug}/review/")
    snap(page, "review-list")
    page.get_by_role("link", name=re.compile("^Patch ")).first.click()
    expect(page.locator("#view-revision canvas, #view-revision img").first).to_be_visible()
    snap(page, "review")
    reviewed = page.url
    page.keyboard.press("r")
    page.locator("#comment").fill("The track in the middle is missing.")
    page.keyboard.press("Control+Enter")
    wait_for(lambda: project.patches.filter(state=PatchState.RETURNED).count() == 1, "the return", 30)
    # The page goes on to the next patch by itself.
    page.wait_for_url(lambda address: address != reviewed)
    approve_all(page, url, project)


def lead_approves_the_rest(page: Page, url: str, project: Project) -> None:
    approve_all(page, url, project)


def lead_sees_parcels(page: Page, url: str, project: Project) -> None:
    wait_for(lambda: project.parcels.exists() and not project.parcel_updates.exists(), "the parcels")
    page.goto(f"{url}/projects/{project.slug}/")
    expect(page.locator("#map .leaflet-tile-loaded").first).to_be_visible()
    snap(page, "parcels")


def approve_all(page: Page, url: str, project: Project) -> None:
    for patch in list(project.patches.filter(state=PatchState.SUBMITTED)):
        page.goto(f"{url}/projects/{project.slug}/review/{patch.pk}/")
        expect(page.locator("#view-revision canvas, #view-revision img").first).to_be_visible()
        page.keyboard.press("a")
        wait_for(
            lambda patch=patch: project.patches.get(pk=patch.pk).state == PatchState.APPROVED,
            "the approval",
            30,
        )
        page.wait_for_url(lambda address, pk=patch.pk: not address.endswith(f"/review/{pk}/"))


def annotator_answers_the_comment(page: Page, url: str, project: Project) -> None:
    returned = project.patches.get(state=PatchState.RETURNED)
    page.goto(f"{url}/projects/{project.slug}/annotate/")
    # The patch claimed after the last submission comes first; once it is skipped, the returned one does.
    expect(page.locator("#editor")).to_have_attribute("data-state", "ready")
    page.keyboard.press("n")
    ready_editor(page, returned.pk)
    expect(page.locator("#review-comment")).to_contain_text("The track in the middle is missing.")
    draw_stroke(page, key="2", offset=0)
    page.keyboard.press("Enter")
    wait_for(
        lambda: project.patches.get(pk=returned.pk).state == PatchState.SUBMITTED, "the second submission", 30
    )


def ml_staff_trains(page: Page, url: str, project: Project) -> None:
    """Step 7: the confirmation page says what the run learns from; its page shows progress, log and curve."""
    page.goto(f"{url}/admin/annotator/project/{project.pk}/change/")
    page.get_by_role("link", name="Start a training run").click()
    expect(page.get_by_text(re.compile("version 1"))).to_be_visible()
    page.get_by_label(re.compile("^Steps")).fill("12")
    snap(page, "train-confirmation")
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url(re.compile(r"/trainingrun/\d+/change/"))
    wait_for(lambda: not TrainingRun.objects.get(project=project).is_active, "the training run", 400)
    run = TrainingRun.objects.get(project=project)
    assert run.state == RunState.SUCCEEDED, run.message
    assert len(run.losses) == 12
    # The page loads itself anew when the run has ended.
    expect(page.get_by_role("button", name="Cancel the run")).to_have_count(0)
    expect(page.locator("svg").first).to_be_visible()
    snap(page, "training-run")


def ml_staff_promotes(page: Page, project: Project) -> None:
    """Step 8: measured on so few patches the gate lets nothing pass, so that a person has to answer for it."""
    expect(
        page.get_by_text(re.compile("held-out .* needed to tell a gain from chance")).first
    ).to_be_visible()
    page.get_by_role("link", name="Promote version 2").click()
    expect(page.get_by_text("The gate did not let it pass.")).to_be_visible()
    page.get_by_label("Reason to promote it all the same").fill("It has seen this valley.")
    page.get_by_role("button", name="Promote all the same").click()
    wait_for(lambda: project.model_versions.get(number=2).state == VersionState.PROMOTED, "the promotion", 30)
    assert project.model_versions.get(number=1).state == VersionState.RETIRED


def the_promoted_adapter_changed_proposals_and_ranking(project: Project, first: Ranking) -> None:
    version = project.model_versions.get(number=2)
    wait_for(
        lambda: InferenceJob.objects.get(model_version=version).state == JobState.SUCCEEDED,
        "the renewed proposals",
    )
    renewed = Ranking.objects.filter(model_version=version, finished_at__isnull=False)
    wait_for(renewed.exists, "the renewed ranking", 60)
    before = dict(Proposal.objects.filter(model_version__number=1).values_list("patch_id", "mask_png"))
    after = dict(Proposal.objects.filter(model_version=version).values_list("patch_id", "mask_png"))
    assert before.keys() == after.keys()
    assert any(bytes(before[pk]) != bytes(after[pk]) for pk in before)
    second = renewed.latest("made_at")
    assert second.order_hash != first.order_hash
    entropies = dict(
        Proposal.objects.filter(model_version=version).values_list("patch_id", "mean_entropy_nats")
    )
    for entry in project.queue_entries.all():
        assert entry.worth == pytest.approx(entropies[entry.patch_id])


def ready_editor(page: Page, patch_id: int) -> Locator:
    editor = page.locator("#editor")
    expect(editor).to_have_attribute("data-patch-id", str(patch_id))
    expect(editor).to_have_attribute("data-state", "ready")
    return editor


def draw_stroke(page: Page, *, key: str, offset: int) -> None:
    """A slanted brush stroke of the class with that number, near the middle of the patch."""
    box = page.locator("#editor-map").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 + offset
    page.keyboard.press("b")
    page.keyboard.press(key)
    page.mouse.move(x - 90, y - 20)
    page.mouse.down()
    page.mouse.move(x, y, steps=6)
    page.mouse.move(x + 90, y + 20, steps=6)
    page.mouse.up()


def _job(project: Project) -> InferenceJob:
    return InferenceJob.objects.filter(project=project).latest("requested_at")

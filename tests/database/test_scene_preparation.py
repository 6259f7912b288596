"""How far a scene's preparation is, on its page and by the API; cancelled and tried again there."""

from __future__ import annotations

import pytest
from django.test import Client

from annotator.domain.scenes import add_scene
from annotator.enums import Role, SceneState
from annotator.models import Project, Scene
from tests.factories import client_of, make_member, make_project
from tests.rasters import random_values, write_raster

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def scene(project: Project, tmp_path) -> Scene:  # type: ignore[no-untyped-def]
    source = write_raster(tmp_path / "scene.tif", random_values(3, 300, 300))
    return add_scene(project=project, user=project.created_by, source=str(source))


@pytest.fixture
def lead(project: Project) -> Client:
    return client_of(project.created_by)


def test_the_page_tells_how_far_it_is_and_leads_cancel_it_and_have_it_tried_again(project, scene, lead):
    Scene.objects.update(state=SceneState.INGESTING, percent=42, message="Making tiles and overviews of it.")
    page = f"/projects/{project.slug}/scenes/{scene.pk}/"
    shown = lead.get(page).content.decode()
    assert f'data-percent-url="/api/v1/scenes/{scene.pk}/" value="42" max="100"' in shown
    assert "42 %. Making tiles and overviews of it." in shown
    assert "milpa/jobs.js" in shown
    assert "42 %" in lead.get(f"/projects/{project.slug}/").content.decode()
    annotator = client_of(make_member(project, Role.ANNOTATOR))
    assert f"{page}stop/" in shown
    assert f"{page}stop/" not in annotator.get(page).content.decode()
    ended = lead.post(f"{page}stop/", follow=True).content.decode()
    assert "Cancelled at 42 %." in ended
    assert (f"{page}again/" in ended, f"{page}stop/" in ended) == (True, False)
    assert f"{page}again/" not in annotator.get(page).content.decode()
    begun = lead.post(f"{page}again/", follow=True).content.decode()
    assert "The scene is prepared once more." in begun
    scene.refresh_from_db()
    assert (scene.state, scene.percent, scene.message) == (SceneState.PENDING, 0, "")
    assert "only one that failed or was cancelled" in lead.post(f"{page}again/", follow=True).content.decode()


def test_the_api_does_too(project, scene, lead):
    Scene.objects.update(state=SceneState.INGESTING, percent=42)
    address = f"/api/v1/scenes/{scene.pk}/"
    told = lead.get(address).json()
    assert (told["percent"], told["is_active"], told["can_be_tried_again"]) == (42, True, False)
    assert told["heartbeat_at"] is not None
    assert lead.post(f"{address}try-again/").json()["code"] == "illegal-transition"
    answer = lead.post(f"{address}cancel/")
    assert (answer.status_code, answer.json()["state"]) == (202, SceneState.CANCELLED)
    assert answer.json()["can_be_tried_again"] is True
    assert lead.post(f"{address}cancel/").json()["code"] == "illegal-transition"
    answer = lead.post(f"{address}try-again/")
    assert (answer.status_code, answer.json()["state"]) == (202, SceneState.PENDING)
    Scene.objects.update(state=SceneState.FAILED, source="/gone.tif", source_is_upload=True)
    assert lead.get(address).json()["can_be_tried_again"] is False
    assert lead.post(f"{address}try-again/").json()["code"] == "file-gone"

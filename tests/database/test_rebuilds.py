"""A version is trained again from its record: the same adapter, or the reason why not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import rasterio
import rasterio.shutil
from django.core.management import CommandError, call_command

from annotator.domain.imports import import_label_raster
from annotator.domain.rebuilds import rebuild
from annotator.domain.training import request_run, train
from annotator.domain.versions import promote
from annotator.enums import RunState
from annotator.errors import CannotRebuild
from annotator.models import ModelVersion, Project, Scene
from tests.factories import make_project, make_scene

pytestmark = pytest.mark.django_db
CLASSES = {0: 0, 1: 1, 2: 2, 3: 0, 4: 0, 5: 0}
CONFIG = {"steps": 3, "images_per_step": 1, "token_patches_per_image": 4}


@pytest.fixture
def project(landscape_tif: tuple[Path, Path]) -> Project:
    project = make_project(patch_zoom=17)
    make_scene(project, landscape_tif[0])
    import_label_raster(project=project, user=project.created_by, path=landscape_tif[1], classes=CLASSES)
    return project


def trained(project: Project) -> ModelVersion:
    run = request_run(project=project, user=project.created_by, config=CONFIG)
    train(run.pk)
    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED, run.message
    assert run.candidate is not None
    return run.candidate


def test_a_rebuilt_version_is_the_same_bit_for_bit(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = trained(project)
    promote(version=first, user=project.created_by, override_reason="To go on from it.")
    second = trained(project)
    # A newer scene is the default from now on, and the old one is shown otherwise.
    old = Scene.objects.get()
    copy = make_scene(project)
    Scene.objects.filter(pk=old.pk).update(display_bands=[3, 2, 1])
    assert copy.acquired_on is not None
    call_command("rebuild_version", project.slug, second.number)
    assert f"Version {second.number} is the same, bit for bit" in capsys.readouterr().out
    assert first.adapter_path is not None
    assert second.adapter_path is not None
    assert first.adapter_path.is_dir()
    assert not list(tmp_path.glob("**/milpa-rebuild-*"))

    shutil.copy(
        first.adapter_path / "adapter_model.safetensors", second.adapter_path / "adapter_model.safetensors"
    )
    with pytest.raises(CommandError, match=r"comes out otherwise .* weights differ by up to"):
        call_command("rebuild_version", project.slug, second.number)


def test_what_stands_in_the_way_of_a_rebuild_is_said(project: Project, tmp_path: Path) -> None:
    version = trained(project)

    def refused(match: str) -> None:
        fresh = ModelVersion.objects.select_related("parent").get(pk=version.pk)
        with pytest.raises(CannotRebuild, match=match):
            rebuild(version=fresh, folder=tmp_path / "rebuilt")

    whole = version.provenance
    for changed, match in (
        ({"code": whole["code"] | {"torch": "1.0"}}, r"other code: torch \(1.0 then, 2"),
        ({"code": whole["code"] | {"method": "0"}}, "other code: the method's code"),
        ({"base_hash": "0"}, "base model's files"),
        ({"parent_hash": "0"}, "The adapter of version 1, its parent, is not what it was"),
        ({"validation_hash": "0"}, "is not what it was: with the same masks"),
        ({"training_revisions": [*whole["training_revisions"], 10**9]}, "gone: revision 1000000000"),
    ):
        ModelVersion.objects.filter(pk=version.pk).update(provenance=whole | changed)
        refused(match)
    ModelVersion.objects.filter(pk=version.pk).update(
        provenance={"kind": "LoRA round", "config": whole["config"]}
    )
    refused("lacks precision, legend")
    ModelVersion.objects.filter(pk=version.pk).update(provenance=whole)

    scene = Scene.objects.get()
    with rasterio.open(scene.cog_path) as file:
        profile, pixels = file.profile | {"driver": "GTiff"}, file.read()
    other = tmp_path / "other.tif"
    with rasterio.open(other, "w", **profile) as file:
        file.write(255 - pixels)
    rasterio.shutil.copy(other, scene.cog_path, driver="COG")
    refused("imagery that version 2 learned from is not what it was")
    scene.cog_path.unlink()
    refused(f"imagery of scene {scene.name} is gone")
    assert version.adapter_path is not None
    shutil.rmtree(version.adapter_path)
    refused("The adapter of version 2 is missing")
    with pytest.raises(CommandError, match="base model: no round made it"):
        call_command("rebuild_version", project.slug, 1)
    with pytest.raises(CommandError, match="no version 9"):
        call_command("rebuild_version", project.slug, 9)

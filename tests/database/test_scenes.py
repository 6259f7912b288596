"""A scene from the upload to its patches, what is left of one that failed, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from annotator.domain import ingest as ingest_module
from annotator.domain.ingest import cancel_ingest, ingest, retry_ingest
from annotator.domain.recovery import resend_lost_jobs
from annotator.domain.scenes import add_scene, change_display
from annotator.enums import SceneState
from annotator.errors import BadScene, FileGone, IllegalTransition
from annotator.imagery import problems
from annotator.models import Event, Project, Scene
from annotator.models.job import MAX_TAKEOVERS
from tests.factories import make_project, make_scene
from tests.rasters import EAST_M, NORTH_M, random_values, write_raster

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def tif(tmp_path: Path) -> Path:
    return write_raster(tmp_path / "given.tif", random_values(3, 600, 600))


def upload(project: Project, content: bytes, file_name: str = "plot.tif", **fields: object) -> Scene:
    file = SimpleUploadedFile(file_name, content)
    return add_scene(project=project, user=project.created_by, upload=file, **fields)  # type: ignore[arg-type]


def files(media: Path) -> list[str]:
    """The folder of each file that is kept."""
    return sorted(path.parent.name for path in media.rglob("*") if path.is_file())


def test_an_upload_becomes_a_ready_scene_with_patches(project, tif, settings):
    scene = upload(project, tif.read_bytes())
    assert (scene.state, scene.name, files(settings.MEDIA_ROOT)) == (SceneState.PENDING, "plot", ["incoming"])
    ingest(scene.pk)
    scene.refresh_from_db()
    assert (scene.state, scene.message) == (SceneState.READY, "")
    assert project.patches.count() > 0
    assert scene.cog_path.is_file()
    assert files(settings.MEDIA_ROOT) == ["scenes"]


@pytest.mark.parametrize(
    "file_name", ["plot_20221003.tif", "plot-2022-10-03.TIF", "Größe ½ (2022_10_03).tif", "../20221003.tif"]
)
def test_the_date_in_the_name_of_an_upload_is_found(project, tif, file_name):
    scene = upload(project, tif.read_bytes(), file_name, name="Our valley")
    ingest(scene.pk)
    scene.refresh_from_db()
    assert (scene.acquired_on, scene.name) == (date(2022, 10, 3), "Our valley")


def test_a_date_that_was_given_is_kept(project, tif):
    scene = upload(project, tif.read_bytes(), "plot_20221003.tif", acquired_on=date(2020, 1, 2))
    ingest(scene.pk)
    scene.refresh_from_db()
    assert scene.acquired_on == date(2020, 1, 2)


def test_a_very_long_name_of_an_upload_does_no_harm(project, tif):
    scene = upload(project, tif.read_bytes(), "20221003" + "ß" * 240 + ".tif")
    ingest(scene.pk)
    scene.refresh_from_db()
    assert (scene.state, scene.acquired_on) == (SceneState.READY, date(2022, 10, 3))


@pytest.mark.parametrize("content", [b"", b"no raster", b"II*\0 and then nothing of use"])
def test_a_corrupt_upload_leaves_no_file_and_no_row(project, settings, content):
    with pytest.raises(BadScene):
        upload(project, content)
    assert files(settings.MEDIA_ROOT) == []
    assert project.scenes.count() == 0


def test_an_upload_that_was_cut_off_fails_and_leaves_no_file(project, settings, tmp_path):
    noise = np.random.default_rng(1).integers(1, 255, (3, 600, 600)).astype("uint8")
    whole = write_raster(tmp_path / "a.tif", noise).read_bytes()
    with pytest.raises(problems.DamagedScene):
        upload(project, whole[: len(whole) // 2])
    assert files(settings.MEDIA_ROOT) == []
    assert project.scenes.count() == 0


def test_a_scene_beside_the_others_fails_with_the_reason_and_leaves_no_cog(project, tif, settings, tmp_path):
    first = make_scene(project, tif)
    away = Affine(1, 0, EAST_M + 50_000, 0, -1, NORTH_M)
    scene = upload(project, write_raster(tmp_path / "away.tif", transform=away).read_bytes())
    patches = project.patches.count()
    ingest(scene.pk)
    scene.refresh_from_db()
    assert (scene.state, scene.cog_name) == (SceneState.FAILED, "")
    assert scene.message == (
        "The scene does not overlap the project's other scenes. Make a project for the other place, or draw an "
        "area of interest that covers both."
    )
    assert [path.name for path in (settings.MEDIA_ROOT / "scenes").iterdir()] == [first.cog_name]
    assert project.patches.count() == patches
    # The project's area may be drawn anew.
    assert scene.can_be_tried_again


def parts(folder: Path, count: int, **options: object) -> list[Path]:
    """Neighbouring pieces of one random raster, 300 x 300 px each, from west to east."""
    whole = random_values(3, 300, 300 * count)
    return [
        write_raster(
            folder / f"part {i}.tif",
            whole[:, :, 300 * i : 300 * i + 300],
            transform=Affine(1, 0, EAST_M + 300 * i, 0, -1, NORTH_M),
            **options,
        )
        for i in range(count)
    ]


@pytest.mark.parametrize("nodata", [None, 0])
@pytest.mark.parametrize("as_folder", [True, False])
def test_several_files_become_one_mosaic(project, settings, tmp_path, nodata, as_folder):
    """Named one a line or by their folder; where one is missing there is nothing."""
    folder = tmp_path / "three parts"
    folder.mkdir()
    paths = parts(folder, 3, nodata=nodata)
    paths.pop(1).unlink()
    source = str(folder) if as_folder else "\n".join(map(str, paths))
    scene = add_scene(project=project, user=project.created_by, source=source)
    ingest(scene.pk)
    scene.refresh_from_db()
    assert (scene.state, scene.message, scene.width_px) == (SceneState.READY, "", 900)
    with rasterio.open(scene.cog_path) as cog:
        assert np.array_equal(cog.read()[:, :, 600:], random_values(3, 300, 900)[:, :, 600:])
        assert cog.dataset_mask().mean(axis=0)[[150, 450, 750]].tolist() == [255, 0, 255]


def test_parts_that_do_not_go_together_are_named(project, tmp_path):
    paths = parts(tmp_path, 2)
    write_raster(paths[1], random_values(4, 300, 300, "uint16"), gsd=2.0)
    source = "\n".join(map(str, paths))
    scene = add_scene(project=project, user=project.created_by, source=source)
    ingest(scene.pk)
    scene.refresh_from_db()
    assert scene.state == SceneState.FAILED
    assert "part 1.tif cannot be put beside part 0.tif" in scene.message
    assert "the pixel size, the bands, the pixel type" in scene.message


def test_a_second_ingest_changes_nothing(project, tif, settings):
    scene = upload(project, tif.read_bytes())
    ingest(scene.pk)
    before = Scene.objects.values().get(pk=scene.pk)
    patches, events = set(project.patches.values_list("pk", flat=True)), Event.objects.count()
    ingest(scene.pk)
    assert Scene.objects.values().get(pk=scene.pk) == before
    assert set(project.patches.values_list("pk", flat=True)) == patches
    assert Event.objects.count() == events
    assert files(settings.MEDIA_ROOT) == ["scenes"]


def lost(scene: Scene) -> None:
    """As a worker leaves it that was killed an hour ago."""
    Scene.objects.filter(pk=scene.pk).update(
        state=SceneState.INGESTING, heartbeat_at=timezone.now() - timedelta(hours=1)
    )


def test_an_ingest_whose_worker_died_starts_over_and_removes_what_that_one_left(project, tif, settings):
    scene = upload(project, tif.read_bytes())
    Scene.objects.filter(pk=scene.pk).update(state=SceneState.INGESTING, heartbeat_at=timezone.now())
    ingest(scene.pk)
    scene.refresh_from_db()
    assert scene.state == SceneState.INGESTING, "a scene that a living worker prepares is left alone"
    lost(scene)
    left = settings.MEDIA_ROOT / "scenes" / f".ingest-{scene.pk}-0123abcd" / "cog.tif"
    left.parent.mkdir(parents=True)
    left.touch()
    ingest(scene.pk)
    scene.refresh_from_db()
    assert (scene.state, scene.percent) == (SceneState.READY, 100)
    assert files(settings.MEDIA_ROOT) == ["scenes"]
    assert not left.parent.exists()


def test_lost_scenes_and_those_whose_message_was_lost_are_sent_again(project, tif):
    scene = upload(project, tif.read_bytes())
    assert resend_lost_jobs() == 0
    lost(scene)
    assert resend_lost_jobs() == 1
    Scene.objects.update(state=SceneState.PENDING)
    assert (resend_lost_jobs(), resend_lost_jobs()) == (1, 0)


def test_a_scene_that_each_worker_is_lost_at_is_given_up(project, tif):
    scene = upload(project, tif.read_bytes())
    lost(scene)
    Scene.objects.update(takeovers=MAX_TAKEOVERS)
    ingest(scene.pk)
    scene.refresh_from_db()
    assert (scene.state, "workers in a row were lost" in scene.message) == (SceneState.FAILED, True)
    retry_ingest(scene=scene, user=project.created_by)
    ingest(scene.pk)
    scene.refresh_from_db()
    assert scene.state == SceneState.READY


def interfere(monkeypatch: pytest.MonkeyPatch, at_text: str, act: Callable[[], object]) -> None:
    """Has something happen when the ingest tells of that step."""
    real = ingest_module._teller

    def teller(scene: Scene) -> Callable[[str, float], None]:
        tell = real(scene)

        def told(text: str, share: float) -> None:
            if text == at_text:
                act()
            tell(text, share)

        return told

    monkeypatch.setattr(ingest_module, "_teller", teller)


@pytest.mark.parametrize("step", ["Reading every pixel once.", "Making tiles and overviews of it."])
def test_an_ingest_that_is_cancelled_stops_leaves_nothing_and_can_be_tried_again(
    project, tif, settings, monkeypatch, step
):
    scene = upload(project, tif.read_bytes())
    with monkeypatch.context() as patched:
        interfere(patched, step, lambda: cancel_when_active(scene, project))
        ingest(scene.pk)
    scene.refresh_from_db()
    assert (scene.state, scene.message[:12]) == (SceneState.CANCELLED, "Cancelled at")
    assert files(settings.MEDIA_ROOT) == ["incoming"], "the upload is kept for another try"
    retry_ingest(scene=scene, user=project.created_by)
    ingest(scene.pk)
    scene.refresh_from_db()
    assert (scene.state, files(settings.MEDIA_ROOT)) == (SceneState.READY, ["scenes"])
    verbs = Event.objects.filter(subject="scene").values_list("verb", flat=True)
    assert list(verbs) == [
        "added",
        "ingest started",
        "cancelled",
        "tried again",
        "ingest started",
        "ingested",
    ]
    for verb in (cancel_ingest, retry_ingest):
        with pytest.raises(IllegalTransition, match="The scene is ready"):
            verb(scene=scene, user=project.created_by)


def cancel_when_active(scene: Scene, project: Project) -> None:
    scene.refresh_from_db()
    if scene.is_active:
        cancel_ingest(scene=scene, user=project.created_by)


def test_a_worker_that_was_taken_for_lost_stops_and_changes_nothing(project, tif, settings, monkeypatch):
    """It wakes when the one that took the scene up is done."""
    scene = upload(project, tif.read_bytes())

    def take_up() -> None:
        monkeypatch.undo()
        settings.MEDIA_ROOT = media
        lost(scene)
        ingest(scene.pk)

    media = settings.MEDIA_ROOT
    interfere(monkeypatch, "Looking at the pixels.", take_up)
    ingest(scene.pk)
    scene.refresh_from_db()
    assert (scene.state, scene.cog_path.is_file()) == (SceneState.READY, True)
    assert files(settings.MEDIA_ROOT) == ["scenes"]
    assert Event.objects.filter(verb="ingested").count() == 1


def test_what_is_wrong_with_the_file_itself_is_no_reason_to_keep_it(project, settings, tmp_path):
    empty = write_raster(tmp_path / "empty.tif", np.zeros((3, 64, 64), "uint8"), nodata=0)
    scene = upload(project, empty.read_bytes())
    ingest(scene.pk)
    scene.refresh_from_db()
    assert (scene.state, files(settings.MEDIA_ROOT)) == (SceneState.FAILED, [])
    with pytest.raises(FileGone, match="Add the scene again"):
        retry_ingest(scene=scene, user=project.created_by)


@pytest.fixture
def wide(project: Project, tmp_path: Path) -> Scene:
    """A scene of five bands of 16 bits, each twice as bright as the one before."""
    values = random_values(5, 300, 300, "uint16") * np.array([1, 2, 4, 8, 16], "uint16").reshape(5, 1, 1)
    return make_scene(project, write_raster(tmp_path / "wide.tif", values))


def test_other_bands_get_the_stretch_that_suits_them(project, wide):
    shown = change_display(scene=wide, user=project.created_by, display_bands=[5, 4, 3])
    for (low, high), factor in zip(shown.stretch, (16, 8, 4), strict=True):
        assert low == pytest.approx(24 * factor, abs=6 * factor)
        assert high == pytest.approx(215 * factor, abs=6 * factor)
    wide.refresh_from_db()
    assert (wide.display_bands, wide.stretch) == ([5, 4, 3], shown.stretch)


def test_a_stretch_that_was_given_is_taken(project, wide):
    given = [[0, 100], [0, 200], [0, 300]]
    shown = change_display(scene=wide, user=project.created_by, display_bands=[5, 4, 3], stretch=given)
    assert (shown.display_bands, shown.stretch) == ([5, 4, 3], given)


def test_the_same_bands_keep_their_stretch(project, wide):
    given = [[0, 100], [0, 200], [0, 300]]
    change_display(scene=wide, user=project.created_by, stretch=given)
    shown = change_display(scene=wide, user=project.created_by, display_bands=list(wide.display_bands))
    assert shown.stretch == given


@pytest.mark.parametrize("bands", [[1, 2], [1, 2, 6], [0, 1, 2]])
def test_bands_that_the_scene_does_not_have_are_refused(project, wide, bands):
    with pytest.raises(BadScene, match="three bands between 1 and 5"):
        change_display(scene=wide, user=project.created_by, display_bands=bands)

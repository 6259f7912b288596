"""`milpa-ml segment` writes a mask in the image's own projection, whole or not at all."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio import Affine

from mlservice.cli import main
from mlservice.landscape import LANDSCAPE_LEGEND, write_landscape_scene

SIZE_PX = 320


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scene")
    write_landscape_scene(folder / "scene.tif", folder / "truth.tif", seed=4, size_px=SIZE_PX)
    return folder / "scene.tif"


def milpa_ml(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mlservice", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: object) -> str:
    """The one line that the command says when it fails, having written nothing."""
    before = sorted(folder.iterdir())
    assert main([*map(str, arguments)]) == 2
    assert sorted(folder.iterdir()) == before
    *progress, line = capsys.readouterr().err.splitlines()
    assert all("context images" in told for told in progress)
    assert line.startswith("milpa-ml: ")
    return line


@pytest.fixture(scope="module")
def written(scene, tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    done = milpa_ml("segment", scene, "--out", folder / "mask.tif", "--entropy", folder / "entropy.tif")
    assert done.returncode == 0, done.stderr
    return folder, done.stderr


def test_a_mask_lies_on_its_image(scene, written):
    folder, told = written
    with rasterio.open(scene) as image, rasterio.open(folder / "mask.tif") as mask:
        assert mask.crs == image.crs
        assert mask.transform == image.transform
        assert mask.shape == image.shape == (SIZE_PX, SIZE_PX)
        assert mask.dtypes == ("uint8",)
        assert mask.nodata == 255
        assert mask.block_shapes == [(256, 256)]
        assert mask.colormap(1)[1][:3] == tuple(bytes.fromhex(LANDSCAPE_LEGEND.classes[1].color[1:]))
        values = mask.read(1)
    assert set(np.unique(values)) <= set(LANDSCAPE_LEGEND.values)
    with rasterio.open(scene.with_name("truth.tif")) as truth:
        assert (truth.read(1) == values).mean() > 0.6
    assert "4 of 4 context images" in told
    assert sorted(path.name for path in folder.iterdir()) == ["entropy.tif", "mask.tif"]


def test_an_entropy_map_has_one_value_a_cell(scene, written):
    folder, _ = written
    with rasterio.open(scene) as image, rasterio.open(folder / "entropy.tif") as entropy:
        assert entropy.transform == image.transform @ Affine.scale(4)
        values = entropy.read(1)
    assert values.shape == (SIZE_PX // 4, SIZE_PX // 4)
    assert 0 <= values.min() < values.max() <= np.log(len(LANDSCAPE_LEGEND.classes)) + 1e-5


def test_a_part_of_16_bit_bands_with_gaps_and_an_own_legend(scene, tmp_path):
    with rasterio.open(scene) as image:
        bands = image.read().astype(np.uint16) * 40 + 500
        bands[:, :50, :60] = 0
        transform = image.transform
        shape = {"count": 3, "height": SIZE_PX, "width": SIZE_PX, "crs": image.crs, "transform": transform}
    with rasterio.open(
        tmp_path / "scene.tif", "w", driver="GTiff", dtype="uint16", nodata=0, **shape
    ) as changed:
        changed.write(bands[::-1])
    legend = [
        {"value": 0, "name": "rest", "color": "#000000", "is_null": True},
        {"value": 3, "name": "cropland", "color": "#00ff00"},
    ]
    (tmp_path / "legend.json").write_text(json.dumps(legend))
    command = ["segment", tmp_path / "scene.tif", "--out", tmp_path / "mask.tif", "--bands", 3, 2, 1]
    command += ["--legend", tmp_path / "legend.json", "--window", 10, 20, 101, 90]
    assert main([*map(str, command)]) == 0
    with rasterio.open(tmp_path / "mask.tif") as mask:
        values = mask.read(1)
        assert mask.transform == transform @ Affine.translation(20, 10)
    assert values.shape == (101, 90)
    assert (values[:40, :40] == 255).all(), "no data"
    assert set(np.unique(values[40:])) <= {0, 3}
    assert (values == 3).mean() > 0.1


def test_an_interrupted_command_leaves_nothing_behind(scene, tmp_path):
    command = [sys.executable, "-m", "mlservice", "segment", scene, "--out", tmp_path / "mask.tif"]
    running = subprocess.Popen([*map(str, command)], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(tmp_path.iterdir()), "it had begun to write"
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert told.splitlines()[-1] == "milpa-ml: interrupted; nothing was written."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("--bands", 1, 2, 4), "has 3 bands, so there is no band 4"),
        (("--window", 300, 0, 64, 64), "not inside the image of 320 rows"),
        (("--model", "/nowhere/at all"), "No model can be loaded"),
        (("--temperature", 0), "above 0"),
        (("--adapter", "/nowhere"), "No adapter can be loaded"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(scene, tmp_path, capsys, more, reason):
    line = refused(capsys, tmp_path, "segment", scene, "--out", tmp_path / "mask.tif", *more)
    assert reason in line


def test_files_that_do_not_do_are_refused(scene, tmp_path, capsys):
    (tmp_path / "text.tif").write_text("no raster")
    out = tmp_path / "mask.tif"
    assert "cannot be read as a raster" in refused(
        capsys, tmp_path, "segment", tmp_path / "text.tif", "--out", out
    )
    assert "no folder" in refused(capsys, tmp_path, "segment", scene, "--out", tmp_path / "none" / "mask.tif")
    assert "the image itself" in refused(capsys, tmp_path, "segment", scene, "--out", scene)
    for text, reason in (
        ("{}", "at least two classes"),
        ("[1]", "is no legend"),
        ("nonsense", "is no legend"),
    ):
        (tmp_path / "legend.json").write_text(text)
        line = refused(capsys, tmp_path, "segment", scene, "--out", out, "--legend", tmp_path / "legend.json")
        assert reason in line

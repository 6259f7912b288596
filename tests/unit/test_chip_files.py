"""Chips on their way back: every pixel of those that can be used, a reason for each of the others, and no harm."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from annotator.errors import BadLabels
from annotator.exports.pixels import write_png
from annotator.imagery import zip_files
from annotator.imagery.chip_files import MAX_CHIP_BYTES, ChipReader, open_chips
from annotator.imagery.grid import QUAD, quadkey
from annotator.imagery.label_files import ALL, LabelFile, open_labels
from annotator.imagery.vector_files import Reading
from mlservice.contracts import Legend, LegendClass

X, Y, Z = 93_237, 58_182, 17
KEY = quadkey(X, Y, Z)
LEGEND = Legend(
    (
        LegendClass(0, "other", "#8c8c8c", is_null=True),
        LegendClass(1, "field", "#e69f00"),
        LegendClass(2, "boundary", "#d55e00", is_boundary=True),
    )
)
LEGEND_CSV = b"value,name,color\n0,other,#8c8c8c\n1,field,#e69f00\n2,boundary,#d55e00\n255,unsure,#808080\n"


def png_of(mask: np.ndarray, folder: Path) -> bytes:
    write_png(folder / "one.png", mask, LEGEND)
    return (folder / "one.png").read_bytes()


def plain_png(values: np.ndarray, mode: str = "L") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


def world_file(x: int = X, y: int = Y, z: int = Z) -> bytes:
    west, _, east, north = QUAD.xy_bounds(x, y, z)
    size_m = (east - west) / 256
    return "\n".join(map(repr, (size_m, 0.0, 0.0, -size_m, west + size_m / 2, north - size_m / 2))).encode()


def archive(path: Path, entries: Mapping[str, bytes], **options: int) -> Path:
    with zipfile.ZipFile(path, "w", **options) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    return path


def opened(path: Path) -> LabelFile:
    return open_labels(path, Reading())


@pytest.fixture
def mask() -> np.ndarray:
    return np.random.default_rng(1).choice(np.array([0, 1, 2, 255], np.uint8), (256, 256))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cells=st.sampled_from([1, 4, 64, 256]))
def test_every_mask_comes_back_pixel_for_pixel(tmp_path_factory, seed: int, cells: int) -> None:
    folder = tmp_path_factory.mktemp("chips")
    rng = np.random.default_rng(seed)
    drawn = rng.choice(np.array([0, 1, 2, 255], np.uint8), (cells, cells))
    drawn = drawn.repeat(256 // cells, 0).repeat(256 // cells, 1)
    path = archive(
        folder / "a.zip",
        {
            f"out/masks/{KEY}.png": png_of(drawn, folder),
            f"out/masks/{KEY}.pgw": world_file(),
            f"out/images/{KEY}.png": b"never read",
            "out/legend.csv": LEGEND_CSV,
        },
    )
    labels = opened(path)
    assert labels.dropped == {}
    assert np.array_equal(ChipReader(open_chips(path)).tile(X, Y, Z), drawn)
    codes, covered = labels.of("class", 0)(X, Y, Z)
    assert covered.all()
    by_name = {"other": 0, "field": 1, "boundary": 2, "unsure": 255}
    assert np.array_equal(np.array([by_name[name] for name in labels.values("class")])[codes], drawn)
    codes, covered = labels.of(ALL, 0)(X + 1, Y, Z)
    assert not covered.any()
    assert (codes == -1).all()


def test_without_a_legend_and_for_classes_that_it_does_not_know_values_are_told(tmp_path, mask) -> None:
    png = plain_png(np.where(mask == 1, np.uint8(9), mask))
    labels = opened(archive(tmp_path / "a.zip", {f"masks/{KEY}.png": png}))
    assert set(labels.attributes["value"]) == {"0", "2", "9", "255"}
    labels = opened(archive(tmp_path / "b.zip", {f"masks/{KEY}.png": png, "legend.csv": LEGEND_CSV}))
    assert labels.attributes["class"]["value 9"] == int((mask == 1).sum())


def test_a_chip_that_cannot_be_used_is_left_out_for_a_reason(tmp_path, mask) -> None:
    good = png_of(mask, tmp_path)
    renumbered = Image.open(io.BytesIO(good))
    renumbered.putpalette(bytes(range(256)) * 3)
    saved_anew = io.BytesIO()
    renumbered.save(saved_anew, "PNG")
    beside = [quadkey(X + column, Y, Z) for column in range(1, 8)]
    bad = {
        beside[0]: (plain_png(mask[:128]), "not 256 × 256"),
        beside[1]: (plain_png(mask, "RGB"), "neither indexed nor grey"),
        beside[2]: (saved_anew.getvalue(), "palette is not that of legend.csv"),
        beside[3]: (good[: len(good) // 2], "damaged"),
        beside[4]: (b"GIF89a", "damaged, or no PNG"),
        beside[5]: (bytes(MAX_CHIP_BYTES + 1), "larger than"),
        "house": (good, "not called by a quadkey"),
        beside[6]: (good, "world file"),
    }
    entries = {f"masks/{key}.png": content for key, (content, _) in bad.items()}
    entries |= {f"masks/{KEY}.png": good, "legend.csv": LEGEND_CSV, f"masks/{beside[6]}.pgw": world_file()}
    labels = opened(archive(tmp_path / "a.zip", entries, compression=zipfile.ZIP_DEFLATED))
    assert labels.tiles == {KEY}
    for _, words in bad.values():
        assert any(words in reason for reason in labels.dropped), words
    assert sum(labels.dropped.values()) == len(bad)
    with pytest.raises(BadLabels, match="None of the chips"):
        opened(archive(tmp_path / "b.zip", {f"masks/{KEY}.png": b""}))


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({f"../masks/{KEY}.png": b""}, "lead out"),
        ({f"/masks/{KEY}.png": b""}, "lead out"),
        ({f"masks\\..\\{KEY}.png": b"", f"masks/{KEY}.png": b""}, "lead out"),
        ({f"a/masks/{KEY}.png": b"", f"b/masks/{KEY}.png": b""}, "more than one mask called"),
        ({f"a/masks/{KEY}.png": b"", f"b/masks/{KEY[:-1]}.png": b""}, "2 folders with masks"),
        ({f"masks/{KEY}.png": b"", "legend.csv": b"value,colour\n1,red\n"}, "columns are value, name"),
        ({f"masks/{KEY}.png": b"", "legend.csv": b"value,name,color\n1,a,#ff\n"}, "other than #rrggbb"),
    ],
)
def test_an_archive_that_contradicts_itself_says_what_to_do(tmp_path, entries, words) -> None:
    with pytest.raises(BadLabels, match=words):
        opened(archive(tmp_path / "a.zip", entries))


def test_chips_of_several_zooms_are_refused(tmp_path, mask) -> None:
    png = png_of(mask, tmp_path)
    path = archive(tmp_path / "a.zip", {f"masks/{KEY}.png": png, f"masks/{KEY[:-1]}.png": png})
    with pytest.raises(BadLabels, match="zooms 16, 17"):
        opened(path)


def test_an_archive_cannot_make_the_server_unpack_without_bounds(tmp_path, monkeypatch) -> None:
    blank = {f"masks/{quadkey(X + column, Y, Z)}.png": bytes(2**17) for column in range(8)}
    path = archive(tmp_path / "a.zip", blank, compression=zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(zip_files, "MAX_UNPACKED_BYTES", 2**19)
    with pytest.raises(BadLabels, match="far larger"):
        opened(path)
    monkeypatch.setattr(zip_files, "MAX_ENTRIES", 7)
    with pytest.raises(BadLabels, match="more than 7 files"):
        opened(path)
    unusual = archive(tmp_path / "b.zip", blank, compression=zipfile.ZIP_LZMA)
    monkeypatch.undo()
    with pytest.raises(BadLabels, match="unusual way"):
        opened(unusual)


def test_a_list_of_files_that_says_it_is_huge_is_not_read(tmp_path, monkeypatch) -> None:
    path = archive(
        tmp_path / "a.zip", {f"masks/{quadkey(X + column, Y, Z)}.png": b"" for column in range(40)}
    )
    monkeypatch.setattr(zip_files, "MAX_DIRECTORY_BYTES", 2**10)
    with pytest.raises(BadLabels, match="or says so"):
        opened(path)


def test_a_chip_that_says_it_is_smaller_than_it_is_does_not_get_more_room(tmp_path) -> None:
    path = archive(tmp_path / "a.zip", {f"masks/{KEY}.png": bytes(2**20)}, compression=zipfile.ZIP_DEFLATED)
    packed = bytearray(path.read_bytes())
    # In the list of files, and before the file itself: 100 bytes.
    for at in (packed.index(b"PK\x01\x02") + 24, 22):
        packed[at : at + 4] = struct.pack("<I", 100)
    path.write_bytes(packed)
    with pytest.raises(BadLabels, match="damaged"):
        opened(path)

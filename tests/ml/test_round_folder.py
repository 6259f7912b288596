"""A round in a folder: read from either form of labelled patches, trained, and resumed by the same command."""

import json

import numpy as np
import pytest
from PIL import Image

from mlservice.answer_format import AnswerFormat, Manner
from mlservice.cli import main
from mlservice.contracts import UNSURE, FinetuneConfig, LabelledPatch
from mlservice.errors import MethodError
from mlservice.families.record import read_record
from mlservice.instruction import write_instruction_set
from mlservice.landscape import LANDSCAPE_LEGEND
from mlservice.legend_file import read_legend
from mlservice.round_folder import read_round
from mlservice.starter import starter_model
from mlservice.token_grid import mask_to_cells
from tests.ml.round_folders import CONFIG, drawn_patches, write_pngs, write_round


def test_pictures_become_labelled_patches(tmp_path):
    folder = write_round(tmp_path / "round")
    spec = read_round(folder)
    patches = drawn_patches(4, seed=1)
    assert [patch.key for patch in spec.training] == [patch.key for patch in patches]
    for read, drawn in zip(spec.training, patches, strict=True):
        assert np.array_equal(read.image, drawn.image)
        assert np.array_equal(read.mask, drawn.mask)
    assert len(spec.validation) == 2
    assert spec.replay == ()
    assert spec.config == FinetuneConfig(**CONFIG)
    assert spec.parent == starter_model()
    assert spec.legend == read_legend(folder / "legend.json") == LANDSCAPE_LEGEND
    assert (spec.work_dir, spec.out_dir) == (folder / "work", folder / "adapter")


def test_an_instruction_set_becomes_the_patches_it_was_made_of(tmp_path):
    (patch,) = drawn_patches(1, seed=1)
    mask = patch.mask.copy()
    mask[:64, :64] = UNSURE  # this token patch has no line
    mask[64:80, 64:72] = UNSURE
    around = np.pad(patch.image, ((64, 64), (64, 64), (0, 0)))
    given = (
        LabelledPatch("inside", around, mask, 64, 64),
        LabelledPatch("corner", patch.image, np.roll(mask, 64, (0, 1))),
    )
    words = tuple(f"<class_{value}>" for value in LANDSCAPE_LEGEND.values)
    folder = write_round(tmp_path / "round", training=())
    write_instruction_set(given, LANDSCAPE_LEGEND, folder / "training", AnswerFormat(words, Manner.ROWS))
    read = read_round(folder).training
    assert [patch.key for patch in read] == ["inside", "corner"]
    for one, was in zip(read, given, strict=True):
        assert np.array_equal(one.image, was.image)
        placed = [np.full(was.image.shape[:2], UNSURE, np.uint8) for _ in range(2)]
        for place, from_ in zip(placed, (one, was), strict=True):
            size = len(from_.mask)
            place[from_.row : from_.row + size, from_.col : from_.col + size] = from_.mask
        cells = [mask_to_cells(place, LANDSCAPE_LEGEND) for place in placed]
        assert np.array_equal(*cells)


def test_a_parent_is_found_beside_the_round(tmp_path):
    folder = write_round(tmp_path / "round")
    (folder / "base").mkdir()
    parent = {"base": "base", "adapter": "before", "temperature": 1.5}
    (folder / "parent.json").write_text(json.dumps(parent))
    spec = read_round(folder)
    assert spec.parent.base == str(folder / "base")
    assert (spec.parent.adapter, spec.parent.temperature) == (folder / "before", 1.5)
    (folder / "parent.json").write_text(json.dumps({"base": "owner/model"}))
    assert read_round(folder).parent.base == "owner/model"
    assert read_round(folder).parent.temperature == 1.0


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("config.json", '{"steps": 0}', "steps must be between"),
        ("config.json", '{"stepz": 3}', "stepz"),
        ("config.json", "[]", "must be a JSON object"),
        ("config.json", "{", "this is no JSON"),
        ("parent.json", '{"bass": "x"}', "no other fields than adapter, base, temperature"),
        ("parent.json", '{"temperature": 0}', "number above 0"),
        ("legend.json", "[]", "at least two classes"),
        ("training/images/patch0.png", "no picture", "cannot be read as a picture"),
        ("training/masks/patch1.png", "no picture", "cannot be read as a picture"),
    ],
)
def test_a_folder_that_is_no_round_is_refused_with_the_files_name(tmp_path, capsys, name, text, reason):
    folder = write_round(tmp_path / "round")
    (folder / name).write_text(text)
    with pytest.raises(MethodError, match=reason):
        read_round(folder)
    assert main(["finetune", str(folder)]) == 2
    told = capsys.readouterr().err
    assert told.startswith("milpa-ml: ")
    assert name.rpartition("/")[2] in told or "classes" in told


def test_masks_must_fit_their_images(tmp_path):
    folder = write_round(tmp_path / "round")
    mask = folder / "training" / "masks" / "patch0.png"
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(mask)
    with pytest.raises(MethodError, match="one 8-bit class value for each pixel"):
        read_round(folder)
    mask.unlink()
    with pytest.raises(MethodError, match="cannot be read as a picture"):
        read_round(folder)
    with pytest.raises(MethodError, match="no folder “training”"):
        read_round(tmp_path)
    (tmp_path / "training").mkdir()
    write_pngs(tmp_path / "round" / "validation", ())
    (folder / "validation" / "images" / "patch0.png").unlink()
    (folder / "validation" / "images" / "patch1.png").unlink()
    mask.parent.parent.rename(tmp_path / "away")
    (folder / "training").mkdir()
    with pytest.raises(MethodError, match="neither a dataset"):
        read_round(folder)


def test_the_command_trains_and_goes_on_where_it_was(tmp_path, capsys):
    folder = write_round(tmp_path / "round")
    assert main(["finetune", str(folder)]) == 0
    told = capsys.readouterr()
    assert "step 2 of 2: loss" in told.err
    assert "validation loss" in told.err
    assert str(folder / "adapter") in told.out
    report = json.loads((folder / "report.json").read_text())
    assert len(report["losses"]) == 2
    assert report["temperature"] > 0
    assert read_record(folder / "adapter") is not None
    assert main(["finetune", str(folder)]) == 0
    assert "step" not in capsys.readouterr().err, "all steps were done"
    assert json.loads((folder / "report.json").read_text())["losses"] == report["losses"]

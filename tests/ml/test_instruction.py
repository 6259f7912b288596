"""An instruction set says what the masks say, asks as models are asked, and is whole or absent."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from mlservice.answer_format import AnswerFormat, Manner
from mlservice.contracts import UNSURE, LabelledPatch, Legend, LegendClass
from mlservice.dataset import data_hash
from mlservice.errors import BadImage, NothingToLearn
from mlservice.instruction import BadInstructionSet, read_instruction_set, write_instruction_set
from mlservice.prompt import ImageRole, Question, QuestionImage, messages
from mlservice.starter.processing import CHAT_TEMPLATE
from mlservice.token_grid import cells_to_indices, mask_to_cells
from tests.ml.test_prompt import SMOLVLM_TEMPLATE

LEGEND = Legend(
    (
        LegendClass(0, "other", "#000000", is_null=True),
        LegendClass(3, "lindero", "#ffff00", is_boundary=True),
        LegendClass(7, "milpa", "#00ff00"),
    )
)
WORDS, MEANINGS = ("other", "boundary", "A"), ("", "", "milpa")
CELL_PX, SIDE_PX = 2, 8
ROWS = AnswerFormat(WORDS, Manner.ROWS, rows=4, cols=4)
RUNS = AnswerFormat(WORDS, Manner.RUN_LENGTHS, rows=4, cols=4, longest_run=4)
ONE_PASS = AnswerFormat(WORDS, rows=4, cols=4)


def patch(key: str, seed: int = 0, row: int = 8, col: int = 16) -> LabelledPatch:
    """A patch of four token patches; the second has unsure cells, the third nothing else."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (32, 40, 3), dtype=np.uint8)
    cells = rng.choice(np.array([0, 3, 7], np.uint8), (8, 8))
    cells[:2, 4:] = UNSURE
    cells[4:, :4] = UNSURE
    return LabelledPatch(key, image, cells.repeat(CELL_PX, 0).repeat(CELL_PX, 1), row, col)


def write(folder, patches=None, fmt=ROWS, **options):
    options = {"meanings": MEANINGS, "cell_px": CELL_PX} | options
    return write_instruction_set(patches or [patch("a")], LEGEND, folder, fmt, **options)


@pytest.mark.parametrize("fmt", [ROWS, RUNS, ONE_PASS])
def test_what_is_read_is_what_the_masks_and_images_were(tmp_path, fmt):
    patches = [patch("a"), patch("b", seed=1, row=0, col=0)]
    write(tmp_path / "set", iter(patches), fmt)
    lines = list(read_instruction_set(tmp_path / "set"))
    assert [(line.key, line.row, line.col) for line in lines] == [
        *[("a", 8, 16), ("a", 8, 24), ("a", 16, 24)],
        *[("b", 0, 0), ("b", 0, 8), ("b", 8, 8)],
    ]
    for line in lines:
        source = next(p for p in patches if p.key == line.key)
        top, left = line.row - source.row, line.col - source.col
        mask = source.mask[top : top + SIDE_PX, left : left + SIDE_PX]
        assert np.array_equal(line.indices, cells_to_indices(mask_to_cells(mask, LEGEND, CELL_PX), LEGEND))
        context, crop = (np.asarray(Image.open(path)) for path in line.image_paths)
        assert np.array_equal(context, source.image)
        assert np.array_equal(
            crop, source.image[line.row : line.row + SIDE_PX, line.col : line.col + SIDE_PX]
        )
        assert line.data_hash == data_hash((source,))
        assert np.array_equal(line.learnt, fmt.teach(line.indices)[1])
    assert not lines[1].learnt.all()


def test_a_line_is_plain_json_with_its_answer_in_words(tmp_path):
    write(tmp_path / "set")
    first, second, _ = (
        json.loads(line) for line in (tmp_path / "set" / "instructions.jsonl").read_text().splitlines()
    )
    assert len(first["answer"].split()) == 16
    assert set(first["answer"].split()) <= set(WORDS)
    assert first["ignored_cells"] == first["ignored_words"] == []
    assert second["ignored_cells"] == second["ignored_words"] == [*range(8)]
    assert first["legend_values"] == {"other": 0, "boundary": 3, "A": 7}
    info = json.loads((tmp_path / "set" / "dataset.json").read_text())
    assert info["lines"] == 3
    assert [c["name"] for c in info["legend"]] == ["other", "lindero", "milpa"]


@pytest.mark.parametrize("template", [CHAT_TEMPLATE, SMOLVLM_TEMPLATE])
def test_training_reads_the_very_chat_that_serving_asks_with(tmp_path, template):
    write(tmp_path / "set")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel({"<unk>": 0}, "<unk>")))
    images = (QuestionImage(ImageRole.CONTEXT), QuestionImage(ImageRole.CROP))
    asked = messages(Question(ROWS, images, MEANINGS))
    for line in read_instruction_set(tmp_path / "set"):
        trained, served = (
            tokenizer.apply_chat_template(
                chat, chat_template=template, tokenize=False, add_generation_prompt=True
            )
            for chat in (line.messages, asked)
        )
        assert trained == served
        assert trained.count("<image>") == 2
        assert "milpa" in trained


def test_an_image_that_many_patches_share_is_written_once(tmp_path):
    shared = patch("a")
    other = LabelledPatch("b", shared.image, shared.mask, 16, 24)
    write(tmp_path / "set", [shared, other])
    names = sorted(p.name for p in (tmp_path / "set" / "images").iterdir())
    assert sum(name.startswith("context-") for name in names) == 1
    assert sum(name.startswith("crop-") for name in names) == 5  # one of the six is in both


def test_the_same_patches_make_the_same_files(tmp_path):
    for name in ("one", "two"):
        write(tmp_path / name)
    one, two = (
        {p.relative_to(tmp_path / name): p.read_bytes() for p in (tmp_path / name).rglob("*.*")}
        for name in ("one", "two")
    )
    assert one == two
    assert len(one) == 6


def test_a_set_that_could_not_be_finished_leaves_nothing(tmp_path):
    def interrupted():
        yield patch("a")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "set", interrupted())
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "set.partial").mkdir()
    (tmp_path / "set.partial" / "of an earlier, killed attempt").touch()
    write(tmp_path / "set")
    assert [p.name for p in tmp_path.iterdir()] == ["set"]
    assert not (tmp_path / "set" / "of an earlier, killed attempt").exists()
    with pytest.raises(BadInstructionSet, match="there already"):
        write(tmp_path / "set")


@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"mask": np.full((16, 16), UNSURE, np.uint8)}, NothingToLearn, "no labelled cells"),
        ({"mask": np.zeros((12, 12), np.uint8)}, BadImage, "patch a is no square of token patches of 8 px"),
        ({"mask": np.full((16, 16), 9, np.uint8)}, BadImage, r"Patch a .*\[9\]"),
        ({"row": 24}, BadImage, "patch a reaches beyond"),
        ({"image": np.zeros((32, 40), np.uint8)}, BadImage, "image of patch a"),
    ],
)
def test_patches_that_make_no_lines_are_refused_by_name(tmp_path, changes, error, reason):
    bad = LabelledPatch(**(vars(patch("a")) | changes))
    with pytest.raises(error, match=reason):
        write(tmp_path / "set", [bad])
    assert list(tmp_path.iterdir()) == []


def test_words_must_fit_the_legend(tmp_path):
    with pytest.raises(BadInstructionSet, match="one word for each class"):
        write(tmp_path / "set", fmt=AnswerFormat(("other", "field"), rows=4, cols=4), meanings=())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"answer": "other " * 15}, "each cell once"),
        ({"answer": "other " * 17}, "each cell once"),
        ({"answer": "other " * 15 + "maize"}, "each cell once"),
        ({"answer": 3}, "“answer”.*str, not int"),
        ({"row": "0"}, "“row”.*int, not str"),
        ({"ignored_cells": [16]}, "“ignored_cells”.*0 to 15"),
        ({"ignored_words": [-1]}, "“ignored_words”"),
        ({"legend_values": {"other": 0}}, "legend_values"),
        ({"messages": []}, "structure"),
        ({"messages": [{"role": "user", "content": []}]}, "structure"),
        ({"key": None}, "“key”"),
    ],
)
def test_a_bad_line_is_named_with_its_file_and_number(tmp_path, changes, reason):
    write(tmp_path / "set")
    path = tmp_path / "set" / "instructions.jsonl"
    lines = path.read_text().splitlines()
    lines[1] = json.dumps(json.loads(lines[1]) | changes)
    path.write_text("\n".join(lines))
    with pytest.raises(BadInstructionSet, match=rf"instructions\.jsonl, line 2: .*{reason}"):
        list(read_instruction_set(tmp_path / "set"))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda text: text.replace("classes :", "kinds :", 1), "line 1: its messages are not worded"),
        (lambda text: text.replace("images/crop", "images/../images/crop", 1), "line 1: there is no image"),
        (lambda text: text.replace("context-", "context-0", 1), "line 1: there is no image"),
        (lambda text: text.replace('"key"', '"kee"', 1), "line 1: there is no 'key'"),
        (lambda text: text[:-50], "line 3: this is no JSON"),
        (lambda text: "".join(text.splitlines(True)[:2]), "2 lines instead of 3"),
        (lambda text: "[]\n" + text, "line 1: it has another structure"),
    ],
)
def test_a_damaged_file_is_told_apart_from_a_whole_one(tmp_path, damage, reason):
    write(tmp_path / "set")
    path = tmp_path / "set" / "instructions.jsonl"
    path.write_text(damage(path.read_text()))
    with pytest.raises(BadInstructionSet, match=reason):
        list(read_instruction_set(tmp_path / "set"))


def test_a_folder_that_is_no_set_is_named(tmp_path):
    with pytest.raises(BadInstructionSet, match=r"dataset\.json: it cannot be read"):
        read_instruction_set(tmp_path)
    (tmp_path / "dataset.json").write_text('{"version": 2}')
    with pytest.raises(BadInstructionSet, match=r"dataset\.json: it is of version 2"):
        read_instruction_set(tmp_path)
    write(tmp_path / "set")
    (tmp_path / "set" / "instructions.jsonl").unlink()
    with pytest.raises(BadInstructionSet, match=r"instructions\.jsonl, line 1: it cannot be read"):
        list(read_instruction_set(tmp_path / "set"))


def test_writing_a_set_loads_no_torch():
    code = "import sys, mlservice.instruction; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"

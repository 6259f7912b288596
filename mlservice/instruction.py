"""The instruction data set: labelled patches as chats with images and answers, one JSON line a token patch.

A set is a folder::

    dataset.json        the form of the answers, the legend, the size of a cell, the number of lines
    instructions.jsonl  one token patch a line
    images/             PNG, each context image and each crop once, named by its content

A line's ``messages`` are those of `mlservice.prompt.messages` with the images' paths, to be rendered by a model's
own chat template and followed by ``answer``, the class words (and ends and counts) of the format with spaces
between them. For an answer in one pass they are what is said at each placeholder.

Unsure cells need a word in their place, that of the nearest sure cell (`AnswerFormat.teach`), which must not be
learnt: ``ignored_cells`` numbers such cells row by row from 0, ``ignored_words`` the words of the answer to leave
out of the loss. A token patch without any sure cell has no line.

Where a line comes from: ``key`` of the patch, ``row`` and ``col`` of the token patch's upper left pixel in the
context image, ``legend_values`` (the mask value of each class word) and ``data_hash``, the SHA-256 of the patch's
pixels and mask.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlservice.answer_format import AnswerFormat, Manner
from mlservice.contracts import LabelledPatch, Legend, LegendClass
from mlservice.dataset import data_hash
from mlservice.errors import BadImage, MethodError, NothingToLearn
from mlservice.prompt import ImageRole, Message, Question, QuestionImage, messages
from mlservice.token_grid import (
    CELL_PX,
    IGNORED_INDEX,
    cells_to_indices,
    mask_to_cells,
    split_token_patches,
    token_patch_origins,
)

LINES_FILE = "instructions.jsonl"
INFO_FILE = "dataset.json"
IMAGES_FOLDER = "images"
VERSION = 1
PROVENANCE = {"key": str, "row": int, "col": int, "data_hash": str}
READ_ERRORS = (OSError, ValueError, TypeError, KeyError, IndexError)
"""What Python raises at a file, a line of JSON or a value in it that is not as it should be."""


class BadInstructionSet(MethodError):
    """A folder is no instruction data set, or cannot become one; the message names file and line."""


@dataclass(frozen=True)
class Instruction:
    """One line of a set, checked.

    ``messages`` hold the images' paths as they are in the file, ``image_paths`` where they lie now, in the order
    of the messages. ``symbols`` are those of the answer, ``learnt`` is bool for each of them. ``indices``: int64
    ``(rows, cols)``, class indices in the legend's order, `IGNORED_INDEX` where unsure. ``row``, ``col``: the
    token patch's upper left pixel in its context image.
    """

    messages: list[Message]
    image_paths: tuple[Path, ...]
    symbols: tuple[int, ...]
    learnt: NDArray[np.bool_]
    indices: NDArray[np.int64]
    key: str
    row: int
    col: int
    data_hash: str


@dataclass(frozen=True)
class InstructionSet:
    """A set in its folder; iterating reads and checks line after line.

    Iterating raises BadInstructionSet, naming file and line, for the first line that is not as it should be:
    among others, one whose messages are worded otherwise than a model is asked today.
    """

    folder: Path
    answer_format: AnswerFormat
    legend: Legend
    meanings: tuple[str, ...]
    cell_px: int
    lines: int

    def __len__(self) -> int:
        return self.lines

    def __iter__(self) -> Iterator[Instruction]:
        path = self.folder / LINES_FILE
        count = 0
        try:
            with path.open(encoding="utf-8") as file:
                for line in file:
                    count += 1
                    yield self._instruction(json.loads(line))
        except READ_ERRORS as error:
            raise BadInstructionSet(f"{path}, line {max(count, 1)}: {_reason(error)}.") from error
        if count != self.lines:
            raise BadInstructionSet(f"{path} has {count} lines instead of {self.lines}; write the set again.")

    def _instruction(self, line: dict[str, Any]) -> Instruction:
        """A line from its JSON form; one of `READ_ERRORS` where it is not as it should be."""
        fmt = self.answer_format
        paths = [part["path"] for part in line["messages"][-1]["content"] if part["type"] == "image"]
        if line["messages"] != messages(_question(fmt, self.meanings, *paths)):
            raise ValueError("its messages are not worded as models are asked now; write the set again")
        if line["legend_values"] != dict(zip(fmt.words, self.legend.values, strict=True)):
            raise ValueError(f"its legend_values are not those of {INFO_FILE}")
        symbols = fmt.symbols_of_text(_typed(line, "answer", str))
        parsed = fmt.parse(symbols)
        if parsed.unparsed.any() or symbols != fmt.say(parsed.indices):
            raise ValueError("its answer does not say the class of each cell once")
        indices = parsed.indices
        indices.ravel()[_numbers(line, "ignored_cells", fmt.cells)] = IGNORED_INDEX
        learnt = np.ones(len(symbols), dtype=bool)
        learnt[_numbers(line, "ignored_words", len(symbols))] = False
        provenance = {name: _typed(line, name, kind) for name, kind in PROVENANCE.items()}
        image_paths = tuple(self._image(path) for path in paths)
        return Instruction(line["messages"], image_paths, symbols, learnt, indices, **provenance)

    def _image(self, told: str) -> Path:
        """Where an image lies; ValueError when it is not there, or not in the set's own folder of images."""
        path = self.folder / told
        if path.parent != self.folder / IMAGES_FOLDER or not path.is_file():
            raise ValueError(f"there is no image “{told}” in the folder “{IMAGES_FOLDER}” of the set")
        return path


def write_instruction_set(
    patches: Iterable[LabelledPatch],
    legend: Legend,
    folder: Path,
    answer_format: AnswerFormat,
    *,
    meanings: tuple[str, ...] = (),
    cell_px: int = CELL_PX,
) -> InstructionSet:
    """Write patches, taken one by one, as an instruction set; the folder is there only once it is complete.

    The format's words say the legend's classes in its order, and its token grid, which must be square, is that
    of a token patch. Raises BadInstructionSet when the folder is there already or words and legend do not fit,
    BadImage for a patch that is not made of whole token patches, NothingToLearn without any sure cell.
    """
    if len(answer_format.words) != len(legend.classes) or answer_format.rows != answer_format.cols:
        raise BadInstructionSet("A set needs one word for each class of the legend, and square token grids.")
    if folder.exists():
        raise BadInstructionSet(f"“{folder}” is there already; choose another name, or remove it.")
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / IMAGES_FOLDER).mkdir(parents=True)
    try:
        with (partial / LINES_FILE).open("w", encoding="utf-8") as file:
            writer = _Writer(partial, file, answer_format, legend, meanings, cell_px)
            lines = sum(writer.write(patch) for patch in patches)
        if not lines:
            raise NothingToLearn("There are no labelled cells to learn from.")
        info = {
            "version": VERSION,
            "lines": lines,
            "cell_px": cell_px,
            "answer_format": asdict(answer_format),
            "meanings": meanings,
            "legend": [asdict(legend_class) for legend_class in legend.classes],
        }
        (partial / INFO_FILE).write_text(json.dumps(info, indent=2, ensure_ascii=False) + "\n", "utf-8")
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return InstructionSet(folder, answer_format, legend, meanings, cell_px, lines)


def read_instruction_set(folder: Path) -> InstructionSet:
    """The set in a folder; raises BadInstructionSet, naming the file, when there is none that can be read."""
    path = folder / INFO_FILE
    try:
        info = json.loads(path.read_text("utf-8"))
        if info["version"] != VERSION:
            raise ValueError(f"it is of version {info['version']}, and this program reads version {VERSION}")
        fmt = info["answer_format"]
        fmt |= {"words": tuple(fmt["words"]), "manner": Manner(fmt["manner"])}
        return InstructionSet(
            folder,
            AnswerFormat(**fmt),
            Legend(tuple(LegendClass(**legend_class) for legend_class in info["legend"])),
            tuple(info["meanings"]),
            int(info["cell_px"]),
            int(info["lines"]),
        )
    except READ_ERRORS as error:
        raise BadInstructionSet(f"{path}: {_reason(error)}.") from error


@dataclass(frozen=True)
class _Writer:
    folder: Path
    file: TextIO
    answer_format: AnswerFormat
    legend: Legend
    meanings: tuple[str, ...]
    cell_px: int

    def write(self, patch: LabelledPatch) -> int:
        """Write a patch's token patches that have a sure cell; returns how many."""
        side_px = self.answer_format.cols * self.cell_px
        _check_patch(patch, side_px)
        try:
            cells = cells_to_indices(mask_to_cells(patch.mask, self.legend, self.cell_px), self.legend)
        except ValueError as error:
            raise BadImage(f"Patch {patch.key} cannot be said: {error}.") from error
        grids = split_token_patches(cells, self.answer_format.cols)
        origins = token_patch_origins(patch.row, patch.col, len(patch.mask), side_px)
        context, digest, lines = self._image(ImageRole.CONTEXT, patch.image), data_hash((patch,)), 0
        for (row, col), indices in zip(origins.tolist(), grids, strict=True):
            if (indices == IGNORED_INDEX).all():
                continue
            crop = self._image(ImageRole.CROP, patch.image[row : row + side_px, col : col + side_px])
            symbols, learnt = self.answer_format.teach(indices)
            line = {
                "messages": messages(_question(self.answer_format, self.meanings, context, crop)),
                "answer": self.answer_format.text(symbols),
                "ignored_words": np.flatnonzero(~learnt).tolist(),
                "ignored_cells": np.flatnonzero(indices == IGNORED_INDEX).tolist(),
                "key": patch.key,
                "row": row,
                "col": col,
                "legend_values": dict(zip(self.answer_format.words, self.legend.values, strict=True)),
                "data_hash": digest,
            }
            self.file.write(json.dumps(line, ensure_ascii=False) + "\n")
            lines += 1
        return lines

    def _image(self, role: ImageRole, pixels: NDArray[np.uint8]) -> str:
        """The path of an image in the set, which is written unless it is there."""
        content = np.ascontiguousarray(pixels)
        digest = hashlib.sha256(f"{content.shape}".encode() + content.tobytes()).hexdigest()
        told = f"{IMAGES_FOLDER}/{role}-{digest[:20]}.png"
        if not (self.folder / told).exists():
            Image.fromarray(content).save(self.folder / told)
        return told


def _question(fmt: AnswerFormat, meanings: tuple[str, ...], context: str, crop: str) -> Question:
    """What is asked of a token patch, with the paths of its two images."""
    images = (QuestionImage(ImageRole.CONTEXT, path=context), QuestionImage(ImageRole.CROP, path=crop))
    return Question(fmt, images, meanings)


def _check_patch(patch: LabelledPatch, side_px: int) -> None:
    """Raise BadImage unless the mask is a square of whole token patches inside its colour image."""
    image, (rows, cols) = patch.image, patch.mask.shape
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise BadImage(f"The image of patch {patch.key} must be uint8 (rows, cols, 3), got {image.shape}.")
    if rows != cols or rows % side_px:
        raise BadImage(f"The mask of patch {patch.key} is no square of token patches of {side_px} px.")
    ends = (patch.row + rows, patch.col + cols)
    if min(patch.row, patch.col) < 0 or ends[0] > image.shape[0] or ends[1] > image.shape[1]:
        raise BadImage(f"The mask of patch {patch.key} reaches beyond its image.")


def _numbers(line: dict[str, Any], name: str, limit: int) -> list[int]:
    """A line's list of numbers below ``limit``; ValueError when it is not that."""
    numbers: list[int] = _typed(line, name, list)
    if not all(type(number) is int and 0 <= number < limit for number in numbers):
        raise ValueError(f"“{name}” must be a list of whole numbers from 0 to {limit - 1}")
    return numbers


def _typed(line: dict[str, Any], name: str, kind: type) -> Any:
    if type(line[name]) is not kind:
        raise ValueError(f"“{name}” must be of the type {kind.__name__}, not {type(line[name]).__name__}")
    return line[name]


def _reason(error: Exception) -> str:
    """What an error of `READ_ERRORS` means to somebody who reads the file."""
    if isinstance(error, json.JSONDecodeError):
        return f"this is no JSON ({error})"
    if isinstance(error, OSError):
        return f"it cannot be read ({error.strerror})"
    if isinstance(error, KeyError):
        return f"there is no {error}"
    return str(error) if type(error) is ValueError else f"it has another structure ({error})"

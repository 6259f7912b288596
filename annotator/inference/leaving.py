"""Model versions and labels that leave the application."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from mlservice.contracts import (
    LabelledPatch,
    Legend,
)
from mlservice.version_record import VersionRecord

MANNERS = ("one_pass", "rows", "run_lengths")
"""How an answer may say the classes of a token patch; see `mlservice.answer_format.Manner`."""


def version_archive(record: VersionRecord, adapter: Path) -> Iterator[bytes]:
    """The bytes of a ZIP of the adapter with its card, legend and STAC Item, piece after piece.

    Raises MethodError, before the first piece, when the adapter's files are not all there.
    """
    from mlservice.export import version_archive as pieces_of

    return pieces_of(record, adapter)


def write_instructions(
    patches: Iterable[LabelledPatch], legend: Legend, folder: Path, *, manner: str
) -> bool:
    """Writes labelled patches as an instruction data set; false, and no folder, where no cell of them is sure.

    Raises MethodError for a legend or patches that cannot be said.
    """
    from mlservice.answer_format import AnswerFormat, Manner
    from mlservice.errors import NothingToLearn
    from mlservice.instruction import write_instruction_set
    from mlservice.legend import plain_words

    words, meanings = plain_words(legend)
    try:
        write_instruction_set(patches, legend, folder, AnswerFormat(words, Manner(manner)), meanings=meanings)
    except NothingToLearn:
        return False
    return True

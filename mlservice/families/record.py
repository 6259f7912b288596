"""What an adapter's folder tells of the answers that the adapter was tuned to give."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from mlservice.errors import BadModelFolder

RECORD_FILE = "milpa_answers.json"


@dataclass(frozen=True)
class AnswerRecord:
    """An adapter tuned to say all cells in one pass, at placeholders of the token ``cell_token_id``."""

    cell_token_id: int


def write_record(folder: Path, record: AnswerRecord) -> None:
    """Write the record beside the adapter's weights."""
    (folder / RECORD_FILE).write_text(json.dumps({"manner": "one_pass", **asdict(record)}) + "\n")


def read_record(folder: Path) -> AnswerRecord | None:
    """The record of an adapter's folder; None for an adapter of other origin.

    Raises BadModelFolder for a record that cannot be read.
    """
    path = folder / RECORD_FILE
    if not path.exists():
        return None
    try:
        return AnswerRecord(int(json.loads(path.read_text())["cell_token_id"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadModelFolder(
            f"“{path}” does not tell how the adapter answers. Write the adapter again, or remove that file."
        ) from error

"""A model version as one ZIP: a folder that plain PEFT loads, with its card, its legend and its STAC Item.

The archive is made while it is sent, never whole in memory, and is the same byte for byte whenever it is made of
the same version: nothing in it depends on the clock, the machine or the program's state. Loads no torch.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlservice.errors import BadModelFolder
from mlservice.model_card import model_card
from mlservice.stac import Artifact, stac_item
from mlservice.version_record import VersionRecord

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
CARD_FILE = "README.md"
LEGEND_FILE = "legend.json"
STAC_FILE = "stac_item.json"
CHUNK_BYTES = 2**20
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a ZIP can tell; the files have none of their own."""
READABLE = 0o100644 << 16


def version_archive(record: VersionRecord, adapter: Path) -> Iterator[bytes]:
    """The bytes of the archive, piece after piece; its one folder has the record's name.

    ``adapter`` is the folder that `finetune` wrote. Raises BadModelFolder, before the first piece, when there is
    no whole adapter in it.
    """
    try:
        config = json.loads((adapter / CONFIG_FILE).read_text("utf-8"))
        weights = _artifact(adapter / WEIGHTS_FILE)
        others = sorted(path for path in adapter.iterdir() if path.is_file())
    except (OSError, ValueError) as error:
        raise BadModelFolder(
            f"The adapter of {record.name} cannot be read ({error}). Restore its folder from a backup, or train "
            "again."
        ) from error
    # What PEFT wrote there is a path on the machine that trained.
    config["base_model_name_or_path"] = record.base
    written = {
        CARD_FILE: model_card(record, config),
        CONFIG_FILE: _json(config),
        LEGEND_FILE: _json([asdict(c) for c in record.legend.classes]),
        STAC_FILE: _json(stac_item(record, config, weights)),
    }
    return _packed(record.name, written, [path for path in others if path.name not in written])


def _artifact(path: Path) -> Artifact:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Artifact(path.name, path.stat().st_size, digest)


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n"


def _packed(folder: str, written: dict[str, str], copied: list[Path]) -> Iterator[bytes]:
    """A ZIP of texts and of files as they are, stored: weights do not shrink, and zlib's versions differ."""
    made = _Made()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, text in written.items():
            archive.writestr(_entry(folder, name), text)
            yield made.taken()
        for path in copied:
            with (
                path.open("rb") as file,
                archive.open(_entry(folder, path.name), "w", force_zip64=True) as to,
            ):
                while chunk := file.read(CHUNK_BYTES):
                    to.write(chunk)
                    yield made.taken()
    yield made.taken()


def _entry(folder: str, name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(f"{folder}/{name}", LONG_AGO)
    info.create_system = 3  # Unix, wherever it is made
    info.external_attr = READABLE
    return info


class _Made:
    """What `zipfile` writes to, from which the bytes are taken as they come; it cannot be sought in."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        """There is nothing to close."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)

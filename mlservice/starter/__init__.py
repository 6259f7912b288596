"""The starter model: a small image-text-to-text model that comes with the program. Imports no torch."""

from __future__ import annotations

import json
from pathlib import Path

from mlservice.contracts import ModelRef

CHECKPOINT = Path(__file__).parent / "checkpoint"
CALIBRATION_FILE = "calibration.json"
RECORD_FILE = "training.json"


def starter_model(folder: Path = CHECKPOINT) -> ModelRef:
    """The starter with the temperature that was fitted when it was trained."""
    calibration = json.loads((folder / CALIBRATION_FILE).read_text())
    return ModelRef(base=str(folder), temperature=calibration["temperature"])

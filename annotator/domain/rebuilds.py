"""A version trained again from its record, and compared weight by weight with what it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotator import inference
from annotator.domain.round_data import RoundRecord, read_round
from annotator.errors import CannotRebuild, NotReady
from annotator.models import ModelVersion

NEEDED = (
    "config",
    "precision",
    "legend",
    "imagery",
    "code",
    "base_hash",
    "parent_hash",
    "data_hash",
    "validation_hash",
    "training_revisions",
)


@dataclass(frozen=True)
class Rebuild:
    """How a rebuilt version compares: with a ``largest_difference`` of 0 its weights are bit for bit the same."""

    version: ModelVersion
    largest_difference: float
    temperature: float
    seconds: float

    @property
    def is_same(self) -> bool:
        return self.largest_difference == 0 and self.temperature == self.version.temperature

    @property
    def sentence(self) -> str:
        name = f"Version {self.version.number}"
        if self.is_same:
            return f"{name} is the same, bit for bit, when it is trained again from its record."
        return (
            f"{name} comes out otherwise when it is trained again from its record: weights differ by up to "
            f"{self.largest_difference:.3g} and the temperature is {self.temperature:.4f} instead of "
            f"{self.version.temperature:.4f}, from the same labels, imagery, parent, config and code. Another "
            "processor or another number of threads rounds differently."
        )


def rebuild(*, version: ModelVersion, folder: Path) -> Rebuild:
    """Trains the version again into the folder. Nothing in the database or among the adapters is changed.

    Raises CannotRebuild, with the reason, where its record no longer leads to the same training.
    """
    provenance, parent = version.provenance, version.parent
    _check_record(version)
    assert parent is not None, "a version with a round's record has a parent"
    _check_code(provenance, parent)
    record = RoundRecord(
        legend=provenance["legend"],
        hidden_values=provenance["hidden_values"],
        imagery=provenance["imagery"],
        training=provenance["training_revisions"],
        replay=provenance["replay_revisions"],
        validation=provenance["validation_revisions"],
        context_levels=version.context_levels,
    )
    try:
        data = read_round(record)
    except NotReady as error:
        raise CannotRebuild(error.detail) from error
    hashes = inference.labels_hash(data.training + data.replay), inference.labels_hash(data.validation)
    if hashes != (provenance["data_hash"], provenance["validation_hash"]):
        raise CannotRebuild(
            f"The imagery that version {version.number} learned from is not what it was: with the same masks, "
            "bands and stretch it gives other pixels. Put the scene's file of that time back."
        )
    report = inference.finetune_from(
        parent,
        record.classes,
        training=data.training,
        replay=data.replay,
        validation=data.validation,
        config=inference.FinetuneConfig(**{**provenance["config"], "precision": provenance["precision"]}),
        work_dir=folder / "work",
        out_dir=folder / "adapter",
        on_progress=lambda step: None,
    )
    assert version.adapter_path is not None, "its record was checked"
    difference = inference.largest_adapter_difference(version.adapter_path, folder / "adapter")
    return Rebuild(version, difference, report.model.temperature, report.seconds)


def _check_record(version: ModelVersion) -> None:
    if version.parent is None:
        raise CannotRebuild(f"Version {version.number} is a base model: no round made it.")
    if lacking := [name for name in NEEDED if name not in version.provenance]:
        raise CannotRebuild(
            f"The record of version {version.number} is of a time when less was kept: it lacks "
            f"{', '.join(lacking)}. Versions that are trained from now on can be rebuilt."
        )
    for one in (version.parent, version):
        if one.adapter_path is not None and not one.adapter_path.is_dir():
            raise CannotRebuild(
                f"The adapter of version {one.number} is missing. Put the folder {one.adapter_name} back among the "
                "adapters."
            )


def _check_code(provenance: dict[str, Any], parent: ModelVersion) -> None:
    made, now = provenance["code"], inference.code_version()
    changed = [name for name in sorted(made.keys() | now.keys()) if made.get(name) != now.get(name)]
    if changed:
        told = ", ".join(
            "the method's code"
            if name == "method"
            else f"{name} ({made.get(name)} then, {now.get(name)} now)"
            for name in changed
        )
        raise CannotRebuild(f"It was made with other code: {told}. Rebuild it with the release of that time.")
    if provenance["base_hash"] != inference.base_hash(parent.base):
        raise CannotRebuild("The base model's files are not those that it was made with. Put those back.")
    if provenance["parent_hash"] != inference.adapter_hash(parent):
        raise CannotRebuild(
            f"The adapter of version {parent.number}, its parent, is not what it was. Put the folder "
            f"{parent.adapter_name} of that time back among the adapters."
        )

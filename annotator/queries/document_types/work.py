"""What goes on in the background and what becomes of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from annotator.enums import ExportKind, ImportState, JobState, RunState, VersionState
from annotator.queries.document_types.base import Box, Document, Facts


class InferenceJob(Document):
    """Making proposals: how many patches are ``done`` of ``total``."""

    id: int
    state: JobState
    total: int
    done: int
    message: str
    scene: int
    model_version: int
    is_active: bool
    requested_at: datetime
    ended_at: datetime | None


class Evaluation(Document):
    """A model version measured on held-out patches; ``metrics`` by the names in docs/method.md."""

    model_version: int
    miou: float
    patch_count: int
    metrics: Facts
    measured_at: datetime


class TrainingRun(Document):
    """One attempt to make an adapter; ``losses`` are of each step, ``verdict`` is the gate's."""

    id: int
    state: RunState
    step: int
    steps: int
    losses: list[float]
    log: str
    message: str
    config: Facts
    parent: int
    candidate: int | None
    verdict: Facts | None
    training_patch_count: int
    holdout_patch_count: int
    is_active: bool
    is_given_up: bool
    requested_at: datetime
    ended_at: datetime | None
    evaluations: list[Evaluation]


class ModelVersion(Document):
    """Base model, adapter and calibration; ``number`` counts within the project."""

    id: int
    number: int
    state: VersionState
    parent: int | None
    base: str
    temperature: float
    provenance: Facts
    verdict: Facts | None
    created_at: datetime
    promoted_at: datetime | None
    evaluations: list[Evaluation]


class ExportParameters(TypedDict, total=False):
    """All parameters of all kinds of export; each kind knows some, and tells which where another is given."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    bbox: Annotated[Box | None, Field(description="Of all kinds: the patches that meet it.")]
    names: Annotated[bool, Field(description="Of all kinds: user names instead of numbers of people.")]
    grid: Annotated[int | Literal["patches"], Field(description="Of geotiff: the id of a scene, or patches.")]
    images: Annotated[bool, Field(description="Of chips and coco: the imagery, too.")]
    segmentation: Annotated[Literal["rle", "polygons"], Field(description="Of coco.")]
    manner: Annotated[
        Literal["rows", "one_pass", "run_lengths"],
        Field(description="Of instruction: how an answer says the classes."),
    ]


class Export(Document):
    """Approved masks as a file: ``done`` patches of ``total``; ``file_url`` is null where there is none."""

    id: int
    kind: ExportKind
    parameters: ExportParameters
    state: JobState
    is_active: bool
    is_given_up: bool
    done: int
    total: int
    message: str
    file_name: str
    file_url: str | None
    size_bytes: int
    sha256: str
    revisions_url: str
    fingerprint: str
    requested_by: str
    requested_at: datetime
    ended_at: datetime | None
    kept_until: datetime | None


class ExportRevisions(Document):
    """The ids of the revisions that an export holds, in the order of their patches."""

    fingerprint: str
    revisions: list[int]


class LabelImport(Document):
    """Labels on their way in: how the file is read, what is in it, what was chosen, and what became of it."""

    id: int
    file_name: str
    state: ImportState
    is_active: bool
    is_given_up: bool
    reading: Facts
    preview: Facts
    mapping: Facts
    report: Facts
    done: int
    total: int
    message: str
    requested_by: str
    requested_at: datetime
    ended_at: datetime | None

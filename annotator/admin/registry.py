"""Importing this registers every model admin; it is done once the apps are ready."""

from annotator.admin import (
    accounts,
    inference_job,
    labels,
    legend,
    model_version,
    project,
    records,
    scene,
    training_run,
)

__all__ = [
    "accounts",
    "inference_job",
    "labels",
    "legend",
    "model_version",
    "project",
    "records",
    "scene",
    "training_run",
]

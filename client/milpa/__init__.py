"""Milpa from scripts: projects, scenes, labels, proposals, rankings, training runs and exports over its API."""

from milpa.client import Client
from milpa.documents import (
    Export,
    Import,
    Job,
    LabelClass,
    Member,
    Patch,
    Project,
    Queue,
    QueuePlace,
    Ranking,
    Run,
    Scene,
    Version,
)
from milpa.errors import (
    DownloadBroken,
    MilpaError,
    NotConfigured,
    Problem,
    Unreachable,
    WaitedTooLong,
    WorkFailed,
)
from milpa.waiting import Progress

__all__ = [
    "Client",
    "DownloadBroken",
    "Export",
    "Import",
    "Job",
    "LabelClass",
    "Member",
    "MilpaError",
    "NotConfigured",
    "Patch",
    "Problem",
    "Progress",
    "Project",
    "Queue",
    "QueuePlace",
    "Ranking",
    "Run",
    "Scene",
    "Unreachable",
    "Version",
    "WaitedTooLong",
    "WorkFailed",
]

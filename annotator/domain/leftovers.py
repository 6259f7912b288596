"""Files of training runs that ended with no worker at hand to remove them: it was killed, or its machine lost."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from annotator.enums import ACTIVE_RUN_STATES, RunState
from annotator.models import ModelVersion, TrainingRun
from annotator.models.job import MAX_TAKEOVERS

# For so long a run that was given up can be tried again from its checkpoint; later it begins anew.
GIVEN_UP_KEPT = timedelta(days=1)

# Folders that a run makes; whatever else lies beside them is not ours to remove.
CHECKPOINTS = re.compile(r"run-(\d+)")
ADAPTER = re.compile(r"project-\d+-run-(\d+)-[0-9a-f]+")


def remove_leftovers() -> int:
    """Removes checkpoints of ended runs, and their adapters that no version has. Returns how many folders."""
    media = Path(settings.MEDIA_ROOT)
    folders = [
        *_folders_of_runs(media / "training", CHECKPOINTS),
        *_folders_of_runs(media / "adapters", ADAPTER),
    ]
    runs = {run_id for _, run_id in folders}
    # Runs first: one that ends in between has its version by the time versions are read.
    given_up = Q(
        state=RunState.FAILED,
        takeovers__gt=MAX_TAKEOVERS,
        ended_at__gt=timezone.now() - GIVEN_UP_KEPT,
    )
    wanted = TrainingRun.objects.filter(Q(state__in=ACTIVE_RUN_STATES) | given_up, pk__in=runs)
    active = set(wanted.values_list("pk", flat=True))
    versions = ModelVersion.objects.filter(adapter_name__in=[folder.name for folder, _ in folders])
    kept = set(versions.values_list("adapter_name", flat=True))
    left = [folder for folder, run_id in folders if run_id not in active and folder.name not in kept]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)


def _folders_of_runs(parent: Path, name: re.Pattern[str]) -> list[tuple[Path, int]]:
    if not parent.is_dir():
        return []
    found = ((folder, name.fullmatch(folder.name)) for folder in sorted(parent.iterdir()) if folder.is_dir())
    return [(folder, int(match[1])) for folder, match in found if match]

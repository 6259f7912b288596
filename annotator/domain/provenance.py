"""What a version keeps of how it was made, so that it can be made again and its cost in labels can be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import F, Sum

from annotator import inference
from annotator.inference import FinetuneReport, LabelledPatch
from annotator.models import Revision, TrainingRun
from annotator.queries.lineage import learned_revisions


def provenance_of(
    run: TrainingRun, report: FinetuneReport, validation: Sequence[LabelledPatch]
) -> dict[str, Any]:
    """The record of a version that the run made; ``validation`` chose its step and its temperature."""
    return {
        "kind": "LoRA round",
        "training_run": run.pk,
        "data_hash": report.data_hash,
        "config": run.config,
        "legend": run.legend,
        "hidden_values": run.hidden_values,
        "imagery": run.imagery,
        "code": inference.code_version(),
        "base_hash": inference.base_hash(run.parent.base),
        "parent_hash": inference.adapter_hash(run.parent),
        "validation_hash": inference.labels_hash(validation),
        "precision": report.precision,
        "best_step": report.best_step,
        "training_revisions": run.training_revisions,
        "replay_revisions": run.replay_revisions,
        "validation_revisions": run.validation_revisions,
        "label_cost": label_cost(learned_revisions(run.parent) | set(run.training_revisions)),
    }


def label_cost(revision_ids: set[int]) -> dict[str, Any]:
    """What the revisions cost people: patches, seconds in focus, strokes, and pixels changed in proposals.

    A patch's seconds and strokes are those of all its saves up to the newest of the revisions; its changed pixels
    are that one's.
    """
    newest = {
        row.annotation_id: row
        for row in Revision.objects.filter(pk__in=revision_ids).defer("mask_png").order_by("number")
    }
    spent = Revision.objects.filter(
        annotation__in=newest,
        number__lte=F("annotation__revisions__number"),
        annotation__revisions__in=[row.pk for row in newest.values()],
    ).aggregate(seconds=Sum("seconds_spent", default=0), strokes=Sum("stroke_count", default=0))
    return {
        "patches": len(newest),
        "seconds": float(spent["seconds"]),
        "strokes": spent["strokes"],
        "changed_pixels": sum(row.pixels_changed for row in newest.values()),
    }

"""What the labels of a project cost and what they brought: a page, and the same as JSON and CSV."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from annotator.admin.label_cost_plots import cost_plots
from annotator.durations import duration_text
from annotator.models import Project
from annotator.queries.label_cost import GainInterval, MeasuredVersion, Round, label_rounds

if TYPE_CHECKING:
    from annotator.admin.scoped import OwnProjectsAdmin


def label_cost_page(model_admin: OwnProjectsAdmin, request: HttpRequest, project: Project) -> HttpResponse:
    """The page; the caller has checked the role."""
    rounds = label_rounds(project.pk)
    return model_admin.verb_page(
        request,
        project,
        "label_cost.html",
        title=f"Labels against quality of {project}",
        rounds=[(row, change_text(row), cost_text(row)) for row in reversed(rounds)],
        summary=summary(rounds),
        caution=caution(rounds),
        plots=cost_plots(rounds),
    )


def label_cost_data(project: Project, form: str) -> HttpResponse:
    """One record a round, the oldest first: ``json``, or ``csv`` with the same columns."""
    records = [record(row) for row in label_rounds(project.pk)]
    if form == "json":
        return JsonResponse({"project": project.slug, "rounds": records})
    response = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="label-cost-{project.slug}.csv"'},
    )
    writer = csv.DictWriter(response, COLUMNS)
    writer.writeheader()
    writer.writerows(records)
    return response


COLUMNS = (
    "run", "ended_at", "held_out_set", "held_out_patches", "parent", "candidate", "candidate_state",
    "passed_gate", "was_promoted", "parent_miou", "candidate_miou", "gain", "gain_low", "gain_high", "confidence",
    "parent_patches", "patches", "parent_seconds", "seconds", "strokes", "changed_pixels",
)  # fmt: skip


def record(row: Round) -> dict[str, Any]:
    """The round's figures by `COLUMNS`; None where something was not kept."""
    parent, candidate, gain = row.parent, row.candidate, row.gain
    return {
        "run": row.run_id,
        "ended_at": row.ended_at.isoformat() if row.ended_at else None,
        "held_out_set": row.held_out_set,
        "held_out_patches": row.held_out_patches,
        "parent": parent.number,
        "candidate": candidate.number,
        "candidate_state": str(candidate.state),
        "passed_gate": row.passed,
        "was_promoted": candidate.was_promoted,
        "parent_miou": parent.miou,
        "candidate_miou": candidate.miou,
        "gain": row.miou_change,
        "gain_low": gain.low if gain else None,
        "gain_high": gain.high if gain else None,
        "confidence": gain.confidence if gain else None,
        **_costs("parent_", parent, ("patches", "seconds")),
        **_costs("", candidate, ("patches", "seconds", "strokes", "changed_pixels")),
    }


def _costs(prefix: str, version: MeasuredVersion, names: Sequence[str]) -> dict[str, Any]:
    return {f"{prefix}{name}": getattr(version.cost, name, None) for name in names}


def summary(rounds: Sequence[Round]) -> str:
    """What the last round's labels brought, in a sentence or two with their figures."""
    if not rounds:
        return "No training run has measured a candidate yet."
    last = rounds[-1]
    beside = (
        f"version {last.candidate.number} beside version {last.parent.number}, both measured on the same "
        f"{_patches(last.held_out_patches)}"
    )
    change = change_text(last)
    if last.added_patches is None or last.added_seconds is None:
        return f"The last round brought {change}: {beside}. What its labels cost was not kept."
    if last.added_patches <= 0:
        return (
            f"Version {last.candidate.number} learned from no more patches than version {last.parent.number}: "
            f"its {change} come from learning again, not from labels ({beside})."
        )
    which = "first" if last.parent.cost and last.parent.cost.patches == 0 else "last"
    patches = "patch" if last.added_patches == 1 else f"{last.added_patches} patches"
    return (
        f"The {which} {patches} ({duration_text(round(last.added_seconds))} of annotation) brought {change}: "
        f"{beside}.{_chance(last.gain)}"
    )


def _chance(gain: GainInterval | None) -> str:
    if gain is None:
        return " Too few patches were held out to tell that from chance."
    return " That may be chance: the interval holds 0." if gain.low <= 0 <= gain.high else ""


def change_text(row: Round) -> str:
    """For example +0.012 ± 0.010 mIoU (90 % interval +0.002 to +0.022); without an interval the change alone."""
    if row.gain is None:
        return f"{row.miou_change:+.3f} mIoU"
    gain = row.gain
    return (
        f"{gain.value:+.3f} ± {(gain.high - gain.low) / 2:.3f} mIoU "
        f"({100 * gain.confidence:g} % interval {gain.low:+.3f} to {gain.high:+.3f})"
    )


def cost_text(row: Round) -> str:
    """The labels that the candidate has more than its parent: "28 patches, 40 min 3 s"."""
    if row.added_patches is None or row.added_seconds is None:
        return "not kept"
    seconds = max(0, round(row.added_seconds))
    return f"{row.added_patches} patch{'' if row.added_patches == 1 else 'es'}, {duration_text(seconds)}"


def caution(rounds: Sequence[Round]) -> str:
    """Which mIoU are not to be compared, empty where all may be."""
    sets = {row.held_out_set: row.held_out_patches for row in rounds}
    if len(sets) < 2:
        return ""
    sizes = ", ".join(str(size) for size in sets.values())
    return (
        f"The held-out set changed between rounds: {len(sets)} sets of {sizes} patches. An mIoU on one set says "
        "nothing beside an mIoU on another, so lines join only what was measured on the same patches, and a version "
        "that was measured on two sets stands there twice."
    )


def _patches(count: int) -> str:
    return f"{count} held-out patch{'' if count == 1 else 'es'}"

"""How good the labels of a project are, in figures and in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist

from annotator import inference
from annotator.enums import DoubleState, ReadingPurpose
from annotator.models import LabelClass, Project
from annotator.queries.quality import (
    AgreementSums,
    CorrectionCost,
    agreement_by_month,
    agreement_by_person,
    correction_costs,
    double_counts,
    total,
)
from annotator.queries.spot_checks import SpotTally, spot_tallies

CONFIDENCE = 0.9
FEWEST = 10
"""With fewer corrected patches of a version nothing is said of its mean."""
SMALL_GAIN = 0.01
"""Corrections that shrink by less than this mIoU have stopped shrinking."""


@dataclass(frozen=True)
class Agreement:
    """Masks of the same patches beside each other; alphas and F1 are None where nothing could be told apart."""

    patches: int
    miou: float
    boundary_f1: float | None
    alpha: float | None
    class_alphas: dict[str, float | None]


@dataclass(frozen=True)
class Difference:
    """A difference of two means, with the interval that holds `CONFIDENCE` of what chance gives."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class QualityReport:
    """``between`` are two annotators of one patch, ``gold`` are answers to gold patches; by month and in all."""

    between: Agreement | None
    gold: Agreement | None
    by_month: list[tuple[ReadingPurpose, date, Agreement]]
    by_person: dict[str, dict[ReadingPurpose, Agreement]]
    costs: list[CorrectionCost]
    doubles: dict[DoubleState, int]
    spots: list[SpotTally]
    anchoring: str
    stop_signal: str


def quality_report(project: Project) -> QualityReport:
    """All of it, in eight queries however much was labelled."""
    names = dict(LabelClass.objects.filter(project=project).values_list("value", "name"))
    months = agreement_by_month(project.pk)
    costs = correction_costs(project.pk)
    return QualityReport(
        between=_whole(months, ReadingPurpose.SECOND, names),
        gold=_whole(months, ReadingPurpose.GOLD, names),
        by_month=[(purpose, month, _agreement(sums, names)) for (purpose, month), sums in months.items()],
        by_person={
            name: {purpose: _agreement(sums, names) for purpose, sums in found.items()}
            for name, found in agreement_by_person(project.pk).items()
        },
        costs=costs,
        doubles=double_counts(project.pk),
        spots=spot_tallies(project.pk),
        anchoring=anchoring_sentence(costs),
        stop_signal=stop_sentence(costs),
    )


def _whole(
    months: dict[tuple[ReadingPurpose, date], AgreementSums], purpose: ReadingPurpose, names: dict[int, str]
) -> Agreement | None:
    some = [sums for (one, _), sums in months.items() if one == purpose]
    return _agreement(total(some), names) if some else None


def _agreement(sums: AgreementSums, names: dict[int, str]) -> Agreement:
    alpha, by_class = inference.agreement_alphas(sums.pairs)
    return Agreement(
        sums.patches,
        sums.miou,
        sums.boundary_f1,
        alpha,
        {names.get(value, str(value)): one for value, one in by_class.items()},
    )


def anchoring_sentence(costs: Sequence[CorrectionCost]) -> str:
    """How far proposals lead people, from the patches that were drawn without seeing theirs."""
    shown = pooled([cost for cost in costs if not cost.is_hidden])
    hidden = pooled([cost for cost in costs if cost.is_hidden])
    few = min((side.measured if side else 0) for side in (shown, hidden))
    if shown is None or hidden is None or few < FEWEST:
        return (
            f"Not known yet how far proposals lead people: that takes {FEWEST} patches drawn with their proposal and "
            f"{FEWEST} drawn without, and the smaller side has {few}. The rules set the share that is drawn without."
        )
    gap = difference(shown, hidden)
    told = (
        f"Masks drawn from a shown proposal have an mIoU of {shown.miou:.3f} with it ({shown.measured} patches), "
        f"those drawn without seeing it {hidden.miou:.3f} ({hidden.measured} patches): {_interval(gap)}."
    )
    if gap.low > 0:
        return f"{told} People are led by proposals: some of what they leave they would have drawn otherwise."
    return f"{told} That may be chance: no sign that proposals lead people."


def stop_sentence(costs: Sequence[CorrectionCost]) -> str:
    """Whether more labels still make proposals better, by what people change of them."""
    shown = [cost for cost in costs if not cost.is_hidden]
    audited = [cost for cost in shown if cost.is_audit]
    versions = [cost for cost in audited or shown if cost.measured >= FEWEST]
    kind = "patches drawn by chance" if audited else "patches that the queue chose"
    if len(versions) < 2:
        return (
            "Not known yet whether corrections still shrink: that takes two model versions with "
            f"{FEWEST} corrected {kind} each."
        )
    before, last = versions[-2:]
    gain = difference(last, before)
    told = (
        f"The mIoU of proposals with what people made of them is {last.miou:.3f} for version {last.version} "
        f"({last.measured} {kind}) and {before.miou:.3f} for version {before.version} ({before.measured}): "
        f"{_interval(gain)}."
    )
    if gain.low > 0 and gain.value >= SMALL_GAIN:
        return f"{told} Corrections still shrink: labelling goes on paying."
    if gain.high < SMALL_GAIN:
        return (
            f"{told} Corrections have stopped shrinking: a gain of {SMALL_GAIN:g} or more is ruled out. More labels "
            "of this kind bring little; stop, or label what is unlike the rest."
        )
    return f"{told} Too few patches to tell whether corrections still shrink."


def pooled(costs: Sequence[CorrectionCost]) -> CorrectionCost | None:
    """One mean over all of them, with the deviation about it; None where nothing was measured."""
    measured = [cost for cost in costs if cost.measured and cost.miou is not None]
    count = sum(cost.measured for cost in measured)
    patches = sum(cost.patches for cost in measured)
    if not count:
        return None
    mean = sum(cost.measured * (cost.miou or 0.0) for cost in measured) / count
    spread = sum(
        (cost.measured - 1) * (cost.miou_deviation or 0.0) ** 2
        + cost.measured * ((cost.miou or 0.0) - mean) ** 2
        for cost in measured
    )
    return CorrectionCost(
        version=measured[-1].version,
        is_hidden=measured[-1].is_hidden,
        is_audit=measured[-1].is_audit,
        patches=patches,
        measured=count,
        miou=mean,
        miou_deviation=(spread / (count - 1)) ** 0.5 if count > 1 else None,
        seconds=sum(cost.patches * cost.seconds for cost in measured) / patches,
        strokes=sum(cost.patches * cost.strokes for cost in measured) / patches,
        pixels_changed=sum(cost.patches * cost.pixels_changed for cost in measured) / patches,
    )


def difference(one: CorrectionCost, other: CorrectionCost) -> Difference:
    """Of the mean mIoUs, by the normal approximation; both have at least two measured patches."""
    value = (one.miou or 0.0) - (other.miou or 0.0)
    error = sum((cost.miou_deviation or 0.0) ** 2 / cost.measured for cost in (one, other)) ** 0.5
    half = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * error
    return Difference(value, value - half, value + half)


def _interval(found: Difference) -> str:
    return f"{found.value:+.3f} ({100 * CONFIDENCE:g} % interval {found.low:+.3f} to {found.high:+.3f})"

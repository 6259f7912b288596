"""How good the labels of a project are, in figures and in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from scipy.special import stdtrit

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
    """All of it, in nine queries however much was labelled."""
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
    """How far proposals lead people, from the patches that were drawn without seeing theirs.

    Shown and hidden proposals are compared within each version only, patches by chance and by the queue apart: better
    versions are nearer to what people draw, seen or not, and most have another share of hidden ones.
    """
    sides = comparable(costs)
    shown, hidden = (sum(pair[side].measured for pair in sides) for side in (0, 1))
    if min(shown, hidden) < FEWEST:
        return (
            f"Not known yet how far proposals lead people: that takes {FEWEST} patches drawn with their proposal and "
            f"{FEWEST} drawn without, of the same model versions, and the smaller side has {min(shown, hidden)}. The "
            "rules set the share that is drawn without."
        )
    gap = difference(sides)
    versions = sorted({pair[0].version for pair in sides})
    told = (
        f"Compared within model version{'' if len(versions) == 1 else 's'} {', '.join(map(str, versions))}, the mIoU "
        f"of masks with their proposal differs by {_interval(gap)} between those drawn from it ({shown} patches) and "
        f"those drawn without seeing it ({hidden} patches)."
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
    gain = difference([(last, before)])
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


def comparable(costs: Sequence[CorrectionCost]) -> list[tuple[CorrectionCost, CorrectionCost]]:
    """Shown and hidden proposals of one version and one way of choosing patches, where both have a deviation."""
    found = {(cost.version, cost.is_audit, cost.is_hidden): cost for cost in costs if cost.measured > 1}
    return [
        (shown, found[version, is_audit, True])
        for (version, is_audit, is_hidden), shown in found.items()
        if not is_hidden and (version, is_audit, True) in found
    ]


def difference(pairs: Sequence[tuple[CorrectionCost, CorrectionCost]]) -> Difference:
    """By how much mean mIoUs of the first of each pair lie above the second's; each has two measured patches or more.

    Several pairs are averaged with the weights n₁n₂ / (n₁ + n₂) of Cochran (1954, doi:10.2307/3001616), with which
    differences between pairs shift nothing. The interval is Student's with the degrees of freedom of Welch (1947,
    doi:10.2307/2332510) and Satterthwaite (1946, doi:10.2307/3002019): few patches make it wider.
    """
    weights = [1 / (1 / one.measured + 1 / other.measured) for one, other in pairs]
    shares = [weight / sum(weights) for weight in weights]
    value = sum(
        share * ((one.miou or 0.0) - (other.miou or 0.0))
        for share, (one, other) in zip(shares, pairs, strict=True)
    )
    errors = [
        (share**2 * (cost.miou_deviation or 0.0) ** 2 / cost.measured, cost.measured - 1)
        for share, pair in zip(shares, pairs, strict=True)
        for cost in pair
    ]
    variance = sum(error for error, _ in errors)
    if not variance:
        return Difference(value, value, value)
    freedom = variance**2 / sum(error**2 / free for error, free in errors)
    half = float(stdtrit(freedom, 0.5 + CONFIDENCE / 2)) * variance**0.5
    return Difference(value, value - half, value + half)


def _interval(found: Difference) -> str:
    return f"{found.value:+.3f} ({100 * CONFIDENCE:g} % interval {found.low:+.3f} to {found.high:+.3f})"

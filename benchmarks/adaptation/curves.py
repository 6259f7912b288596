"""Learning curves: how much must be labelled to reach a quality, with what certainty, and how they look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000


@dataclass(frozen=True)
class Curve:
    """Labelled shares from 0 to 1, the shares that had to be changed, and the mean IoU there."""

    share: NDArray[np.float64]
    changed: NDArray[np.float64]
    miou: NDArray[np.float64]


def share_needed(curve: Curve, goal: float) -> tuple[float, float]:
    """The labelled and the changed share at which a curve reaches the goal and holds it for one point more.

    Between two points both are interpolated in proportion to the mean IoU. The last point, all labels, counts as
    holding it. Raises ValueError where not even that reaches the goal.
    """
    reaches = curve.miou >= goal
    holds = reaches & np.append(reaches[1:], True)
    if not holds.any():
        raise ValueError("a curve must reach the goal with all labels")
    at = int(holds.argmax())
    if at == 0:
        return float(curve.share[0]), float(curve.changed[0])
    below, above = curve.miou[at - 1], curve.miou[at]
    part = float(np.clip((goal - below) / (above - below), 0, 1)) if below < goal else 1.0
    return (
        float(curve.share[at - 1] + part * (curve.share[at] - curve.share[at - 1])),
        float(curve.changed[at - 1] + part * (curve.changed[at] - curve.changed[at - 1])),
    )


def with_interval(key: str, groups: Sequence[NDArray[np.float64]]) -> dict[str, float]:
    """The mean of the groups' means, and its 95 % percentile bootstrap interval, drawn within each group.

    No interval where a group has one value only.
    """
    told = {key: round(float(np.mean([values.mean() for values in groups])), 5)}
    if all(len(values) > 1 for values in groups):
        rng = np.random.default_rng(0)
        drawn = np.mean([rng.choice(v, (RESAMPLES, len(v))).mean(1) for v in groups], axis=0)
        low, high = np.percentile(drawn, (2.5, 97.5))
        told |= {f"{key}_low": round(float(low), 5), f"{key}_high": round(float(high), 5)}
    return told


def draw_curves(places: dict[str, dict[str, list[Curve]]], goal_share: float, path: Path) -> None:
    """A panel for each place: mean IoU against the labelled share, a line a strategy with its standard error."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5 * len(places), 5), layout="constrained")
    for axes, (place, strategies) in zip(
        figure.subplots(1, len(places), squeeze=False)[0], places.items(), strict=True
    ):
        known = next(curves[0] for curves in strategies.values() if curves)
        for index, (name, curves) in enumerate(strategies.items()):
            if not curves:
                continue
            most = max(len(curve.share) for curve in curves) - 1
            points = [[c for c in curves if len(c.share) - 1 > at] for at in range(1, most)]
            # Only where all seeds still are: those that have reached the goal stop there.
            points = [kept for kept in points if len(kept) == len(curves)]
            shares = [np.mean([c.share[at] for c in kept]) for at, kept in enumerate(points, start=1)]
            mious = np.array([[c.miou[at] for c in kept] for at, kept in enumerate(points, start=1)])
            mean, error = mious.mean(1), mious.std(1) / max(1, len(curves) - 1) ** 0.5
            style = "--" if name.startswith("patches") else "-"
            (line,) = axes.plot(
                shares, mean, style, marker="os^vDP*Xd"[index % 9], label=name.replace("_", ", ")
            )
            axes.fill_between(shares, mean - error, mean + error, color=line.get_color(), alpha=0.12)
        axes.axhline(goal_share * known.miou[-1], color="grey", linewidth=0.8)
        axes.axhline(known.miou[0], color="grey", linewidth=0.8, linestyle=":")
        axes.set(
            xscale="log",
            title=place,
            xlabel="labelled share of the pool's cells",
            ylabel="cell mIoU on held-out patches",
        )
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=90)

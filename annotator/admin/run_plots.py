"""What a training run looks like from step to step: its losses, and what it reaches on the validation patches."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from annotator.models import TrainingRun
from annotator.plots import Frame, Plot, Point, Series, envelope, round_range

# A loss is smoothed over this share of the run's steps.
SMOOTHED_SHARE = 20
SMALLEST_WINDOW = 5


def run_plots(run: TrainingRun) -> list[Plot]:
    """The losses and, where there are validation patches, the mIoU on them; nothing before the first step."""
    if not run.losses and not run.validations:
        return []
    return [loss_plot(run), *([miou_plot(run)] if run.validations else [])]


def best_validation(run: TrainingRun) -> dict[str, Any] | None:
    """The validation whose adapter the candidate has or, while the run learns, would have."""
    if run.best_step is not None:
        return next((v for v in run.validations if v["step"] == run.best_step), None)
    return min(run.validations, key=lambda v: v["loss"], default=None)


def loss_plot(run: TrainingRun) -> Plot:
    """The training loss of each step and its running mean, and the loss on the validation patches."""
    window = max(SMALLEST_WINDOW, run.steps // SMOOTHED_SHARE)
    raw: list[Point] = [(float(step), loss) for step, loss in enumerate(run.losses, start=1)]
    series = [Series("training loss of a step", "quiet", envelope(raw))]
    if len(raw) > window:
        series.append(Series(f"its mean over {window} steps", "first", envelope(_smoothed(raw, window))))
    if run.validations:
        series.append(
            Series(
                "validation loss",
                "second",
                [(v["step"], v["loss"]) for v in run.validations],
                has_marks=True,
                notes=[f"Step {v['step']}: validation loss {v['loss']:.3f}" for v in run.validations],
            )
        )
    highest = [loss for s in series for _, loss in s.points]
    return Plot(
        caption="Loss",
        description=_loss_sentence(run),
        frame=Frame((0.0, _last_step(run)), round_range(highest, from_zero=True)),
        x_label="step",
        y_label="loss",
        series=series,
        verticals=_best_line(run),
    )


def miou_plot(run: TrainingRun) -> Plot:
    """The mIoU on the validation patches; step 0 is the parent's."""
    values = [v["miou"] for v in run.validations]
    parent = values[0] if run.validations[0]["step"] == 0 else None
    series = [
        Series(
            "mIoU on the validation patches",
            "second",
            [(v["step"], v["miou"]) for v in run.validations],
            has_marks=True,
            notes=[f"Step {v['step']}: mIoU {v['miou']:.3f}" for v in run.validations],
        )
    ]
    if parent is not None:
        series.append(Series("the parent's", "quiet", [(0.0, parent), (_last_step(run), parent)]))
    last = run.validations[-1]
    best = best_validation(run)
    sentence = f"Validation mIoU {last['miou']:.3f} at step {last['step']}"
    if parent is not None:
        sentence += f", the parent's {parent:.3f}"
    if best is not None:
        sentence += f"; {best['miou']:.3f} at step {best['step']}, where the validation loss was least"
    return Plot(
        caption="mIoU on the validation patches",
        description=f"{sentence}.",
        frame=Frame((0.0, _last_step(run)), round_range(values)),
        x_label="step",
        y_label="mIoU",
        series=series,
        verticals=_best_line(run),
    )


def _smoothed(points: list[Point], window: int) -> list[Point]:
    """The mean of each point and of those before it, ``window`` in all, from the first that has so many."""
    sums = [0.0, *accumulate(loss for _, loss in points)]
    return [(points[i - 1][0], (sums[i] - sums[i - window]) / window) for i in range(window, len(sums))]


def _last_step(run: TrainingRun) -> float:
    return float(max(run.steps, len(run.losses), 1))


def _best_line(run: TrainingRun) -> list[tuple[float, str]]:
    best = best_validation(run)
    if best is None:
        return []
    return [(best["step"], f"{'best so far' if run.is_active else 'best'}: step {best['step']}")]


def _loss_sentence(run: TrainingRun) -> str:
    if not run.losses:
        return f"No step of {run.steps} is done yet."
    losses = run.losses
    text = f"Training loss from {losses[0]:.3f} to {losses[-1]:.3f} after {len(losses)} of {run.steps} steps."
    best = best_validation(run)
    if best is not None:
        text += f" Validation loss least at step {best['step']}: {best['loss']:.3f}."
    return text

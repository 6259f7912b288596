"""The steps of a round: gradient, validation, checkpoint, and when to end."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from mlservice import parallel
from mlservice.contracts import FinetuneSpec, OnProgress, StepReport
from mlservice.errors import TrainingDiverged
from mlservice.training import checkpoint
from mlservice.training.adapter import parameter_groups
from mlservice.training.batches import Lessons, step_batch
from mlservice.training.checkpoint import Progress
from mlservice.training.loss import add_gradient, class_weights, computing
from mlservice.training.validation import validate, validation_examples
from mlservice.vlm import LoadedModel

REHEARSED_PATCHES = 16
RISE, FLOOR = 0.1, 0.05
"""The part of the steps in which the learning rate rises, and the part of it that is left at the end."""
LARGEST_GRADIENT = 1.0
"""The norm that gradients are clipped to."""


class Trainer:
    """A model with an adapter to be trained on a spec whose masks are of its legend alone."""

    def __init__(self, loaded: LoadedModel, prompt: Any, spec: FinetuneSpec, precision: str) -> None:
        config = spec.config
        self.loaded, self.prompt, self.spec, self.precision = loaded, prompt, spec, precision
        self.parameters = [p for p in loaded.network.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(parameter_groups(loaded.network), weight_decay=0.0)
        count = REHEARSED_PATCHES if config.rehearsal_share else 0
        rehearsal = loaded.family.rehearsal(spec.legend, count, config.seed)
        self.lessons = Lessons(spec.training, spec.replay, rehearsal)
        weights = class_weights(self.lessons.all, spec.legend, config.class_balance)
        self.weights = weights.to(loaded.device)
        self.validated = validation_examples(spec) if config.validate_every_steps else []
        self.mark = checkpoint.fingerprint(spec, precision)

    def run(self, on_progress: OnProgress) -> Progress:
        """Run the steps that are not yet done; ends early when validation has long not improved."""
        config = self.spec.config
        progress = checkpoint.resume(self.spec.work_dir, self.mark, self.loaded.network, self.optimiser)
        resumed_from = len(progress.losses) or None
        if self.validated and not progress.validations:
            self._validate(progress)
        for step in range(len(progress.losses), config.steps):
            if config.patience and progress.since_best() >= config.patience:
                break
            progress.losses.append(self._step(step))
            done, is_last = step + 1, step + 1 == config.steps
            is_validated = bool(self.validated) and (done % config.validate_every_steps == 0 or is_last)
            if is_validated:
                self._validate(progress)
            if not parallel.is_main():
                continue
            if done % config.checkpoint_every_steps == 0 or is_last:
                self._save(progress)
            point = progress.validations[-1] if is_validated else None
            on_progress(StepReport(done, config.steps, progress.losses[-1], resumed_from, point))
        return progress

    def _step(self, step: int) -> float:
        """One step of the optimiser; returns its loss. Raises TrainingDiverged."""
        config = self.spec.config
        for group in self.optimiser.param_groups:
            group["lr"] = config.learning_rate * group["haste"] * schedule(step, config.steps)
        self.optimiser.zero_grad(set_to_none=True)
        batch = step_batch(self.lessons, self.spec.legend, config, step)
        with computing(self.precision, self.loaded.device):
            losses = [
                add_gradient(self.loaded, self.prompt, examples, self.weights, 1 / len(batch))
                for examples in parallel.share_of(batch)
            ]
        parallel.sum_gradients(self.parameters)
        loss = float(parallel.summed(np.array([sum(losses)], dtype=np.float64))[0])
        if not math.isfinite(loss):
            raise self._diverged(f"The loss of step {step + 1}")
        torch.nn.utils.clip_grad_norm_(self.parameters, LARGEST_GRADIENT)
        self.optimiser.step()
        return loss

    def _validate(self, progress: Progress) -> None:
        """Measure the adapter as it is now, and keep it if it is the best so far. Raises TrainingDiverged."""
        mine = parallel.share_of(self.validated)
        with computing(self.precision, self.loaded.device):
            point = validate(self.loaded, self.prompt, mine, self.weights, len(progress.losses))
        if not math.isfinite(point.loss):
            raise self._diverged(f"The validation loss after step {point.step}")
        progress.validations.append(point)
        if progress.best is point:
            progress.best_adapter = checkpoint.adapter_weights(self.loaded.network)

    def _diverged(self, what: str) -> TrainingDiverged:
        rate = self.spec.config.learning_rate
        return TrainingDiverged(f"{what} is no longer a number. Try a lower learning rate than {rate:g}.")

    def _save(self, progress: Progress) -> None:
        checkpoint.save(self.spec.work_dir, self.mark, self.loaded.network, self.optimiser, progress)


def schedule(step: int, steps: int) -> float:
    """The learning rate's factor: a linear rise, then half a cosine down to `FLOOR`."""
    rise = max(1, int(steps * RISE))
    if step < rise:
        return (step + 1) / rise
    return FLOOR + (1 - FLOOR) / 2 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))

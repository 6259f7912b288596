"""`finetune`: one LoRA round, which answers differently after a few corrected patches.

Low-rank adapters go on every linear layer and every convolution, the tower's included: what changes between
regions is above all how land looks, and adapting the language model alone changes little. A parent's
adapter is continued, not merged. Each step's batch follows from the seed and the step alone, so a killed
round goes on from its checkpoint to the same result.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from mlservice import parallel
from mlservice.calibrate import calibrate
from mlservice.contracts import (
    EvaluateSpec,
    FinetuneReport,
    FinetuneSpec,
    ModelRef,
    OnProgress,
    StepReport,
)
from mlservice.dataset import check_training, data_hash, within_legend
from mlservice.errors import MethodError, TrainingDiverged
from mlservice.training import checkpoint
from mlservice.training.adapter import add_adapter, parameter_groups, write_adapter
from mlservice.training.batches import Lessons, step_batch
from mlservice.training.checkpoint import Progress
from mlservice.training.loss import add_gradient, chosen_precision, class_weights, computing
from mlservice.training.validation import validate, validation_examples
from mlservice.vlm import LoadedModel, load_base

REHEARSED_PATCHES = 16
RISE, FLOOR = 0.1, 0.05
"""The part of the steps in which the learning rate rises, and the part of it that is left at the end."""


def finetune(spec: FinetuneSpec, on_progress: OnProgress) -> FinetuneReport:
    """Train an adapter on the spec's labels and write it to ``out_dir``.

    Mask values that are not in the legend teach nothing: a class may have left it since. The adapter is that
    of the step with the least validation loss, or of the last step without validation patches. The report's
    temperature is fitted on the validation patches, or is the parent's when there are none. Raises
    NothingToLearn, BadLegend, BadImage or BadModelFolder before the first step, TrainingDiverged when the loss
    is no longer a number, OSError when the disk is full, and whatever ``on_progress`` raises; the last
    checkpoint stays in ``work_dir``. Run by several processes (`mlservice.parallel`), it is one round that all
    of them share: the main one writes and calls ``on_progress``, and all return.
    """
    started = time.perf_counter()
    readable = _readable(spec)
    check_training(readable.training, readable.legend)
    spec.work_dir.mkdir(parents=True, exist_ok=True)
    parallel.join()
    loaded = load_base(spec.parent.base)
    prompt = loaded.family.prompt(spec.legend)
    add_adapter(loaded, spec)
    precision = chosen_precision(spec.config.precision, loaded.device)
    progress = _train(loaded, prompt, readable, precision, on_progress)
    best = progress.best
    if best is not None:
        checkpoint.restore_adapter(loaded.network, progress.best_adapter)
    if parallel.is_main():
        write_adapter(loaded, spec.out_dir)
    parallel.wait_for_all()
    return FinetuneReport(
        model=_calibrated(readable),
        losses=tuple(progress.losses),
        data_hash=data_hash(spec.training + spec.replay),
        seconds=time.perf_counter() - started,
        trainable_parameters=sum(p.numel() for p in loaded.network.parameters() if p.requires_grad),
        validations=tuple(progress.validations),
        best_step=best.step if best else len(progress.losses),
        stopped_early=len(progress.losses) < spec.config.steps,
        precision=precision,
    )


def _readable(spec: FinetuneSpec) -> FinetuneSpec:
    """The spec with 255 where a mask has a value that is not in the legend."""
    return replace(
        spec,
        training=tuple(within_legend(patch, spec.legend) for patch in spec.training),
        replay=tuple(within_legend(patch, spec.legend) for patch in spec.replay),
        validation=tuple(within_legend(patch, spec.legend) for patch in spec.validation),
    )


def _train(
    loaded: LoadedModel, prompt: Any, spec: FinetuneSpec, precision: str, on_progress: OnProgress
) -> Progress:
    """Run the steps that are not yet done; ends early when validation has long not improved."""
    config, network = spec.config, loaded.network
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameter_groups(network), weight_decay=0.0)
    lessons = _lessons(loaded, spec)
    weights = class_weights(lessons.all, spec.legend, config.class_balance).to(loaded.device)
    validated = validation_examples(spec) if config.validate_every_steps else []
    mark = checkpoint.fingerprint(spec, precision)
    progress = checkpoint.resume(spec.work_dir, mark, network, optimiser)
    resumed_from = len(progress.losses) or None

    def look(step: int) -> None:
        """Measure the adapter as it is after a step, and keep it if it is the best so far."""
        with computing(precision, loaded.device):
            point = validate(loaded, prompt, parallel.share_of(validated), weights, step)
        progress.validations.append(point)
        if progress.best is point:
            progress.best_adapter = checkpoint.adapter_weights(network)

    if validated and not progress.validations:
        look(0)
    for step in range(len(progress.losses), config.steps):
        if config.patience and progress.since_best() >= config.patience:
            break
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * group["haste"] * schedule(step, config.steps)
        optimiser.zero_grad(set_to_none=True)
        batch = step_batch(lessons, spec.legend, config, step)
        with computing(precision, loaded.device):
            share = [
                add_gradient(loaded, prompt, examples, weights, 1 / len(batch))
                for examples in parallel.share_of(batch)
            ]
        parallel.sum_gradients(parameters)
        loss = float(parallel.summed(np.array([sum(share)], dtype=np.float64))[0])
        if not math.isfinite(loss):
            raise TrainingDiverged(
                f"The loss of step {step + 1} is no longer a number. Try a lower learning rate than "
                f"{config.learning_rate:g}."
            )
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        progress.losses.append(loss)
        done = len(progress.losses)
        if validated and (done % config.validate_every_steps == 0 or done == config.steps):
            look(done)
        if not parallel.is_main():
            continue
        if done % config.checkpoint_every_steps == 0 or done == config.steps:
            checkpoint.save(spec.work_dir, mark, network, optimiser, progress)
        newest = progress.validations[-1] if progress.validations else None
        on_progress(
            StepReport(
                done, config.steps, loss, resumed_from, newest if newest and newest.step == done else None
            )
        )
    return progress


def _lessons(loaded: LoadedModel, spec: FinetuneSpec) -> Lessons:
    rehearses = spec.config.rehearsal_share > 0
    count = REHEARSED_PATCHES if rehearses else 0
    return Lessons(spec.training, spec.replay, loaded.family.rehearsal(spec.legend, count, spec.config.seed))


def schedule(step: int, steps: int) -> float:
    """The learning rate's factor: a linear rise, then half a cosine down to `FLOOR`."""
    rise = max(1, int(steps * RISE))
    if step < rise:
        return (step + 1) / rise
    return FLOOR + (1 - FLOOR) / 2 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def _calibrated(spec: FinetuneSpec) -> ModelRef:
    """The new model version, with the temperature that suits the validation patches."""
    model = ModelRef(spec.parent.base, spec.out_dir, spec.parent.temperature)
    if not spec.validation:
        return model
    try:
        return ModelRef(
            model.base, model.adapter, calibrate(EvaluateSpec(model, spec.legend, spec.validation))
        )
    except MethodError:
        return model

"""`finetune`: one LoRA round, which answers differently after a few corrected patches.

Low-rank adapters go on every linear layer and every convolution, the tower's included: what changes between
regions is above all how land looks, and adapting the language model alone changes little. A parent's
adapter is continued, not merged. Each step's batch follows from the seed and the step alone, so a killed
round goes on from its checkpoint to the same result.
"""

from __future__ import annotations

import time
from dataclasses import replace

from mlservice import parallel
from mlservice.calibrate import calibrate
from mlservice.contracts import EvaluateSpec, FinetuneReport, FinetuneSpec, ModelRef, OnProgress
from mlservice.dataset import check_training, data_hash, within_legend
from mlservice.errors import MethodError
from mlservice.training import checkpoint
from mlservice.training.adapter import add_adapter, write_adapter
from mlservice.training.loss import chosen_precision
from mlservice.training.steps import Trainer
from mlservice.vlm import load_base


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
    check_training(readable.training, readable.legend, readable.replay)
    spec.work_dir.mkdir(parents=True, exist_ok=True)
    parallel.join()
    loaded = load_base(spec.parent.base)
    prompt = loaded.family.prompt(spec.legend)
    add_adapter(loaded, spec)
    precision = chosen_precision(spec.config.precision, loaded.device)
    if precision == "float32":
        # On a GPU, large models are loaded in bfloat16.
        loaded.network.float()
    progress = Trainer(loaded, prompt, readable, precision).run(on_progress)
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

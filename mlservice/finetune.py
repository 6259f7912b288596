"""`finetune`: one LoRA round, which answers differently after a few corrected patches.

Low-rank adapters go on every linear layer and every convolution, the tower's included: what changes between
regions is above all how land looks, and adapting the language model alone changes little. A parent's
adapter is continued, not merged. Each step's batch follows from the seed and the step alone, so a killed
round goes on from its checkpoint to the same result.
"""

from __future__ import annotations

import hashlib
import math
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from torch import Tensor
from torch.nn import functional

from mlservice.calibrate import calibrate
from mlservice.contracts import (
    EvaluateSpec,
    FinetuneReport,
    FinetuneSpec,
    LabelledPatch,
    ModelRef,
    OnProgress,
    StepReport,
)
from mlservice.dataset import TokenPatchExamples, augmented, check_training, data_hash, make_examples
from mlservice.errors import MethodError, TrainingDiverged
from mlservice.families.memory import batch_size
from mlservice.families.record import AnswerRecord, read_record, write_record
from mlservice.token_grid import IGNORED_INDEX, PATCH_TOKEN_PATCHES
from mlservice.vlm import LoadedModel, load_adapter, load_base

CHECKPOINT_FILE = "checkpoint.pt"
BALANCE = 0.5
"""Loss weights are class frequencies to the power −BALANCE: between none (0) and full balance (1)."""
HEAD_HASTE = 10.0
"""How much faster the output head's adapter learns: the word of a class that no base knows begins far below
the other words, and would stay unsaid for most of a round."""


def finetune(spec: FinetuneSpec, on_progress: OnProgress) -> FinetuneReport:
    """Train an adapter on the spec's labels and write it to ``out_dir``.

    The report's temperature is fitted on the validation patches, or is the parent's when there are none.
    Raises NothingToLearn, BadLegend or BadModelFolder before the first step, TrainingDiverged when the loss is
    no longer a number, and whatever ``on_progress`` raises; the last checkpoint stays in ``work_dir``.
    """
    started = time.perf_counter()
    check_training(spec.training, spec.legend)
    spec.work_dir.mkdir(parents=True, exist_ok=True)
    loaded = load_base(spec.parent.base)
    prompt = loaded.family.prompt(spec.legend)
    _add_adapter(loaded, spec)
    losses = _train(loaded, prompt, spec, on_progress)
    _write_adapter(loaded, spec.out_dir)
    return FinetuneReport(
        model=_calibrated(spec),
        losses=tuple(losses),
        data_hash=data_hash(spec.training),
        seconds=time.perf_counter() - started,
        trainable_parameters=sum(p.numel() for p in loaded.network.parameters() if p.requires_grad),
    )


def _add_adapter(loaded: LoadedModel, spec: FinetuneSpec) -> None:
    """Continue the parent's adapter, or begin a new one that changes nothing yet."""
    if spec.parent.adapter is not None:
        load_adapter(loaded, spec.parent.adapter, trainable=True)
        loaded.family.follow(read_record(spec.parent.adapter))
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.config.seed)
        config = LoraConfig(
            r=spec.config.lora_rank,
            lora_alpha=spec.config.lora_alpha,
            target_modules=loaded.family.adapted_layers(),
        )
        loaded.network = get_peft_model(loaded.network, config)
    # Evaluation mode keeps the tower's batch statistics: a handful of patches would spoil them.
    loaded.network.eval()


def _train(loaded: LoadedModel, prompt: Any, spec: FinetuneSpec, on_progress: OnProgress) -> list[float]:
    """Run the steps that are not yet done and return the losses of all."""
    config, network = spec.config, loaded.network
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(_parameter_groups(network), weight_decay=0.0)
    weights = _class_weights(spec).to(loaded.device)
    path, fingerprint = spec.work_dir / CHECKPOINT_FILE, _fingerprint(spec)
    losses = _resume(path, fingerprint, network, optimiser)
    resumed_from = len(losses) or None
    for step in range(len(losses), config.steps):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * group["haste"] * schedule(step, config.steps)
        optimiser.zero_grad(set_to_none=True)
        batch = _batch(spec, step)
        loss = sum(_backward(loaded, prompt, examples, weights, len(batch)) for examples in batch)
        if not math.isfinite(loss):
            raise TrainingDiverged(
                f"The loss of step {step + 1} is no longer a number. Try a lower learning rate than "
                f"{config.learning_rate:g}."
            )
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        losses.append(loss)
        if len(losses) % config.checkpoint_every_steps == 0 or len(losses) == config.steps:
            _save(path, fingerprint, network, optimiser, losses)
        on_progress(StepReport(len(losses), config.steps, loss, resumed_from))
    return losses


def _parameter_groups(network: Any) -> list[dict[str, Any]]:
    """The adapter's parameters, those of the output head to be trained `HEAD_HASTE` times as fast."""
    trained = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    return [
        {"params": [p for name, p in trained if ("lm_head" in name) == is_head], "haste": haste}
        for is_head, haste in ((False, 1.0), (True, HEAD_HASTE))
    ]


def schedule(step: int, steps: int) -> float:
    """The learning rate's factor: a linear rise over the first tenth, then half a cosine down to a twentieth."""
    rise = max(1, steps // 10)
    if step < rise:
        return (step + 1) / rise
    return 0.05 + 0.475 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def _batch(spec: FinetuneSpec, step: int) -> list[TokenPatchExamples]:
    """The step's token patches, from as few images as hold them; every patch has its turn before any again."""
    rng = np.random.default_rng([spec.config.seed, 0, step])
    wanted = spec.config.token_patches_per_step
    images = max(1, math.ceil(wanted / PATCH_TOKEN_PATCHES))
    batch = []
    for place in range(step * images, (step + 1) * images):
        examples = augmented(_in_turn(spec, place), spec.legend, rng)
        most = math.ceil(wanted / images)
        batch.append(examples.take(rng.permutation(len(examples.origins))[:most]))
    return [examples for examples in batch if len(examples.origins)]


def _in_turn(spec: FinetuneSpec, place: int) -> LabelledPatch:
    """The patch at a place of an endless line in which every round has its own order."""
    round_, at = divmod(place, len(spec.training))
    order = np.random.default_rng([spec.config.seed, 1, round_]).permutation(len(spec.training))
    return spec.training[int(order[at])]


def _backward(
    loaded: LoadedModel, prompt: Any, examples: TokenPatchExamples, weights: Tensor, share: int
) -> float:
    """Add the gradient of one image's loss, divided by ``share``, and return that part of the loss.

    The loss is the mean over cells by their classes' weights. The image is read again for each part of its
    token patches that fits into memory, and once if all do.
    """
    family = loaded.family
    targets = torch.from_numpy(examples.targets)
    total = float(weights.cpu()[targets[targets != IGNORED_INDEX]].sum()) * share
    loss_sum, done, size = 0.0, 0, len(targets)
    while done < len(targets):
        context = family.encode(examples.image, prompt)
        if done == 0:
            size = batch_size(loaded.device, family.bytes_per_token_patch(context, prompt, trains=True))
        part = slice(done, done + size)
        logits = family.cell_logits(context, prompt, examples.origins[part]).float()
        loss = functional.cross_entropy(
            logits.flatten(0, 1),
            targets[part].flatten().to(loaded.device),
            weights,
            ignore_index=IGNORED_INDEX,
            reduction="sum",
        )
        (loss / total).backward()
        loss_sum += loss.item() / total
        done += size
    return loss_sum


def _class_weights(spec: FinetuneSpec) -> Tensor:
    """A weight for each class of the legend, `BALANCE` between the classes that occur; their mean cell has 1."""
    counts = np.zeros(len(spec.legend.values))
    for patch in spec.training:
        targets = make_examples(patch.image, patch.mask, spec.legend).targets
        counts += np.bincount(targets[targets != IGNORED_INDEX], minlength=len(counts))
    share = counts / max(counts.sum(), 1)
    weights = np.where(share > 0, np.maximum(share, 1e-3) ** -BALANCE, 1.0)
    return torch.tensor(weights / max((weights * share).sum(), 1e-12), dtype=torch.float32)


def _fingerprint(spec: FinetuneSpec) -> str:
    """What a checkpoint must have been trained on and with, to be gone on from."""
    parts = [asdict(spec.config), asdict(spec.legend), data_hash(spec.training), spec.parent.base]
    return hashlib.sha256(repr([*parts, str(spec.parent.adapter)]).encode()).hexdigest()


def _save(
    path: Path, fingerprint: str, network: Any, optimiser: torch.optim.Optimizer, losses: list[float]
) -> None:
    """Write a checkpoint in one rename, so that a kill leaves the old one or the new one."""
    state = {
        "fingerprint": fingerprint,
        "adapter": get_peft_model_state_dict(network, save_embedding_layers=False),
        "optimiser": optimiser.state_dict(),
        "losses": losses,
    }
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def _resume(path: Path, fingerprint: str, network: Any, optimiser: torch.optim.Optimizer) -> list[float]:
    """Restore the checkpoint of the same round, if there is one, and return its losses."""
    if not path.exists():
        return []
    state = torch.load(path, weights_only=True)
    if state["fingerprint"] != fingerprint:
        return []
    set_peft_model_state_dict(network, state["adapter"])
    optimiser.load_state_dict(state["optimiser"])
    return list(state["losses"])


def _write_adapter(loaded: LoadedModel, out_dir: Path) -> None:
    """Write the adapter beside its place and rename it there, readable by everyone."""
    partial = out_dir.with_name(f"{out_dir.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    loaded.network.save_pretrained(partial, save_embedding_layers=False)
    (partial / "README.md").unlink()  # PEFT's form of a model card, with nothing filled in
    write_record(partial, AnswerRecord(loaded.family.cell_token_id))
    for path in partial.iterdir():
        path.chmod(0o644)
    shutil.rmtree(out_dir, ignore_errors=True)
    partial.rename(out_dir)


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

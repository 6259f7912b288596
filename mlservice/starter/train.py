"""Trains the starter from nothing: ``python -m mlservice.starter.train --out DIR [--smoke]``.

Stage one trains the tower, the projector and the output head on single cells; the language model's layers
are still the identity. Stage two trains everything in one pass per token patch, with legends that ask for
less or for more, and goes on telling the tower what its own tokens should have said. Seeds are fixed, each
step draws its own batch from its number, and an interrupted training goes on from its last saved step. At
the end the temperature is fitted, the model is measured on held-out seeds, and the card is written.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mlservice.contracts import PATCH_SIZE_PX
from mlservice.prompt import build_prompt
from mlservice.starter import RECORD_FILE
from mlservice.starter.bank import SceneBank, open_bank
from mlservice.starter.configuration import MilpaConfig
from mlservice.starter.measure import measure_and_describe
from mlservice.starter.modeling import MilpaForImageTextToText
from mlservice.starter.processing import (
    CELL_TOKEN,
    IMAGE_TOKEN,
    VOCABULARY,
    MilpaProcessor,
    build_processor,
)
from mlservice.starter.registration import register_starter
from mlservice.starter.scenes import SceneBatch, class_weights, draw_batch, draw_legend
from mlservice.token_grid import (
    IGNORED_INDEX,
    TOKEN_PATCH_CELLS,
    split_token_patches,
    token_patch_origins,
)

TOWER_SHARE = 0.5
"""What the loss of the tower's own tokens counts in stage two."""


@dataclass(frozen=True)
class Recipe:
    """How long each stage is and how much each step sees."""

    scenes: int = 6000
    tower_steps: int = 3400
    whole_steps: int = 2000
    tower_rate: float = 2e-3
    whole_rate: float = 1e-3
    images_per_step: int = 4
    token_patches_per_image: int = 4
    save_every_steps: int = 100
    held_out_scenes: int = 64
    seed: int = 7


SMOKE = Recipe(
    scenes=50, tower_steps=40, whole_steps=8, images_per_step=2, save_every_steps=20, held_out_scenes=1
)
"""Shows in under two minutes that the recipe runs and that the loss falls; the model is of no use."""


@dataclass
class Progress:
    """What a training has done so far: losses of all steps, and processor seconds spent on steps."""

    losses: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0


def build_model() -> MilpaForImageTextToText:
    """An untrained starter: tower of 1.2 M parameters, Llama of 2 layers of 128, 63 words."""
    config = MilpaConfig(
        text_config={
            "vocab_size": len(VOCABULARY),
            "hidden_size": 128,
            "intermediate_size": 384,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "max_position_embeddings": 1024,
        },
        patch_cells=TOKEN_PATCH_CELLS,
        image_token_id=VOCABULARY.index(IMAGE_TOKEN),
        cell_token_id=VOCABULARY.index(CELL_TOKEN),
    )
    model = MilpaForImageTextToText(config)
    # The language model begins as the identity, so that stage two begins where stage one ended.
    for layer in model.language_model.layers:
        torch.nn.init.zeros_(layer.self_attn.o_proj.weight)
        torch.nn.init.zeros_(layer.mlp.down_proj.weight)
    return model


def train(recipe: Recipe, out: Path) -> list[float]:
    """Train, save ``out/checkpoint`` and return the loss of every step of both stages."""
    bank = open_bank(out / "bank", recipe.scenes)
    torch.manual_seed(recipe.seed)
    register_starter()
    model = build_model()
    processor = build_processor(model.config.context_grid**2, model.config.patch_cells**2)
    progress = Progress()
    stages = (
        (tower_loss, recipe.tower_steps, recipe.tower_rate),
        (whole_loss, recipe.whole_steps, recipe.whole_rate),
    )
    for number, (loss, steps, rate) in enumerate(stages, start=1):
        trainer = Trainer(model, processor, recipe, bank, number, loss, rate)
        trainer.run(out / f"stage_{number}.pt", steps, progress)
    save_checkpoint(model, processor, out / "checkpoint")
    record = {"recipe": asdict(recipe), "cpu_seconds": round(progress.cpu_seconds)}
    (out / "checkpoint" / RECORD_FILE).write_text(json.dumps(record) + "\n")
    return progress.losses


LossFunction = Callable[[MilpaForImageTextToText, MilpaProcessor, SceneBatch, float], Tensor]


@dataclass
class Trainer:
    """One stage of the training of a model."""

    model: MilpaForImageTextToText
    processor: MilpaProcessor
    recipe: Recipe
    bank: SceneBank
    stage: int
    loss: LossFunction
    rate: float

    def run(self, path: Path, steps: int, progress: Progress) -> None:
        """Run the steps that are not yet done, adding to ``progress``."""
        optimiser = torch.optim.AdamW(self.model.parameters(), lr=self.rate, weight_decay=0.01)
        done = _resume(path, self.model, optimiser, progress)
        self.model.train()
        for step in range(done, steps):
            started = time.process_time()
            progress.losses.append(self._step(optimiser, step, steps))
            progress.cpu_seconds += time.process_time() - started
            if (step + 1) % self.recipe.save_every_steps == 0 or step + 1 == steps:
                _save_progress(path, self.model, optimiser, progress, step + 1)
                recent = float(np.mean(progress.losses[-self.recipe.save_every_steps :]))
                print(
                    f"stage {self.stage} step {step + 1}/{steps} loss {recent:.4f} "
                    f"{progress.cpu_seconds:.0f} CPU s",
                    flush=True,
                )
        self.model.eval()

    def _step(self, optimiser: torch.optim.Optimizer, step: int, steps: int) -> float:
        for group in optimiser.param_groups:
            group["lr"] = self.rate * schedule(step, steps)
        rng = np.random.default_rng([self.recipe.seed, self.stage, step])
        legend = draw_legend(rng)
        batch = draw_batch(
            self.bank, rng, self.recipe.images_per_step, legend, self.recipe.token_patches_per_image
        )
        with torch.autocast("cpu", torch.bfloat16):
            loss = self.loss(self.model, self.processor, batch, step / steps)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        optimiser.step()
        return loss.item()


def schedule(step: int, steps: int) -> float:
    """The learning rate's factor: a linear rise over the first twentieth, then half a cosine to nothing."""
    rise = max(1, steps // 20)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def tower_loss(
    model: MilpaForImageTextToText, processor: MilpaProcessor, batch: SceneBatch, done: float
) -> Tensor:
    """Cross-entropy of what the head says of the tower's tokens alone."""
    class_ids = build_prompt(processor, batch.legend).class_ids
    tokens = model.vision_tower(processor(images=batch.images)["pixel_values"]).last_hidden_state
    logits = model.tower_logits(tokens)[..., class_ids]
    return _loss(logits, torch.from_numpy(batch.targets), class_weights(batch.legend))


def whole_loss(
    model: MilpaForImageTextToText, processor: MilpaProcessor, batch: SceneBatch, done: float
) -> Tensor:
    """Cross-entropy of the class tokens said at every cell of some token patches.

    The same token patches are asked of every image of the batch, and `TOWER_SHARE` times the tower's own
    loss is added. Class weights fade to none by the end, so that probabilities end near what they should be.
    """
    origins = torch.from_numpy(token_patch_origins(0, 0, PATCH_SIZE_PX)[batch.token_patches])
    prompt = build_prompt(processor, batch.legend)
    output = model(
        input_ids=prompt.input_ids.expand(len(batch.images), -1),
        pixel_values=processor(images=batch.images)["pixel_values"],
        patch_origins=origins.expand(len(batch.images), -1, -1),
    )
    weights = [weight ** (1 - done) for weight in class_weights(batch.legend)]
    targets = split_token_patches(batch.targets)[batch.token_patches]
    said = output.logits[..., prompt.class_ids]
    loss = _loss(said, torch.from_numpy(targets).flatten(2).transpose(0, 1), weights)
    alone = model.tower_logits(output.tower_tokens)[..., prompt.class_ids]
    return loss + TOWER_SHARE * _loss(alone, torch.from_numpy(batch.targets), weights)


def _loss(logits: Tensor, targets: Tensor, weights: list[float]) -> Tensor:
    """Weighted cross-entropy of ``(…, classes)`` against class indices ``(…)``."""
    return functional.cross_entropy(
        logits.float().flatten(0, -2),
        targets.flatten(),
        torch.tensor(weights),
        ignore_index=IGNORED_INDEX,
    )


def _save_progress(
    path: Path,
    model: MilpaForImageTextToText,
    optimiser: torch.optim.Optimizer,
    progress: Progress,
    step: int,
) -> None:
    """Write all that `_resume` needs, in one rename."""
    state = {
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "losses": progress.losses,
        "cpu_seconds": progress.cpu_seconds,
        "step": step,
    }
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def _resume(
    path: Path, model: MilpaForImageTextToText, optimiser: torch.optim.Optimizer, progress: Progress
) -> int:
    """Restore a saved stage and return how many of its steps are done."""
    if not path.exists():
        return 0
    state: dict[str, Any] = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    progress.losses, progress.cpu_seconds = state["losses"], state["cpu_seconds"]
    return int(state["step"])


def save_checkpoint(model: MilpaForImageTextToText, processor: MilpaProcessor, folder: Path) -> None:
    """Save in the Hugging Face format, weights as float16, readable by everyone."""
    large = 1 << 10
    state = {
        name: value.half().contiguous() if value.is_floating_point() and value.numel() > large else value
        for name, value in model.state_dict().items()
    }
    model.save_pretrained(folder, state_dict=state)
    processor.save_pretrained(folder)
    for path in folder.iterdir():
        path.chmod(0o644)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint and the progress")
    parser.add_argument("--smoke", action="store_true", help="a few steps only, to see that it runs")
    arguments = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("MILPA_TORCH_THREADS", "1")))
    recipe = SMOKE if arguments.smoke else Recipe()
    losses = train(recipe, arguments.out)
    figures = measure_and_describe(arguments.out / "checkpoint", recipe.held_out_scenes)
    print(json.dumps({"first_loss": losses[0], "last_loss": losses[-1], **figures}))


if __name__ == "__main__":
    main()

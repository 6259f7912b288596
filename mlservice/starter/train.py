"""Trains the starter from nothing: ``python -m mlservice.starter.train --out DIR [--smoke]``.

Stage one trains the tower, the projector and the output head on single cells; the language model's layers
are still the identity. Stage two trains everything in one pass per token patch, with legends that ask for
less or for more. Seeds are fixed, each step draws its own scenes from its number, and an interrupted
training goes on from its last saved step. At the end the temperature is fitted, the model is measured on
held-out seeds, and the card is written.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mlservice.dataset import TokenPatchExamples
from mlservice.prompt import build_prompt
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
from mlservice.starter.scenes import class_weights, draw_examples, draw_legend
from mlservice.token_grid import IGNORED_INDEX, TOKEN_PATCH_CELLS


@dataclass(frozen=True)
class Recipe:
    """How long each stage is and how much each step sees."""

    tower_steps: int = 2800
    whole_steps: int = 600
    tower_rate: float = 2e-3
    whole_rate: float = 1e-3
    images_per_step: int = 2
    token_patches_per_image: int = 8
    save_every_steps: int = 100
    held_out_scenes: int = 24
    seed: int = 7


SMOKE = Recipe(tower_steps=40, whole_steps=8, save_every_steps=20, held_out_scenes=1)
"""Shows in under two minutes that the recipe runs and that the loss falls; the model is of no use."""


def build_model() -> MilpaForImageTextToText:
    """An untrained starter: tower of 1.2 M parameters, Llama of 4 layers of 192, 63 words."""
    config = MilpaConfig(
        text_config={
            "vocab_size": len(VOCABULARY),
            "hidden_size": 192,
            "intermediate_size": 448,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
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
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    register_starter()
    model = build_model()
    processor = build_processor(model.config.context_grid**2, model.config.patch_cells**2)
    losses: list[float] = []
    stages = ((0, recipe.tower_steps, recipe.tower_rate), (1, recipe.whole_steps, recipe.whole_rate))
    for stage, steps, rate in stages:
        _train_stage(model, processor, recipe, stage, steps, rate, out, losses)
    save_checkpoint(model, processor, out / "checkpoint")
    return losses


def _train_stage(
    model: MilpaForImageTextToText,
    processor: MilpaProcessor,
    recipe: Recipe,
    stage: int,
    steps: int,
    rate: float,
    out: Path,
    losses: list[float],
) -> None:
    """Run the steps of one stage that are not yet done, appending to ``losses``."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    progress = out / f"stage_{stage + 1}.pt"
    done = _resume(progress, model, optimiser, losses)
    # In stage two a step sees few images through the tower: its batch statistics stay as they are.
    model.train(stage == 0)
    started = time.monotonic()
    for step in range(done, steps):
        for group in optimiser.param_groups:
            group["lr"] = rate * schedule(step, steps)
        rng = np.random.default_rng([recipe.seed, stage, step])
        loss = (tower_loss, whole_loss)[stage](model, processor, recipe, rng)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        losses.append(loss.item())
        if (step + 1) % recipe.save_every_steps == 0 or step + 1 == steps:
            _save_progress(progress, model, optimiser, losses, step + 1)
            recent = float(np.mean(losses[-recipe.save_every_steps :]))
            seconds = time.monotonic() - started
            print(f"stage {stage + 1} step {step + 1}/{steps} loss {recent:.4f} {seconds:.0f} s", flush=True)


def schedule(step: int, steps: int) -> float:
    """The learning rate's factor: a linear rise over the first twentieth, then half a cosine to nothing."""
    rise = max(1, steps // 20)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def tower_loss(
    model: MilpaForImageTextToText, processor: MilpaProcessor, recipe: Recipe, rng: np.random.Generator
) -> Tensor:
    """Cross-entropy of what the head says of the tower's tokens alone."""
    legend = draw_legend(rng)
    scenes = [draw_examples(rng, legend) for _ in range(recipe.images_per_step)]
    class_ids = build_prompt(processor, legend).class_ids
    pixels = processor(images=np.stack([s.image for s in scenes]))["pixel_values"]
    logits = model.tower_logits(model.vision_tower(pixels).last_hidden_state)[..., class_ids]
    side = model.config.patch_cells
    patches = logits.unflatten(2, (-1, side)).unflatten(1, (-1, side)).transpose(2, 3).flatten(3, 4)
    return _loss(patches.flatten(1, 2), scenes, class_weights(legend))


def whole_loss(
    model: MilpaForImageTextToText, processor: MilpaProcessor, recipe: Recipe, rng: np.random.Generator
) -> Tensor:
    """Cross-entropy of the class tokens said at every cell of some token patches."""
    legend = draw_legend(rng)
    scenes = [
        draw_examples(rng, legend, recipe.token_patches_per_image) for _ in range(recipe.images_per_step)
    ]
    prompt = build_prompt(processor, legend)
    output = model(
        input_ids=prompt.input_ids.expand(len(scenes), -1),
        pixel_values=processor(images=np.stack([s.image for s in scenes]))["pixel_values"],
        patch_origins=torch.from_numpy(np.stack([s.origins for s in scenes])),
    )
    return _loss(output.logits[..., prompt.class_ids], scenes, class_weights(legend))


def _loss(logits: Tensor, scenes: list[TokenPatchExamples], weights: list[float]) -> Tensor:
    """Weighted cross-entropy of ``(images, token patches, cells, classes)``."""
    targets = torch.from_numpy(np.stack([s.targets for s in scenes]))
    return functional.cross_entropy(
        logits.flatten(0, -2), targets.flatten(), torch.tensor(weights), ignore_index=IGNORED_INDEX
    )


def _save_progress(
    path: Path,
    model: MilpaForImageTextToText,
    optimiser: torch.optim.Optimizer,
    losses: list[float],
    step: int,
) -> None:
    """Write all that `_resume` needs, in one rename."""
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "losses": losses, "step": step}
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def _resume(
    path: Path, model: MilpaForImageTextToText, optimiser: torch.optim.Optimizer, losses: list[float]
) -> int:
    """Restore a saved stage and return how many of its steps are done."""
    if not path.exists():
        return 0
    state: dict[str, Any] = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    losses[:] = state["losses"]
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

"""What each step of a round sees. It follows from the seed and the step alone, so a killed round can go on."""

from __future__ import annotations

import numpy as np

from mlservice.contracts import FinetuneSpec, LabelledPatch
from mlservice.dataset import TokenPatchExamples, augmented


def step_batch(spec: FinetuneSpec, step: int) -> list[TokenPatchExamples]:
    """The images of a step with some of their token patches; images without any label are left out."""
    config = spec.config
    places = range(step * config.images_per_step, (step + 1) * config.images_per_step)
    batch = []
    for place in places:
        rng = np.random.default_rng([config.seed, 0, place])
        examples = augmented(_patch_at(spec, place), spec.legend, rng, config.augmentation)
        chosen = rng.permutation(len(examples.origins))[: config.token_patches_per_image]
        if len(chosen):
            batch.append(examples.take(chosen))
    return batch


def _patch_at(spec: FinetuneSpec, place: int) -> LabelledPatch:
    """The patch at a place of the endless line of images: `replay_share` of any stretch of it is replay."""
    share = spec.config.replay_share if spec.replay else 0.0
    replayed, with_this = int(place * share), int((place + 1) * share)
    if with_this > replayed:
        return _in_turn(spec.replay, replayed, [spec.config.seed, 2])
    return _in_turn(spec.training, place - replayed, [spec.config.seed, 1])


def _in_turn(patches: tuple[LabelledPatch, ...], place: int, seed: list[int]) -> LabelledPatch:
    """The patch at a place of a line in which every patch has its turn before any has another."""
    lap, at = divmod(place, len(patches))
    return patches[int(np.random.default_rng([*seed, lap]).permutation(len(patches))[at])]

"""What each step of a round sees. It follows from the seed and the step alone, so a killed round can go on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlservice.contracts import FinetuneConfig, LabelledPatch, Legend
from mlservice.dataset import TokenPatchExamples, augmented

Patches = tuple[LabelledPatch, ...]


@dataclass(frozen=True)
class Lessons:
    """The patches of a round: those to learn, those of earlier rounds, and those that its base model comes with."""

    training: Patches
    replay: Patches = ()
    rehearsal: Patches = ()

    @property
    def all(self) -> Patches:
        return self.training + self.replay + self.rehearsal


def step_batch(
    lessons: Lessons, legend: Legend, config: FinetuneConfig, step: int
) -> list[TokenPatchExamples]:
    """The images of a step with some of their token patches; images without any label are left out."""
    places = range(step * config.images_per_step, (step + 1) * config.images_per_step)
    batch = []
    for place in places:
        rng = np.random.default_rng([config.seed, 0, place])
        examples = augmented(patch_at(lessons, config, place), legend, rng, config.augmentation)
        chosen = rng.permutation(len(examples.origins))[: config.token_patches_per_image]
        if len(chosen):
            batch.append(examples.take(chosen))
    return batch


def patch_at(lessons: Lessons, config: FinetuneConfig, place: int) -> LabelledPatch:
    """The patch at a place of the endless line of images, of any stretch of which each kind has its share."""
    replay_share = config.replay_share if lessons.replay else 0.0
    rehearsal_share = config.rehearsal_share if lessons.rehearsal else 0.0
    is_replay, others, place = _split(place, replay_share)
    if is_replay:
        return _in_turn(lessons.replay, others, [config.seed, 2])
    is_rehearsal, others, place = _split(place, rehearsal_share / (1 - replay_share))
    if is_rehearsal:
        return _in_turn(lessons.rehearsal, others, [config.seed, 3])
    return _in_turn(lessons.training, place, [config.seed, 1])


def _split(place: int, share: float) -> tuple[bool, int, int]:
    """Whether a place is one of an evenly spread share, how many before it are, and how many are not."""
    inside = int(place * share)
    return int((place + 1) * share) > inside, inside, place - inside


def _in_turn(patches: Patches, place: int, seed: list[int]) -> LabelledPatch:
    """The patch at a place of a line in which every patch has its turn before any has another."""
    lap, at = divmod(place, len(patches))
    return patches[int(np.random.default_rng([*seed, lap]).permutation(len(patches))[at])]

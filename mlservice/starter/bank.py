"""A bank of drawn scenes on disk: drawn once, by every processor core, and seen from many sides while training.

Drawing a scene costs about as much as a training step on it, so each is used several times, turned and in
another light. Imports no torch, so that processes may be forked to draw.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlservice.contracts import PATCH_SIZE_PX
from mlservice.dataset import jitter_colours, turned
from mlservice.landscape import draw_landscape

TRAINING_REGION = "a"
HELD_OUT_SEED = 1_000_000_000
"""Seeds from here on are never trained on: they are for measuring, and those twice as high for calibrating."""
NATIVE_SHARE = 0.5
CHUNK_SCENES = 50


@dataclass(frozen=True)
class SceneBank:
    """``images`` uint8 ``(scenes, rows, cols, 3)`` and ``details`` uint8 ``(scenes, rows, cols)``."""

    images: NDArray[np.uint8]
    details: NDArray[np.uint8]

    def draw(self, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """A scene at random, as an image in a light of its own and its detailed truth, turned alike."""
        which, turn = int(rng.integers(len(self.images))), int(rng.integers(8))
        return jitter_colours(turned(self.images[which], turn), rng), turned(self.details[which], turn)


def open_bank(folder: Path, scenes: int) -> SceneBank:
    """The bank of so many scenes in a folder; draws what is missing there, a chunk to a file."""
    folder.mkdir(parents=True, exist_ok=True)
    chunks = range(-(-scenes // CHUNK_SCENES))
    if missing := [chunk for chunk in chunks if not _path(folder, chunk).exists()]:
        with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            list(pool.map(_draw_chunk, [folder] * len(missing), missing))
    drawn = [np.load(_path(folder, chunk)) for chunk in chunks]
    return SceneBank(
        np.concatenate([chunk["images"] for chunk in drawn])[:scenes],
        np.concatenate([chunk["details"] for chunk in drawn])[:scenes],
    )


def draw_scene(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The training scene of a seed: a patch-sized image and its detailed truth.

    The grid is of 0.5 to 3 m. `NATIVE_SHARE` of the images have that resolution; the others are from
    sensors up to 5 times as coarse, as when 10 m imagery is shown at 2.3 m to draw boundaries finely.
    """
    rng = np.random.default_rng([seed, 1])
    gsd_m = float(np.exp(rng.uniform(np.log(0.5), np.log(3.0))))
    coarser = 1.0 if rng.random() < NATIVE_SHARE else float(np.exp(rng.uniform(0, np.log(5.0))))
    scene = draw_landscape(
        seed, PATCH_SIZE_PX, gsd_m=gsd_m, sensor_gsd_m=gsd_m * coarser, region=TRAINING_REGION
    )
    return scene.image, scene.detail


def _draw_chunk(folder: Path, chunk: int) -> None:
    """Draw a chunk's scenes and write them in one rename."""
    scenes = [draw_scene(seed) for seed in range(chunk * CHUNK_SCENES, (chunk + 1) * CHUNK_SCENES)]
    partial = folder / f"partial_{chunk:05d}.npz"
    np.savez(partial, images=np.stack([s[0] for s in scenes]), details=np.stack([s[1] for s in scenes]))
    partial.replace(_path(folder, chunk))


def _path(folder: Path, chunk: int) -> Path:
    return folder / f"scenes_{chunk:05d}.npz"

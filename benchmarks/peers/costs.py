"""What an answer costs: seconds of the engine and of a plain `generate()`, and memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.generating import GeneratingStarter
from mlservice.contracts import PATCH_SIZE_PX, ModelRef, PatchWindow, SegmentRequest
from mlservice.landscape import DETAILED_LEGEND
from mlservice.segment import segment
from mlservice.token_grid import PATCH_TOKEN_PATCHES, token_patch_origins
from mlservice.vlm import answering

ROOT = Path(__file__).parents[2]
SHOWN_GSD_M = {"1m": 1.0, "10m": 2.3}
"""The ground width of a shown pixel for each sensor: 10 m imagery is shown finer, to draw boundaries."""

Item = TypeVar("Item")


def speed(images: Sequence[NDArray[np.uint8]], model: ModelRef, token_patches: int) -> dict[str, float]:
    """How fast the engine answers, beside `generate()` with the same weights; the fastest of several runs.

    ``images`` are answered for one by one; so many token patches of the first are generated.
    """
    window = (PatchWindow("whole"),)
    seconds = _fastest(lambda image: segment(SegmentRequest(model, DETAILED_LEGEND, image, window)), images)
    with answering(model) as loaded:
        generating = GeneratingStarter(loaded.family)
        places = token_patch_origins(0, 0, PATCH_SIZE_PX)[:token_patches].tolist()
        generate_seconds = _fastest(lambda place: generating.say_token_patch(images[0], *place), places)
    figures = {
        "patches_per_second": 1 / seconds,
        "generate_seconds_per_token_patch": generate_seconds,
        "speed_ratio": generate_seconds * PATCH_TOKEN_PATCHES / seconds,
    }
    for sensor, gsd_m in SHOWN_GSD_M.items():
        figures[f"seconds_per_km2_{sensor}"] = seconds / (PATCH_SIZE_PX * gsd_m / 1000) ** 2
    return figures


def _fastest(work: Callable[[Item], object], items: Iterable[Item]) -> float:
    """The fewest processor seconds that the work took on any of the items; on one thread, other load aside."""
    taken = []
    for item in items:
        started = time.process_time()
        work(item)
        taken.append(time.process_time() - started)
    return min(taken)


_ANSWER_ONE_PATCH = """
import sys
import numpy as np
import torch
torch.set_num_threads(1)
from mlservice.contracts import PATCH_SIZE_PX, ModelRef, PatchWindow, SegmentRequest
from mlservice.landscape import DETAILED_LEGEND
from mlservice.segment import segment
image = np.random.default_rng(0).integers(256, size=(PATCH_SIZE_PX, PATCH_SIZE_PX, 3), dtype=np.uint8)
segment(SegmentRequest(ModelRef(sys.argv[1]), DETAILED_LEGEND, image, (PatchWindow("whole"),)))
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def peak_memory_mb(model: ModelRef) -> float:
    """The most resident memory of a process that loads the model and answers for one patch.

    Read from Linux's own account of the process: the `ru_maxrss` of a child begins at its parent's size.
    """
    child = subprocess.run(
        [sys.executable, "-c", _ANSWER_ONE_PATCH, model.base],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return int(child.stdout) / 1024

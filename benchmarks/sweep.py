"""Which config of a LoRA round adapts best: each field varied around the defaults, the same labels and seeds.

Rounds are shorter than the application's, with half of its images a step, so that all of them end in an hour.

Two places that the starter does not know (drawn region "b" and the Danish scene), labels of a sixth of the pool,
`SEEDS` seeds. `--record FILE` keeps every measurement as it comes, and an interrupted sweep goes on from there.
`--quick`: the defaults and one other, fewer patches and steps. The last line is flat JSON: `<field>=<value>`
is the mean over places and seeds of the held-out cell mIoU minus the defaults' own, `…_cpu_ratio` the ratio
of the processor seconds, and `zero_<place>`, `default_<place>` are the mIoU before and with the defaults.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.adaptation.choosing import patches_at_random
from benchmarks.adaptation.places import Place, chosen_places
from benchmarks.adaptation.record import Record
from benchmarks.adaptation.rounds import labelled, learn, measured_miou
from mlservice.contracts import FinetuneConfig
from mlservice.starter import starter_model

SEEDS = 2
LABELLED_SHARE = 1 / 6
BASE = FinetuneConfig(steps=60, images_per_step=2, validate_every_steps=0)
VARIED: dict[str, tuple[Any, ...]] = {
    "learning_rate": (1e-3, 6e-3),
    "rehearsal_share": (0.0, 0.5),
    "lora_rank": (4, 16),
    "adapted": ("vision", "language"),
    "class_balance": (0.0, 1.0),
    "augmentation": (0.0,),
    "token_patches_per_image": (4, 16),
    "images_per_step": (4,),
    "steps": (120,),
}
QUICK_VARIED: dict[str, tuple[Any, ...]] = {"adapted": ("language",)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two configs, few patches and steps")
    parser.add_argument("--record", type=Path, help="file of measurements to go on from")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    record = Record(arguments.record)
    base = replace(BASE, steps=6) if arguments.quick else BASE
    varied, seeds = (QUICK_VARIED, 1) if arguments.quick else (VARIED, SEEDS)
    places = chosen_places(quick=arguments.quick)
    configs = {"default": base} | {
        f"{name}={value:g}" if isinstance(value, int | float) else f"{name}={value}": replace(
            base, **{name: value}
        )
        for name, values in varied.items()
        for value in values
    }
    for seed in range(seeds):
        for name, config in configs.items():
            for place in places:
                record.measure(f"{name}|{place.name}|{seed}", partial(_round, place, config, seed))
    zero = {f"zero_{place.name}": measured_miou(starter_model(), place) for place in places}
    print(json.dumps(zero | _figures(record, configs, places, seeds)))


def _round(place: Place, config: FinetuneConfig, seed: int) -> dict[str, float]:
    """One round's held-out mIoU, and the processor seconds that it took."""
    which = patches_at_random(place, LABELLED_SHARE, np.random.default_rng(seed))
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        model = learn(
            starter_model(), place, labelled(place, which), replace(config, seed=seed), Path(folder)
        )
        seconds = time.process_time() - started
        return {"miou": measured_miou(model, place), "cpu_seconds": seconds}


def _figures(
    record: Record, configs: dict[str, FinetuneConfig], places: tuple[Place, ...], seeds: int
) -> dict[str, float]:
    def mean(name: str, key: str, among: tuple[Place, ...]) -> float:
        return float(
            np.mean([record[f"{name}|{place.name}|{seed}"][key] for place in among for seed in range(seeds)])
        )

    figures = {f"default_{place.name}": round(mean("default", "miou", (place,)), 4) for place in places}
    for name in configs:
        if name != "default":
            figures[name] = round(mean(name, "miou", places) - mean("default", "miou", places), 4)
            seconds = mean(name, "cpu_seconds", places) / mean("default", "cpu_seconds", places)
            figures[f"{name}_cpu_ratio"] = round(seconds, 2)
    return figures


if __name__ == "__main__":
    main()

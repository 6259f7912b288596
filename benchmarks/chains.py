"""How a round should follow another: the parent's adapter continued, merged under a new one, or all learned anew.

The Danish scene (region "b" where `MILPA_DATA` does not have it), three rounds of new patches each. `continued`: each
round trains the last one's adapter further, with the earlier patches replayed. `merged`: the last adapter is added
to the weights, and a new one is trained on top with the same replay; a new adapter beside frozen ones, stacked, is
the same sum of weights. `anew`: each round starts from the starter with the patches of all rounds so far.
`--seeds N`, `--record FILE` goes on from measurements, `--quick` shows that it runs. The last line is flat JSON:
`miou_<way>_<round>`, held-out cell mIoU, means over seeds; `…_sd` the standard deviation over seeds; `miou_zero`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from benchmarks.adaptation.choosing import patches_at_random
from benchmarks.adaptation.places import Place, chosen_places
from benchmarks.adaptation.record import Measurement, Record
from benchmarks.adaptation.rounds import labelled, learn, measured_miou
from mlservice.contracts import FinetuneConfig, LabelledPatch, ModelRef
from mlservice.starter import starter_model
from mlservice.vlm import load_adapter, load_base

ROUNDS = 3
SHARE_A_ROUND = 0.08


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few patches and steps")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds")
    parser.add_argument("--record", type=Path, help="file of measurements to go on from")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    place = chosen_places(quick=arguments.quick)[-1]
    seeds = 1 if arguments.quick else arguments.seeds
    config = FinetuneConfig(steps=3 if arguments.quick else 45, images_per_step=2, validate_every_steps=0)
    record = Record(arguments.record)
    zero = record.measure(f"{place.name}|zero", lambda: {"miou": measured_miou(starter_model(), place)})
    figures = {"seeds": seeds, "miou_zero": round(zero["miou"], 4)}
    ways: dict[str, Callable[..., Measurement]] = {"continued": continued, "merged": merged, "anew": anew}
    for way, go in ways.items():
        rows = [
            record.measure(f"{place.name}|{way}|{s}", partial(go, place, replace(config, seed=s)))
            for s in range(seeds)
        ]
        for number in range(1, ROUNDS + 1):
            values = [row[str(number)] for row in rows]
            figures[f"miou_{way}_{number}"] = round(float(np.mean(values)), 4)
            if seeds > 1:
                figures[f"miou_{way}_{number}_sd"] = round(float(np.std(values, ddof=1)), 4)
    print(json.dumps(figures))


def continued(place: Place, config: FinetuneConfig) -> Measurement:
    """The parent's adapter is trained further."""
    model, measured = starter_model(), {}
    with tempfile.TemporaryDirectory() as folder:
        for number, (new, earlier) in enumerate(_rounds(place, config.seed), start=1):
            model = learn(model, place, new, config, Path(folder) / str(number), earlier)
            measured[str(number)] = measured_miou(model, place)
    return measured


def merged(place: Place, config: FinetuneConfig) -> Measurement:
    """The parent's adapter becomes part of the weights under a new one."""
    base, measured = starter_model(), {}
    with tempfile.TemporaryDirectory() as folder:
        for number, (new, earlier) in enumerate(_rounds(place, config.seed), start=1):
            model = learn(base, place, new, config, Path(folder) / str(number), earlier)
            measured[str(number)] = measured_miou(model, place)
            base = _with_adapter_merged(model, Path(folder) / f"base-{number}")
    return measured


def anew(place: Place, config: FinetuneConfig) -> Measurement:
    """Every round starts from the starter and learns all patches so far."""
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, (new, earlier) in enumerate(_rounds(place, config.seed), start=1):
            model = learn(starter_model(), place, new + earlier, config, Path(folder) / str(number))
            measured[str(number)] = measured_miou(model, place)
    return measured


def _rounds(place: Place, seed: int) -> list[tuple[tuple[LabelledPatch, ...], tuple[LabelledPatch, ...]]]:
    """New and earlier patches of each round."""
    shares = [SHARE_A_ROUND * number for number in range(1, ROUNDS + 1)]
    asked = [patches_at_random(place, share, np.random.default_rng(seed)) for share in shares]
    rounds = [(labelled(place, asked[0]), ())]
    for before, now in pairwise(asked):
        rounds.append((labelled(place, now & ~before), labelled(place, before)))
    return rounds


def _with_adapter_merged(model: ModelRef, folder: Path) -> ModelRef:
    """A base model in a folder that answers as the model with its adapter does."""
    loaded = load_base(model.base)
    assert model.adapter is not None
    load_adapter(loaded, model.adapter)
    loaded.network.merge_and_unload().save_pretrained(folder)
    loaded.processor.save_pretrained(folder)
    return ModelRef(str(folder), temperature=model.temperature)


if __name__ == "__main__":
    main()

"""How many labels a place needs: simulated annotators answer what each strategy asks, round by round.

Two places that the starter does not know: drawn landscapes of region "b" under a legend of six words that it has
never read (patches of 256 px), and the Danish scene (three classes, quarters of patches, 10 m shown at 2.25 m).
Strategies ask for whole patches (`patches_…`) or for single cells anywhere (`points_…`), by what the last round's
model says of the pool; `benchmarks/adaptation/choosing.py` says how. The annotator tells the truth there, and a
LoRA round by the application's own code learns everything that is labelled. All rounds begin with the starter and
have the same steps, the one on all labels of the pool too, so that labels alone make the difference: **with more
steps all of them would be better, and more labels would be worth more.**

`--seeds N`; `--record FILE` keeps measurements and goes on from them; `--place b|denmark` measures one place only,
so that two processes share the work and their records are joined after; `--plot FILE` draws the curves; `--quick`
is a look that proves nothing. The last line is flat JSON. Shares are of all cells of the pool, means over seeds,
and over places where the key names none; `…_low` and `…_high` are the 95 % bootstrap interval over seeds:

- `label_share_<strategy>[_<place>]`: what must be labelled to reach 95 % of the full-label cell mIoU, twice in a row;
  between two budgets by linear interpolation.
- `changed_share_<strategy>`: the cells among those that a person has to change, since the model of the round has them
  wrong, as a share of those that are wrong at the start. What is asked and already right costs a look.
- `label_share_random` is `patches_random`, what a queue without a model asks; `label_share_best` is that of the best
  strategy, `best` its name, `share_vs_random` their ratio, `share_vs_random_points` the ratio to points at random.
- `seeds_<strategy>`: of how many seeds its figures are, in the place with the fewest; `seeds` the fewest of all.
- `zero_miou_<place>`, `full_miou_<place>`, and `full_seeds` of the rounds on all labels.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.adaptation import choosing
from benchmarks.adaptation.choosing import Cells, Look
from benchmarks.adaptation.curves import Curve, draw_curves, share_needed, with_interval
from benchmarks.adaptation.places import Place, chosen_places, in_own_words
from benchmarks.adaptation.record import Measurement, Record
from benchmarks.adaptation.rounds import cells_of, labelled, learn, measured_miou, say
from mlservice.contracts import FinetuneConfig
from mlservice.starter import starter_model
from mlservice.token_grid import cells_to_indices

FULL_SHARE = 0.95
Strategy = Callable[[Look, float, np.random.Generator], Cells]
STRATEGIES: dict[str, Strategy] = {
    "patches_random": partial(choosing.add_patches, worth=choosing.units_equally),
    "patches_entropy": partial(choosing.add_patches, worth=choosing.units_by_entropy),
    "patches_diverse": choosing.add_diverse_patches,
    "points_random": partial(choosing.add_points, worth=choosing.equally),
    "points_balanced": partial(choosing.add_points, worth=choosing.by_balance),
    "points_split": partial(choosing.add_points, worth=choosing.half_by_balance),
    "patches_margin": partial(choosing.add_patches, worth=choosing.units_by_margin),
}


@dataclass(frozen=True)
class Size:
    seeds: int
    full_seeds: int
    steps: int
    patch_shares: tuple[float, ...]
    point_shares: tuple[float, ...]

    def shares(self, strategy: str) -> tuple[float, ...]:
        """The budgets of a strategy's rounds, as shares of the pool's cells."""
        return self.patch_shares if strategy.startswith("patches") else self.point_shares


FULL = Size(
    5, 3, 45, (0.021, 0.042, 0.083, 0.167, 0.333), (0.0006, 0.0012, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08)
)
QUICK = Size(1, 1, 3, (0.34,), (0.01,))
CONFIG = FinetuneConfig(
    images_per_step=2,
    token_patches_per_image=8,
    learning_rate=3e-3,
    rehearsal_share=0.25,
    validate_every_steps=0,
)
"""The same for every strategy; no validation, so that each round has the same steps."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed, few patches and steps")
    parser.add_argument("--seeds", type=int, help="how many seeds")
    parser.add_argument("--place", help="measure one place only")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
    parser.add_argument("--record", type=Path, help="file of measurements to go on from")
    parser.add_argument("--plot", type=Path, help="PNG of the learning curves")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    size = QUICK if arguments.quick else FULL
    size = replace(size, seeds=arguments.seeds or size.seeds)
    record = Record(arguments.record)
    places = [
        in_own_words(place) if place.name == "b" else place
        for place in chosen_places(arguments.place, quick=arguments.quick)
    ]
    if not places:
        raise SystemExit(
            f"There is no place “{arguments.place}”: b, or denmark where MILPA_DATA has its scene."
        )
    for place in places:
        measure(place, size, record, arguments.strategies)
    names = [place.name for place in places]
    print(json.dumps(figures(record, names, size)))
    if arguments.plot:
        curves = {place: {name: _curves(record, place, name, size) for name in STRATEGIES} for place in names}
        draw_curves(curves, FULL_SHARE, arguments.plot)


def measure(place: Place, size: Size, record: Record, strategies: Sequence[str]) -> None:
    """The strategies' rounds in a place, each until it has twice reached the goal."""
    base = starter_model()
    zero = record.measure(f"{place.name}|zero", lambda: {"miou": measured_miou(base, place)})
    everything = np.ones((len(place.pool.images), choosing.SIDE, choosing.SIDE), dtype=bool)
    for seed in range(size.full_seeds):
        record.measure(f"{place.name}|full|{seed}", lambda s=seed: _full(place, everything, size, s))
    goal = FULL_SHARE * _full_miou(record, place.name, size)
    if zero["miou"] >= goal:
        print(f"{place.name}: the starter is at the goal without any label.")
    for seed in range(size.seeds):
        for name in strategies:
            if f"{place.name}|{name}|{seed}|end" not in record:
                _curve(place, name, seed, size, record, goal)


def _full(place: Place, everything: Cells, size: Size, seed: int) -> Measurement:
    """Quality with all labels of the pool."""
    with tempfile.TemporaryDirectory() as folder:
        config = replace(CONFIG, steps=size.steps, seed=seed)
        model = learn(starter_model(), place, labelled(place, everything), config, Path(folder))
        return {"miou": measured_miou(model, place)}


def _curve(place: Place, name: str, seed: int, size: Size, record: Record, goal: float) -> None:
    """One strategy's rounds with one seed; begins anew where an earlier attempt did not come to its end."""
    truth = cells_to_indices(cells_of(place.pool, place.legend), place.legend)
    rng = np.random.default_rng([seed, sorted(STRATEGIES).index(name)])
    asked = np.zeros(truth.shape, dtype=bool)
    base = starter_model()
    model, changed, reached = base, 0, 0
    points: list[Measurement] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, share in enumerate(size.shares(name)):
            said = say(model, place.legend, place.pool.images)
            before, asked = asked, STRATEGIES[name](Look(place, said, asked), share, rng)
            wrong = said.probabilities.argmax(1) != truth
            if number == 0:
                wrong_at_start = int(wrong.sum())
            changed += int((wrong & asked & ~before).sum())
            config = replace(CONFIG, steps=size.steps, seed=seed)
            model = learn(base, place, labelled(place, asked), config, Path(folder) / str(number))
            miou = measured_miou(model, place)
            points.append({"share": float(asked.mean()), "changed": changed / wrong_at_start, "miou": miou})
            reached = reached + 1 if miou >= goal else 0
            if reached == 2:
                break
    for number, point in enumerate(points):
        record.measure(f"{place.name}|{name}|{seed}|{number}", lambda p=point: p)
    record.measure(f"{place.name}|{name}|{seed}|end", lambda: {"rounds": len(points)})


def figures(record: Record, places: list[str], size: Size) -> dict[str, float | int | str]:
    """All figures of the record; keys as the module says. A strategy that is missing in a place is left out."""
    told: dict[str, float | int | str] = {}
    mean: dict[str, float] = {}
    for name in STRATEGIES:
        needed = {place: _needed(record, place, name, size) for place in places}
        if not all(len(values) for values in needed.values()):
            continue
        for place, values in needed.items():
            told |= with_interval(f"label_share_{name}_{place}", [values[:, 0]])
        told |= with_interval(f"label_share_{name}", [values[:, 0] for values in needed.values()])
        told |= with_interval(f"changed_share_{name}", [values[:, 1] for values in needed.values()])
        told[f"seeds_{name}"] = min(len(values) for values in needed.values())
        mean[name] = float(told[f"label_share_{name}"])
    best = min(mean, key=lambda name: mean[name])
    told |= {
        "seeds": min(int(told[f"seeds_{name}"]) for name in mean),
        "full_seeds": size.full_seeds,
        "best": best,
        "label_share_best": mean[best],
        "label_share_random": mean["patches_random"],
        "share_vs_random": round(mean[best] / mean["patches_random"], 4),
        "share_vs_random_points": round(mean[best] / mean["points_random"], 4),
    }
    for place in places:
        told[f"zero_miou_{place}"] = round(record[f"{place}|zero"]["miou"], 4)
        told[f"full_miou_{place}"] = round(_full_miou(record, place, size), 4)
    return told


def _needed(record: Record, place: str, name: str, size: Size) -> NDArray[np.float64]:
    """``(seeds, 2)``: the share that must be labelled to reach the goal, and the share that must be changed."""
    goal = FULL_SHARE * _full_miou(record, place, size)
    return np.array([share_needed(curve, goal) for curve in _curves(record, place, name, size)])


def _curves(record: Record, place: str, name: str, size: Size) -> list[Curve]:
    """The curves of all seeds that came to their end."""
    ended = [seed for seed in range(size.seeds) if f"{place}|{name}|{seed}|end" in record]
    return [_one(record, place, name, seed, size) for seed in ended]


def _one(record: Record, place: str, name: str, seed: int, size: Size) -> Curve:
    """A curve from no label to all of them."""
    rounds = int(record[f"{place}|{name}|{seed}|end"]["rounds"])
    points = [record[f"{place}|{name}|{seed}|{number}"] for number in range(rounds)]
    start = {"share": 0.0, "changed": 0.0, "miou": record[f"{place}|zero"]["miou"]}
    end = {"share": 1.0, "changed": 1.0, "miou": _full_miou(record, place, size)}
    return Curve(*(np.array([p[key] for p in [start, *points, end]]) for key in ("share", "changed", "miou")))


def _full_miou(record: Record, place: str, size: Size) -> float:
    return float(np.mean([record[f"{place}|full|{seed}"]["miou"] for seed in range(size.full_seeds)]))


if __name__ == "__main__":
    main()

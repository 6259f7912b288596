"""What 8 to 64 labelled patches bring: the starter's LoRA rounds beside U-Nets tuned on the same patches.

Two places that neither knows: drawn region "b" (patches of 256 px) and the Danish scene (quarters of patches).
Ours is one round by the application's code and default config, its steps growing with the labels. The peers have
the same patches, views, class weights and processor seconds: a U-Net from nothing, and the U-Net of
`benchmarks/peers/unet`, which learned from the same drawn scenes as the starter, all weights tuned, with and
without rehearsing such scenes as our round does. Patches are drawn at random, smaller sets parts of larger ones.

`--seeds N`; `--record FILE` keeps measurements and goes on from them; `--place b|denmark`; `--quick`. The last line
is flat JSON, means over seeds, cell mIoU on held-out patches; a U-Net's cells are said in the better of two ways:

- `miou_<who>_<place>_<patches>`, and `miou_<who>_<place>_0` before; who: ours, scratch, pretrained, rehearsing.
- `miou_ratio_<place>_<patches>`: ours over the best U-Net; `…_sd` the standard deviation over seeds.
- `old_<who>_<place>_<patches>`: cell mIoU on region "a", which was trained on, under its nine classes: what was
  forgotten; `old_<who>_0` before. The U-Nets' only for place b, whose classes are the same.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks.adaptation.choosing import patches_at_random
from benchmarks.adaptation.places import Place, chosen_places, drawn_place
from benchmarks.adaptation.record import Measurement, Record
from benchmarks.adaptation.rounds import cells_of, labelled, learn, measured_miou
from benchmarks.peers.unet import UNet
from benchmarks.peers.unet.adapting import Adaptation, adapt, for_legend, said_cells
from mlservice.contracts import FinetuneConfig, LabelledPatch
from mlservice.landscape import DETAILED_LEGEND
from mlservice.metrics import confusion_matrix, mean_iou
from mlservice.starter import starter_model
from mlservice.starter.rehearsal import rehearsal_patches

STEPS = {8: 60, 16: 70, 32: 85, 64: 100}
QUICK_STEPS = {2: 3}
CONFIG = FinetuneConfig(images_per_step=2, validate_every_steps=0)
PEERS = {"scratch": 2e-3, "pretrained": 1e-3, "rehearsing": 1e-3}
"""Learning rates."""
OLD_PATCHES = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few patches and steps")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds")
    parser.add_argument("--place", help="measure one place only")
    parser.add_argument("--record", type=Path, help="file of measurements to go on from")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    steps = QUICK_STEPS if arguments.quick else STEPS
    record = Record(arguments.record)
    places = chosen_places(arguments.place, pool=max(STEPS), quick=arguments.quick)
    old = drawn_place("a", 1, 2 if arguments.quick else OLD_PATCHES)
    record.measure("old|ours", lambda: {"miou": measured_miou(starter_model(), old)})
    record.measure("old|pretrained", lambda: {"miou": _unet_miou(UNet.load(), old)})
    for place in places:
        record.measure(f"{place.name}|ours|0", lambda p=place: {"miou": measured_miou(starter_model(), p)})
        record.measure(
            f"{place.name}|pretrained|0",
            lambda p=place: {"miou": _unet_miou(for_legend(UNet.load(), p.legend), p)},
        )
        for seed in range(arguments.seeds):
            for count in steps:
                _measure(record, place, old, count, steps[count], seed)
    print(json.dumps(figures(record, [place.name for place in places], list(steps), arguments.seeds)))


def _measure(record: Record, place: Place, old: Place, count: int, steps: int, seed: int) -> None:
    """Ours and every U-Net on the same patches."""
    units = place.pool.masks.size / (place.unit_cells * 4) ** 2
    patches = labelled(place, patches_at_random(place, count / units, np.random.default_rng(seed)))
    name = f"{place.name}|{{}}|{count}|{seed}"
    ours = record.measure(name.format("ours"), partial(_ours, place, old, patches, steps, seed))
    for peer in PEERS:
        record.measure(
            name.format(peer), partial(_peer, peer, place, old, patches, ours["cpu_seconds"], seed)
        )


def _ours(place: Place, old: Place, patches: tuple[LabelledPatch, ...], steps: int, seed: int) -> Measurement:
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        config = replace(CONFIG, steps=steps, seed=seed)
        model = learn(starter_model(), place, patches, config, Path(folder))
        seconds = time.process_time() - started
        return {
            "miou": measured_miou(model, place),
            "old": measured_miou(model, old),
            "cpu_seconds": seconds,
        }


def _peer(
    who: str, place: Place, old: Place, patches: tuple[LabelledPatch, ...], cpu_seconds: float, seed: int
) -> Measurement:
    torch.manual_seed(seed)
    network = for_legend(UNet() if who == "scratch" else UNet.load(), place.legend)
    share = CONFIG.rehearsal_share if who == "rehearsing" else 0.0
    rehearsal = rehearsal_patches(place.legend, 24, seed) if share else ()
    how = Adaptation(cpu_seconds, PEERS[who], share, seed=seed)
    adapt(network, patches, rehearsal, place.legend, how)
    measured = {"miou": _unet_miou(network, place)}
    return measured | ({"old": _unet_miou(network, old)} if place.legend == DETAILED_LEGEND else {})


def _unet_miou(network: UNet, place: Place) -> float:
    """The better of the two ways in which pixels become cells."""
    truth = cells_of(place.held_out, place.legend)
    said = said_cells(network, place.held_out.images, place.legend)
    return max(mean_iou(confusion_matrix(truth, cells, place.legend.values)) for cells in said)


def figures(record: Record, places: list[str], counts: list[int], seeds: int) -> dict[str, float | int]:
    """All figures of the record; keys as the module says."""
    told: dict[str, float | int] = {"seeds": seeds}
    for who in ("ours", "pretrained"):
        told[f"old_{who}_0"] = round(record[f"old|{who}"]["miou"], 4)
    for place in places:
        for who in ("ours", "pretrained"):
            told[f"miou_{who}_{place}_0"] = round(record[f"{place}|{who}|0"]["miou"], 4)
        for count in counts:
            told |= _with_patches(record, place, count, seeds)
    return told


def _with_patches(record: Record, place: str, count: int, seeds: int) -> dict[str, float]:
    told: dict[str, float] = {}
    mious = {}
    for who in ("ours", *PEERS):
        rows = [record[f"{place}|{who}|{count}|{seed}"] for seed in range(seeds)]
        mious[who] = np.array([row["miou"] for row in rows])
        told[f"miou_{who}_{place}_{count}"] = round(float(mious[who].mean()), 4)
        if "old" in rows[0]:
            told[f"old_{who}_{place}_{count}"] = round(float(np.mean([row["old"] for row in rows])), 4)
    best = max(PEERS, key=lambda who: mious[who].mean())
    ratio = mious["ours"] / mious[best]
    told[f"miou_ratio_{place}_{count}"] = round(float(mious["ours"].mean() / mious[best].mean()), 4)
    if seeds > 1:
        told[f"miou_ratio_{place}_{count}_sd"] = round(float(ratio.std(ddof=1)), 4)
    return told


if __name__ == "__main__":
    main()

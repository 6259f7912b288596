"""The starter beside a U-Net, its own tower, and a plain `generate()`, on landscapes that none was trained on.

Scenes are held out: seeds of their own, 256 px at 1 m from a sensor of 1 m, region "a", which both were
trained on, and "b", which neither was; nine classes. One thread, one code that measures everybody. `--quick`
takes fewer scenes. `--train DIR` first trains the U-Net anew in a folder (also its bank of scenes; an interrupted
training goes on), for the processor seconds that the starter's `training.json` tells, and measures that one.
From make: `ARGS="--train DIR"`. The last line is flat JSON, `…_a` and `…_b` by region:

- `miou_ratio`: cell mIoU of the starter over the U-Net's; `…_se` is always a standard error over scenes.
  A U-Net's cell is the better of its mask turned into cells as labels are, and its mean probability over the cell's
  pixels; `unet_cells` tells which. `cell_miou_…`, and `iou_<who>_<region>_<class>` of cells.
- `boundary_f1_ratio`, `boundary_f1_…` within 2 px; `pixel_miou_…`, `accuracy_…`: of pixel masks.
- `auroc`, `ece` (and `…_unet`): entropy as a sign of wrong cells; calibration, the starter's by its shipped
  temperature and the U-Net's as it is.
- `miou_ratio_tower`, `context_gain_over_tower`: the starter beside its tower under a linear head, the better of its
  own output head and one fitted anew; over all classes, and over those that only the surroundings decide.
- `context_gain`, `context_gain_crop`: what those classes lose when the language model reads another scene's
  context, and when the model sees only the 64 px token patch. Gains are in points of mIoU, of 100.
- `speed_ratio`: token patches a second, the engine's on one patch over `generate()`'s, the same weights.
- `patches_per_second`, `seconds_per_km2_1m`, `seconds_per_km2_10m` (10 m imagery shown at 2.3 m a pixel): of
  processor seconds on one thread, as is the speed ratio, so that other load does not count.
- `unreported_parse_failures`: cells lost in broken answers that no flag tells of; `parse_failures_flagged`.
- `peak_memory_mb`: of a process that does nothing but answer for one patch.
- `train_cpu_seconds_…`: what the training steps of both have cost.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.peers import unet
from benchmarks.peers.broken_answers import count_engine_failures, count_parse_failures
from benchmarks.peers.costs import peak_memory_mb, speed
from benchmarks.peers.tower import cells_in_context, cells_of_crops, fit_linear_head, trained_head_cells
from benchmarks.peers.unet import UNet
from mlservice.contracts import (
    UNSURE,
    EvaluateReport,
    EvaluateSpec,
    LabelledPatch,
    ModelRef,
)
from mlservice.evaluate import Answer, answers, evaluate_answers
from mlservice.families import Family
from mlservice.landscape import CONTEXT_DECIDED, DETAILED_LEGEND
from mlservice.metrics import class_iou, confusion_matrix, mean_iou
from mlservice.starter import CHECKPOINT, RECORD_FILE, starter_model
from mlservice.starter.bank import HELD_OUT_SEED, open_bank
from mlservice.starter.measure import held_out_patches
from mlservice.token_grid import indices_to_cells, mask_to_cells
from mlservice.vlm import answering

FIRST_SEED = HELD_OUT_SEED + 5_000_000
REGIONS = ("a", "b")
RESAMPLES = 200

Figures = dict[str, float | int | str | None]
Patches = tuple[LabelledPatch, ...]
Confusions = NDArray[np.int64]
"""``(scenes, classes, classes + 1)`` counts of cells, rows true; the last column is for what was not said."""


@dataclass(frozen=True)
class Size:
    scenes: int
    head_scenes: int
    generated_token_patches: int
    timed_patches: int
    broken_answers: int


FULL = Size(256, 120, 8, 20, 200)
QUICK = Size(8, 8, 1, 4, 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer scenes")
    parser.add_argument("--train", type=Path, metavar="DIR", help="train the U-Net anew in this folder first")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    folder = arguments.train or unet.CHECKPOINT
    if arguments.train:
        train_unet(folder)
    print(json.dumps(measure(QUICK if arguments.quick else FULL, starter_model(), folder)))


def train_unet(folder: Path) -> None:
    """Train the peer for the processor seconds that the starter has had, on as many scenes."""
    record = _record(CHECKPOINT)
    scenes = record["recipe"]["scenes"]
    bank = open_bank(folder / "bank", scenes)
    unet.train(unet.Recipe(scenes, record["cpu_seconds"]), bank, folder)


def measure(size: Size, model: ModelRef, unet_folder: Path) -> Figures:
    """All figures of a starter and a U-Net; keys as the module says."""
    peer = UNet.load(unet_folder)
    figures: Figures = {"scenes": size.scenes}
    for region in REGIONS:
        patches = held_out_patches(region, 1.0, 1.0, size.scenes, FIRST_SEED)
        said = [answer for _, answer in answers(EvaluateSpec(model, DETAILED_LEGEND, patches))]
        figures |= beside_unet(region, patches, said, peer)
        if region == "a":
            figures |= without_parts(patches, said, model, size.head_scenes)
            images = [patch.image for patch in patches]
            figures |= speed(images[: size.timed_patches], model, size.generated_token_patches)
            figures |= parse_failures(images[0], model, size.broken_answers)
    figures["peak_memory_mb"] = peak_memory_mb(model)
    figures["train_cpu_seconds_starter"] = _record(Path(model.base))["cpu_seconds"]
    figures["train_cpu_seconds_unet"] = _record(unet_folder)["cpu_seconds"]
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in figures.items()}


def beside_unet(region: str, patches: Patches, starter: Sequence[Answer], peer: UNet) -> Figures:
    """Quality and calibration of the starter's answers and of the U-Net's, on the patches of a region."""
    said: dict[str, Sequence[Answer]] = {
        "starter": starter,
        "unet": [peer.answers(patch.image) for patch in patches],
    }
    conversions = {
        "mean_probability": confusions(patches, map(likeliest_cells, said["unet"])),
        "labels_rule": confusions(patches, (mask_to_cells(a.mask, DETAILED_LEGEND) for a in said["unet"])),
    }
    better = max(conversions, key=lambda name: mean_iou(conversions[name].sum(0)))
    cells = {"starter": confusions(patches, map(likeliest_cells, starter)), "unet": conversions[better]}
    figures: Figures = {f"unet_cells_{region}": better}
    reports = {}
    for who, answered in said.items():
        reports[who] = evaluate_answers(DETAILED_LEGEND, zip(patches, answered, strict=True))
        figures |= _of_one(who, region, reports[who], cells[who].sum(0))
    ratio, error = with_error(_miou_ratio, cells["starter"], cells["unet"])
    own, plain = reports["starter"], reports["unet"]
    return figures | {
        f"miou_ratio_{region}": ratio,
        f"miou_ratio_se_{region}": error,
        f"boundary_f1_ratio_{region}": _ratio(own.boundary_f1, plain.boundary_f1),
        f"auroc_{region}": own.error_auroc,
        f"ece_{region}": own.ece,
        f"auroc_unet_{region}": plain.error_auroc,
        f"ece_unet_{region}": plain.ece,
    }


def _of_one(who: str, region: str, report: EvaluateReport, cells: NDArray[np.int64]) -> Figures:
    names = [c.name for c in DETAILED_LEGEND.classes]
    by_class = zip(names, class_iou(cells).tolist(), strict=True)
    figures: Figures = {
        f"cell_miou_{who}_{region}": mean_iou(cells),
        f"pixel_miou_{who}_{region}": report.miou,
        f"boundary_f1_{who}_{region}": report.boundary_f1,
        f"accuracy_{who}_{region}": report.pixel_accuracy,
    }
    return figures | {
        f"iou_{who}_{region}_{name}": iou if np.isfinite(iou) else None for name, iou in by_class
    }


def without_parts(patches: Patches, starter: Sequence[Answer], model: ModelRef, head_scenes: int) -> Figures:
    """What the starter is worth beside its own tower, without its context, and without its surroundings."""
    whole = confusions(patches, map(likeliest_cells, starter))
    said: dict[str, list[NDArray[np.uint8]]] = {"fresh": [], "trained": [], "swapped": [], "crops": []}
    with answering(model) as loaded:
        family = loaded.family
        head = fit_linear_head(family, head_scenes)
        # Every scene gets the context of the one before it.
        other = _tokens(family, patches[-1])
        for patch in patches:
            own = _tokens(family, patch)
            said["fresh"].append(head.cells(own))
            said["trained"].append(trained_head_cells(family, own))
            said["swapped"].append(cells_in_context(family, own, other))
            said["crops"].append(cells_of_crops(family, patch.image))
            other = own
    less = {name: confusions(patches, cells) for name, cells in said.items()}
    heads = less["fresh"], less["trained"]
    tower = max(heads, key=lambda counts: mean_iou(counts.sum(0)))
    tower_decided = max(heads, key=lambda counts: context_decided_miou(counts.sum(0)))
    figures: Figures = {
        "cell_miou_tower_a": mean_iou(tower.sum(0)),
        "context_decided_miou_starter_a": context_decided_miou(whole.sum(0)),
    }
    figures["miou_ratio_tower"], figures["miou_ratio_tower_se"] = with_error(_miou_ratio, whole, tower)
    lost = {
        "context_gain_over_tower": tower_decided,
        "context_gain": less["swapped"],
        "context_gain_crop": less["crops"],
    }
    for key, counts in lost.items():
        figures[key], figures[f"{key}_se"] = with_error(_points_lost, whole, counts)
    return figures


def _tokens(family: Family, patch: LabelledPatch) -> torch.Tensor:
    with torch.inference_mode():
        tokens: torch.Tensor = family.encode(patch.image, None)
        return tokens


def context_decided_miou(confusion: NDArray[np.int64]) -> float:
    """The mean IoU over the classes that only the surroundings decide; 0 where none of them occurs."""
    decided = [c.name in CONTEXT_DECIDED for c in DETAILED_LEGEND.classes]
    iou = class_iou(confusion)[decided]
    return float(np.nanmean(iou)) if np.isfinite(iou).any() else 0.0


def confusions(patches: Patches, said: Iterable[NDArray[np.uint8]]) -> Confusions:
    """Counts for each patch, from its cells uint8 ``(64, 64)`` of class values, unsure where none was said."""
    legend = DETAILED_LEGEND
    return np.stack(
        [
            confusion_matrix(mask_to_cells(patch.mask, legend), cells, legend.values, unsaid_column=True)
            for patch, cells in zip(patches, said, strict=True)
        ]
    )


def likeliest_cells(answer: Answer) -> NDArray[np.uint8]:
    """The cells that an answer's probabilities say, unsure where it could not be parsed."""
    cells = indices_to_cells(answer.class_probabilities.argmax(0), DETAILED_LEGEND)
    if answer.unparsed is not None:
        cells[answer.unparsed] = UNSURE
    return cells


def with_error(
    statistic: Callable[[NDArray[np.int64], NDArray[np.int64]], float], one: Confusions, other: Confusions
) -> tuple[float, float]:
    """A statistic of the summed counts of two over the same scenes, and its standard error.

    The error is the standard deviation over bootstrap samples of the scenes.
    """

    def of(which: NDArray[np.int64]) -> float:
        return statistic(one[which].sum(0), other[which].sum(0))

    rng = np.random.default_rng(0)
    resampled = [of(rng.integers(len(one), size=len(one))) for _ in range(RESAMPLES)]
    return of(np.arange(len(one))), float(np.std(resampled))


def _miou_ratio(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    return mean_iou(one) / mean_iou(other)


def _points_lost(whole: NDArray[np.int64], less: NDArray[np.int64]) -> float:
    return 100 * (context_decided_miou(whole) - context_decided_miou(less))


def parse_failures(image: NDArray[np.uint8], model: ModelRef, broken_answers: int) -> Figures:
    """Cells lost in broken answers, said symbol by symbol and in one pass."""
    found = count_parse_failures(broken_answers) + count_engine_failures(model, image)
    return {
        "parse_cells_checked": found.cells,
        "parse_failures_flagged": found.flagged,
        "unreported_parse_failures": found.unreported,
    }


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None


def _record(folder: Path) -> dict[str, Any]:
    """What a training has written down beside its weights."""
    path = folder / RECORD_FILE
    if not path.exists():
        raise SystemExit(f"{path} is missing: train again, or measure a folder that a training has written.")
    record: dict[str, Any] = json.loads(path.read_text())
    return record


if __name__ == "__main__":
    main()

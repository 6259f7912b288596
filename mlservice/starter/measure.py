"""Fits the starter's temperature, measures it on held-out seeds by region and resolution, writes its card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mlservice.calibrate import calibrate
from mlservice.contracts import (
    PATCH_SIZE_PX,
    EvaluateReport,
    EvaluateSpec,
    LabelledPatch,
    Legend,
    ModelRef,
)
from mlservice.evaluate import evaluate
from mlservice.landscape import DETAILED_LEGEND, draw_landscape
from mlservice.starter import CALIBRATION_FILE, RECORD_FILE, starter_model
from mlservice.starter.bank import HELD_OUT_SEED, TRAINING_REGION
from mlservice.starter.scenes import under_legend

CALIBRATION_SEED = 2 * HELD_OUT_SEED
CALIBRATION_TIMES = 3
"""How many more scenes the temperature is fitted on: scenes differ more than cells of one scene do."""
SETTINGS = (
    ("a", 1.0, 1.0),
    ("a", 2.3, 2.3),
    ("a", 2.3, 10.0),
    ("b", 1.0, 1.0),
    ("b", 2.3, 10.0),
)
"""Region, ground width of a pixel in metres, and of a pixel of the sensor."""

CARD = """---
library_name: transformers
pipeline_tag: image-text-to-text
tags: [remote-sensing, segmentation, agriculture]
---

# Milpa starter

A small image-text-to-text model that says the class of every 4 px cell of a satellite image, so that the
program proposes something before anyone has labelled anything. It is meant to be corrected and tuned, not to be
trusted as a map.

- **Form**: MAgSeg-style, as we chose it. A convolutional pyramid (1.2 M parameters) reads the whole context
  image once; a Llama of 2 layers of 128 (0.4 M) reads the pooled image, the legend in words and 256 `<cell>`
  placeholders with the tower's local tokens, and says all cells of a 64 px token patch in one pass.
- **Files**: float16 weights, a word tokenizer, a processor with a chat template, `calibration.json`,
  `training.json`.
- **Training data**: only landscapes drawn by `mlservice/landscape`, region "a", 0.5 to 3 m, sensors up to
  5 times as coarse; no real image. Legends are drawn too: some without some classes, some with unknown ones.
- **Recipe**: `python -m mlservice.starter.train --out DIR`: {scenes} scenes, {images} images seen,
  {cpu_minutes} minutes of one processor core for the steps, and the drawing of the scenes once.
- **Temperature**: {temperature:.3f}, fitted on other held-out seeds of region "a".

## Measured

{held_out} scenes of 256 px for each row, held-out seeds, the detailed legend, pixel by pixel against sharp
truth. *Constant* is the mean IoU of the best constant answer. Region "b" was never trained on: other colours,
textures, field sizes, haze. `make bench BENCH=method` measures the starter beside a U-Net that was trained on
the same scenes for about the same processor time.

{table}

Rice and ponds, fallow and bare land look alike here: only the surroundings tell them apart.

## Known limits

Landscapes are simpler than land. On real imagery expect field interiors and clear boundaries, and mistakes
wherever a class looks unlike the drawings: villages, scrub, ploughed land, narrow canals. At 10 m many
boundaries of small fields are not to be seen at all. A few labelled patches that hold none of a rare class,
such as water, make a round forget it. Class words other than the nine of the landscapes mean nothing to it
before it has been tuned on labels.
"""


def held_out_patches(
    region: str,
    gsd_m: float,
    sensor_gsd_m: float,
    count: int,
    first_seed: int = HELD_OUT_SEED,
    legend: Legend = DETAILED_LEGEND,
) -> tuple[LabelledPatch, ...]:
    """Labelled patches of landscapes that the starter was never trained on, in a legend's values."""
    scenes = (
        draw_landscape(first_seed + i, PATCH_SIZE_PX, gsd_m=gsd_m, sensor_gsd_m=sensor_gsd_m, region=region)
        for i in range(count)
    )
    return tuple(
        LabelledPatch(
            f"{region}-{gsd_m:g}-{sensor_gsd_m:g}-{i}", scene.image, under_legend(scene.detail, legend)
        )
        for i, scene in enumerate(scenes)
    )


def constant_miou(patches: tuple[LabelledPatch, ...]) -> float:
    """The mean IoU of saying everywhere the one class that scores best, over the classes that occur."""
    pixels = np.concatenate([p.mask.ravel() for p in patches])
    shares = np.bincount(pixels, minlength=256) / pixels.size
    return float(shares.max() / np.count_nonzero(shares))


def measure_and_describe(folder: Path, scenes: int) -> dict[str, Any]:
    """Write ``calibration.json`` and ``README.md`` into a checkpoint's folder; returns the mean IoU by setting."""
    calibration = [
        patch
        for setting in SETTINGS
        if setting[0] == TRAINING_REGION
        for patch in held_out_patches(*setting, CALIBRATION_TIMES * scenes, CALIBRATION_SEED)
    ]
    spec = EvaluateSpec(ModelRef(str(folder)), DETAILED_LEGEND, tuple(calibration))
    temperature = round(calibrate(spec, known_patches=0), 4)
    (folder / CALIBRATION_FILE).write_text(json.dumps({"temperature": temperature}) + "\n")
    model = starter_model(folder)
    rows, figures = [], {}
    for region, gsd_m, sensor_gsd_m in SETTINGS:
        patches = held_out_patches(region, gsd_m, sensor_gsd_m, scenes)
        report = evaluate(EvaluateSpec(model, DETAILED_LEGEND, patches))
        rows.append(_row(region, gsd_m, sensor_gsd_m, report, constant_miou(patches)))
        figures[f"{region} {gsd_m:g} m from {sensor_gsd_m:g} m"] = round(report.miou, 3)
    record = json.loads((folder / RECORD_FILE).read_text())
    recipe = record["recipe"]
    card = CARD.format(
        temperature=temperature,
        scenes=recipe["scenes"],
        images=(recipe["tower_steps"] + recipe["whole_steps"]) * recipe["images_per_step"],
        cpu_minutes=round(record["cpu_seconds"] / 60),
        held_out=scenes,
        table=_table(rows),
    )
    (folder / "README.md").write_text(card)
    return {"temperature": temperature, "miou": figures}


def _row(
    region: str, gsd_m: float, sensor_gsd_m: float, report: EvaluateReport, constant: float
) -> list[str]:
    """One line of the card's table."""
    by_class = [report.iou.get(c.value) for c in DETAILED_LEGEND.classes]
    measures = [report.miou, constant, report.pixel_accuracy, report.boundary_f1, *by_class]
    measures += [report.ece, report.error_auroc]
    place = [f"{region}, {gsd_m:g} m" + (f" from {sensor_gsd_m:g} m" if sensor_gsd_m > gsd_m else "")]
    return place + ["–" if value is None else f"{value:.3f}" for value in measures]


def _table(rows: list[list[str]]) -> str:
    classes = [f"IoU {c.name}" for c in DETAILED_LEGEND.classes]
    head = ["region, grid", "mean IoU", "constant", "accuracy", "boundary F1", *classes, "ECE", "error AUROC"]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

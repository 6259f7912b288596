"""The shipped checkpoint knows something, is made as its card says, and its recipe learns."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from mlservice.contracts import EvaluateSpec, Legend
from mlservice.evaluate import evaluate
from mlservice.landscape import DETAILED_LEGEND, LANDSCAPE_LEGEND
from mlservice.starter import CHECKPOINT, starter_model
from mlservice.starter.bank import SceneBank, open_bank
from mlservice.starter.measure import constant_miou, held_out_patches
from mlservice.starter.modeling import MilpaForImageTextToText
from mlservice.starter.processing import MilpaProcessor
from mlservice.starter.scenes import draw_batch, draw_legend, under_legend
from mlservice.starter.train import SMOKE, build_model, train, whole_loss
from mlservice.vlm import load_base

UNSEEN_SEED = 5_000_000_000


@pytest.mark.parametrize(
    ("region", "gsd_m", "sensor_gsd_m", "margin"),
    [("a", 1.0, 1.0, 0.3), ("a", 2.3, 10.0, 0.2), ("b", 1.0, 1.0, 0.15)],
)
def test_the_checkpoint_clearly_beats_a_constant_answer(region, gsd_m, sensor_gsd_m, margin):
    patches = held_out_patches(region, gsd_m, sensor_gsd_m, 4, UNSEEN_SEED, LANDSCAPE_LEGEND)
    report = evaluate(EvaluateSpec(starter_model(), LANDSCAPE_LEGEND, patches))
    assert report.miou > constant_miou(patches) + margin
    assert report.error_auroc > 0.7


def test_the_answer_follows_the_words_of_the_legend():
    shorter = Legend(tuple(c for c in LANDSCAPE_LEGEND.classes if c.name != "trees"))
    patches = held_out_patches("a", 1.0, 1.0, 3, UNSEEN_SEED, LANDSCAPE_LEGEND)
    spec = EvaluateSpec(starter_model(), LANDSCAPE_LEGEND, patches)
    with_trees = evaluate(spec).confusion
    merged = [type(p)(p.key, p.image, under_legend(p.mask, shorter)) for p in patches]
    without = evaluate(EvaluateSpec(starter_model(), shorter, tuple(merged)))
    tree_pixels = sum(with_trees[3])
    assert with_trees[3][3] > 0.5 * tree_pixels
    assert without.iou[0] > 0.4


def test_the_checkpoint_is_small_readable_and_described():
    files = [p for p in CHECKPOINT.iterdir() if p.is_file()]
    assert sum(p.stat().st_size for p in files) < 15_000_000
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md", "calibration.json"} <= {
        p.name for p in files
    }
    assert "Known limits" in (CHECKPOINT / "README.md").read_text()


def test_naming_the_starter_loads_no_torch():
    code = "import sys, mlservice.starter as s; s.starter_model(); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_drawn_legends_are_sound_and_hold_the_truth():
    rng = np.random.default_rng(0)
    detail = np.arange(9, dtype=np.uint8).reshape(3, 3)
    coarser = {"rice": "field", "fallow": "field", "bare": "other"}
    for _ in range(80):
        legend = draw_legend(rng)
        names = {c.value: c.name for c in legend.classes}
        said = [names[v] for v in under_legend(detail, legend).ravel().tolist()]
        for drawn, name in zip((c.name for c in DETAILED_LEGEND.classes), said, strict=True):
            wanted = next((n for n in (drawn, coarser.get(drawn)) if n in names.values()), "other")
            assert name == wanted


def test_a_bank_is_drawn_once_and_seen_from_many_sides(tmp_path):
    bank = open_bank(tmp_path, 3)
    written = [(p.name, p.stat().st_mtime_ns) for p in sorted(tmp_path.iterdir())]
    again = open_bank(tmp_path, 3)
    assert [(p.name, p.stat().st_mtime_ns) for p in sorted(tmp_path.iterdir())] == written
    assert np.array_equal(bank.images, again.images)
    image, detail = bank.draw(np.random.default_rng(1))
    counts = [np.bincount(known.ravel(), minlength=9) for known in bank.details]
    assert any(np.array_equal(np.bincount(detail.ravel(), minlength=9), count) for count in counts)
    assert image.shape == (256, 256, 3)


def test_the_smoke_recipe_lowers_the_loss_and_resumes(tmp_path):
    losses = train(SMOKE, tmp_path)
    assert len(losses) == SMOKE.tower_steps + SMOKE.whole_steps
    trained = load_base(str(tmp_path / "checkpoint"))
    bank = open_bank(tmp_path / "bank", SMOKE.scenes)
    assert loss_on_fixed_draws(trained.network, trained.processor, bank) < 0.9 * loss_on_fixed_draws(
        build_model().eval(), trained.processor, bank
    )
    assert train(SMOKE, tmp_path) == losses


@torch.inference_mode()
def loss_on_fixed_draws(
    network: MilpaForImageTextToText, processor: MilpaProcessor, bank: SceneBank
) -> float:
    losses = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        batch = draw_batch(bank, rng, 2, draw_legend(rng), 4)
        losses.append(whole_loss(network, processor, batch, 0.0).item())
    return float(np.mean(losses))

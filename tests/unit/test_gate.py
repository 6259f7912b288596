"""The gate lets through what is surely better, and says of everything else what it lacks."""

import json
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest

from mlservice.contracts import EvaluateReport, Legend, LegendClass
from mlservice.gate import GateRule, GateVerdict, decide
from mlservice.intervals import gain_intervals
from mlservice.metrics import mean_iou

LEGEND = Legend(
    (LegendClass(0, "other", "#000000", is_null=True), LegendClass(1, "field", "#00ff00"),
     LegendClass(2, "boundary", "#ffffff", is_boundary=True))
)  # fmt: skip
PIXELS = 1000
RULE = GateRule()


def report(right: np.ndarray, keys: list[str] | None = None) -> EvaluateReport:
    """A report from the share ``(patches, classes)`` that is right; what is wrong is said to be the next class."""
    hits = np.rint(right * PIXELS).astype(int)
    counts = np.zeros((*right.shape, right.shape[1] + 1), int)
    for value in range(right.shape[1]):
        counts[:, value, value] = hits[:, value]
        counts[:, value, (value + 1) % right.shape[1]] = PIXELS - hits[:, value]
    keys = keys or [f"{i:03}" for i in range(len(right))]
    confusion = {key: tuple(map(tuple, rows)) for key, rows in zip(keys, counts.tolist(), strict=True)}
    return EvaluateReport(
        patch_count=len(right),
        miou=mean_iou(counts.sum(axis=0)),
        iou={},
        pixel_accuracy=0,
        boundary_f1=None,
        ece=None,
        error_auroc=None,
        confusion=(),
        patch_confusion=confusion,
    )


def shares(patches: int = 20, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.5, 0.8, (patches, 3))


def judged(change: np.ndarray | float, rule: GateRule = RULE, patches: int = 20) -> GateVerdict:
    before = shares(patches)
    return decide(report(before), report(np.clip(before + change, 0, 1)), LEGEND, rule)


def test_what_is_better_everywhere_passes_and_says_by_how_much() -> None:
    verdict = judged(0.1)
    assert verdict.passed
    assert verdict.miou.low > 0
    assert verdict.miou.value == pytest.approx(report(shares() + 0.1).miou - report(shares()).miou)
    assert verdict.reason == (
        f"mIoU {verdict.miou.value:+.3f} (90 % interval {verdict.miou.low:+.3f} to {verdict.miou.high:+.3f}) "
        "and no class surely lost more than 0.02: passed."
    )
    assert [gain.name for gain in verdict.classes] == ["other", "field", "boundary"]


def test_what_is_the_same_does_not_pass() -> None:
    verdict = judged(0.0)
    assert not verdict.passed
    assert "has a lower bound that is not above +0" in verdict.reason
    assert verdict.reason.endswith(": not passed.")


def test_a_gain_that_may_be_chance_does_not_pass() -> None:
    noise = np.random.default_rng(5).normal(0.01, 0.15, (20, 3))
    verdict = judged(noise)
    assert verdict.miou.low < 0 < verdict.miou.high
    assert not verdict.passed


def test_the_margin_is_asked_of_the_lower_bound() -> None:
    gain = judged(0.1).miou
    assert judged(0.1, GateRule(margin=gain.low - 1e-6)).passed
    assert not judged(0.1, GateRule(margin=gain.low)).passed


def test_a_class_that_surely_lost_is_named_whatever_the_others_gained() -> None:
    verdict = judged(np.array([0.25, 0.25, -0.2]))
    assert verdict.miou.low > 0
    assert not verdict.passed
    assert verdict.worst.name == "boundary"
    assert "boundary lost more than 0.02" in verdict.reason
    assert judged(np.array([0.25, 0.25, -0.2]), GateRule(worst_class_loss=0.9)).passed


def test_a_region_that_surely_lost_is_named() -> None:
    before = shares(24)
    change = np.repeat([0.2, -0.1], [16, 8])[:, None]
    keys = [f"{'a' if i < 16 else 'b'}{i:02}" for i in range(24)]
    verdict = decide(
        report(before, keys), report(before + change, keys), LEGEND, RULE, region_of=lambda key: key[0]
    )
    assert verdict.miou.low > 0
    assert not verdict.passed
    assert {gain.name for gain in verdict.regions} == {"region a", "region b"}
    assert "region b lost more than 0.02" in verdict.reason


def test_a_region_of_too_few_blocks_is_not_judged() -> None:
    before = shares(24)
    keys = [f"{'a' if i < 21 else 'b'}{i:02}" for i in range(24)]
    change = np.repeat([0.2, -0.1], [21, 3])[:, None]
    verdict = decide(
        report(before, keys), report(before + change, keys), LEGEND, RULE, region_of=lambda key: key[0]
    )
    assert verdict.passed
    assert [gain.name for gain in verdict.regions] == ["region a"]


def test_too_few_patches_decide_nothing_and_it_says_how_many_are_needed() -> None:
    verdict = judged(0.2, patches=9)
    assert not verdict.passed
    assert verdict.reason.startswith("9 held-out patches were measured and 10 are needed")
    assert (verdict.miou, verdict.worst, verdict.patch_count) == (None, None, 9)
    assert judged(0.2, patches=10).passed


def test_patches_of_too_few_blocks_decide_nothing() -> None:
    before, keys = shares(12), [f"{i % 3}{i:02}" for i in range(12)]
    verdict = decide(
        report(before, keys), report(before + 0.2, keys), LEGEND, RULE, block_of=lambda key: key[0]
    )
    assert not verdict.passed
    assert "lie in 3 blocks of neighbours and 5 blocks are needed" in verdict.reason


def judged_at(look: int, change: float = 0.1) -> GateVerdict:
    noise = np.random.default_rng(7).normal(change, 0.1, (20, 3))
    before = shares()
    return decide(report(before), report(np.clip(before + noise, 0, 1)), LEGEND, RULE, looks=look)


def test_the_tails_of_all_looks_together_are_what_the_rule_allows() -> None:
    assert RULE.confidence_at(1) == RULE.confidence
    tails = [(1 - RULE.confidence_at(look)) / 2 for look in range(1, 1000)]
    assert 0.0999 < sum(tails) < 1 - RULE.confidence


def test_each_further_look_at_the_same_patches_asks_for_more_of_the_gain_alone() -> None:
    first, second, tenth = (judged_at(look) for look in (1, 2, 10))
    assert first.miou.low > second.miou.low > tenth.miou.low
    assert (first.classes, first.intervals, first.worst) == (tenth.classes, tenth.intervals, tenth.worst)
    assert (tenth.looks, tenth.confidence) == (10, RULE.confidence_at(10))
    assert "90 % interval" in first.reason
    assert "candidates were judged" not in first.reason
    assert "96.7 % interval" in second.reason
    assert ", as 2 candidates were judged on these patches) and no class surely lost" in second.reason
    assert "99.82 % interval" in tenth.reason


def test_what_passes_at_first_may_be_chance_after_many_looks() -> None:
    assert judged_at(1, 0.045).passed
    assert not judged_at(20, 0.045).passed


def test_a_verdict_has_an_interval_of_every_measure() -> None:
    verdict = judged(0.1)
    assert verdict.intervals["miou"].low == verdict.miou.low
    assert verdict.intervals["iou.1"].value == verdict.classes[1].value
    assert verdict.intervals["pixel_accuracy"].low > 0
    assert verdict.intervals["ece"] is None, "these reports have no cells"


def test_looks_count_from_one() -> None:
    with pytest.raises(ValueError, match="looks must be at least 1"):
        judged_at(0)


def passes_by_chance(rng: np.random.Generator, confidences: list[float], blocks: int = 12) -> bool:
    """Whether any of as many candidates, none of them better than the parent, has a lower bound above 0."""
    nothing = np.zeros((blocks, 1))
    return any(
        gain_intervals(
            nothing,
            rng.normal(0, 0.05, (blocks, 1)),
            lambda sums: sums,
            confidence=confidence,
            draws=200,
        )[0].low
        > 0
        for confidence in confidences
    )


def test_within_ten_rounds_chance_passes_less_often_than_the_rule_allows_and_more_often_uncorrected() -> None:
    rng = np.random.default_rng(11)
    corrected = [RULE.confidence_at(look) for look in range(1, 11)]
    allowed = 1 - RULE.confidence
    assert np.mean([passes_by_chance(rng, corrected) for _ in range(200)]) < allowed
    assert np.mean([passes_by_chance(rng, [RULE.confidence] * 10) for _ in range(100)]) > 2 * allowed


def test_reports_on_different_patches_are_not_compared() -> None:
    with pytest.raises(ValueError, match="same patches"):
        decide(report(shares(12)), report(shares(11)), LEGEND, RULE)


def test_a_verdict_is_json() -> None:
    assert json.loads(json.dumps(asdict(judged(0.1)), allow_nan=False))["rule"]["margin"] == 0


@pytest.mark.parametrize(
    "values",
    [{"margin": 2}, {"margin": "much"}, {"margin": float("nan")}, {"confidence": 1.0}, {"confidence": 0.1},
     {"worst_class_loss": -0.1}, {"smallest_patches": 1}, {"smallest_patches": 10.5}, {"smallest_blocks": 11},
     {"smallest_blocks": True}],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_refused_by_name(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        GateRule(**values)


def test_deciding_loads_no_torch() -> None:
    code = "import sys, mlservice.gate; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"

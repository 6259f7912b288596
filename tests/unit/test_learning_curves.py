"""How many labels a curve needs, and what a strategy asks for."""

import numpy as np
import pytest

from benchmarks.active_learning import STRATEGIES
from benchmarks.adaptation.choosing import Look, patches_at_random
from benchmarks.adaptation.curves import Curve, share_needed, with_interval
from benchmarks.adaptation.places import Land, Place
from benchmarks.adaptation.record import Record
from benchmarks.adaptation.rounds import Said
from mlservice.landscape import DETAILED_LEGEND


def curve(*miou: float) -> Curve:
    shares = np.linspace(0, 1, len(miou))
    return Curve(shares, shares / 2, np.array(miou))


def test_between_two_budgets_the_share_is_interpolated():
    share, changed = share_needed(curve(0.4, 0.5, 0.6, 0.6, 0.6), 0.55)
    assert share == pytest.approx(0.375)
    assert changed == pytest.approx(0.1875)


def test_a_lucky_round_does_not_count():
    share, _ = share_needed(curve(0.4, 0.58, 0.5, 0.6, 0.6), 0.55)
    assert share == pytest.approx(0.625)


def test_a_curve_that_starts_at_the_goal_needs_nothing():
    assert share_needed(curve(0.6, 0.6, 0.6), 0.55) == (0.0, 0.0)


def test_a_curve_reaches_the_goal_with_all_labels_at_last():
    assert share_needed(curve(0.1, 0.1, 0.6), 0.6)[0] == pytest.approx(1.0)
    with pytest.raises(ValueError, match="all labels"):
        share_needed(curve(0.1, 0.1, 0.2), 0.6)


def test_an_interval_holds_the_mean():
    told = with_interval("share", [np.array([0.1, 0.2, 0.3, 0.2, 0.15]), np.array([0.2, 0.3])])
    assert told["share_low"] < told["share"] < told["share_high"]
    assert with_interval("share", [np.array([0.1])]) == {"share": 0.1}


def place(unit_cells: int) -> Place:
    land = Land(np.zeros((8, 256, 256, 3), np.uint8), np.zeros((8, 256, 256), np.uint8))
    return Place("here", DETAILED_LEGEND, land, land, unit_cells)


def said(rng: np.random.Generator) -> Said:
    probabilities = rng.dirichlet(np.ones(9), (8, 64, 64)).astype(np.float32)
    embeddings = rng.normal(size=(8, 16))
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    return Said(np.moveaxis(probabilities, -1, 1), unit)


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("unit_cells", [64, 32])
def test_a_strategy_asks_for_the_share_and_keeps_what_was_asked(name, unit_cells):
    rng = np.random.default_rng(0)
    asked = np.zeros((8, 64, 64), bool)
    for share in (0.25, 0.5):
        more = STRATEGIES[name](Look(place(unit_cells), said(rng), asked), share, rng)
        assert more.mean() == pytest.approx(share, abs=1e-4)
        assert (more >= asked).all()
        asked = more


def test_entropy_asks_for_the_most_uncertain_patch():
    rng = np.random.default_rng(0)
    answer = said(rng)
    answer.probabilities[5] = 1 / 9
    nothing = np.zeros((8, 64, 64), bool)
    for name in ("patches_entropy", "patches_margin", "patches_diverse"):
        asked = STRATEGIES[name](Look(place(64), answer, nothing), 1 / 8, rng)
        assert asked[5].all()
        assert asked.sum() == 64 * 64


def test_a_smaller_draw_is_part_of_a_larger_one():
    small, large = (patches_at_random(place(32), share, np.random.default_rng(3)) for share in (0.25, 0.5))
    assert (large >= small).all()


def test_a_record_goes_on_from_its_file(tmp_path):
    path = tmp_path / "record.jsonl"
    Record(path).measure("one", lambda: {"miou": 0.5})
    again = Record(path)
    assert again.measure("one", lambda: pytest.fail("measured twice")) == {"miou": 0.5}
    assert "two" not in again

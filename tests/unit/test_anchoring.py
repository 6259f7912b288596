"""How far proposals lead people is told from patches of one version, seen and not seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from annotator.domain.quality_report import anchoring_sentence, comparable, difference
from annotator.queries.quality import CorrectionCost


def cost(
    version: int,
    miou: float,
    *,
    hidden: bool = False,
    audit: bool = False,
    measured: int = 50,
    deviation: float = 0.05,
) -> CorrectionCost:
    return CorrectionCost(version, hidden, audit, measured, measured, miou, deviation, 30.0, 3.0, 500.0)


def of_values(version: int, values: np.ndarray, *, hidden: bool) -> CorrectionCost:
    deviation = float(values.std(ddof=1))
    return cost(version, float(values.mean()), hidden=hidden, measured=len(values), deviation=deviation)


def test_better_versions_do_not_hide_that_people_are_led() -> None:
    """Most masks from shown proposals are of a first version that was bad, and of which none were hidden."""
    told = anchoring_sentence(
        [cost(1, 0.60, measured=500), cost(3, 0.90), cost(3, 0.85, hidden=True), cost(4, 0.99, measured=9)]
    )
    assert "within model version 3," in told
    assert "+0.050" in told
    assert "drawn from it (50 patches)" in told
    assert "led by proposals" in told


def test_patches_by_chance_are_compared_with_such_alone() -> None:
    told = anchoring_sentence(
        [
            cost(1, 0.95, audit=True),
            cost(1, 0.95, audit=True, hidden=True, measured=10),
            cost(1, 0.70, measured=10),
            cost(1, 0.70, hidden=True),
        ]
    )
    assert "+0.000" in told
    assert "may be chance" in told


@pytest.mark.parametrize(
    "costs",
    [
        [cost(1, 0.9)],
        [cost(1, 0.9), cost(2, 0.8, hidden=True)],
        [cost(1, 0.9), cost(1, 0.8, hidden=True, measured=1)],
    ],
)
def test_nothing_is_said_without_both_sides_of_a_version(costs: list[CorrectionCost]) -> None:
    assert "the smaller side has 0" in anchoring_sentence(costs)


def test_one_pair_has_the_interval_of_welch() -> None:
    random = np.random.default_rng(2)
    shown, hidden = random.normal(0.8, 0.1, 12), random.normal(0.7, 0.2, 30)
    found = difference([(of_values(1, shown, hidden=False), of_values(1, hidden, hidden=True))])
    expected = ttest_ind(shown, hidden, equal_var=False).confidence_interval(0.9)
    assert found.value == pytest.approx(shown.mean() - hidden.mean())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


strata = st.lists(
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(2, 400), st.integers(2, 400), st.floats(0, 0.3)),
    min_size=1,
    max_size=5,
)


@given(strata, st.floats(-0.5, 0.5))
@settings(max_examples=60, deadline=None)
def test_the_difference_lies_among_those_of_the_versions_and_ignores_their_level(
    found: list[tuple[float, float, int, int, float]], shift: float
) -> None:
    def told(by: float):  # type: ignore[no-untyped-def]
        costs = []
        for version, (shown, hidden, n, m, deviation) in enumerate(found):
            level = by * version
            costs.append(cost(version, shown + level, measured=n, deviation=deviation))
            costs.append(cost(version, hidden + level, measured=m, deviation=deviation, hidden=True))
        return difference(comparable([*costs, cost(99, 0.3)]))

    gaps = [shown - hidden for shown, hidden, *_ in found]
    whole = told(0.0)
    assert min(gaps) - 1e-9 <= whole.value <= max(gaps) + 1e-9
    assert whole.low <= whole.value <= whole.high
    assert whole.value == pytest.approx(told(shift).value, abs=1e-9)


def test_nine_intervals_in_ten_hold_the_true_difference() -> None:
    random, held, times = np.random.default_rng(4), 0, 400
    for _ in range(times):
        costs = []
        for version, (level, shown, hidden) in enumerate([(0.5, 60, 3), (0.7, 8, 4), (0.85, 12, 9)]):
            for is_hidden, count in ((False, shown), (True, hidden)):
                mean = level + (0.0 if is_hidden else 0.03)
                values = random.normal(mean, 0.15 if version == 0 else 0.05, count)
                costs.append(of_values(version, values, hidden=is_hidden))
        found = difference(comparable(costs))
        held += found.low <= 0.03 <= found.high
    assert 0.86 * times <= held <= 0.95 * times

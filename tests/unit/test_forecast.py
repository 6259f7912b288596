"""The forecast of when a project is done holds its promise on finishes that are drawn by chance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.queries.pace import Forecast, forecast_of

TODAY = date(2026, 5, 1)
Draw = Callable[[np.random.Generator, int], np.ndarray]


def surely(totals: list[int], waiting: int) -> Forecast:
    forecast = forecast_of(totals, waiting, TODAY)
    assert forecast is not None
    return forecast


def in_days(count: int) -> date:
    return TODAY + timedelta(days=count)


def at_random(random: np.random.Generator, days: int) -> np.ndarray:
    return random.poisson(10, days)


def with_weekends(random: np.random.Generator, days: int) -> np.ndarray:
    return np.where(np.arange(days) % 7 < 5, random.poisson(14, days), 0)


def in_fits_and_starts(random: np.random.Generator, days: int) -> np.ndarray:
    return random.negative_binomial(2, 2 / 12, days)


@pytest.mark.parametrize(
    ("days", "draw", "waiting"),
    [
        (6, at_random, 60),
        (10, in_fits_and_starts, 300),
        (14, with_weekends, 1000),
        (28, with_weekends, 60),
        (28, with_weekends, 1000),
        (28, in_fits_and_starts, 1000),
    ],
)
def test_nine_finishes_in_ten_lie_in_the_interval(days: int, draw: Draw, waiting: int) -> None:
    random, held, before, after, finishes = np.random.default_rng(7), 0, 0, 0, 80
    for _ in range(finishes):
        drawn = draw(random, days + 1 + 400)
        forecast = surely([int(count) for count in drawn[:days]], waiting)
        # Today, the day after those known, is not foretold.
        finish = in_days(int(np.searchsorted(drawn[days + 1 :].cumsum(), waiting)) + 1)
        assert forecast.earliest is not None
        held += forecast.earliest <= finish and (forecast.latest is None or finish <= forecast.latest)
        before += forecast.likely is None or finish < forecast.likely
        after += forecast.likely is not None and finish > forecast.likely
    assert 0.8 * finishes <= held, "nine in ten, less what chance and few days take away"
    assert max(before, after) < 0.7 * finishes, "the likely day is in the middle"


def test_days_that_are_all_alike_leave_nothing_open() -> None:
    assert surely([10] * 20, 1000) == Forecast(10, 14, in_days(100), in_days(100), in_days(100))


def test_days_to_come_differ_though_the_pace_is_known() -> None:
    """Of 28 days of nought or sixty, the mean of four equal weeks is sure, and the day of the next sixty is not."""
    forecast = surely([0, 0, 0, 60, 0, 0, 0] + [60, 0, 0, 0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 60] * 2, 60)
    assert forecast.patches_per_day == pytest.approx(60 / 7)
    assert forecast.earliest is not None
    assert forecast.latest is not None
    # Tomorrow's place in a week comes first: the days of the observed weeks are 3, 7 and 6 days off.
    assert (forecast.earliest, forecast.latest) == (in_days(3), in_days(7))


def test_work_comes_back_by_weekdays() -> None:
    """After two weeks in which the days were worked that today and tomorrow are, the third is none of them."""
    week = [9, 9, 0, 0, 0, 0, 0]
    assert surely(week * 2, 9).likely == in_days(1)
    assert surely(week * 2, 10).likely == in_days(7)
    assert surely(week * 2, 18).likely == in_days(7)
    assert surely(week * 2, 19).likely == in_days(8)


def test_few_and_uneven_days_make_a_wide_interval() -> None:
    def width(totals: list[int]) -> int:
        forecast = surely(totals, 1000)
        assert forecast.earliest is not None
        assert forecast.latest is not None
        assert forecast.earliest <= in_days(100) <= forecast.latest
        return (forecast.latest - forecast.earliest).days

    assert width([8, 12] * 14) < width([0, 20] * 14)
    assert width([5, 15] * 6) < width([5, 15, 5, 15, 10, 10])


@given(st.lists(st.integers(0, 50), min_size=5, max_size=28), st.integers(1, 10**7))
@settings(max_examples=60, deadline=None)
def test_the_likely_day_lies_in_the_interval(totals: list[int], waiting: int) -> None:
    forecast = forecast_of(totals, waiting, TODAY)
    if forecast is None:
        assert not sum(totals)
        return
    early, likely, late = (day or date.max for day in (forecast.earliest, forecast.likely, forecast.latest))
    assert TODAY < early <= likely <= late


@pytest.mark.parametrize(("totals", "waiting"), [([3] * 4, 9), ([0] * 9, 9), ([3] * 9, 0)])
def test_there_is_no_forecast_from_too_little(totals: list[int], waiting: int) -> None:
    assert forecast_of(totals, waiting, TODAY) is None


@pytest.mark.parametrize("totals", [[0, 0, 0, 0, 1], [9] * 6 + [0] * 14])
def test_what_would_take_centuries_has_no_day(totals: list[int]) -> None:
    forecast = surely(totals, 10**6)
    assert forecast.likely is forecast.latest is None

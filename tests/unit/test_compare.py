"""Every measure of two reports is compared with an interval, from sums that give the reports' own numbers."""

from collections.abc import Iterable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mlservice.contracts import UNSURE, EvaluateReport, LabelledPatch, Legend, LegendClass
from mlservice.evaluate import evaluate_answers
from mlservice.intervals import compare, region_gains
from mlservice.metrics import auroc, entropy_histogram, histogram_auroc
from mlservice.patch_sums import STATISTICS_MEASURES, all_measures, patch_sums
from mlservice.token_grid import cells_to_indices, mask_to_cells
from mlservice.uncertainty import cell_entropy

LEGEND = Legend(
    (
        LegendClass(0, "rest", "#000000", is_null=True),
        LegendClass(2, "bund", "#ffffff", is_boundary=True),
        LegendClass(3, "field", "#00ff00"),
    )
)
IMAGE = np.zeros((32, 32, 3), np.uint8)


def land() -> np.ndarray:
    """Two fields of 12 x 12 px in a patch of 32 px, with their bunds two pixels wide; a row is unsure."""
    mask = np.zeros((32, 32), np.uint8)
    for col in (0, 16):
        mask[:16, col : col + 16] = 2
        mask[2:14, col + 2 : col + 14] = 3
    mask[28:] = UNSURE
    return mask


def measured(noise: float, patches: int = 12, seed: int = 0) -> EvaluateReport:
    """A report on answers of which that share of 4 px cells is drawn anew, less sure where it is."""
    rng = np.random.default_rng(seed)
    return evaluate_answers(LEGEND, (drawn(rng, f"{i:02}", noise) for i in range(patches)))


def drawn(rng: np.random.Generator, key: str, noise: float) -> tuple[LabelledPatch, SimpleNamespace]:
    said = np.where(land() == UNSURE, 0, land())
    cells = cells_to_indices(mask_to_cells(said, LEGEND), LEGEND)
    wrong = rng.random(cells.shape) < noise
    cells[wrong] = rng.integers(0, 3, wrong.sum())
    sureness = rng.uniform(0.5, 0.95, cells.shape) - 0.15 * wrong
    probabilities = np.repeat((1 - sureness)[None] / 2, 3, axis=0).astype(np.float32)
    np.put_along_axis(probabilities, cells[None], sureness.astype(np.float32)[None], axis=0)
    values = np.array(LEGEND.values, np.uint8)[cells].repeat(4, axis=0).repeat(4, axis=1)
    anew = wrong.repeat(4, axis=0).repeat(4, axis=1)
    answer = SimpleNamespace(
        mask=np.where(anew, values, said),
        class_probabilities=probabilities,
        entropy_nats=cell_entropy(probabilities),
        unparsed=None,
    )
    return LabelledPatch(key, IMAGE, land()), answer


def told(report: EvaluateReport) -> Iterable[float | None]:
    yield report.miou
    yield from (report.iou[value] for value in LEGEND.values)
    yield from (getattr(report, name) for name in STATISTICS_MEASURES)


def test_measures_of_all_sums_are_the_reports_own() -> None:
    report = measured(0.3)
    sums = patch_sums(report, sorted(report.patch_confusion)).sum(axis=0)
    *measures, binned_auroc = all_measures(sums)
    *expected, exact_auroc = told(report)
    np.testing.assert_allclose(measures, expected, atol=1e-4)
    assert binned_auroc == pytest.approx(exact_auroc, abs=0.01)


def test_a_model_that_is_better_everywhere_is_surely_better_by_every_measure() -> None:
    gains = compare(measured(0.5), measured(0.1, seed=1), LEGEND)
    assert set(gains) == {"miou", "iou.0", "iou.2", "iou.3", *STATISTICS_MEASURES}
    for name, gain in gains.items():
        assert gain is not None
        assert gain.low <= gain.value <= gain.high
        if name not in ("ece", "error_auroc"):
            assert gain.low > 0, name


def test_values_are_the_differences_of_the_reports() -> None:
    before, after = measured(0.5), measured(0.2, seed=1)
    gains = compare(before, after, LEGEND)
    changes = [last - first for first, last in zip(told(before), told(after), strict=True)]
    np.testing.assert_allclose([gain.value for gain in gains.values()], changes, atol=1e-4)
    assert gains["error_auroc"].value == after.error_auroc - before.error_auroc


def test_nothing_is_gained_over_itself_and_the_same_reports_compare_the_same() -> None:
    report, other = measured(0.3), measured(0.3, seed=1)
    assert all((g.value, g.low, g.high) == (0, 0, 0) for g in compare(report, report, LEGEND).values())
    assert compare(report, other, LEGEND) == compare(report, other, LEGEND)


def test_what_either_could_not_measure_has_no_interval() -> None:
    report, other = measured(0.3), measured(0.2, seed=1)
    gains = compare(report, replace(other, patch_statistics={}, error_auroc=None), LEGEND)
    assert [name for name, gain in gains.items() if gain is None] == [
        name for name in STATISTICS_MEASURES if name != "pixel_accuracy"
    ]


def test_blocks_of_patches_are_drawn_together() -> None:
    before, after = measured(0.3), measured(0.29, seed=1)
    apart = compare(before, after, LEGEND)
    together = compare(before, after, LEGEND, block_of=lambda key: str(int(key) // 6))
    assert apart["miou"].value == together["miou"].value
    assert apart["miou"] != together["miou"]


def test_regions_have_gains_of_their_own_where_they_have_blocks_enough() -> None:
    before, after = measured(0.5), measured(0.1, seed=1)
    gains = region_gains(before, after, lambda key: "east" if int(key) < 9 else "west", smallest_blocks=4)
    assert list(gains) == ["east"]
    assert 0 < gains["east"].low < gains["east"].value


def test_reports_on_different_patches_are_not_compared() -> None:
    with pytest.raises(ValueError, match="same patches"):
        compare(measured(0.3), measured(0.3, patches=11), LEGEND)


def test_intervals_of_every_measure_cover_the_true_gain_about_as_often_as_they_say() -> None:
    """Of 40 pairs of 10 blocks: nine tenths of them, give or take three standard errors of 0.047."""
    before, after = measured(0.4, 150), measured(0.3, 150, seed=1)
    truth = {name: gain.value for name, gain in compare(before, after, LEGEND, draws=2).items()}
    rng = np.random.default_rng(2)
    held = dict.fromkeys(truth, 0)
    for _ in range(40):
        keys = rng.choice(sorted(before.patch_confusion), 10, replace=False)
        for name, gain in compare(part(before, keys), part(after, keys), LEGEND, draws=200).items():
            held[name] += gain.low <= truth[name] <= gain.high
    assert all(count / 40 >= 0.75 for count in held.values()), held


def part(report: EvaluateReport, keys: Iterable[str]) -> EvaluateReport:
    """The report of some of its patches, with the AUROC of their histograms."""
    statistics = {key: report.patch_statistics[key] for key in keys}
    right = np.sum([patch.right_cells for patch in statistics.values()], axis=0)
    wrong = np.sum([patch.wrong_cells for patch in statistics.values()], axis=0)
    return replace(
        report,
        error_auroc=float(histogram_auroc(right, wrong)),
        patch_confusion={key: report.patch_confusion[key] for key in keys},
        patch_statistics=statistics,
    )


def test_an_auroc_of_histograms_is_the_exact_one_where_bins_do_not_mix() -> None:
    rng = np.random.default_rng(0)
    entropy, wrong = rng.uniform(0, np.log(3) / 1.2, 5000), rng.random(5000) < 0.3
    entropy[wrong] *= 1.2
    binned = histogram_auroc(entropy_histogram(entropy[~wrong], 3), entropy_histogram(entropy[wrong], 3))
    assert binned == pytest.approx(auroc(entropy, wrong), abs=0.002)
    assert np.isnan(histogram_auroc(entropy_histogram(entropy, 3), np.zeros(64)))

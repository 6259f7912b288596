"""What a round sees: new patches, those of earlier rounds, and landscapes that its base goes on seeing."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from mlservice.contracts import UNSURE, FinetuneConfig, LabelledPatch, Legend, LegendClass
from mlservice.dataset import another_view, augmented, make_examples, within_legend
from mlservice.landscape import DETAILED_LEGEND, LANDSCAPE_LEGEND, draw_landscape
from mlservice.starter.rehearsal import rehearsal_patches
from mlservice.token_grid import IGNORED_INDEX
from mlservice.training.batches import Lessons, patch_at, step_batch
from mlservice.training.loss import class_weights

SCENE = draw_landscape(3, 256, gsd_m=1.0)
LABELLED = LabelledPatch("whole", SCENE.image, SCENE.truth)


def patches(kind: str, count: int) -> tuple[LabelledPatch, ...]:
    blank = np.zeros((64, 64, 3), np.uint8)
    return tuple(LabelledPatch(f"{kind}{i}", blank, np.zeros((64, 64), np.uint8)) for i in range(count))


@pytest.mark.parametrize(("replay", "rehearsal"), [(0.25, 0.5), (0.1, 0.3), (0.0, 0.9), (0.45, 0.45)])
def test_every_kind_has_its_share_of_any_stretch(replay, rehearsal):
    lessons = Lessons(patches("new", 5), patches("old", 3), patches("drawn", 4))
    config = FinetuneConfig(replay_share=replay, rehearsal_share=rehearsal)
    for start in (0, 137):
        kinds = Counter(patch_at(lessons, config, start + i).key.rstrip("0123456789") for i in range(200))
        assert abs(kinds["old"] - 200 * replay) <= 2
        assert abs(kinds["drawn"] - 200 * rehearsal) <= 2
        assert sum(kinds.values()) == 200


def test_every_patch_has_its_turn_before_any_has_another():
    lessons = Lessons(patches("new", 7), patches("old", 3), ())
    config = FinetuneConfig(replay_share=0.3)
    seen = [patch_at(lessons, config, place).key for place in range(100)]
    for kind, count in (("new", 7), ("old", 3)):
        line = [key for key in seen if key.startswith(kind)]
        laps = [line[i : i + count] for i in range(0, len(line) - count, count)]
        assert all(len(set(lap)) == count for lap in laps)


def test_shares_of_kinds_that_are_not_there_go_to_the_new_patches():
    lessons = Lessons(patches("new", 2))
    assert {patch_at(lessons, FinetuneConfig(), i).key for i in range(40)} == {"new0", "new1"}


def test_a_batch_follows_from_its_step_alone():
    lessons, config = Lessons((LABELLED,)), FinetuneConfig(images_per_step=2, token_patches_per_image=3)
    first, again, next_one = (step_batch(lessons, LANDSCAPE_LEGEND, config, step) for step in (4, 4, 5))
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0].image, next_one[0].image)
    assert [len(examples.origins) for examples in first] == [3, 3]


def test_one_labelled_pixel_in_a_hundred_teaches_its_cell_and_nothing_else():
    rng = np.random.default_rng(0)
    asked = rng.random(SCENE.truth.shape) < 0.01
    sparse = np.where(asked, SCENE.truth, np.uint8(UNSURE))
    targets = make_examples(SCENE.image, sparse, LANDSCAPE_LEGEND).targets
    cells = asked.reshape(64, 4, 64, 4).any((1, 3)).sum()
    assert (targets != IGNORED_INDEX).sum() == cells
    alone = np.full((256, 256), UNSURE, np.uint8)
    alone[70, 130] = 4
    targets = make_examples(SCENE.image, alone, LANDSCAPE_LEGEND).targets
    assert (targets[targets != IGNORED_INDEX] == LANDSCAPE_LEGEND.values.index(4)).tolist() == [True]


def test_another_view_keeps_image_and_mask_together():
    # The mask is drawn into the image, so that both must move alike.
    image = np.repeat((SCENE.truth * 40)[..., None], 3, axis=2)
    for seed in range(40):
        seen, mask = another_view(LabelledPatch("one", image, SCENE.truth), np.random.default_rng(seed), 0.0)
        assert np.array_equal(seen[..., 0], mask * 40)
    for seed in range(40):
        seen, mask = another_view(LabelledPatch("one", image, SCENE.truth), np.random.default_rng(seed))
        inner = np.abs(np.corrcoef(seen[..., 0].ravel(), mask.ravel())[0, 1])
        assert inner > 0.7


def test_augmentation_makes_no_class_of_its_own():
    values = set(np.unique(SCENE.truth).tolist())
    for seed in range(20):
        targets = augmented(LABELLED, LANDSCAPE_LEGEND, np.random.default_rng(seed)).targets
        assert {LANDSCAPE_LEGEND.values[i] for i in np.unique(targets)} <= values


def test_rehearsal_says_what_the_starter_was_trained_to_say():
    (patch,) = rehearsal_patches(DETAILED_LEGEND, 1, seed=0)
    assert patch.mask.max() > 5
    assert UNSURE not in patch.mask
    again = rehearsal_patches(DETAILED_LEGEND, 1, seed=0)[0]
    assert np.array_equal(patch.mask, again.mask)
    assert not np.array_equal(patch.image, rehearsal_patches(DETAILED_LEGEND, 1, seed=1)[0].image)


def test_land_that_may_be_of_an_unknown_class_is_unsure_in_rehearsal():
    null, boundary = LegendClass(0, "rest", "#000", is_null=True), LegendClass(2, "boundary", "#fff")
    milpa, trees = LegendClass(3, "milpa", "#0f0"), LegendClass(4, "trees", "#070")
    detail = [p.mask for p in rehearsal_patches(DETAILED_LEGEND, 6, seed=0)]
    known = [p.mask for p in rehearsal_patches(Legend((null, boundary, trees)), 6, seed=0)]
    unknown = [p.mask for p in rehearsal_patches(Legend((null, boundary, milpa, trees)), 6, seed=0)]
    field = np.stack(detail) == 1
    assert (np.stack(known)[field] == 0).all()
    assert (np.stack(unknown)[field] == UNSURE).all()
    other = np.stack(detail) == 0
    assert (np.stack(unknown)[other] == 0).all()


def test_a_legend_of_unknown_words_is_not_rehearsed():
    legend = Legend((LegendClass(0, "rest", "#000", is_null=True), LegendClass(1, "milpa", "#0f0")))
    assert rehearsal_patches(legend, 4, seed=0) == ()


def test_a_value_that_left_the_legend_is_unsure():
    smaller = Legend(tuple(c for c in LANDSCAPE_LEGEND.classes if c.name != "trees"))
    trees = next(c.value for c in LANDSCAPE_LEGEND.classes if c.name == "trees")
    patch = replace(LABELLED, mask=np.full((256, 256), trees, np.uint8))
    assert (within_legend(patch, smaller).mask == UNSURE).all()
    assert within_legend(patch, LANDSCAPE_LEGEND) is patch


def test_rare_classes_count_more_and_the_mean_cell_one():
    weights = class_weights([LABELLED], LANDSCAPE_LEGEND, 0.5).numpy()
    targets = make_examples(SCENE.image, SCENE.truth, LANDSCAPE_LEGEND).targets
    counts = np.bincount(targets.ravel(), minlength=len(weights))
    there = counts > 0
    assert np.average(weights[there], weights=counts[there]) == pytest.approx(1)
    assert weights[counts.argmax()] == weights[there].min()
    assert np.allclose(class_weights([LABELLED], LANDSCAPE_LEGEND, 0.0).numpy()[there], 1)


def test_shares_that_leave_nothing_new_are_refused():
    with pytest.raises(ValueError, match="rehearsal_share"):
        FinetuneConfig(replay_share=0.5, rehearsal_share=0.5)

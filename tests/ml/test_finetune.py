"""A LoRA round learns from few labels, survives a kill, and refuses what cannot teach."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from mlservice.contracts import (
    MOST_VALIDATED_PATCHES,
    UNSURE,
    EvaluateSpec,
    FinetuneConfig,
    FinetuneSpec,
    LabelledPatch,
    Legend,
    LegendClass,
    ModelRef,
    PatchWindow,
    SegmentRequest,
    StepReport,
)
from mlservice.dataset import augmented, data_hash
from mlservice.errors import BadImage, Cancelled, NothingToLearn, TrainingDiverged
from mlservice.evaluate import evaluate
from mlservice.finetune import finetune
from mlservice.landscape import draw_landscape
from mlservice.segment import segment
from mlservice.starter import starter_model
from mlservice.token_grid import IGNORED_INDEX
from mlservice.training.validation import validation_examples

# "milpa" is a word that no model knows: it is what the landscape calls a field.
LEGEND = Legend(
    (
        LegendClass(0, "rest", "#000000", is_null=True),
        LegendClass(2, "bund", "#ffffff", is_boundary=True),
        LegendClass(3, "milpa", "#00ff00"),
    )
)
SHORT = FinetuneConfig(steps=4, images_per_step=1, token_patches_per_image=8, checkpoint_every_steps=2)


def labelled_patch(seed: int) -> LabelledPatch:
    scene = draw_landscape(seed, 256, gsd_m=1.0)
    return LabelledPatch(f"patch {seed}", scene.image, np.array([0, 3, 2, 0, 0, 0], np.uint8)[scene.truth])


PATCHES = tuple(labelled_patch(seed) for seed in range(4))


def spec(folder: Path, **changes: object) -> FinetuneSpec:
    whole = FinetuneSpec(starter_model(), LEGEND, PATCHES, (), SHORT, folder / "work", folder / "out")
    return replace(whole, **changes)


def ignore(_: StepReport) -> None:
    pass


def stop_at(step: int) -> Callable[[StepReport], None]:
    def on_progress(report: StepReport) -> None:
        if report.step == step:
            raise Cancelled("stopped by the test")

    return on_progress


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """A short round that nothing interrupted."""
    return finetune(spec(tmp_path_factory.mktemp("complete")), ignore)


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "adapter_model.safetensors")


def test_a_round_moves_the_answers_to_the_labels(tmp_path):
    held_out = tuple(labelled_patch(seed) for seed in (90, 91))
    config = FinetuneConfig(steps=20, images_per_step=1, token_patches_per_image=16)
    before = evaluate(EvaluateSpec(starter_model(), LEGEND, held_out))
    report = finetune(spec(tmp_path, config=config, validation=PATCHES[:1]), ignore)
    after = evaluate(EvaluateSpec(report.model, LEGEND, held_out))
    assert before.iou[3] < 0.01
    assert after.iou[3] > 0.5
    assert after.miou > before.miou + 0.2
    assert np.mean(report.losses[-5:]) < 0.9 * np.mean(report.losses[:5])
    assert report.model.temperature != starter_model().temperature


def test_a_killed_round_goes_on_to_the_same_result(tmp_path, complete):
    interrupted = spec(tmp_path)
    with pytest.raises(Cancelled):
        finetune(interrupted, stop_at(3))
    assert not interrupted.out_dir.exists()
    told: list[StepReport] = []
    report = finetune(interrupted, told.append)
    assert [(t.step, t.resumed_from) for t in told] == [(3, 2), (4, 2)]
    assert report.losses == complete.losses
    assert report.data_hash == complete.data_hash
    expected = weights(complete.model.adapter)
    resumed = weights(report.model.adapter)
    assert expected.keys() == resumed.keys()
    assert all(np.array_equal(expected[name], resumed[name]) for name in expected)


VALIDATED = replace(SHORT, steps=6, validate_every_steps=2, rehearsal_share=0.0)


def misled(patch: LabelledPatch) -> LabelledPatch:
    """The patch with its classes exchanged."""
    return replace(patch, mask=np.array([3, 0, 0, 2], np.uint8)[patch.mask])


def test_a_round_that_makes_things_worse_ends_early_with_its_parent(tmp_path, complete):
    told: list[StepReport] = []
    config = replace(VALIDATED, steps=40, patience=2, learning_rate=0.01)
    parent = finetune(spec(tmp_path / "parent", config=replace(SHORT, steps=8)), ignore).model
    wrong = tuple(misled(patch) for patch in PATCHES)
    report = finetune(
        spec(tmp_path, parent=parent, training=wrong, validation=PATCHES[:1], config=config), told.append
    )
    assert report.stopped_early
    assert len(report.losses) < 40
    assert report.best_step == 0
    assert [point.step for point in report.validations][:3] == [0, 2, 4]
    assert [t.validation.step for t in told if t.validation] == [p.step for p in report.validations[1:]]
    before, after = weights(parent.adapter), weights(report.model.adapter)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_a_killed_round_keeps_what_validation_said(tmp_path):
    whole = finetune(spec(tmp_path / "whole", validation=PATCHES[3:], config=VALIDATED), ignore)
    halved = spec(tmp_path / "halved", validation=PATCHES[3:], config=VALIDATED)
    with pytest.raises(Cancelled):
        finetune(halved, stop_at(5))
    report = finetune(halved, ignore)
    assert report.validations == whole.validations
    assert report.best_step == whole.best_step
    expected, resumed = weights(whole.model.adapter), weights(report.model.adapter)
    assert all(np.array_equal(expected[name], resumed[name]) for name in expected)


def test_earlier_rounds_are_replayed(tmp_path, complete):
    replayed = finetune(spec(tmp_path, training=PATCHES[:1], replay=PATCHES[1:]), ignore)
    alone = finetune(spec(tmp_path / "alone", training=PATCHES[:1]), ignore)
    assert replayed.losses != alone.losses
    assert replayed.data_hash == complete.data_hash


def test_only_the_tower_or_only_the_language_model_is_adapted(tmp_path):
    for part, other in (("vision", "language_model"), ("language", "vision_tower")):
        config = replace(SHORT, steps=1, adapted=part, rehearsal_share=0.0)
        report = finetune(spec(tmp_path / part, config=config), ignore)
        names = weights(report.model.adapter)
        assert names
        assert not any(other in name for name in names)


def test_a_checkpoint_of_other_labels_is_not_gone_on_from(tmp_path, complete):
    with pytest.raises(Cancelled):
        finetune(spec(tmp_path, training=PATCHES[:2]), stop_at(2))
    told: list[StepReport] = []
    finetune(spec(tmp_path), told.append)
    assert told[0].resumed_from is None
    assert told[-1].loss == complete.losses[-1]


def test_a_parents_adapter_is_continued(tmp_path, complete):
    report = finetune(spec(tmp_path, parent=complete.model, config=replace(SHORT, steps=1)), ignore)
    parent, child = weights(complete.model.adapter), weights(report.model.adapter)
    assert parent.keys() == child.keys()
    drift = [np.abs(parent[name] - child[name]).max() for name in parent]
    assert 0 < max(drift) < 0.05
    assert (report.model.adapter / "adapter_model.safetensors").stat().st_mode & 0o777 == 0o644


def test_a_base_answers_as_before_once_an_adapter_was_used(complete):
    def answer(model: ModelRef) -> np.ndarray:
        request = SegmentRequest(model, LEGEND, PATCHES[0].image, (PatchWindow("whole"),))
        return segment(request).patches[0].class_probabilities

    base = starter_model()
    adapted = ModelRef(base.base, complete.model.adapter, base.temperature)
    before, changed, after = answer(base), answer(adapted), answer(base)
    assert np.abs(before - changed).max() > 0.01
    np.testing.assert_allclose(before, after, atol=1e-6)


def test_every_step_is_told(complete, tmp_path):
    told: list[StepReport] = []
    finetune(spec(tmp_path, config=replace(SHORT, steps=2)), told.append)
    assert [(t.step, t.steps, t.resumed_from) for t in told] == [(1, 2, None), (2, 2, None)]
    assert complete.trainable_parameters > 10_000


def test_unsure_pixels_and_what_lies_outside_the_patch_teach_nothing():
    mask = np.full((128, 128), UNSURE, np.uint8)
    mask[:64] = 3
    patch = LabelledPatch("part", PATCHES[0].image, mask, row=64, col=64)
    examples = augmented(patch, LEGEND, np.random.default_rng(0))
    assert len(examples.origins) == 2
    assert (examples.targets == 2).all()
    assert (examples.targets != IGNORED_INDEX).all()


def test_the_data_hash_is_of_the_data_and_not_of_its_order():
    assert data_hash(PATCHES) == data_hash(PATCHES[::-1])
    assert data_hash(PATCHES) != data_hash(PATCHES[:3])
    changed = PATCHES[0].mask.copy()
    changed[0, 0] = UNSURE
    assert data_hash((replace(PATCHES[0], mask=changed), *PATCHES[1:])) != data_hash(PATCHES)


@pytest.mark.parametrize(
    ("value", "reason"),
    [(UNSURE, "no labelled"), (3, "All labelled pixels are “milpa”"), (9, "no labelled")],
)
def test_masks_of_one_class_or_none_teach_nothing(tmp_path, value, reason):
    blank = replace(PATCHES[0], mask=np.full((256, 256), value, np.uint8))
    with pytest.raises(NothingToLearn, match=reason):
        finetune(spec(tmp_path, training=(blank,)), ignore)


def test_new_masks_of_one_class_teach_beside_replayed_ones_of_others(tmp_path):
    fields = replace(PATCHES[0], key="new", mask=np.full((256, 256), 3, np.uint8))
    report = finetune(spec(tmp_path, training=(fields,), replay=PATCHES[:2]), ignore)
    assert np.isfinite(report.losses).all()


def test_steps_are_judged_by_patches_from_all_over_the_place():
    keys = [f"{i:05d}" for i in range(200)]
    chosen = validation_examples(spec(Path(), validation=tuple(replace(PATCHES[0], key=key) for key in keys)))
    assert len(chosen) == MOST_VALIDATED_PATCHES
    marked = tuple(
        replace(PATCHES[0], key=key, image=np.full_like(PATCHES[0].image, i)) for i, key in enumerate(keys)
    )
    places = sorted(
        int(example.image[0, 0, 0]) for example in validation_examples(spec(Path(), validation=marked))
    )
    assert places[0] < 60
    assert places[-1] > 140


def test_a_validation_loss_that_is_no_number_ends_the_round(complete, tmp_path):
    broken = Path(shutil.copytree(complete.model.adapter, tmp_path / "broken"))
    unknown = {name: np.full_like(weight, np.nan) for name, weight in weights(broken).items()}
    save_file(unknown, broken / "adapter_model.safetensors")
    judged = (replace(PATCHES[0], key="judged"),)
    config = replace(SHORT, validate_every_steps=1)
    with pytest.raises(TrainingDiverged, match="The validation loss after step 0"):
        finetune(
            spec(tmp_path, parent=replace(starter_model(), adapter=broken), config=config, validation=judged),
            ignore,
        )


def test_no_patches_teach_nothing(tmp_path):
    with pytest.raises(NothingToLearn, match="no labelled"):
        finetune(spec(tmp_path, training=()), ignore)


def test_a_mask_that_does_not_fit_its_image_is_refused(tmp_path):
    with pytest.raises(BadImage, match="does not fit"):
        finetune(spec(tmp_path, training=(replace(PATCHES[0], row=64),)), ignore)


def test_a_round_that_diverges_says_so(tmp_path):
    config = replace(SHORT, steps=40, learning_rate=1.0, lora_alpha=1024)
    with pytest.raises(TrainingDiverged, match="learning rate"):
        finetune(spec(tmp_path, config=config), ignore)

"""The method's benchmark measures what it says, and its U-Net learns, stops, goes on and is kept."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.method import Size, confusions, context_decided_miou, likeliest_cells, measure, with_error
from benchmarks.peers import unet
from benchmarks.peers.broken_answers import count_parse_failures
from benchmarks.peers.generating import GeneratingStarter
from benchmarks.peers.tower import cells_in_context, cells_of_crops, fit_linear_head
from benchmarks.peers.unet import UNet
from mlservice.contracts import EvaluateSpec, LabelledPatch, ModelRef
from mlservice.evaluate import answers
from mlservice.landscape import CONTEXT_DECIDED, DETAILED_LEGEND
from mlservice.metrics import mean_iou
from mlservice.starter.bank import SceneBank
from mlservice.starter.measure import held_out_patches
from mlservice.starter.processing import build_processor
from mlservice.starter.registration import register_starter
from mlservice.starter.train import build_model, save_checkpoint
from mlservice.token_grid import cells_to_mask, mask_to_cells
from mlservice.vlm import answering

COLOURS = np.random.default_rng(0).integers(0, 256, (9, 3)).astype(np.uint8)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def bank():
    """Scenes of 64 px in which every class has a colour of its own."""
    squares = np.random.default_rng(1).integers(0, 9, (6, 4, 4)).astype(np.uint8)
    details = squares.repeat(16, axis=1).repeat(16, axis=2)
    return SceneBank(COLOURS[details], details)


@pytest.fixture(scope="module")
def starter(tmp_path_factory):
    """An untrained starter whose language model's layers are not the identity."""
    folder = tmp_path_factory.mktemp("starter")
    register_starter()
    torch.manual_seed(0)
    model = build_model()
    for name, parameter in model.language_model.named_parameters():
        if "o_proj" in name or "down_proj" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    save_checkpoint(model, build_processor(64, 256), folder)
    (folder / "training.json").write_text('{"cpu_seconds": 12, "recipe": {"scenes": 3}}')
    return ModelRef(str(folder), temperature=1.5)


@pytest.fixture(scope="module")
def patches():
    return held_out_patches("a", 1.0, 1.0, 2)


class StoppingBank(SceneBank):
    """Ends the training, as a kill would, when its last scene has been drawn."""

    draws = 0

    def draw(self, rng):
        StoppingBank.draws += 1
        if StoppingBank.draws > 20:
            raise KeyboardInterrupt
        return super().draw(rng)


def test_a_stopped_training_of_the_u_net_goes_on_from_its_last_saved_step(bank, tmp_path, capsys):
    recipe = unet.Recipe(scenes=6, cpu_seconds=1.5, save_every_steps=2)
    with pytest.raises(KeyboardInterrupt):
        unet.train(recipe, StoppingBank(bank.images, bank.details), tmp_path)
    assert not (tmp_path / "model.safetensors").exists()
    assert capsys.readouterr().out.splitlines()[-1].startswith("step 4 ")
    network = unet.train(recipe, bank, tmp_path)
    assert capsys.readouterr().out.splitlines()[0].startswith("step 6 ")
    record = json.loads((tmp_path / "training.json").read_text())
    assert record["cpu_seconds"] >= 1.5
    assert record["images"] % 4 == 0
    assert record["images"] > 4 * 4
    # What was spent is spent: the same training again does nothing more.
    again = unet.train(recipe, bank, tmp_path)
    assert json.loads((tmp_path / "training.json").read_text()) == record
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))


def test_the_u_net_learns_colours_and_answers_the_same_from_its_folder(bank, tmp_path):
    network = unet.train(unet.Recipe(scenes=6, cpu_seconds=3.0), bank, tmp_path)
    image, detail = bank.images[0].repeat(4, 0).repeat(4, 1), bank.details[0].repeat(4, 0).repeat(4, 1)
    answer, kept = network.answers(image), UNet.load(tmp_path).answers(image)
    assert (answer.mask == detail).mean() > 0.6
    assert answer.mask.shape == (256, 256)
    assert answer.mask.dtype == np.uint8
    assert answer.class_probabilities.shape == (9, 64, 64)
    assert answer.class_probabilities.dtype == np.float32
    np.testing.assert_allclose(answer.class_probabilities.sum(0), 1, atol=1e-4)
    assert (answer.mask == kept.mask).mean() > 0.99


def test_every_figure_of_the_benchmark_is_there_and_a_number(starter, tmp_path):
    UNet().save(tmp_path)
    (tmp_path / "training.json").write_text('{"cpu_seconds": 12}')
    figures = measure(Size(2, 2, 1, 1, 1), starter, tmp_path)
    json.dumps(figures, allow_nan=False)
    named = ["speed_ratio", "patches_per_second", "peak_memory_mb", "seconds_per_km2_1m", "context_gain"]
    named += ["context_gain_crop", "context_gain_over_tower", "miou_ratio_tower", "seconds_per_km2_10m"]
    by_region = ["miou_ratio", "auroc", "ece", "cell_miou_unet", "cell_miou_starter", "accuracy_starter"]
    for key in [*named, *(f"{key}_{region}" for key in by_region for region in "ab")]:
        assert isinstance(figures[key], float), key
    assert figures["unreported_parse_failures"] == 0
    assert figures["parse_failures_flagged"] > 500
    assert 100 < figures["peak_memory_mb"] < 4000
    assert figures["seconds_per_km2_1m"] == pytest.approx(2.3**2 * figures["seconds_per_km2_10m"], rel=1e-3)
    assert figures["train_cpu_seconds_starter"] == figures["train_cpu_seconds_unet"] == 12


def test_with_its_own_context_the_answer_is_the_engines_and_with_anothers_it_is_not(starter, patches):
    said = [likeliest_cells(answer) for _, answer in answers(EvaluateSpec(starter, DETAILED_LEGEND, patches))]
    with answering(starter) as loaded, torch.inference_mode():
        family = loaded.family
        own, other = (family.encode(patch.image, None) for patch in patches)
        assert (cells_in_context(family, own, own) == said[0]).mean() > 0.999
        assert not np.array_equal(cells_in_context(family, own, other), said[0])
        crops = cells_of_crops(family, patches[0].image)
    assert crops.shape == (64, 64)
    assert (crops != said[0]).mean() > 0.01


def test_a_crop_is_answered_without_a_look_at_what_is_around_it(starter, patches):
    image = patches[0].image.copy()
    elsewhere = image.copy()
    elsewhere[64:] = 255 - elsewhere[64:]
    with answering(starter) as loaded:
        before, after = (cells_of_crops(loaded.family, seen) for seen in (image, elsewhere))
    assert np.array_equal(before[:16], after[:16])
    assert not np.array_equal(before[16:], after[16:])


def test_a_linear_head_on_the_tower_says_more_than_one_class(starter, patches):
    with answering(starter) as loaded, torch.no_grad():
        head = fit_linear_head(loaded.family, 3)
        cells = [head.cells(loaded.family.encode(patch.image, None)) for patch in patches]
    counts = confusions(patches, cells).sum(0)
    constant = confusions(patches, [np.full((64, 64), 1, np.uint8)] * 2).sum(0)
    assert mean_iou(counts) > mean_iou(constant)


def test_generation_says_one_class_of_the_legend_for_each_cell(starter, patches):
    with answering(starter) as loaded:
        class_ids = loaded.family.prompt(DETAILED_LEGEND).class_ids.tolist()
        said = GeneratingStarter(loaded.family).say_token_patch(patches[0].image, 64, 128).tolist()
    assert len(said) == 256
    assert set(said) <= set(class_ids)


def test_a_ratio_has_no_error_where_both_are_the_same_and_one_where_they_differ(patches):
    truth = [mask_to_cells(patch.mask, DETAILED_LEGEND) for patch in patches]
    right, wrong = confusions(patches, truth), confusions(patches, [truth[0], np.zeros_like(truth[1])])

    def ratio(one, other):
        return mean_iou(other) / mean_iou(one)

    assert with_error(ratio, right, right) == (1.0, 0.0)
    value, error = with_error(ratio, right, wrong)
    assert value < 1
    assert error > 0


def test_only_the_classes_that_the_surroundings_decide_count_for_the_context():
    values = {c.name: c.value for c in DETAILED_LEGEND.classes}
    mask = np.full((256, 256), values["field"], np.uint8)
    mask[:64], mask[64:128] = values["rice"], values["trees"]
    patch = LabelledPatch("p", mask[..., None].repeat(3, 2), mask)
    truth = mask_to_cells(mask, DETAILED_LEGEND)
    without_trees, as_water = truth.copy(), truth.copy()
    without_trees[truth == values["trees"]] = values["field"]
    as_water[:8] = values["water"]
    assert "rice" in CONTEXT_DECIDED
    assert "trees" not in CONTEXT_DECIDED
    assert context_decided_miou(confusions((patch,), [without_trees]).sum(0)) == 1
    # Half of the rice is found, and the water is none: (1/2 + 0) / 2.
    assert context_decided_miou(confusions((patch,), [as_water]).sum(0)) == 0.25
    assert np.array_equal(mask_to_cells(cells_to_mask(as_water), DETAILED_LEGEND), as_water)


def test_a_reader_that_makes_something_up_is_found_out(monkeypatch):
    from mlservice.answer_format import AnswerFormat

    honest = count_parse_failures(4)
    assert honest.unreported == 0
    assert 0 < honest.flagged < honest.cells
    parse = AnswerFormat.parse

    def as_background(answer_format, symbols):
        parsed = parse(answer_format, symbols)
        return replace(parsed, indices=np.maximum(parsed.indices, 0), unparsed=parsed.unparsed & False)

    monkeypatch.setattr(AnswerFormat, "parse", as_background)
    assert count_parse_failures(4).unreported > 0

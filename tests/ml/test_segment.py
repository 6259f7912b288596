"""`segment` answers every window of a context image, and says what is wrong with what it cannot answer."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from mlservice.contracts import Legend, LegendClass, ModelRef, PatchWindow, SegmentRequest
from mlservice.errors import BadImage, BadLegend, BadModelFolder
from mlservice.landscape import LANDSCAPE_LEGEND, draw_landscape
from mlservice.prompt import build_prompt
from mlservice.segment import segment
from mlservice.starter import starter_model
from mlservice.vlm import load_base

IMAGE = draw_landscape(5, (256, 320), gsd_m=1.0).image
WHOLE = PatchWindow("whole")
FIELDS_ONLY = Legend(
    (
        LegendClass(0, "rest", "#000000", is_null=True),
        LegendClass(4, "bund", "#ffff00", is_boundary=True),
        LegendClass(9, "cropland", "#00ff00"),
    )
)


def request(**changes: object) -> SegmentRequest:
    return replace(SegmentRequest(starter_model(), LANDSCAPE_LEGEND, IMAGE, (WHOLE,)), **changes)


@pytest.fixture(scope="module")
def answer():
    return segment(request())


def test_an_answer_has_the_shapes_and_units_of_the_contract(answer):
    (patch,) = answer.patches
    assert patch.key == "whole"
    assert patch.mask.shape == (256, 256)
    assert patch.mask.dtype == np.uint8
    assert set(np.unique(patch.mask)) <= set(LANDSCAPE_LEGEND.values)
    assert patch.class_probabilities.shape == (6, 64, 64)
    assert patch.class_probabilities.dtype == np.float32
    np.testing.assert_allclose(patch.class_probabilities.sum(0), 1, atol=1e-5)
    assert patch.entropy_nats.shape == (64, 64)
    assert 0 <= patch.entropy_nats.min() <= patch.entropy_nats.max() <= np.log(6) + 1e-5
    assert np.linalg.norm(patch.embedding) == pytest.approx(1, abs=1e-5)
    assert patch.unparsed_cells == 0
    assert answer.seconds > 0


def test_the_same_request_has_the_same_answer(answer):
    again = segment(request())
    assert np.array_equal(again.patches[0].class_probabilities, answer.patches[0].class_probabilities)


def test_a_window_of_the_image_has_the_cells_that_the_whole_has_there(answer):
    corner = PatchWindow("corner", row=64, col=128, size_px=128)
    whole, part = segment(request(windows=(WHOLE, corner))).patches
    assert part.mask.shape == (128, 128)
    np.testing.assert_allclose(
        part.class_probabilities, whole.class_probabilities[:, 16:48, 32:64], atol=1e-4
    )


def test_a_legend_is_answered_with_its_own_values_only():
    (patch,) = segment(request(legend=FIELDS_ONLY)).patches
    assert set(np.unique(patch.mask)) <= {0, 4, 9}
    assert patch.class_probabilities.shape == (3, 64, 64)
    assert (patch.mask == 9).mean() > 0.2


def test_a_class_that_no_model_knows_is_not_said_before_it_is_taught():
    legend = Legend((*LANDSCAPE_LEGEND.classes, LegendClass(8, "chinampa", "#123456")))
    (patch,) = segment(request(legend=legend)).patches
    assert (patch.mask == 8).mean() < 0.02


def test_a_higher_temperature_is_less_sure(answer):
    hot = segment(request(model=replace(starter_model(), temperature=4.0)))
    assert hot.patches[0].mean_entropy_nats > answer.patches[0].mean_entropy_nats


def test_no_data_comes_back_as_the_null_class_without_doubt():
    valid = np.ones(IMAGE.shape[:2], bool)
    valid[:, :100] = False
    image = np.where(valid[..., None], IMAGE, 0).astype(np.uint8)
    (patch,) = segment(request(image=image, valid=valid)).patches
    assert (patch.mask[:, :100] == 0).all()
    assert (patch.entropy_nats[:, :25] == 0).all()
    assert (patch.mask[:, 100:] != 0).any()


def test_every_value_of_the_prompt_is_in_the_vocabulary():
    processor = load_base(starter_model().base).processor
    prompt = build_prompt(processor, LANDSCAPE_LEGEND)
    assert processor.tokenizer.unk_token_id not in prompt.input_ids[0].tolist()
    assert processor.tokenizer.convert_ids_to_tokens(prompt.class_ids.tolist()) == [
        *("other", "field", "boundary", "trees", "water", "buildings")
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"image": IMAGE[..., 0]}, "rows, cols, 3"),
        ({"image": IMAGE.astype(np.float32)}, "uint8"),
        ({"image": IMAGE[:250]}, "multiples of 64"),
        ({"valid": np.ones((8, 8), bool)}, "validity"),
        ({"windows": (PatchWindow("w", col=128),)}, "beyond"),
        ({"windows": (PatchWindow("w", row=32, size_px=64),)}, "token patches"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(changes, reason):
    with pytest.raises(BadImage, match=reason):
        segment(request(**changes))


def test_a_legend_without_a_null_class_is_refused():
    with pytest.raises(BadLegend, match="null class"):
        segment(request(legend=Legend(LANDSCAPE_LEGEND.classes[1:])))


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(BadModelFolder, match="No model"):
        segment(request(model=ModelRef(str(tmp_path))))


def test_a_folder_with_broken_weights_is_refused(tmp_path):
    folder = tmp_path / "broken"
    shutil.copytree(starter_model().base, folder)
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(BadModelFolder, match="No model"):
        segment(request(model=ModelRef(str(folder))))


def test_a_folder_without_an_adapter_is_refused(tmp_path):
    with pytest.raises(BadModelFolder, match="No adapter"):
        segment(request(model=replace(starter_model(), adapter=tmp_path)))

"""Every family answers through the same engine: cached or not, token by token or in one pass, tuned or not."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from mlservice import vlm
from mlservice.answer_format import AnswerFormat, Manner
from mlservice.contracts import (
    FinetuneConfig,
    FinetuneSpec,
    LabelledPatch,
    Legend,
    LegendClass,
    ModelRef,
    PatchWindow,
    SegmentRequest,
)
from mlservice.decode import decode_autoregressive, decode_jacobi
from mlservice.errors import BadLegend, BadModelFolder
from mlservice.families import memory
from mlservice.families.record import RECORD_FILE, AnswerRecord, read_record, write_record
from mlservice.families.words import choose_cell_token, say_classes
from mlservice.finetune import finetune
from mlservice.grammar import TokenTable
from mlservice.segment import segment
from mlservice.starter import starter_model
from mlservice.vlm import load_base
from tests.ml.tiny_models import RECIPES, write_tiny_model

READ_WHOLE = {"gemma3"}
"""Families whose image tokens see one another in both directions: a prefix would not be the same."""
LEGEND = Legend(
    (
        LegendClass(0, "other", "#000000", is_null=True),
        LegendClass(1, "field", "#00ff00"),
        LegendClass(2, "bund", "#ffffff", is_boundary=True),
        LegendClass(40, "chinampa", "#0000ff"),
    )
)
IMAGE = np.random.default_rng(3).integers(0, 256, (128, 128, 3), dtype=np.uint8)
ORIGINS = np.array([[0, 0], [64, 64], [0, 64]])
WINDOW = PatchWindow("corner", row=64, col=64, size_px=64)


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """The tiny checkpoint of every family."""
    root = tmp_path_factory.mktemp("tiny")
    return {family: write_tiny_model(family, root / family) for family in RECIPES}


@pytest.fixture(scope="session")
def models(folders):
    return {family: load_base(str(folder)) for family, folder in folders.items()}


@pytest.fixture(params=RECIPES)
def loaded(request, models):
    return models[request.param]


def request_to(folder: Path, **changes: object) -> SegmentRequest:
    return replace(SegmentRequest(ModelRef(str(folder)), LEGEND, IMAGE, (WINDOW,)), **changes)


@pytest.mark.parametrize("name", RECIPES)
def test_a_model_that_was_not_tuned_answers_every_cell_with_a_class(folders, name):
    (patch,) = segment(request_to(folders[name])).patches
    assert patch.mask.shape == (64, 64)
    assert set(np.unique(patch.mask)) <= set(LEGEND.values)
    assert patch.class_probabilities.shape == (4, 16, 16)
    np.testing.assert_allclose(patch.class_probabilities.sum(0), 1, atol=1e-5)
    assert patch.entropy_nats.max() <= np.log(4) + 1e-5
    assert patch.unparsed_cells == 0
    assert np.linalg.norm(patch.embedding) == pytest.approx(1, abs=1e-5)


@torch.inference_mode()
def test_a_shared_prefix_changes_no_answer(loaded):
    family = loaded.family
    prompt = family.prompt(LEGEND)
    context = family.encode(IMAGE, prompt)
    shared = family.cell_logits(context, prompt, ORIGINS)
    whole = family.cell_logits(replace(context, prefix=None, prefix_length=0), prompt, ORIGINS)
    torch.testing.assert_close(shared, whole, atol=1e-5, rtol=1e-4)
    assert shared.shape == (3, 256, 4)
    assert (shared[0] - shared[1]).abs().max() > 1e-4, "the token patch makes a difference"


@torch.inference_mode()
def test_the_context_image_makes_a_difference(loaded):
    family = loaded.family
    prompt = family.prompt(LEGEND)
    other = IMAGE.copy()
    other[64:] = 0
    answers = [
        family.cell_logits(family.encode(image, prompt), prompt, ORIGINS[:1]) for image in (IMAGE, other)
    ]
    assert (answers[0] - answers[1]).abs().max() > 1e-5


def test_a_family_shares_its_prefix_or_says_why_not(models):
    for name, model in models.items():
        assert model.family.reader.shares_prefix == (name not in READ_WHOLE), name
        assert len(model.notes) == (name in READ_WHOLE)
    assert "read again for every token patch" in models["gemma3"].notes[0]


@torch.inference_mode()
def test_many_tokens_at_once_say_what_one_after_the_other_do(loaded):
    family = loaded.family
    prompt = family.prompt(LEGEND)
    context = family.encode(IMAGE, prompt)
    table = TokenTable(AnswerFormat(prompt.words, Manner.ROWS, 4, 4), tuple(prompt.class_ids.tolist()))
    one = decode_autoregressive(family.reader.speaker(context, prompt, ORIGINS), table)
    many = decode_jacobi(family.reader.speaker(context, prompt, ORIGINS), table)
    assert torch.equal(one.ids, many.ids)
    torch.testing.assert_close(one.class_logits, many.class_logits, atol=1e-5, rtol=1e-4)
    assert many.passes <= one.passes == 16


@torch.inference_mode()
def test_an_answer_token_by_token_is_what_the_model_says_of_the_whole_text(loaded):
    family = loaded.family
    prompt = family.prompt(LEGEND)
    context = family.encode(IMAGE, prompt)
    table = TokenTable(AnswerFormat(prompt.words, Manner.ROWS, 2, 3), tuple(prompt.class_ids.tolist()))
    said = decode_autoregressive(family.reader.speaker(context, prompt, ORIGINS), table)
    again = family.reader.speaker(context, prompt, ORIGINS).read_first(said.ids)[..., prompt.class_ids]
    torch.testing.assert_close(said.class_logits, again[:, :-1].float(), atol=1e-5, rtol=1e-4)


TUNED = ("llava", "smolvlm", "qwen2_5_vl", "qwen3_vl", "internvl")
"""Families that a whole round is done with; the others go through the same code."""


def halves() -> LabelledPatch:
    """Two classes side by side: what a model can learn by heart in a few steps."""
    mask = np.zeros((128, 128), np.uint8)
    mask[:, 32:] = 1
    return LabelledPatch("one", IMAGE, mask)


def short_round(parent: ModelRef, folder: Path) -> FinetuneSpec:
    config = FinetuneConfig(
        steps=3,
        images_per_step=1,
        token_patches_per_image=2,
        learning_rate=0.001,
        lora_rank=2,
        validate_every_steps=3,
        precision="float32",
    )
    return FinetuneSpec(parent, LEGEND, (halves(),), (halves(),), config, folder / "work", folder / "adapter")


@torch.inference_mode()
def said_in_one_pass(family) -> torch.Tensor:
    prompt = family.prompt(LEGEND)
    return family.cell_logits(family.encode(IMAGE, prompt), prompt, ORIGINS[1:2])


@pytest.mark.parametrize("name", TUNED)
def test_a_short_round_learns_is_gone_on_with_and_answers_in_one_pass(folders, models, name, tmp_path):
    parent = ModelRef(str(folders[name]))
    report = finetune(short_round(parent, tmp_path / "first"), lambda _: None)
    before, after = report.validations
    assert after.loss < before.loss
    assert report.best_step == 3
    adapter = report.model.adapter
    assert read_record(adapter) == AnswerRecord(models[name].family.cell_token_id)
    weights = load_file(adapter / "adapter_model.safetensors")
    changed = {key.split(".lora_B")[0] for key, value in weights.items() if "lora_B" in key and value.any()}
    assert any("vision" in key or "visual" in key for key in changed), "the tower is tuned as well"
    assert any("vision" not in key and "visual" not in key for key in changed), "and what speaks"
    plain = load_base(parent.base)
    untuned = said_in_one_pass(plain.family)
    PeftModel.from_pretrained(plain.network, adapter)
    with vlm.answering(report.model) as loaded:
        assert loaded.family.one_pass
        tuned = said_in_one_pass(loaded.family)
    torch.testing.assert_close(said_in_one_pass(plain.family), tuned, atol=1e-4, rtol=1e-3)
    assert (tuned - untuned).abs().max() > 1e-3
    (answer,) = segment(request_to(folders[name], model=report.model)).patches
    assert answer.unparsed_cells == 0
    with vlm.answering(parent) as loaded:
        assert not loaded.family.one_pass
    more = finetune(short_round(report.model, tmp_path / "second"), lambda _: None)
    assert more.validations[0].loss == pytest.approx(after.loss, rel=1e-3), (
        "it begins where the first one ended"
    )
    assert more.validations[1].loss < after.loss


def test_a_base_that_was_made_with_placeholders_answers_in_one_pass(folders, tmp_path):
    folder = tmp_path / "tuned"
    shutil.copytree(folders["llava"], folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"cell_token_id": 7}))
    family = load_base(str(folder)).family
    assert family.one_pass
    assert family.cell_token_id == 7


def test_the_placeholder_is_the_first_token_kept_for_later(models):
    tokenizer = models["llava"].processor.tokenizer
    known = len(tokenizer)
    assert choose_cell_token(tokenizer, known + 8) == known
    assert choose_cell_token(tokenizer, known) == tokenizer.pad_token_id
    more = tokenizer.__class__.from_pretrained(tokenizer.name_or_path)
    more.add_special_tokens({"additional_special_tokens": ["<unused1>", "<|reserved_special_token_0|>"]})
    assert choose_cell_token(more, known + 8) == known


def test_a_class_without_a_word_of_its_own_is_said_as_a_letter(models):
    said = say_classes(models["llava"].processor.tokenizer, LEGEND)
    assert said.words == ("other", "field", "boundary", "A")
    assert said.meanings == ("", "", "bund", "chinampa")
    assert len(set(said.token_ids)) == 4


def test_a_model_reads_the_whole_image_the_legend_and_then_the_part(models):
    family = models["idefics3"].family
    prompt = family.prompt(LEGEND)
    tokens = family.encode(IMAGE, prompt).tokens["input_ids"][0]
    text = family.processor.tokenizer.decode(tokens[tokens != family.reader.builder.image_token_id])
    places = [
        text.index(part) for part in ("whole image", "boundary ( bund )", "part to answer for:", "Assistant")
    ]
    assert places == sorted(places)


def test_a_class_that_no_token_is_left_for_is_refused():
    # The starter's tokenizer knows its own words and no letters.
    tokenizer = load_base(starter_model().base).processor.tokenizer
    with pytest.raises(BadLegend, match="no token left to say “chinampa”"):
        say_classes(tokenizer, LEGEND)


def test_a_batch_that_does_not_fit_is_halved(models):
    family = models["llava"].family
    prompt = family.prompt(LEGEND)
    sizes: list[int] = []

    def answer(origins):
        sizes.append(len(origins))
        if len(origins) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return family.answer(context, prompt, origins)

    with torch.inference_mode():
        context = family.encode(IMAGE, prompt)
        family.one_pass = True
        parts = memory.answer_in_batches(answer, ORIGINS, 3)
        whole = family.answer(context, prompt, ORIGINS)
        family.follow(None)
    assert sizes == [3, 1, 1, 1]
    torch.testing.assert_close(parts.logits, whole.logits, atol=1e-5, rtol=1e-4)


def test_an_error_of_another_kind_is_not_taken_for_too_little_memory():
    def answer(origins):
        raise RuntimeError("the shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        memory.answer_in_batches(answer, ORIGINS, 3)


def test_more_memory_holds_larger_batches(models):
    family = models["llava"].family
    prompt = family.prompt(LEGEND)
    with torch.inference_mode():
        each = family.bytes_per_token_patch(family.encode(IMAGE, prompt), prompt)
    assert 500_000 < each < 20_000_000
    assert memory.batch_size(torch.device("cpu"), 1) == memory.MOST_TOKEN_PATCHES
    assert memory.batch_size(torch.device("cpu"), 10**18) == 1


def test_a_cell_whose_logits_are_no_numbers_is_unsure_and_never_the_null_class(folders, monkeypatch):
    with vlm.answering(ModelRef(str(folders["llava"]))) as loaded:
        monkeypatch.setattr(loaded.family, "one_pass", True)
        monkeypatch.setattr(loaded.family, "follow", lambda record: None)
        head = loaded.network.lm_head

    def spoil_cell_17(module, inputs, said):
        return said.index_fill(1, torch.tensor([18]), np.nan) if said.shape[1] > 256 else said

    broken = head.register_forward_hook(spoil_cell_17)
    (patch,) = segment(request_to(folders["llava"])).patches
    broken.remove()
    assert patch.unparsed_cells == 1
    (row,), (col,) = patch.unparsed.nonzero()
    assert (row, col) == (1, 1)
    assert (patch.mask[4 * row : 4 * row + 4, 4 * col : 4 * col + 4] == 255).all()
    assert (patch.mask == 255).sum() == 16
    np.testing.assert_allclose(patch.class_probabilities[:, row, col], 0.25)
    assert np.isfinite(patch.class_probabilities).all()


def test_a_model_that_reads_no_images_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(BadModelFolder, match="kind llama, which does not read images"):
        load_base(str(tmp_path))


def damaged(folder: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "damaged"
    shutil.copytree(folder, copy)
    return copy


def test_a_truncated_checkpoint_is_refused(folders, tmp_path):
    folder = damaged(folders["llava"], tmp_path)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-5000])
    with pytest.raises(BadModelFolder, match="download it again"):
        load_base(str(folder))


def test_a_missing_shard_is_refused(folders, tmp_path):
    folder = damaged(folders["llava"], tmp_path)
    names = load_file(folder / "model.safetensors")
    index = {"metadata": {}, "weight_map": dict.fromkeys(names, "model-00002-of-00002.safetensors")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model.safetensors").unlink()
    with pytest.raises(BadModelFolder, match="download it again"):
        load_base(str(folder))


def test_a_model_without_a_chat_template_is_refused(folders, tmp_path):
    folder = damaged(folders["llava"], tmp_path)
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(BadModelFolder, match="instruction-tuned"):
        load_base(str(folder))


def test_a_chat_template_for_one_image_only_is_refused(folders, tmp_path):
    folder = damaged(folders["llava"], tmp_path)
    (folder / "chat_template.jinja").write_text("<image> {{ messages[0]['content'][1]['text'] }}")
    with pytest.raises(BadModelFolder, match="several images"):
        load_base(str(folder))


def test_a_family_that_needs_torchvision_says_so(folders, tmp_path):
    folder = damaged(folders["llava"], tmp_path)
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    settings["image_processor_type"] = "Sam2ImageProcessor"
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    with pytest.raises(BadModelFolder, match="pip install torchvision"):
        load_base(str(folder))


def test_a_record_that_cannot_be_read_is_refused(tmp_path):
    assert read_record(tmp_path) is None
    write_record(tmp_path, AnswerRecord(9))
    assert read_record(tmp_path) == AnswerRecord(9)
    (tmp_path / RECORD_FILE).write_text("{}")
    with pytest.raises(BadModelFolder, match="how the adapter answers"):
        read_record(tmp_path)

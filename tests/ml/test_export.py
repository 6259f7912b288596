"""A version's export is one folder that plain PEFT loads, and tells what the record holds and nothing else."""

import hashlib
import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pystac
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from pystac.extensions.mlm import AssetGeneralMLMExtension, MLMExtension
from pystac.validation import JsonSchemaSTACValidator

from mlservice.contracts import Legend, LegendClass
from mlservice.errors import BadModelFolder
from mlservice.export import version_archive
from mlservice.families.record import AnswerRecord, read_record
from mlservice.legend_file import read_legend
from mlservice.starter import starter_model
from mlservice.training.adapter import write_adapter
from mlservice.version_record import STARTER_NAME, Measured, Region, VersionRecord
from mlservice.vlm import load_base
from tests.ml.tiny_models import write_tiny_model

LEGEND = Legend(
    (
        LegendClass(0, "other", "#8c8c8c", is_null=True),
        LegendClass(1, "field", "#e69f00"),
        LegendClass(2, "boundary", "#d55e00", is_boundary=True),
        LegendClass(7, "खेत | <b>", "#0072b2"),
    )
)
GAIN = {"name": "mIoU", "value": 0.041, "low": 0.012, "high": 0.066}
RECORD = VersionRecord(
    name="milpa-valley-v2",
    made_at="2026-02-03T04:05:06Z",
    base=STARTER_NAME,
    parent="version 1",
    legend=LEGEND,
    temperature=1.25,
    config={"steps": 60, "lora_rank": 4},
    data_hash="ab" * 32,
    patch_count=5,
    regions=(
        Region("1230", (77.0, 19.0, 77.2, 19.2), 4),
        Region("1231", (77.2, 19.0, 77.4, 19.2), 1),
    ),
    replay_count=2,
    validation_count=1,
    measured=(
        Measured("version 1", 3, {"miou": 0.5, "ece": 0.2, "iou": {"0": 0.5, "1": 0.6, "2": 0.4}}),
        Measured("version 2", 3, {"miou": 0.541, "ece": 0.05, "iou": {"0": 0.6, "1": 0.7, "2": 0.32}}),
    ),
    verdict={
        "passed": False,
        "reason": "mIoU +0.041 (90 % interval +0.012 to +0.066): not passed.",
        "miou": GAIN,
        "classes": [{**GAIN, "name": "field"}],
        "regions": [],
        "rule": {"confidence": 0.9},
    },
)


def tuned(base: str, folder):
    """An adapter of random weights for a base, written as a round writes it, and what the base then says."""
    loaded = load_base(base)
    torch.manual_seed(5)
    layers = loaded.family.adapted_layers()
    loaded.network = get_peft_model(
        loaded.network, LoraConfig(r=2, target_modules=layers, init_lora_weights=False)
    )
    loaded.network.eval()
    write_adapter(loaded, folder)
    return loaded


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    folder = tmp_path_factory.mktemp("starter") / "adapter"
    tuned(starter_model().base, folder)
    return folder


def unpacked(record: VersionRecord, adapter, folder):
    packed = zipfile.ZipFile(io.BytesIO(b"".join(version_archive(record, adapter))))
    assert packed.testzip() is None
    packed.extractall(folder)
    (made,) = folder.iterdir()
    assert made.name == record.name
    return made


@torch.inference_mode()
def said(family, legend: Legend) -> torch.Tensor:
    image = np.random.default_rng(3).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    prompt = family.prompt(legend)
    return family.cell_logits(family.encode(image, prompt), prompt, np.array([[0, 64]]))


@pytest.mark.parametrize("kind", ["starter", "qwen2_5_vl"])
def test_plain_peft_loads_what_was_exported(kind, tmp_path):
    base = starter_model().base if kind == "starter" else str(write_tiny_model(kind, tmp_path / kind))
    legend = Legend(LEGEND.classes[:3])
    loaded = tuned(base, tmp_path / "adapter")
    folder = unpacked(RECORD, tmp_path / "adapter", tmp_path / "out")
    again = load_base(base)
    before = said(again.family, legend)
    PeftModel.from_pretrained(again.network, folder)
    torch.testing.assert_close(said(again.family, legend), said(loaded.family, legend))
    assert (said(again.family, legend) - before).abs().max() > 1e-3, "the adapter makes a difference"
    assert read_record(folder) == AnswerRecord(loaded.family.cell_token_id)


def test_the_same_version_is_the_same_bytes(adapter):
    first, second = (b"".join(version_archive(RECORD, adapter)) for _ in range(2))
    assert first == second
    assert first != b"".join(version_archive(replace(RECORD, temperature=1.5), adapter))


def test_an_archive_is_sent_in_pieces(adapter, tmp_path):
    copy = tmp_path / "adapter"
    copy.mkdir()
    for path in adapter.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    (copy / "adapter_model.safetensors").write_bytes(bytes(5 * 2**20))
    pieces = list(version_archive(RECORD, copy))
    assert max(map(len, pieces)) < 2**20 + 1000
    assert sum(map(len, pieces)) > 5 * 2**20


def test_files_tell_no_path_of_the_machine(adapter, tmp_path):
    folder = unpacked(RECORD, adapter, tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "legend.json",
        "milpa_answers.json",
        "stac_item.json",
    ]
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == STARTER_NAME
    for path in folder.iterdir():
        assert starter_model().base.encode() not in path.read_bytes(), path.name
    assert read_legend(folder / "legend.json") == LEGEND


def test_a_card_says_what_the_record_holds(adapter, tmp_path):
    card = (unpacked(RECORD, adapter, tmp_path) / "README.md").read_text("utf-8")
    for told in (
        "| base model | milpa-starter |",
        "| architecture of the base | MilpaForImageTextToText |",
        "| parent | version 1 |",
        "| adapter | LoRA of rank 2, alpha 8 |",
        "| 7 | खेत \\| &lt;b> | #0072b2 |  |",
        "| 2 | boundary | #d55e00 | boundary class |",
        "5 patches with approved masks, 2 of them again from earlier rounds.",
        "1 patch beside them fitted the temperature; the step that was kept was chosen on them.",
        "ab" * 32,
        "| 1230 | 4 | 77.0000 | 19.0000 | 77.2000 | 19.2000 |",
        "| steps | 60 |",
        "On 3 patches held out of training.",
        "| measure | version 1 | version 2 |",
        "| mean IoU | 0.500 | 0.541 |",
        "| IoU of boundary | 0.400 | 0.320 |",
        "| gain over the parent | value | 90 % interval |",
        "| mIoU | +0.041 | +0.012 to +0.066 |",
        "temperature 1.25 before",
        "calibration error on the held-out patches is 0.050.",
        "The held-out patches tell nothing of खेत",
        "boundary is told worst: IoU 0.320.",
        "all in 2 regions",
        "The gate did not let it pass.",
    ):
        assert told in card
    assert "boundary F1" not in card, "what was not measured is not said"
    assert "base_model:" not in card, "the starter is on no hub"


def test_a_card_of_a_version_that_was_never_measured_says_so(adapter, tmp_path):
    record = replace(RECORD, measured=(), verdict=None, base="owner/model-7b", regions=())
    card = (unpacked(record, adapter, tmp_path) / "README.md").read_text("utf-8")
    assert "base_model: owner/model-7b" in card
    assert "--model owner/model-7b" in card
    assert "was not measured on held-out patches" in card
    assert "told worst" not in card


def test_the_stac_item_is_sound(adapter, tmp_path):
    folder = unpacked(RECORD, adapter, tmp_path)
    document = json.loads((folder / "stac_item.json").read_text("utf-8"))
    # The schemas of STAC itself come with pystac; those of its extensions would have to be fetched.
    JsonSchemaSTACValidator().validate_core(document, pystac.STACObjectType.ITEM, "1.1.0")
    item = pystac.Item.from_dict(document)
    assert item.to_dict()["properties"] == document["properties"]
    assert item.bbox == [77.0, 19.0, 77.4, 19.2]
    assert item.geometry["type"] == "MultiPolygon"
    model = MLMExtension.ext(item)
    assert MLMExtension.get_schema_uri() in item.stac_extensions
    assert model.mlm_name == RECORD.name
    assert model.architecture == "MilpaForImageTextToText"
    assert model.hyperparameters.to_dict() == RECORD.config
    assert [band["name"] for band in document["properties"]["bands"]] == model.input[0].bands
    assert model.output[0].result.shape == [256, 256]
    classes = model.output[0].classes
    assert [(c.value, c.name, c.color_hint) for c in classes] == [
        (0, "other", "8C8C8C"),
        (1, "field", "E69F00"),
        (2, "boundary", "D55E00"),
        (7, "b", "0072B2"),
    ]
    asset = item.assets["model"]
    weights = (folder / asset.href).read_bytes()
    assert asset.extra_fields["file:checksum"] == "1220" + hashlib.sha256(weights).hexdigest()
    assert asset.extra_fields["file:size"] == len(weights)
    assert AssetGeneralMLMExtension.ext(asset).artifact_type == "safetensors.torch.save_file"
    for name, other in item.assets.items():
        assert (folder / other.href).is_file()
        assert (
            ("mlm:model" in other.roles) == (name == "model") == ("mlm:artifact_type" in other.extra_fields)
        )


def test_the_stac_item_has_the_fields_that_its_extension_asks_for(adapter, tmp_path):
    document = json.loads((unpacked(RECORD, adapter, tmp_path) / "stac_item.json").read_text("utf-8"))
    properties = document["properties"]
    # Of the schema of MLM 1.4.0, which no package ships: required fields, known fields, patterns.
    required = {"mlm:name", "mlm:architecture", "mlm:tasks", "mlm:input", "mlm:output"}
    known = {"mlm:framework", "mlm:pretrained", "mlm:pretrained_source", "mlm:hyperparameters"}
    given = {name for name in properties if name.startswith("mlm:")}
    assert required <= given <= required | known
    for part in properties["mlm:input"]:
        assert {"name", "bands", "input"} <= part.keys()
        assert {"shape", "dim_order", "data_type"} == part["input"].keys()
        assert len(part["input"]["shape"]) == len(part["input"]["dim_order"])
    for part in properties["mlm:output"]:
        assert {"name", "tasks", "result"} <= part.keys()
        assert {"shape", "dim_order", "data_type"} == part["result"].keys()
    assert properties["mlm:hyperparameters"]


def test_a_version_that_learned_nowhere_has_no_place(adapter, tmp_path):
    folder = unpacked(replace(RECORD, regions=(), config={}), adapter, tmp_path)
    document = json.loads((folder / "stac_item.json").read_text("utf-8"))
    JsonSchemaSTACValidator().validate_core(document, pystac.STACObjectType.ITEM, "1.1.0")
    assert document["geometry"] is None
    assert "mlm:hyperparameters" not in document["properties"]


def test_a_lost_adapter_is_told_before_the_first_byte(tmp_path):
    with pytest.raises(BadModelFolder, match="Restore its folder"):
        version_archive(RECORD, tmp_path / "nowhere")
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(BadModelFolder, match="milpa-valley-v2"):
        version_archive(RECORD, tmp_path)

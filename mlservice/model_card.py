"""A model version's card in Markdown, made from its record alone: what the record does not hold is not said.

Its head is the metadata that hubs of models read, its parts are those of Mitchell et al. 2019, "Model Cards for
Model Reporting".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlservice.contracts import MOST_VALIDATED_PATCHES, LegendClass
from mlservice.version_record import STARTER_NAME, Measured, VersionRecord

MEASURES = (
    ("miou", "mean IoU"),
    ("pixel_accuracy", "pixel accuracy"),
    ("boundary_f1", "boundary F1 within 2 px"),
    ("boundary_f1_1px", "boundary F1 within 1 px"),
    ("object_precision", "parcels' precision at IoU 0.5"),
    ("object_recall", "parcels' recall at IoU 0.5"),
    ("object_f1", "parcels' F1 at IoU 0.5"),
    ("cell_miou", "mean IoU of cells"),
    ("ece", "expected calibration error"),
    ("error_auroc", "AUROC of token entropy for wrong cells"),
    ("retention_area", "error left when people take the least certain cells first"),
)
"""Names in a report, and how a card says them."""

STARTER_LOADS = """\
from mlservice.starter import starter_model
from mlservice.starter.registration import register_starter

register_starter()
base = AutoModelForImageTextToText.from_pretrained(starter_model().base)"""
BASE_LOADS = 'base = AutoModelForImageTextToText.from_pretrained("{base}")'
USE = """\
```python
from peft import PeftModel
from transformers import AutoModelForImageTextToText
{loads}
model = PeftModel.from_pretrained(base, "{name}")
```

or, with Milpa, which asks the model as it was trained:

```sh
python -m mlservice segment scene.tif --out mask.tif --legend {name}/legend.json{model} \\
    --adapter {name} --temperature {temperature!r}
```"""


def model_card(record: VersionRecord, adapter_config: Mapping[str, Any]) -> str:
    """The card of a version; ``adapter_config`` is PEFT's."""
    parts = [
        ("", _head(record, adapter_config)),
        ("Use", _use(record)),
        ("Intended use", _intended_use()),
        ("Legend", _legend(record.legend.classes)),
        ("Training data", _data(record)),
        ("Training config", _table(("setting", "value"), sorted(record.config.items()))),
        ("Evaluation", _evaluation(record)),
        ("Calibration", _calibration(record)),
        ("Limits", _list(_limits(record))),
    ]
    body = "\n\n".join(f"## {title}\n\n{text}" if title else text for title, text in parts)
    return f"{_metadata(record)}\n\n# {record.name}\n\n{body}\n"


def _metadata(record: VersionRecord) -> str:
    base = [f"base_model: {record.base}"] if record.is_base_on_hub else []
    tags = "tags: [milpa, lora, remote-sensing, semantic-segmentation]"
    return "\n".join(["---", "library_name: peft", *base, "pipeline_tag: image-segmentation", tags, "---"])


def _head(record: VersionRecord, config: Mapping[str, Any]) -> str:
    mapping = config.get("auto_mapping") or {}
    rows = [
        ("base model", record.base),
        ("architecture of the base", mapping.get("base_model_class")),
        ("parent", record.parent),
        ("adapter", f"LoRA of rank {config.get('r')}, alpha {config.get('lora_alpha')}"),
        ("PEFT", config.get("peft_version")),
        ("made at", record.made_at),
    ]
    told = [(name, value) for name, value in rows if value]
    return (
        "A LoRA adapter that says the class of every cell of a satellite image of farmland. This card was made "
        f"from the records of Milpa, which trained it.\n\n{_table(('', ''), told)}"
    )


def _use(record: VersionRecord) -> str:
    own = record.base == STARTER_NAME
    loads = STARTER_LOADS if own else BASE_LOADS.format(base=record.base)
    model = "" if own else f" --model {record.base}"
    return USE.format(name=record.name, loads=loads, model=model, temperature=record.temperature)


def _intended_use() -> str:
    return (
        "Proposals of class masks that people check and correct. It is no map by itself: areas, counts and "
        "boundaries taken from its answers unchecked carry its errors, and how large they are elsewhere than on "
        "the patches below is not known."
    )


def _legend(classes: Sequence[LegendClass]) -> str:
    rows = [(c.value, c.name, c.color, _role(c)) for c in classes]
    return _table(("value", "class", "colour", "role"), rows)


def _role(legend_class: LegendClass) -> str:
    if legend_class.is_null:
        return "null class"
    return "boundary class" if legend_class.is_boundary else ""


def _data(record: VersionRecord) -> str:
    replay = f", {record.replay_count} of them again from earlier rounds" if record.replay_count else ""
    lines = [f"{_patches(record.patch_count)} with approved masks{replay}."]
    if record.validation_count:
        few = record.validation_count <= MOST_VALIDATED_PATCHES
        lines.append(
            f"{_patches(record.validation_count)} beside them fitted the temperature; the step that was kept was "
            f"chosen on {'them' if few else f'{MOST_VALIDATED_PATCHES} of these'}."
        )
    if record.data_hash:
        lines.append(f"SHA-256 of keys, pixels and masks: `{record.data_hash}`.")
    lines.append("The record names nobody: neither who drew a mask nor who approved it.")
    rows = [(r.key, r.patch_count, *(f"{degrees:.4f}" for degrees in r.bounds)) for r in record.regions]
    table = _table(("region (quadkey)", "patches", "west", "south", "east", "north"), rows)
    return "\n\n".join([" ".join(lines), table] if rows else [" ".join(lines)])


def _evaluation(record: VersionRecord) -> str:
    if not record.measured:
        return "This version was not measured on held-out patches."
    last = record.measured[-1]
    parts = [f"On {_patches(last.patch_count)} held out of training.", _measures(record)]
    verdict = record.verdict
    if verdict is not None:
        parts.append(f"The gate before promotion: {_cell(verdict['reason'])}")
        if gains := _gains(verdict):
            parts.append(gains)
    return "\n\n".join(parts)


def _measures(record: VersionRecord) -> str:
    rows = [(said, *(_number(m.metrics.get(name)) for m in record.measured)) for name, said in MEASURES]
    rows += [
        (f"IoU of {c.name}", *(_number(_class_iou(m, c)) for m in record.measured))
        for c in record.legend.classes
    ]
    return _table(("measure", *(m.name for m in record.measured)), [r for r in rows if set(r[1:]) != {"–"}])


def _gains(verdict: Mapping[str, Any]) -> str:
    """Gains over the parent with their intervals, as the gate kept them; empty where it compared nothing."""
    # The gate's own of mIoU may be of a higher confidence than the others.
    miou = {"name": "mIoU"} | ((verdict.get("intervals") or {}).get("miou") or verdict.get("miou") or {})
    parts = (miou if "value" in miou else None, *verdict.get("classes", ()), *verdict.get("regions", ()))
    gains = [gain for gain in parts if gain]
    if not gains:
        return ""
    confidence = verdict.get("rule", {}).get("confidence")
    interval = "interval" if confidence is None else f"{100 * confidence:g} % interval"
    rows = [(g["name"], f"{g['value']:+.3f}", f"{g['low']:+.3f} to {g['high']:+.3f}") for g in gains]
    return _table(("gain over the parent", "value", interval), rows)


def _calibration(record: VersionRecord) -> str:
    text = f"Divide logits by the temperature {record.temperature!r} before the softmax."
    ece = record.measured[-1].metrics.get("ece") if record.measured else None
    if ece is None:
        return text
    return f"{text} With it, the expected calibration error on the held-out patches is {ece:.3f}."


def _limits(record: VersionRecord) -> Iterable[str]:
    yield f"It knows the {len(record.legend.classes)} classes of its legend and answers with nothing else."
    regions = (
        f", all in {len(record.regions)} region{'s'[: len(record.regions) != 1]}" if record.regions else ""
    )
    yield (
        f"It learned from {_patches(record.patch_count)}{regions}, beside what its parent had learned. Other land, "
        "other dates and other sensors were not measured."
    )
    if not record.measured:
        return
    ious = {c.name: _class_iou(record.measured[-1], c) for c in record.legend.classes}
    if unknown := [name for name, iou in ious.items() if iou is None]:
        yield f"The held-out patches tell nothing of {', '.join(unknown)}."
    known = {name: iou for name, iou in ious.items() if iou is not None}
    if known:
        worst = min(known, key=lambda name: known[name])
        yield f"Of its classes, {worst} is told worst: IoU {known[worst]:.3f}."
    if record.verdict is not None and not record.verdict["passed"]:
        yield "The gate did not let it pass."


def _class_iou(measured: Measured, legend_class: LegendClass) -> float | None:
    iou: float | None = measured.metrics.get("iou", {}).get(str(legend_class.value))
    return iou


def _patches(count: int) -> str:
    return f"{count} patch{'' if count == 1 else 'es'}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {_cell(line)}" for line in lines)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(value: object) -> str:
    """A value on one line, without signs that would end its cell or be taken for HTML."""
    text = " ".join(str(value).split())
    return text.replace("|", "\\|").replace("<", "&lt;")

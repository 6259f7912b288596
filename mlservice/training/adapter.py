"""The adapter that a round trains: begun or continued, and written so that PEFT loads it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model

from mlservice.contracts import FinetuneSpec
from mlservice.families.record import AnswerRecord, read_record, write_record
from mlservice.vlm import LoadedModel, load_adapter

HEAD_HASTE = 10.0
"""How much faster the output head's adapter learns: the word of a class that no base knows begins far below
the other words, and would stay unsaid for most of a round."""


def add_adapter(loaded: LoadedModel, spec: FinetuneSpec) -> None:
    """Continue the parent's adapter, or begin a new one that changes nothing yet.

    A continued adapter keeps its own rank and layers, whatever the config says.
    """
    if spec.parent.adapter is not None:
        load_adapter(loaded, spec.parent.adapter, trainable=True)
        loaded.family.follow(read_record(spec.parent.adapter))
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.config.seed)
        config = LoraConfig(
            r=spec.config.lora_rank,
            lora_alpha=spec.config.lora_alpha,
            target_modules=loaded.family.adapted_layers(spec.config.adapted),
        )
        loaded.network = get_peft_model(loaded.network, config)
    # Evaluation mode keeps the tower's batch statistics: a handful of patches would spoil them.
    loaded.network.eval()


def parameter_groups(network: Any) -> list[dict[str, Any]]:
    """The adapter's parameters, those of the output head to be trained `HEAD_HASTE` times as fast."""
    trained = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    return [
        {"params": [p for name, p in trained if ("lm_head" in name) == is_head], "haste": haste}
        for is_head, haste in ((False, 1.0), (True, HEAD_HASTE))
    ]


def write_adapter(loaded: LoadedModel, out_dir: Path) -> None:
    """Write the adapter beside its place and rename it there, readable by everyone."""
    partial = out_dir.with_name(f"{out_dir.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    loaded.network.save_pretrained(partial, save_embedding_layers=False)
    (partial / "README.md").unlink()  # PEFT's form of a model card, with nothing filled in
    write_record(partial, AnswerRecord(loaded.family.cell_token_id))
    for path in partial.iterdir():
        path.chmod(0o644)
    shutil.rmtree(out_dir, ignore_errors=True)
    partial.rename(out_dir)

"""Loading image-text-to-text models through transformers' Auto classes, and swapping their adapters.

The starter goes the same way as any other model: a local folder or a hub name, its own processor, its own
tokenizer. A base stays in memory; adapters are loaded beside it and switched, not loaded with it again.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForImageTextToText
from transformers.utils import logging

from mlservice.contracts import ModelRef
from mlservice.errors import BadModelFolder
from mlservice.families import Family
from mlservice.families.generic import VlmFamily
from mlservice.families.native import MilpaFamily
from mlservice.families.processors import load_processor
from mlservice.families.record import read_record
from mlservice.families.selftest import choose_reading
from mlservice.starter.configuration import MilpaConfig
from mlservice.starter.registration import register_starter

LOAD_ERRORS = (OSError, ImportError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError)
ADAPTERS_IN_MEMORY = 4


@dataclass
class LoadedModel:
    """A base model ready to answer or to be trained, with the engine that asks it.

    ``network`` is the base model, or PEFT's wrapper of it once an adapter was loaded.
    """

    network: Any
    family: Family
    device: torch.device
    adapters: OrderedDict[str, str] = field(default_factory=OrderedDict)
    """Names that PEFT knows the loaded adapters by, under their folder and its time of change."""

    @property
    def processor(self) -> Any:
        return self.family.processor

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what this model cannot do as well as others."""
        return tuple(self.family.notes)


def load_base(base: str) -> LoadedModel:
    """Load a base model from a folder or a hub name, in evaluation mode.

    Numbers are float32, on an accelerator bfloat16 for models other than the starter. Raises BadModelFolder
    when there is none, when its weights are not all there, or when it cannot be shown two images.
    """
    register_starter()
    logging.disable_progress_bar()
    if threads := os.environ.get("MILPA_TORCH_THREADS"):
        torch.set_num_threads(int(threads))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        config = AutoConfig.from_pretrained(base)
        if type(config) not in AutoModelForImageTextToText._model_mapping:
            raise BadModelFolder(
                f"“{base}” is a model of the kind {config.model_type}, which does not read images and words. "
                "Choose one that does, such as LLaVA, Idefics3, SmolVLM, Qwen-VL, InternVL or Gemma 3."
            )
        processor = load_processor(base)
        is_starter = isinstance(config, MilpaConfig)
        network, found = AutoModelForImageTextToText.from_pretrained(
            base,
            # On a CPU with AVX-512 BF16, bfloat16 reads 400 tokens of a decoder of width 960 in 0.44 s where
            # float32 takes 1.03 s, and one token in 22 ms instead of 27 ms. It stays float32 there until its
            # effect on entropies is known: their ranking is what proposals are for.
            dtype=torch.bfloat16 if device.type == "cuda" and not is_starter else torch.float32,
            output_loading_info=True,
        )
    except LOAD_ERRORS as error:
        raise BadModelFolder(
            f"No model can be loaded from “{base}”: {_first_line(error)} If it was downloaded, some of it may "
            "be missing: download it again."
        ) from error
    if lost := [*found["missing_keys"], *found["mismatched_keys"]]:
        raise BadModelFolder(
            f"The model in “{base}” lacks {len(lost)} of its weights, such as {lost[0]}. Download it again."
        )
    network = network.to(device).eval()
    if is_starter:
        return LoadedModel(network, MilpaFamily(network, processor, device), device)
    family = VlmFamily(network, processor, device)
    choose_reading(family)
    return LoadedModel(network, family, device)


def load_adapter(
    loaded: LoadedModel, adapter: Path, name: str = "default", *, trainable: bool = False
) -> None:
    """Put a LoRA adapter beside the base; raises BadModelFolder when it is none, or not one for this base."""
    try:
        if isinstance(loaded.network, PeftModel):
            loaded.network.load_adapter(str(adapter), name, is_trainable=trainable)
        else:
            loaded.network = PeftModel.from_pretrained(
                loaded.network, str(adapter), name, is_trainable=trainable
            )
    except LOAD_ERRORS as error:
        raise BadModelFolder(f"No adapter can be loaded from “{adapter}”: {_first_line(error)}") from error
    loaded.network.eval()


_lock = threading.Lock()
_in_memory: dict[str, LoadedModel] = {}


@contextmanager
def answering(ref: ModelRef) -> Iterator[LoadedModel]:
    """The model of a reference, ready to answer; nobody else can switch its adapter meanwhile.

    One base stays in memory, and the last few adapters that were used on it. A folder that has changed
    since is loaded again.
    """
    with _lock:
        key = f"{ref.base} {_changed(Path(ref.base))}"
        if key not in _in_memory:
            _in_memory.clear()
            _in_memory[key] = load_base(ref.base)
        loaded = _in_memory[key]
        loaded.family.follow(read_record(ref.adapter) if ref.adapter is not None else None)
        if ref.adapter is not None:
            _switch_to(loaded, ref.adapter)
            yield loaded
        elif isinstance(loaded.network, PeftModel):
            with loaded.network.disable_adapter():
                yield loaded
        else:
            yield loaded


def _switch_to(loaded: LoadedModel, adapter: Path) -> None:
    """Make an adapter the active one, loading it first if need be and forgetting the one longest unused."""
    key = f"{adapter} {_changed(adapter)}"
    if key not in loaded.adapters:
        used = set(loaded.adapters.values())
        name = next(f"adapter_{i}" for i in range(ADAPTERS_IN_MEMORY + 1) if f"adapter_{i}" not in used)
        load_adapter(loaded, adapter, name)
        loaded.adapters[key] = name
    loaded.adapters.move_to_end(key)
    loaded.network.set_adapter(loaded.adapters[key])
    if len(loaded.adapters) > ADAPTERS_IN_MEMORY:
        _, oldest = loaded.adapters.popitem(last=False)
        loaded.network.delete_adapter(oldest)


def _changed(folder: Path) -> int:
    """When a file of the folder last changed, in ns; 0 for a hub name."""
    return max((p.stat().st_mtime_ns for p in folder.iterdir()), default=0) if folder.is_dir() else 0


def _first_line(error: Exception) -> str:
    line = str(error).strip().split("\n")[0].strip() or type(error).__name__
    return line if line.endswith((".", "!", "?")) else f"{line}."

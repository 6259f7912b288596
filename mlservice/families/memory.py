"""How many token patches are answered at once: as many as memory holds, and fewer when it turns out not to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mlservice.families.family import Answers

SHARE = 0.5
"""The part of the free memory that a batch may be planned to take: other processes grow too."""
MOST_TOKEN_PATCHES = 256
UNKNOWN_FREE_BYTES = 2**30
"""What is taken to be free where the system does not tell."""


def free_bytes(device: torch.device) -> int:
    """Memory that a batch could be given: the accelerator's own, or what the system could free."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free)
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return UNKNOWN_FREE_BYTES
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), 0)


def bytes_per_token_patch(
    text_config: Any, tokens: int, *, said_tokens: int, bytes_per_number: int, trains: bool
) -> int:
    """A token patch's share of keys and values, of one layer's activations and of the logits.

    ``tokens``: how long its sequence is, with the context's; ``said_tokens``: of how many of them logits are
    computed. An estimate from above: queries, keys, values and three widths of the feed-forward layer live at
    the same time, in training those of all layers, and logits twice.
    """
    width = text_config.hidden_size
    heads = text_config.num_attention_heads
    kv_heads = getattr(text_config, "num_key_value_heads", None) or heads
    kv_width = kv_heads * (getattr(text_config, "head_dim", None) or width // heads)
    cache = 2 * text_config.num_hidden_layers * kv_width
    layer = (8 * width + 3 * text_config.intermediate_size) * (text_config.num_hidden_layers if trains else 1)
    return int(tokens * (cache + layer) * bytes_per_number + said_tokens * 8 * text_config.vocab_size)


def batch_size(device: torch.device, bytes_each: int) -> int:
    """How many token patches fit into the free memory; at least one."""
    return int(np.clip(SHARE * free_bytes(device) // max(1, bytes_each), 1, MOST_TOKEN_PATCHES))


def answer_in_batches(
    answer: Callable[[NDArray[np.int64]], Answers], origins: NDArray[np.int64], size: int
) -> Answers:
    """Answer for all token patches, ``size`` at a time, and half as many whenever memory runs out."""
    parts: list[Answers] = []
    done = 0
    while done < len(origins):
        try:
            parts.append(answer(origins[done : done + size]))
            done += size
            continue
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if size == 1 or not is_out_of_memory(error):
                raise
        # Outside the handler, whose traceback would hold on to the tensors that did not fit.
        size = max(1, size // 2)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    return Answers(torch.cat([p.logits for p in parts]), torch.cat([p.unparsed for p in parts]))


def is_out_of_memory(error: Exception) -> bool:
    """Whether a batch of half the size may work where this error was raised."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return "can't allocate memory" in str(error) or "not enough memory" in str(error)

"""At load: does a model answer the same from a shared prefix as from whole sequences?

Keys and values of the prompt's first part can be shared only where later tokens leave earlier ones as they
are. That does not hold, for instance, for models whose image tokens see one another in both directions
across what is read at once, and it is cheaper to try than to know.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mlservice.errors import BadModelFolder
from mlservice.families.generic import VlmFamily
from mlservice.token_grid import TOKEN_PATCH_PX

TOLERANCES = {torch.float32: 1e-3, torch.bfloat16: 0.1, torch.float16: 0.02}
"""The largest difference between logits that rounding explains, in their standard deviations."""


@torch.inference_mode()
def choose_reading(family: VlmFamily) -> None:
    """Let the family share prefixes if that changes nothing, and note it where it does.

    Raises BadModelFolder when the model cannot read two images in one prompt at all.
    """
    try:
        whole = _logits(family, shares_prefix=False)
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise BadModelFolder(
            f"This model cannot be shown a context image and a token patch in one prompt ({error}). Choose a "
            "model whose chat template takes several images."
        ) from error
    try:
        shared = _logits(family, shares_prefix=True)
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        _read_whole(family, f"it cannot go on from one ({error})")
        return
    apart = float((shared - whole).abs().max() / whole.std().clamp_min(1e-12))
    if not apart <= TOLERANCES.get(family.network.dtype, 1e-3):
        _read_whole(family, f"its answers change, by {apart:.1g} standard deviations of its logits")


def _read_whole(family: VlmFamily, reason: str) -> None:
    family.reader.shares_prefix = False
    family.notes.append(
        f"The context image is read again for every token patch: this model shares no prefix, since {reason}."
    )


def _logits(family: VlmFamily, *, shares_prefix: bool) -> Tensor:
    """What is said of two token patches of a speckled image."""
    family.reader.shares_prefix = shares_prefix
    side = 2 * TOKEN_PATCH_PX
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    origins = np.array([[0, 0], [TOKEN_PATCH_PX, TOKEN_PATCH_PX]])
    prompt = family.reader.builder.prompt(("a", "b"), (0, 1))
    return family.cell_logits(family.encode(image, prompt), prompt, origins).float()

"""What a round has done so far, kept on disk so that a killed one goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import get_peft_model_state_dict, set_peft_model_state_dict
from torch import Tensor

from mlservice.contracts import FinetuneSpec, ValidationPoint
from mlservice.dataset import data_hash

CHECKPOINT_FILE = "checkpoint.pt"


@dataclass
class Progress:
    """Losses of the steps done, what validation said, and the adapter where it said best."""

    losses: list[float] = field(default_factory=list)
    validations: list[ValidationPoint] = field(default_factory=list)
    best_adapter: dict[str, Tensor] = field(default_factory=dict)

    @property
    def best(self) -> ValidationPoint | None:
        """The point of the least validation loss, the earliest of those."""
        return min(self.validations, key=lambda point: point.loss, default=None)

    def since_best(self) -> int:
        """How many validations there were after the best one."""
        best = self.best
        return 0 if best is None else len(self.validations) - 1 - self.validations.index(best)


def adapter_weights(network: Any) -> dict[str, Tensor]:
    """A copy of the adapter as it is now."""
    state: Mapping[str, Tensor] = get_peft_model_state_dict(network, save_embedding_layers=False)
    return {name: weight.detach().clone() for name, weight in state.items()}


def restore_adapter(network: Any, weights: Mapping[str, Tensor]) -> None:
    set_peft_model_state_dict(network, dict(weights))


def fingerprint(spec: FinetuneSpec, precision: str) -> str:
    """What a checkpoint must have been trained on and with, to be gone on from."""
    data = [data_hash(patches) for patches in (spec.training, spec.replay, spec.validation)]
    parts = [asdict(spec.config), asdict(spec.legend), *data, spec.parent.base, precision]
    return hashlib.sha256(repr([*parts, str(spec.parent.adapter)]).encode()).hexdigest()


def save(folder: Path, mark: str, network: Any, optimiser: torch.optim.Optimizer, progress: Progress) -> None:
    """Write a checkpoint in one rename, so that a kill leaves the old one or the new one.

    Raises OSError when the disk does not take it.
    """
    state = {
        "fingerprint": mark,
        "adapter": adapter_weights(network),
        "optimiser": optimiser.state_dict(),
        "losses": progress.losses,
        "validations": [asdict(point) for point in progress.validations],
        "best_adapter": progress.best_adapter,
    }
    partial = folder / f"{CHECKPOINT_FILE}.partial"
    try:
        torch.save(state, partial)
    except RuntimeError as error:
        # torch's own writer tells of a full disk in this way.
        raise OSError(28, "No space left for a checkpoint", str(partial)) from error
    partial.replace(folder / CHECKPOINT_FILE)


def resume(folder: Path, mark: str, network: Any, optimiser: torch.optim.Optimizer) -> Progress:
    """Restore the checkpoint of the same round, if there is one."""
    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return Progress()
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["fingerprint"] != mark:
        return Progress()
    restore_adapter(network, state["adapter"])
    optimiser.load_state_dict(state["optimiser"])
    points = [ValidationPoint(**point) for point in state["validations"]]
    return Progress(list(state["losses"]), points, state["best_adapter"])

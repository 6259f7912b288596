"""A LoRA round on several processes: each takes its share of what a step sees, and what they found is added up.

``accelerate launch -m mlservice finetune …`` (or torchrun) starts the processes, and every one runs the same
code. All begin with the same weights and add the same gradients to them, so they stay the same without being
sent to and fro; only the main process writes files and reports. In a process that was started by itself nothing
here does anything.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Item = TypeVar("Item")


def join() -> Any:
    """Meet the other processes, each on an accelerator of its own if there are some; `PartialState`, or None.

    To be called before a model is loaded. Calling it again changes nothing.
    """
    return _others() if int(os.environ.get("WORLD_SIZE", "1")) > 1 else None


@cache
def _others() -> Any:
    from accelerate import PartialState

    state = PartialState(cpu=not torch.cuda.is_available())
    # Threads that still listen for the others abort a process that ends without taking leave.
    atexit.register(state.destroy_process_group)
    return state


def is_main() -> bool:
    """Whether this is the process that writes files and reports."""
    others = join()
    return others is None or bool(others.is_main_process)


def share_of(items: Sequence[Item]) -> Sequence[Item]:
    """This process's part of the items; it may be empty."""
    others = join()
    return items if others is None else items[others.process_index :: others.num_processes]


def summed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """What all processes have together; all of them have to ask, with values of the same shape."""
    others = join()
    if others is None:
        return values
    return _sum_of_all(torch.from_numpy(values), others).cpu().numpy()


def sum_gradients(parameters: Iterable[Tensor]) -> None:
    """Give every process the sum of all processes' gradients; one that had nothing to learn from counts as 0."""
    others = join()
    if others is None:
        return
    trained = list(parameters)
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in trained]
    # One message for all of them: an adapter has hundreds of small matrices.
    total = _sum_of_all(torch.cat([gradient.flatten() for gradient in gradients]), others)
    for parameter, part in zip(trained, total.split([g.numel() for g in gradients]), strict=True):
        parameter.grad = part.view_as(parameter)


def wait_for_all() -> None:
    """Go on once every process is here."""
    others = join()
    if others is not None:
        others.wait_for_everyone()


def _sum_of_all(values: Tensor, others: Any) -> Tensor:
    from accelerate.utils import reduce

    total: Tensor = reduce(values.to(others.device), reduction="sum")
    return total

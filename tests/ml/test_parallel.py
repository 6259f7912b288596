"""Several processes do the round that one process does: the same losses, the same adapter."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mlservice import parallel
from mlservice.cli import main
from mlservice.training.checkpoint import CHECKPOINT_FILE
from tests.ml.round_folders import write_round

LAUNCH = ("accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0")
MESSAGES = """
import json
import sys
import numpy as np
import torch
from mlservice import parallel

mine = parallel.join().process_index
weight, idle = (torch.nn.Parameter(torch.zeros(2)) for _ in range(2))
if mine == 0:
    weight.grad = torch.tensor([1.0, 2.0])
parallel.sum_gradients([weight, idle])
parallel.wait_for_all()
said = json.dumps({
    "share": list(parallel.share_of([10, 11, 12])),
    "sum": parallel.summed(np.array([1.0, mine])).tolist(),
    "gradients": [weight.grad.tolist(), idle.grad.tolist()],
    "is_main": parallel.is_main(),
})
# A file each: two processes that print at once can run into one line.
with open(f"{sys.argv[1]}/{mine}.json", "w") as file:
    file.write(said)
"""


def launched(*command: str) -> subprocess.CompletedProcess[str]:
    """What two processes of a command said, on the CPU."""
    plain = ("--mixed_precision", "no", "--dynamo_backend", "no")
    root = str(Path(__file__).parents[2])
    env = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": root}
    whole = [sys.executable, "-m", *LAUNCH, *plain, *command]
    done = subprocess.run(whole, capture_output=True, text=True, env=env, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return done


def report_of(folder: Path):
    return json.loads((folder / "report.json").read_text())


def test_two_processes_learn_what_one_does(tmp_path):
    # Three images on two processes: one has more to do than the other.
    alone = write_round(tmp_path / "alone", images_per_step=3)
    together = write_round(tmp_path / "together", images_per_step=3)
    assert main(["finetune", str(alone)]) == 0
    said = launched("-m", "mlservice", "finetune", str(together)).stderr
    assert said.count("step 2 of 2") == 1, "one process reports for both"
    one, both = report_of(alone), report_of(together)
    assert both["losses"] == pytest.approx(one["losses"], rel=1e-4)
    assert both["data_hash"] == one["data_hash"]
    assert both["best_step"] == one["best_step"]
    for mine, theirs in zip(both["validations"], one["validations"], strict=True):
        assert mine == pytest.approx(theirs, rel=1e-3)
    # The adapters after the last step: those that are written are of the best step, which may be the parent's.
    weights, others = (
        torch.load(f / "work" / CHECKPOINT_FILE, weights_only=True)["adapter"] for f in (alone, together)
    )
    assert weights.keys() == others.keys()
    moved = max(float(weight.abs().max()) for name, weight in weights.items() if "lora_B" in name)
    apart = max(float((weight - others[name]).abs().max()) for name, weight in weights.items())
    assert apart < 0.02 * moved


def test_processes_add_up_what_they_have(tmp_path):
    script = tmp_path / "messages.py"
    script.write_text(MESSAGES)
    launched(str(script), str(tmp_path))
    told = [json.loads((tmp_path / f"{number}.json").read_text()) for number in range(2)]
    assert [t["is_main"] for t in told] == [True, False]
    assert [t["share"] for t in told] == [[10, 12], [11]]
    for t in told:
        assert t["sum"] == [2.0, 1.0]
        assert t["gradients"] == [[1.0, 2.0], [0.0, 0.0]], "who has nothing to learn from counts as 0"


def test_a_process_by_itself_is_left_alone():
    assert parallel.join() is None
    assert parallel.is_main()
    items = [1, 2, 3]
    assert parallel.share_of(items) is items
    values = np.array([0.1, 0.2])
    assert parallel.summed(values) is values
    gradient = torch.ones(2)
    weight = torch.nn.Parameter(torch.zeros(2))
    weight.grad = gradient
    parallel.sum_gradients([weight, torch.nn.Parameter(torch.zeros(1))])
    assert weight.grad is gradient
    parallel.wait_for_all()

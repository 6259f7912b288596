"""`make run` itself: it comes up, mends what dies, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.child import Child
from scripts.failure import Failure
from scripts.machine import ROOT
from scripts.supervisor import Supervisor
from tests.docs.conftest import own_environment


def eventually(truth: Callable[[], object], within_s: float = 60) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if truth():
            return True
        time.sleep(0.1)
    return False


def processes_with(text: str) -> list[int]:
    """The processes whose command line or environment holds a text."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in told:
            found.append(int(folder.name))
    return found


def parent_of(pid: int) -> int:
    return int(Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[1])


def program(tmp_path: Path, script: str, **options: float) -> Child:
    return Child("worker", ["sh", "-c", script], log=tmp_path / "worker.log", **options)


def test_a_dead_program_is_started_again_and_its_log_shown(tmp_path: Path) -> None:
    said: list[str] = []
    child = program(tmp_path, "echo out of luck; sleep 60")
    supervisor = Supervisor([child], [], said.append)
    supervisor.start()
    assert eventually(lambda: "luck" in child.last_lines())
    os.kill(child.pid or 0, signal.SIGKILL)

    assert eventually(lambda: not child.running())
    supervisor.look()

    assert child.running()
    supervisor.stop()
    assert "worker ended by signal 9" in said[0]
    assert "    out of luck" in said[0]
    assert said[1] == "worker was started again."


def test_a_program_that_dies_at_the_start_is_a_failure(tmp_path: Path) -> None:
    child = program(tmp_path, "echo no such setting; exit 3")
    supervisor = Supervisor([child], [], lambda text: None)
    supervisor.start()
    assert eventually(lambda: not child.running())

    with pytest.raises(Failure, match="worker did not start: mend what its log tells"):
        supervisor.fail_on_death()


def test_a_server_that_dies_ends_the_run(tmp_path: Path) -> None:
    server = program(tmp_path, "exit 1")
    server.start()
    assert eventually(lambda: not server.running())

    with pytest.raises(Failure, match="worker stopped, and nothing works without it"):
        Supervisor([], [server], lambda text: None).look()


def test_a_program_that_ignores_the_request_is_ended_with_all_it_started(tmp_path: Path) -> None:
    child = program(tmp_path, "trap '' TERM; echo ready; sleep 61.25 & wait; sleep 61.25", grace_s=0.2)
    child.start()
    assert eventually(lambda: "ready" in child.last_lines())

    child.stop()

    assert eventually(lambda: not processes_with("sleep\x0061.25"), within_s=5)


@pytest.fixture
def running(open_folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path, int]]:
    """`make run` beside the tests' own servers; ended whatever happens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = own_environment() | {"PORT": str(port), "DEMO": "0", "MILPA_VAR": str(open_folder)}
    with (open_folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "scripts.run"], cwd=ROOT, env=env, stdout=said, stderr=subprocess.STDOUT
        )
    yield process, open_folder, port
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def test_a_run_from_start_to_ctrl_c(running: tuple[subprocess.Popen[bytes], Path, int]) -> None:
    process, var, port = running
    said = var / "said"
    assert eventually(lambda: "Press Ctrl-C" in said.read_text() or process.poll() is not None, 120), (
        said.read_text()
    )
    assert f"Milpa is running at http://localhost:{port}" in said.read_text()

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
        assert answer.status == 200
    facts = json.loads((var / "running.json").read_text())
    assert facts["address"] == f"http://localhost:{port}"

    worker = next(pid for pid in processes_with("inference@milpa\x00-P") if parent_of(pid) == process.pid)
    os.kill(worker, signal.SIGKILL)
    assert eventually(lambda: "worker-inference was started again." in said.read_text())

    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert processes_with(f"MILPA_VAR={var}") == []

"""What the make targets say: real processes, and one sentence for every refusal."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.failure import Failure
from scripts.help import targets
from scripts.machine import ROOT, need_free_space
from scripts.packages import install_system_packages
from scripts.services import Holding
from tests.docs.conftest import own_environment


def run(module: str, *words: str, var: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a program of scripts/ as the Makefile does."""
    return subprocess.run(
        [sys.executable, "-m", f"scripts.{module}", *words],
        cwd=ROOT,
        env=own_environment() | {"MILPA_VAR": str(var)} | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_lists_the_targets() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert [line.split()[1] for line in done.stdout.splitlines()] == [name for name, _ in targets()]
    assert {"run", "test", "check", "bench", "lock"} - {name for name, _ in targets()} == set()


def test_every_target_calls_a_program_that_exists() -> None:
    called = re.findall(r"-m scripts\.(\w+)", (ROOT / "Makefile").read_text())

    assert len(called) == len(targets())
    assert [name for name in called if not (ROOT / "scripts" / f"{name}.py").exists()] == []


@pytest.mark.parametrize("port", ["abc", "0", "70000", "80 80"])
def test_a_port_that_is_none_is_refused(port: str, tmp_path: Path) -> None:
    done = run("run", var=tmp_path, PORT=port)

    assert done.returncode == 1
    assert done.stderr == (
        f"\nmilpa: PORT={port} is no port: give a number from 1024 to 65535, as in `make run PORT=8123`.\n"
    )


def test_a_port_in_use_is_told_with_a_way_out(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("run", var=tmp_path, PORT=str(port))

    assert done.returncode == 1
    assert done.stderr.strip().startswith(
        f"milpa: Port {port} cannot be used (Address already in use): stop the"
    )
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_second_run_says_where_the_first_one_is(tmp_path: Path) -> None:
    first = Holding(tmp_path)
    assert first.take()
    first.tell({"address": "http://localhost:8123"})

    done = run("run", var=tmp_path)
    first.release()

    assert done.returncode == 1
    assert done.stderr == (
        f"\nmilpa: Milpa is already running from this folder at http://localhost:8123 (process {os.getpid()}): use "
        "that one, or stop it with Ctrl-C in its terminal first.\n"
    )


def test_a_broker_that_does_not_answer_is_told(tmp_path: Path) -> None:
    done = run("run", var=tmp_path, PORT="18999", CELERY_BROKER_URL="redis://user:hidden@127.0.0.1:1/0")

    assert done.returncode == 1
    assert done.stderr == (
        "\nmilpa: No Redis server answers at 127.0.0.1: start it or correct CELERY_BROKER_URL, or leave that out "
        "for a private one.\n"
    )


def test_packages_that_cannot_be_installed_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt = tmp_path / "apt-get"
    apt.write_text("#!/bin/sh\nexit 0\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))  # no sudo there
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(
        Failure, match=r"ask an administrator to run `apt-get install redis-server`, then run"
    ):
        install_system_packages(["redis-server"])


def test_a_full_disk_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"MB left and the tests needs 1000000000 MB: free some space"):
        need_free_space(tmp_path / "not" / "there", 10**9, "the tests")


def test_bench_lists_the_benchmarks(tmp_path: Path) -> None:
    done = run("bench", var=tmp_path, BENCH="no-such")

    assert done.returncode == 1
    assert done.stderr.startswith("\nmilpa: Name a benchmark, as in `make bench BENCH=")


def test_a_command_runs_beside_throw_away_services(tmp_path: Path) -> None:
    show = "import os; print(os.environ['DATABASE_URL'], os.environ['CELERY_BROKER_URL'], sep='\\n')"
    done = run("services", "exec", "--", sys.executable, "-c", show, var=tmp_path)
    database, broker = done.stdout.splitlines()

    assert done.returncode == 0
    assert database.startswith("postgis://milpa@/milpa?host=/")
    assert not Path(database.partition("host=")[2]).exists()
    assert not Path(broker.removeprefix("redis+socket://")).exists()


def test_the_exit_code_is_that_of_the_command(tmp_path: Path) -> None:
    assert run("services", "exec", "--", "false", var=tmp_path).returncode == 1


def test_a_broken_cluster_is_told_with_a_remedy(open_folder: Path) -> None:
    (open_folder / "postgres" / "cluster").mkdir(parents=True)

    done = run("services", "--dir", str(open_folder), "exec", "--", "true", var=open_folder)

    assert done.returncode == 1
    assert done.stderr.startswith(
        f"\nmilpa: The private database in {open_folder}/postgres/cluster does not start"
    )
    assert done.stderr.endswith(
        "restore that folder from a backup, or move it away to start with an empty database.\n"
    )


def test_web_and_the_default_worker_do_without_the_extra_ml() -> None:
    """Their images have none of the extra `ml`, so whatever they call must not import it."""
    code = """
import sys
for name in ("torch", "transformers", "peft", "accelerate", "safetensors", "tokenizers"):
    sys.modules[name] = None  # an import of it fails
import annotator.wsgi, annotator.urls, annotator.celery, annotator.tasks
from annotator import inference
from annotator.domain import ranking, scenes, versions
inference.base_temperature("")
inference.finetune_config({})
print(len(inference.spread_scores([(0, 0), (1, 1)])), len(inference.is_audited(('0', '1'), 0, 0.1)))
"""

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )

    assert done.stdout == "2 2\n", done.stderr

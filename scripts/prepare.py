"""Set-up: system packages, the virtual environment and its packages, each done once and remembered."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from scripts.failure import Failure
from scripts.machine import (
    ROOT,
    VENV,
    VENV_PYTHON,
    find_program,
    need_free_space,
    postgres_programs,
    var_folder,
)
from scripts.packages import install_system_packages
from scripts.python_packages import install_python_packages
from scripts.remembered import Done, digest

LOCK = ROOT / "requirements.lock"
OLDEST_PYTHON = (3, 11)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def prepare(*, database: bool = True, broker: bool = True, browser: bool = False) -> None:
    """See that this machine can run the application, with the servers and the tests' browser if asked for."""
    if sys.version_info < OLDEST_PYTHON:
        raise Failure(
            f"Milpa needs Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer and this is "
            f"{sys.version.split()[0]}: install a newer one and name it with `make PYTHON=python3.11 …`."
        )
    wanted = {
        "postgresql-postgis": not database or postgres_programs() is not None,
        "redis-server": not broker or find_program("redis-server", "valkey-server") is not None,
        "python3-venv": VENV_PYTHON.exists() or _can_make_venv(),
        "chromium": not browser or find_program(*BROWSERS) is not None,
    }
    missing = [package for package, present in wanted.items() if not present]
    if missing:
        need_free_space(Path("/usr"), 1500 if browser else 700, f"installing {', '.join(missing)}")
        step(f"Installing {', '.join(missing)}", lambda: install_system_packages(missing))
    _prepare_python()
    _prepare_node()


def step(title: str, work: Callable[[], object]) -> None:
    """Say what is being done, and how long it took."""
    print(f"{title} … ", end="", flush=True)
    started = time.monotonic()
    try:
        work()
    except BaseException:
        print()
        raise
    print(f"{time.monotonic() - started:.0f} s", flush=True)


def logged(name: str, command: list[str], *, env: dict[str, str] | None = None, remedy: str = "") -> None:
    """Run a step of the set-up, its output in a log; show the end of that where it fails."""
    log = var_folder() / "log" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=os.environ | (env or {}),
            check=False,
        )
    if done.returncode:
        lines = log.read_text(errors="replace").splitlines()
        print("\n" + "\n".join(f"    {line}" for line in lines[-12:]))
        raise Failure(_install_sentence(name, log, "\n".join(lines), remedy))


def _install_sentence(name: str, log: Path, output: str, remedy: str) -> str:
    if "No space left on device" in output:
        return "The disk is full: free some space, then run this again."
    remedy = remedy or "see that this machine reaches its package sources"
    return f"The step `{name}` failed (its output is in {log}): {remedy}, then run this again."


def _can_make_venv() -> bool:
    probe = [sys.executable, "-c", "import ensurepip, venv"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def _prepare_python() -> None:
    """Make the virtual environment, and install what the lock file pins unless that is done already."""
    done = Done(VENV)
    wanted = digest(LOCK) + ".".join(map(str, sys.version_info[:2]))
    works = _works(VENV_PYTHON)
    if works and done.before("packages", wanted):
        return
    need_free_space(ROOT, 2500, "the Python packages")
    if not works:
        make = [sys.executable, "-m", "venv", "--clear", str(VENV)]
        step("Making the virtual environment", lambda: logged("venv", make))
    step("Installing Python packages", lambda: install_python_packages(LOCK, logged))
    done.now("packages", wanted)


def _prepare_node() -> None:
    """Install the browser's packages that package-lock.json pins, with the npm of the virtual environment."""
    done = Done(ROOT / "node_modules")
    wanted = digest(ROOT / "package-lock.json")
    if done.before("packages", wanted):
        return
    install = [str(VENV / "bin" / "npm"), "ci", "--no-audit", "--no-fund"]
    # npm finds its node on PATH.
    path = os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", os.defpath)])
    step("Installing browser packages", lambda: logged("npm", install, env={"PATH": path}))
    done.now("packages", wanted)


def _works(python: Path) -> bool:
    """Whether a virtual environment's Python runs; it does not after its base was removed or moved."""
    if not python.exists():
        return False
    return subprocess.run([str(python), "-c", "import pip"], capture_output=True, check=False).returncode == 0

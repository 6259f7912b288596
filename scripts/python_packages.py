"""The lock file's packages, by uv where it can be had (9 s) and by pip where not (about a minute)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from scripts.failure import Failure
from scripts.machine import VENV, VENV_PYTHON


class Logged(Protocol):
    """`prepare.logged`: runs a command with its output in a log."""

    def __call__(
        self, name: str, command: list[str], *, env: dict[str, str] | None = None, remedy: str = ""
    ) -> None: ...


def install_python_packages(lock: Path, logged: Logged) -> None:
    """Install what the lock file pins, and never a CUDA build of torch where a CPU build can be had."""
    uv = get_uv()
    if uv is None:
        logged("pip", [str(VENV_PYTHON), "-m", "pip", "install", "--quiet", "-r", str(lock)])
        return
    settings = uv_settings()
    install = [uv, "pip", "install", "--python", str(VENV_PYTHON), "-r", str(lock)]
    logged("uv", [*install, *torch_options(settings)], env=settings)


def get_uv() -> str | None:
    """uv's program in the virtual environment, installed there if need be; None where it cannot be had."""
    program = VENV / "bin" / "uv"
    if not program.exists():
        get = [str(VENV_PYTHON), "-m", "pip", "install", "--quiet", "uv"]
        subprocess.run(get, capture_output=True, check=False)
    return str(program) if program.exists() else None


def need_uv() -> str:
    uv = get_uv()
    if uv is None:
        raise Failure("uv is needed for this: run `.venv/bin/pip install uv`, then run this again.")
    return uv


def uv_settings() -> dict[str, str]:
    """pip's sources of packages in the names that uv reads; uv does not look at pip's configuration."""
    found = {}
    for option, variable in (
        ("find-links", "UV_FIND_LINKS"),
        ("index-url", "UV_DEFAULT_INDEX"),
        ("extra-index-url", "UV_EXTRA_INDEX_URL"),
        ("cert", "SSL_CERT_FILE"),
    ):
        value = _pip_setting(option)
        if value and variable not in os.environ:
            separator = "," if variable == "UV_FIND_LINKS" else " "
            found[variable] = separator.join(value.split())
    if "UV_EXTRA_INDEX_URL" in found:
        # pip takes the best version of all indexes; uv would stop at the first that knows the name.
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return found


def torch_options(settings: dict[str, str]) -> list[str]:
    """What makes uv take the CPU build of torch, unless UV_TORCH_BACKEND asks for another, such as `auto`."""
    find_links = os.environ.get("UV_FIND_LINKS", settings.get("UV_FIND_LINKS", ""))
    if "UV_TORCH_BACKEND" in os.environ or _has_torch_file(find_links):
        return []
    return ["--torch-backend=cpu"]


def _pip_setting(option: str) -> str:
    """A setting of pip from its environment variable or its files, empty where there is none."""
    raw = os.environ.get("PIP_" + option.upper().replace("-", "_"), "")
    if raw:
        return raw
    for section in ("install", "global"):
        asked = subprocess.run(
            [str(VENV_PYTHON), "-m", "pip", "config", "get", f"{section}.{option}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode == 0:
            return asked.stdout.strip()
    return ""


def _has_torch_file(find_links: str) -> bool:
    """Whether a folder that pip is told to look in has a CPU build of torch for this Python."""
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    folders = [Path(part.removeprefix("file://")) for part in find_links.split(",") if part]
    return any(True for folder in folders for _ in folder.glob(f"torch-*+cpu-{tag}-*.whl"))

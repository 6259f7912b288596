"""Debian's packages: installed by root or through sudo, and named in a sentence where neither is possible."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scripts.failure import Failure
from scripts.machine import find_program, is_root, var_folder


def install_system_packages(names: list[str]) -> None:
    """Install packages with apt-get; raise a sentence that names them where this user cannot."""
    apt = find_program("apt-get")
    if apt is None:
        raise Failure(
            f"This system has no apt-get to install {' '.join(names)} with (Debian's names): install them in "
            "its own way, then run this again."
        )
    command = [*_privileges(names), "env", "DEBIAN_FRONTEND=noninteractive", apt]
    command += ["-o", "DPkg::Lock::Timeout=300"]
    log = var_folder() / "log" / "apt.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        install = [*command, "install", "-y", "--no-install-recommends", *names]
        done = _have_lists() and _run(install, output) == 0
        if not done:
            # Lists that are missing or old are the usual reason why apt-get finds nothing.
            done = _run([*command, "update"], output) == 0 and _run(install, output) == 0
    if not done:
        lines = log.read_text(errors="replace").splitlines()
        print("\n" + "\n".join(f"    {line}" for line in lines[-8:]))
        if any("No space left on device" in line for line in lines):
            raise Failure("The disk is full: free some space, then run this again.")
        raise Failure(
            f"apt-get could not install what is missing (its output is in {log}): install it yourself with "
            f"`apt-get install {' '.join(names)}`, then run this again."
        )


def _run(command: list[str], output: object) -> int:
    # sudo asks for its password on the terminal itself, so its input can stay closed.
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        check=False,  # type: ignore[call-overload]
    )
    return int(done.returncode)


def _have_lists() -> bool:
    return any(Path("/var/lib/apt/lists").glob("*_Packages*"))


def _privileges(names: list[str]) -> list[str]:
    """What goes before apt-get: nothing for root, sudo for a user who may use it."""
    if is_root():
        return []
    sudo = find_program("sudo")
    if sudo is not None:
        asks_nothing = subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0
        if asks_nothing:
            return [sudo, "-n"]
        if sys.stdin.isatty() and os.environ.get("CI") is None:
            print("(sudo may ask for your password) ", end="", flush=True)
            return [sudo]
    raise Failure(
        "This machine lacks some packages that this user cannot install: ask an administrator to run "
        f"`apt-get install {' '.join(names)}`, then run this again."
    )

"""What this machine has: folders, programs, privileges and free space."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from scripts.failure import Failure

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"

# Servers refuse to run as root, so root runs PostgreSQL as the account that Debian's package makes for it.
POSTGRES_ACCOUNT = "postgres"


def var_folder() -> Path:
    """The folder of everything this installation keeps: MILPA_VAR, or `var/` in the checkout."""
    raw = os.environ.get("MILPA_VAR", "").strip()
    return Path(raw).expanduser().resolve() if raw else ROOT / "var"


def is_root() -> bool:
    return os.geteuid() == 0


def find_program(*names: str) -> str | None:
    """The first of some programs on PATH or in the system folders that a user's PATH often lacks."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def postgres_programs() -> Path | None:
    """The folder of the newest PostgreSQL server that has PostGIS, None where there is none."""
    found = []
    for folder in Path("/usr/lib/postgresql").glob("*/bin"):
        version = folder.parent.name
        extension = Path("/usr/share/postgresql", version, "extension", "postgis.control")
        if (folder / "initdb").exists() and extension.exists():
            found.append((float(version), folder))
    if found:
        return max(found)[1]
    initdb, config = shutil.which("initdb"), shutil.which("pg_config")
    if initdb is None or config is None:
        return None
    asked = subprocess.run([config, "--sharedir"], capture_output=True, text=True, check=False)
    has_postgis = Path(asked.stdout.strip(), "extension", "postgis.control").exists()
    return Path(initdb).resolve().parent if has_postgis else None


def server_account() -> str | None:
    """The account that runs PostgreSQL: None for the present user, another one where that is root."""
    if not is_root():
        return None
    try:
        pwd.getpwnam(POSTGRES_ACCOUNT)
    except KeyError:
        raise Failure(
            f"PostgreSQL cannot run as root and the account `{POSTGRES_ACCOUNT}` is missing: "
            f"run `useradd --system {POSTGRES_ACCOUNT}`, or run this as an ordinary user."
        ) from None
    return POSTGRES_ACCOUNT


def as_account(account: str | None, command: list[str], *, dies_with_parent: str | None = None) -> list[str]:
    """A command that runs as another account, and gets a signal when this program dies, however it dies."""
    setpriv = find_program("setpriv")
    if setpriv is None:
        if account:
            raise Failure("The program `setpriv` is missing: install the package util-linux.")
        return command
    options = []
    if account:
        group = pwd.getpwnam(account).pw_gid
        options += [f"--reuid={account}", f"--regid={group}", "--init-groups"]
    if dies_with_parent:
        options += [f"--pdeathsig={dies_with_parent}"]
    return [setpriv, *options, "--", *command] if options else command


def need_free_space(folder: Path, needed_mb: int, purpose: str) -> None:
    """Refuse early where the disk is too full, rather than break something halfway."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free_mb = shutil.disk_usage(existing).free // 1024**2
    if free_mb < needed_mb:
        raise Failure(
            f"The disk of {folder} has {free_mb} MB left and {purpose} needs {needed_mb} MB: "
            "free some space, then run this again."
        )

"""Fixtures for the tests that start programs of scripts/."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# What a program must not take over from the services that the tests themselves run beside.
SERVICES = ("DATABASE_URL", "CELERY_BROKER_URL", "MILPA_VAR", "MILPA_DATA", "DJANGO_SETTINGS_MODULE")


def own_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in SERVICES}


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other accounts can enter, as PostgreSQL's account must when the tests run as root.

    pytest's own temporary folders are closed to them.
    """
    folder = Path(tempfile.mkdtemp(prefix="milpa-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)

"""Waiting for what other processes and threads do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 240, pause_s: float = 0.1) -> None:
    """Until the condition holds; the test fails when it does not in that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(pause_s)


def wait_until_the_database_rests(looks: int = 3) -> None:
    """Until nobody else is at it: a statement under way would meet the emptying of the tables in a deadlock."""
    wait_for(lambda: all(_is_resting() for _ in range(looks)), "the last statements of others", 60)


def _is_resting() -> bool:
    """Whether nobody else is within a statement or a transaction, a moment from now."""
    time.sleep(0.1)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        return bool(cursor.fetchone() == (0,))

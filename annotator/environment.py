"""Typed readers of environment variables that fail loudly, with the variable's name and the remedy."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def read_bool(name: str, default: bool) -> bool:
    raw = os.environ.get(name, "").strip().lower()
    if raw == "":
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name}={raw!r} is neither true nor false: set it to 1 or 0.")


def read_int(name: str, default: int) -> int:
    raw = os.environ.get(name, "").strip()
    if raw == "":
        return default
    try:
        return int(raw)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={raw!r} is not a whole number.") from error


def read_list(name: str, default: list[str]) -> list[str]:
    raw = os.environ.get(name, "").strip()
    return [part.strip() for part in raw.split(",") if part.strip()] if raw else default


def read_path(name: str, default: Path) -> Path:
    raw = os.environ.get(name, "").strip()
    return Path(raw).expanduser().resolve() if raw else default


def read_database(name: str = "DATABASE_URL") -> dict[str, object]:
    """Django's settings for the PostGIS database that the URL names.

    ``postgis://user:password@host:port/name`` for a server, ``postgis://user@/name?host=/socket/folder``
    for a unix socket.
    """
    raw = os.environ.get(name, "").strip()
    if not raw:
        raise ImproperlyConfigured(
            f"{name} is not set. `make run` and `make test` set it for their private cluster; for a server of "
            "your own, set it to postgis://user:password@host:5432/name."
        )
    url = urlsplit(raw)
    database = unquote(url.path.lstrip("/"))
    if url.scheme not in {"postgis", "postgres", "postgresql"} or not database:
        raise ImproperlyConfigured(f"{name} must read postgis://user:password@host:5432/name.")
    query = parse_qs(url.query)
    return {
        "ENGINE": "django.contrib.gis.db.backends.postgis",
        "NAME": database,
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": query.get("host", [url.hostname or ""])[0],
        "PORT": str(url.port or query.get("port", [""])[0]),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"options": "-c idle_in_transaction_session_timeout=60000"},
    }


def read_secret(name: str, kept_in: Path, debug: bool) -> str:
    """The secret key from the environment, or, for a private installation, one made once and kept in a file."""
    raw = os.environ.get(name, "").strip()
    if raw:
        return raw
    if not debug:
        raise ImproperlyConfigured(f"{name} is not set: give each installation a long random {name}.")
    if not kept_in.exists():
        import secrets

        kept_in.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept_in.with_suffix(f".{os.getpid()}")
        fresh.write_text(secrets.token_urlsafe(50))
        fresh.chmod(0o600)
        fresh.replace(kept_in)
    return kept_in.read_text()

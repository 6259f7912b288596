"""Where to serve and whom to use: addresses read from the environment and tried before anything starts."""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from scripts.broker import answers
from scripts.failure import Failure


@dataclass(frozen=True)
class Address:
    """The host and port that the web server binds."""

    host: str
    port: int

    @property
    def local_host(self) -> str:
        """The host as a program on this machine reaches it."""
        return "127.0.0.1" if self._everywhere else self.host

    @property
    def shown_url(self) -> str:
        """The address to show to a person at this machine."""
        return (
            f"http://{'localhost' if self._everywhere or self.host == '127.0.0.1' else self.host}:{self.port}"
        )

    @property
    def _everywhere(self) -> bool:
        return ipaddress.ip_address(self.host).is_unspecified


def read_address() -> Address:
    """The address from PORT and BIND."""
    raw = os.environ.get("PORT") or "8000"
    if not raw.isdigit() or not 0 < int(raw) < 65536:
        raise Failure(f"PORT={raw} is no port: give a number from 1024 to 65535, as in `make run PORT=8123`.")
    host = os.environ.get("BIND") or "127.0.0.1"
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        raise Failure(
            f"BIND={host} is no IPv4 address: leave it out to serve this machine alone, or give 0.0.0.0 to "
            "serve the network."
        ) from None
    return Address(host, int(raw))


def need_free_port(address: Address) -> None:
    """Refuse an address that another program has, before the minutes that set-up may take."""
    port = address.port
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, port))
        except PermissionError:
            raise Failure(
                f"Port {port} is the administrator's: take one above 1023, as in `make run PORT=8123`."
            ) from None
        except OSError as error:
            raise Failure(
                f"Port {port} cannot be used ({error.strerror}): stop the program that has it, or take "
                f"another port with `make run PORT={port + 1 if port < 65535 else 8123}`."
            ) from None


def need_broker(url: str) -> None:
    """See that a broker that the user names answers; workers would only retry for ever."""
    parts = urlsplit(url)
    if parts.scheme == "redis":
        there: str | tuple[str, int] = (parts.hostname or "localhost", parts.port or 6379)
    elif parts.scheme == "redis+socket":
        there = unquote(parts.path)
    else:
        return
    if not answers(there):
        raise Failure(
            f"No Redis server answers at {parts.hostname or parts.path}: start it or correct "
            "CELERY_BROKER_URL, or leave that out for a private one."
        )

"""Every byte between a browser and a server, headers and all, in both directions."""

from __future__ import annotations

import contextlib
import socket
import threading


class CountingProxy:
    """Listens on a free port and passes everything on to ``port``."""

    def __init__(self, port: int) -> None:
        self.bytes_down = 0
        self.bytes_up = 0
        self._target = port
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def bytes(self) -> int:
        return self.bytes_down + self.bytes_up

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                browser, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                for source, sink, name in ((browser, server, "bytes_up"), (server, browser, "bytes_down")):
                    threading.Thread(target=self._pass_on, args=(source, sink, name), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, name: str) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65_536):
                with self._lock:
                    setattr(self, name, getattr(self, name) + len(chunk))
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_WR)

"""TCP proxy for PostgreSQL that can lose the reply to a COMMIT."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"  # as a simple query of PostgreSQL's protocol


class LosingProxy:
    """Proxy that forwards all data; after `lose_next_commit`, the connection ends between a COMMIT and its reply."""

    def __init__(self, port: int) -> None:
        """Listen on a free port of 127.0.0.1, and forward to another port of it."""
        self._behind = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._losing = threading.Event()
        self.lost = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def lose_next_commit(self) -> None:
        """Lose the reply to the next COMMIT."""
        self._losing.set()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._behind))
                committed = threading.Event()
                threading.Thread(target=self._ask, args=(client, server, committed), daemon=True).start()
                threading.Thread(target=self._answer, args=(client, server, committed), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, committed: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(65_536):
                if COMMIT in data and self._losing.is_set():
                    self._losing.clear()
                    committed.set()
                server.sendall(data)

    def _answer(self, client: socket.socket, server: socket.socket, committed: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65_536):
                if committed.is_set():  # this is the reply
                    self.lost += 1
                    break
                client.sendall(data)
        for end in (client, server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

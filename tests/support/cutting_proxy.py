"""A proxy that cuts connections: each after some bytes of the answer."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from typing import Self


class CuttingProxy:
    """Forwards to a port of this machine, and cuts each connection that answers with a stream after some bytes.

    Args:
        port: To which it forwards.
        seed: Decides after how many bytes, from 1 to `most`.
        most: See `seed`.
    """

    def __init__(self, port: int, seed: int, most: int) -> None:
        self._behind, self._most = port, most
        self._draw = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.cut = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(("127.0.0.1", self._behind)) as server:
            asked = client.recv(65_536)
            is_stream = b"/events" in asked.split(b"\r\n", 1)[0]
            server.sendall(asked)
            if not is_stream:
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
            left = self._draw.randint(1, self._most) if is_stream else 2**62
            while left > 0 and (data := server.recv(min(left, 65_536))):
                client.sendall(data)
                left -= len(data)
            self.cut += is_stream

    @staticmethod
    def _forward(client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65_536):
                server.sendall(data)

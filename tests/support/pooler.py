"""A pooler before PostgreSQL that refuses settings in the start-up packet, as PgBouncer does."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import Self

ENCRYPTION_REQUESTS = (80877103, 80877104)  # for TLS and for GSSAPI, in the place of a version of the protocol
ACCEPTED = {b"user", b"database", b"client_encoding", b"application_name"}


class Pooler:
    """Forwards to a server; a start-up packet with another parameter than ACCEPTED is refused."""

    def __init__(self, port: int) -> None:
        """Listen on a free port of 127.0.0.1, and forward to another port of it."""
        self._behind = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            while True:
                length, code = struct.unpack("!ii", _exactly(client, 8))
                body = _exactly(client, length - 8)
                if code not in ENCRYPTION_REQUESTS:
                    break
                client.sendall(b"N")
            refused = [name for name in body.split(b"\0")[0:-2:2] if name not in ACCEPTED]
            if refused:
                fields = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: " + refused[0] + b"\0\0"
                client.sendall(b"E" + struct.pack("!i", len(fields) + 4) + fields)
                return
            with socket.create_connection(("127.0.0.1", self._behind)) as server:
                self.connections += 1
                server.sendall(struct.pack("!ii", length, code) + body)
                threading.Thread(target=_forward, args=(server, client), daemon=True).start()
                _forward(client, server)


def _exactly(source: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = source.recv(count - len(found))
        if not part:
            raise ConnectionResetError
        found += part
    return found


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

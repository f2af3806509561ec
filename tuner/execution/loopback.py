"""Whether the processes of this machine can connect to each other."""

from __future__ import annotations

import socket

from tuner.execution.executor import ClusterUnavailable

SECONDS = 2.0


def check_loopback() -> None:
    """Check that processes of this machine can connect to each other; Ray itself would try for minutes.

    Raises:
        ClusterUnavailable: They cannot, because no network device is up.
    """
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=SECONDS).close()
    except OSError as error:
        reason = f"its processes cannot connect to each other on 127.0.0.1: {error.strerror or error}"
        raise ClusterUnavailable(f"Ray does not start on this machine: {reason}; is the loopback device up?") from error

"""Keras' cache of data sets, and whether its servers answer.

Uses the standard library only.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

PROBE_SECONDS = 3.0  # a server that has not answered by then counts as unreachable
STALL_SECONDS = 30.0  # a download that receives nothing for so long is given up


def keras_cache(name: str) -> Path:
    """Return the path at which Keras caches a data set's file, whether or not it exists.

    Where its folder cannot be written, Keras uses /tmp/.keras.
    """
    given = os.environ.get("KERAS_HOME")
    with contextlib.suppress(RuntimeError):  # a user without a home folder
        folder = Path(given) if given else Path.home() / ".keras"
        cached = folder / "datasets" / name
        if cached.is_file() or os.access(folder if folder.is_dir() else folder.parent, os.W_OK):
            return cached
    return Path("/tmp/.keras/datasets") / name  # noqa: S108 - as Keras does


def answers(url: str) -> bool:
    """Return whether a server answers a HEAD request within PROBE_SECONDS; proxies are honoured.

    The request runs in a thread, because a name lookup accepts no timeout and may take much longer.
    """
    answered: list[int] = []

    def ask() -> None:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - an https constant
        with (
            contextlib.suppress(OSError, http.client.HTTPException, ValueError),
            urllib.request.urlopen(request, timeout=PROBE_SECONDS) as answer,  # noqa: S310
        ):
            answered.append(answer.status)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    return bool(answered)


@contextlib.contextmanager
def quiet_download() -> Iterator[None]:
    """Give up downloads that stall, and send Keras' progress bar to stderr, while the context is open."""
    previous = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALL_SECONDS)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        socket.setdefaulttimeout(previous)

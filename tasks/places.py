"""Where data sets are looked for: a folder that is named, Keras' cache, and Keras' download where the network answers.

Nothing but the standard library is loaded here.
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

DATA_DIR_VARIABLE = "LODO_DATA_DIR"
PROBE_SECONDS = 3.0  # wall clock; a dead network is noticed within this
STALL_SECONDS = 30.0  # a download that stands still for so long is given up


def named_folder(data_dir: str | os.PathLike[str] | None) -> Path | None:
    """Return `data_dir`, or else the folder that LODO_DATA_DIR names, or None where neither says one."""
    folder = data_dir if data_dir is not None else os.environ.get(DATA_DIR_VARIABLE) or None
    return None if folder is None else Path(folder).expanduser()


def keras_cache(name: str) -> Path:
    """Return where Keras keeps a data set's file of this name, whether or not it is there."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "datasets" / name


def answers(url: str) -> bool:
    """Return whether a server answers within PROBE_SECONDS; proxies are honoured.

    In a thread of its own, because looking up a name takes no timeout and may hang for much longer.
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
    """Within it a download that stalls is given up, and Keras' progress bar goes to stderr: stdout is for data."""
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALL_SECONDS)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        socket.setdefaulttimeout(patience)

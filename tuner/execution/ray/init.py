"""A call of `ray.init` that leaves the process as it was: its output, its files' modes, its signal handlers."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def init_ray(**arguments: Any) -> Any:
    """Calls `ray.init` without what it does beside: prints, open files, another SIGTERM handler.

    Args:
        arguments: of `ray.init`.

    Returns:
        Ray's context.

    Raises:
        RuntimeError: this process is connected already.
        Exception: whatever Ray raises; then nothing of it is left running.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with _private_files():
        import ray

        if ray.is_initialized():
            raise RuntimeError("this process is connected to a Ray already; close that session first")
        # RAY_AUTH_MODE is read when Ray is imported, which may have been before it was set.
        raylet: Any = importlib.import_module("ray._raylet")
        raylet.Config.initialize("")
        # Ray prints its node's messages ("a worker died…") on stdout, which is for data; log_to_driver leaves them in.
        worker: Any = importlib.import_module("ray._private.worker")
        worker._worker_logs_enabled = False
        try:
            with _no_sigterm_handler(), quiet():
                return ray.init(log_to_driver=False, logging_level=logging.ERROR, **arguments)
        except BaseException:
            ray.shutdown()
            raise


@contextlib.contextmanager
def _private_files() -> Iterator[None]:
    """Keeps what Ray writes, above all its token, from other users."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
        token = Path.home() / ".ray" / "auth_token"
        with contextlib.suppress(OSError):
            if token.is_file() and token.stat().st_uid == os.getuid():
                token.chmod(0o600)


@contextlib.contextmanager
def _no_sigterm_handler() -> Iterator[None]:
    """Keeps the caller's SIGTERM handler, which `ray.init` would replace by one that exits with 15."""
    utils: Any = importlib.import_module("ray._private.utils")
    rays_own = utils.set_sigterm_handler
    utils.set_sigterm_handler = lambda handler: None
    try:
        yield
    finally:
        utils.set_sigterm_handler = rays_own


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Holds back Ray's own remarks; errors are raised, not logged. Some of its loggers have levels of their own."""
    logger, disabled = logging.getLogger("ray"), logging.root.manager.disable
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
        logging.disable(disabled)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Lets a stop of Ray come to its end: cut off by a second Ctrl-C it would leave processes behind for minutes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: it was not Python's

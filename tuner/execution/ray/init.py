"""A call of `ray.init` without side effects on the process.

Ray changes the environment, output, file modes and signal handlers when it starts. The process may belong to a notebook
or a service.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tuner.core.environment import environment

AUTH_MODE = "RAY_AUTH_MODE"
JOB_CONFIG = "RAY_JOB_CONFIG_JSON_ENV_VAR"
_OUR_FOLDER = Path(__file__).resolve().parents[3]


def init_ray(unset: Mapping[str, str | None], auth_mode: str | None, **arguments: Any) -> Any:
    """Call `ray.init` without its side effects.

    Args:
        unset: Environment variables that are unset meanwhile; see `tuner.execution.ray_variables`.
        auth_mode: Value of RAY_AUTH_MODE meanwhile; None leaves it unset.
        arguments: Arguments of `ray.init`.

    Returns:
        Ray's context.

    Raises:
        RuntimeError: This process is already connected to Ray.
        Exception: Any exception of Ray; in this case no process of Ray remains.
    """
    with _private_files(), ray_environment(unset, auth_mode):
        import ray

        if ray.is_initialized():
            raise RuntimeError("this process is already connected to Ray; close that session first")
        if JOB_CONFIG not in os.environ:  # Ray then uses that of the job
            arguments["job_config"] = _job_config()
        # Ray prints messages of its nodes ("a worker died…") on stdout even if log_to_driver is False.
        worker: Any = importlib.import_module("ray._private.worker")
        worker._worker_logs_enabled = False
        try:
            few = _few_processes() if arguments.get("address") == "local" else contextlib.nullcontext()
            with _kept_signal_handlers(), quiet(), few:
                return ray.init(log_to_driver=False, logging_level=logging.ERROR, **arguments)
        except BaseException:
            with uninterrupted():
                ray.shutdown()
            raise


def search_path() -> list[str]:
    """Return where this process looks for modules, which workers append to their own places, in this order.

    Ray would put the script's folder and the working directory first, where a numpy.py or tasks.py hides the package of
    this name, and where modules are found in another order than here.
    """
    return list(dict.fromkeys(folder or str(Path.cwd()) for folder in sys.path))


class _WithoutFolders(list[str]):
    """Ray's list of folders that workers put first on their path; Ray adds to it by `extend`."""

    def extend(self, folders: Iterable[str]) -> None:
        """Add the folder of this program alone, if it is one of them: it may not be installed."""
        super().extend(folder for folder in folders if Path(folder).resolve() == _OUR_FOLDER)


def _job_config() -> Any:
    config: Any = importlib.import_module("ray.job_config").JobConfig()
    config._py_driver_sys_path = _WithoutFolders()
    return config


@contextlib.contextmanager
def _few_processes() -> Iterator[None]:
    """Have a local Ray start without the autoscaler's monitor and without the log monitor.

    No machine can be added, and workers' logs are not shown. Each would be a process that imports Ray while the first
    workers start. `ray.init` has no arguments for these parameters.
    """
    module: Any = importlib.import_module("ray._private.parameter")
    usual = module.RayParams
    module.RayParams = functools.partial(usual, no_monitor=True, include_log_monitor=False)
    try:
        yield
    finally:
        module.RayParams = usual


@contextlib.contextmanager
def ray_environment(unset: Mapping[str, str | None], auth_mode: str | None) -> Iterator[None]:
    """Have no usage statistics, this RAY_AUTH_MODE and none of these variables; restore the environment at the end.

    Ray has no other configuration of these. The processes that it starts inherit the environment; in this process it is
    read on import and by `Config.initialize`, called here because Ray may have been imported before.
    """
    with environment({**unset, "RAY_USAGE_STATS_ENABLED": "0", AUTH_MODE: auth_mode}):
        import ray

        if not ray.is_initialized():
            raylet: Any = importlib.import_module("ray._raylet")
            raylet.Config.initialize("")
        yield


@contextlib.contextmanager
def _private_files() -> Iterator[None]:
    """Make Ray's files, in particular its token, unreadable for other users."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
        with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: the user has no home folder
            token = Path.home() / ".ray" / "auth_token"
            if token.is_file() and token.stat().st_uid == os.getuid():
                token.chmod(0o600)


@contextlib.contextmanager
def _kept_signal_handlers() -> Iterator[None]:
    """Keep the process's signal handlers.

    `ray.init` would replace the handler of SIGTERM by one that exits with 15. Ray's C++ library also installs
    handlers that print a stack; setting Python's handlers again removes them.
    """
    utils: Any = importlib.import_module("ray._private.utils")
    set_sigterm_handler = utils.set_sigterm_handler
    utils.set_sigterm_handler = lambda handler: None
    try:
        yield
    finally:
        utils.set_sigterm_handler = set_sigterm_handler
        if _is_main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP):
                _restore(number, signal.getsignal(number))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppress Ray's log messages; errors are raised anyway. Some of its loggers have levels of their own."""
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
def uninterrupted() -> Iterator[None]:
    """Ignore signals while Ray stops: after a second Ctrl-C, its processes would remain for minutes, its folder too."""
    if not _is_main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            _restore(number, handler)


def _restore(number: signal.Signals, handler: Any) -> None:
    signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: the handler is not Python's


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()  # Python allows no other thread to set handlers

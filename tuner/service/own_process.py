"""A process of the service's own for work that takes seconds or much memory."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, ParamSpec, TypeVar

from tuner.core.errors import LodoTuneError
from tuner.service.turns import take_turn

PARENT_SECONDS = 1.0  # between two looks at whether the server lives
MAX_SECONDS = 60.0
MAX_CALLS = 50  # after which the process is replaced: drawing leaks memory

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Busy(LodoTuneError):  # noqa: N818 (what is the case)
    """Something is not ready in time, or too much waits already; the client may try again later."""

    exit_code = 75


class OwnProcess:
    """Calls functions in a process, one after the other. The process ends with the server, however that ends.

    Args:
        what: What the process makes, for errors: "the drawing".
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()

    def submit(
        self, function: Callable[Arguments, Result], *arguments: Arguments.args, **keywords: Arguments.kwargs
    ) -> Future[Result]:
        """Begin a call of a function of a module; the process is started first if there is none."""
        with self._lock:
            if self._pool is None:
                # Spawned and not forked: a fork has the locks of this process's threads.
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(1, context, _end_with, (os.getpid(),), max_tasks_per_child=MAX_CALLS)
            return self._pool.submit(function, *arguments, **keywords)

    async def result(self, future: Future[Result]) -> Result:
        """Return the result of a call; raise what it raised.

        Raises:
            Busy: It is not ready in time, or the process has ended.
        """
        take_turn()  # what it takes is no wait for the database
        try:
            result = asyncio.wrap_future(future)
            result.add_done_callback(_note)
            return await asyncio.wait_for(asyncio.shield(result), MAX_SECONDS)
        except TimeoutError:
            raise Busy(f"{self._what} is not ready after {MAX_SECONDS:g} s; try again later") from None
        except BrokenProcessPool:
            self.close()
            raise Busy(f"the process of {self._what} has ended; try again") from None

    def close(self) -> None:
        """End the process; the next call starts another."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            for process in list((pool._processes or {}).values()):  # a call that runs would outlive the server
                process.terminate()
            # Waiting takes no time then, and gives back what Python would report as leaked if a signal ends the server.
            pool.shutdown(wait=True, cancel_futures=True)


def _note(result: asyncio.Future[Any]) -> None:
    """Take note of an error, which is reported as never retrieved otherwise if the client has gone."""
    if not result.cancelled():
        result.exception()


def _end_with(server: int) -> None:
    """End this process when its server has ended, as a signal may end the server alone."""

    def watch() -> None:
        while os.getppid() == server:
            time.sleep(PARENT_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="lodo-server-watch", daemon=True).start()

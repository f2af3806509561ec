"""Limits on the time in which a PostgreSQL server has to answer.

A server that has ended refuses connections. One that hangs accepts them and never answers: its machine is out of
memory, its disk does not respond, or its processes are suspended. No time limit of the server's own ends that, so the
client has to.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from functools import cache
from typing import Any, TypeVar

CONNECT_TIMEOUT = 10  # seconds within which a server must accept a connection
ANSWER_TIMEOUT = 20.0  # seconds without an answer to a statement, in addition to the wait for locks
RETRY_INTERVAL = 1.0  # seconds between two attempts to connect to a server that did not answer

Result = TypeVar("Result")


class Answers:
    """What the connections of an engine know about a server that does not answer.

    One connection at a time tries a server that did not answer; meanwhile the others fail at once. Without this, each
    request of a service would wait for the whole time limit.

    Args:
        seconds: Time limit for the answer to a statement. Each part of an answer begins it again.
        ended: Is set when nothing may wait any more.
    """

    def __init__(self, seconds: float, ended: threading.Event) -> None:
        self._seconds, self._ended = seconds, ended
        self._lock = threading.Lock()
        self._silent_at: float | None = None  # when the server last failed to answer; None: it answers
        self._is_tried = False

    def connect(self, *arguments: Any, **keywords: Any) -> Any:
        """Open a connection whose statements are limited; the arguments are those of psycopg.

        Raises:
            psycopg.OperationalError: The server refuses it, does not answer, or did not answer a moment ago.
        """
        import psycopg

        with self._lock:
            is_silent = self._silent_at is not None
            if self._silent_at is not None and (
                self._is_tried or self._ended.is_set() or time.monotonic() < self._silent_at + RETRY_INTERVAL
            ):
                raise psycopg.OperationalError("the server does not answer")
            self._is_tried = self._is_tried or is_silent
        silent_at = None
        try:
            connection = _limited_connection().connect(*arguments, **keywords)
        except psycopg.errors.ConnectionTimeout as error:
            silent_at = time.monotonic()
            raise psycopg.OperationalError(
                f"the server has not answered within {keywords.get('connect_timeout', CONNECT_TIMEOUT)} s"
            ) from error
        finally:
            with self._lock:
                self._silent_at = silent_at
                if is_silent:
                    self._is_tried = False
        connection.answers = self
        return connection

    def limited(self, statement: Generator[Any, Any, Result], close: Callable[[], None]) -> Generator[Any, Any, Result]:
        """Pass on a generator of psycopg, which yields whenever it waits and is told what is ready: 0 is nothing.

        Args:
            statement: The generator.
            close: Closes the connection, whose state is unknown after a statement without an answer.

        Raises:
            psycopg.OperationalError: There is no answer in time.
        """
        import psycopg

        last = time.monotonic()
        try:
            wanted = next(statement)
            while True:
                ready = yield wanted
                now = time.monotonic()
                if ready:
                    last = now
                elif now >= last + self._seconds or self._ended.is_set():
                    break
                wanted = statement.send(ready)
        except StopIteration as done:
            result: Result = done.value
            return result
        close()
        if self._ended.is_set():
            raise psycopg.OperationalError("the server did not answer before the end")
        with self._lock:
            self._silent_at = now
        raise psycopg.OperationalError(f"the server has not answered within {self._seconds:g} s")


@cache
def _limited_connection() -> Any:
    """Return the class of connections; it is made here because psycopg may not be installed."""
    import psycopg

    class LimitedConnection(psycopg.Connection[Any]):
        """A connection whose statements end if the server does not answer."""

        answers: Answers | None = None

        def wait(self, gen: Any, *arguments: Any, **keywords: Any) -> Any:
            """Wait for a statement, but not for ever."""
            if self.answers is not None:
                gen = self.answers.limited(gen, self.pgconn.finish)
            return super().wait(gen, *arguments, **keywords)

    return LimitedConnection

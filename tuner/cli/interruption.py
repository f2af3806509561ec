"""Interruptions and errors of a command, and the command that resumes the work."""

from __future__ import annotations

import contextlib
import shlex
import signal
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tuner.api.database import DEFAULT_DATABASE

UNFINISHED = (73, 74, 75)  # exit codes of what ends a run that can go on
SIGNALS = (signal.SIGTERM, signal.SIGHUP)  # requests to stop, in addition to Ctrl-C


class Interrupted(KeyboardInterrupt):
    """The command was asked to stop.

    Attributes:
        exit_code: 128 and the signal's number: 130 for Ctrl-C, 143 for SIGTERM, 129 for a terminal that was closed.
    """

    def __init__(self, command: str | None, exit_code: int) -> None:
        kept = f"what is finished is kept. Go on with: {command}" if command else "nothing was begun"
        super().__init__(f"interrupted; {kept}")
        self.exit_code = exit_code


def resume_command(name: str, database: str) -> str:
    """Return the command that continues a run or a study.

    Args:
        name: Of the run or the study.
        database: Where it is, without passwords.
    """
    place = "" if database == f"sqlite:///{DEFAULT_DATABASE}" else f" --database {shlex.quote(database)}"
    return f"lodo-tune resume {name}{place}"


@contextlib.contextmanager
def advice_on_error(command: Callable[[], str | None]) -> Iterator[None]:
    """Add the command that continues a run to an error that ends it for now."""
    try:
        yield
    except Exception as error:
        go_on = command()
        if getattr(error, "exit_code", None) in UNFINISHED and go_on:
            error.args = (f"{error}. What is finished is kept. Go on with: {go_on}",)
        raise


class Interruptions:
    """Handles SIGTERM and SIGHUP as Ctrl-C while it is open, and makes of each an `Interrupted`.

    What was caught is kept apart: Ray raises a KeyboardInterrupt of its own in place of what a signal handler raises
    while it waits, and code that it calls may swallow one.

    Args:
        command: Returns the command that continues; None if nothing was begun.
    """

    def __init__(self, command: Callable[[], str | None]) -> None:
        self._command = command
        self._caught: list[int] = []
        self._before: Mapping[int, Any] = {}

    def __enter__(self) -> Interruptions:
        self._before = {number: signal.signal(number, self._interrupt) for number in SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, KeyboardInterrupt):
            # The process ends now; asked once more while the database is closed, it would not say how to go on.
            for number in (*SIGNALS, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            raise Interrupted(self._command(), 128 + self._caught[0] if self._caught else 130) from None
        for caught, handler in self._before.items():
            signal.signal(caught, handler)

    def executor_started(self) -> None:
        """Put the handlers before those of Ray, which print its stack; raise what was swallowed while it started."""
        for number in SIGNALS:
            signal.signal(number, signal.getsignal(number))
        if self._caught:
            raise KeyboardInterrupt

    def _interrupt(self, number: int, _: object) -> None:
        self._caught.append(number)
        raise KeyboardInterrupt

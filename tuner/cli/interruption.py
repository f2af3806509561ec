"""Interruptions and errors of a command, with the command that resumes the run."""

from __future__ import annotations

import contextlib
import shlex
import signal
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tuner.api.stored_database import DEFAULT_DATABASE
from tuner.core.errors import RESUMABLE

SIGNALS = (signal.SIGTERM, signal.SIGHUP)  # requests to stop, in addition to Ctrl-C


class Interrupted(KeyboardInterrupt):
    """The command was interrupted.

    Args:
        command: The command that continues the run; None if nothing was started.
        exit_code: See below.

    Attributes:
        exit_code: 128 and the signal's number: 130 for Ctrl-C, 143 for SIGTERM, 129 for a terminal that was closed.
    """

    def __init__(self, command: str | None, exit_code: int) -> None:
        kept = f"finished candidates are kept. Continue with: {command}" if command else "nothing was started"
        super().__init__(f"interrupted; {kept}")
        self.exit_code = exit_code


def resume_command(name: str, database: str) -> str:
    """Return the command that continues a run or a study.

    Args:
        name: Name of the run or the study.
        database: URL of its database, without passwords.
    """
    option = "" if database == f"sqlite:///{DEFAULT_DATABASE}" else f" --database {shlex.quote(database)}"
    return f"lodo-tune resume {name}{option}"


@contextlib.contextmanager
def advice_on_error(command: Callable[[], str | None]) -> Iterator[None]:
    """Add the command that continues a run to the message of an error after which it can be resumed.

    Args:
        command: Returns the command; None if nothing was started.
    """
    try:
        yield
    except Exception as error:
        resume = command()
        if getattr(error, "exit_code", None) in RESUMABLE and resume:
            error.args = (f"{error}. Finished candidates are kept. Continue with: {resume}",)
        raise


class Interruptions:
    """A context that handles SIGTERM and SIGHUP like Ctrl-C, and raises `Interrupted` for each of them.

    Caught signals are recorded in addition to raising an exception: while Ray waits, it replaces the exception of a
    signal handler by a KeyboardInterrupt of its own, and code that it calls may suppress one.

    Args:
        command: Returns the command that continues the run; None if nothing was started.
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
            # The process ends now: a further signal while the database is closed would suppress the advice.
            for number in (*SIGNALS, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            raise Interrupted(self._command(), 128 + self._caught[0] if self._caught else 130) from None
        for caught, handler in self._before.items():
            signal.signal(caught, handler)

    def executor_started(self) -> None:
        """Install the handlers again, over those of Ray; raise an interruption that was suppressed while it started."""
        for number in SIGNALS:
            signal.signal(number, signal.getsignal(number))
        if self._caught:
            raise KeyboardInterrupt

    def _interrupt(self, number: int, _: object) -> None:
        self._caught.append(number)
        raise KeyboardInterrupt

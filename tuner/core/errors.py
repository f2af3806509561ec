"""Base classes of errors with exit codes, and checks of requests."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar

MAX_SECONDS = 100_000_000
"""Largest time limit: about three years, and a number that every timer accepts."""

RESUMABLE = (73, 74, 75)
"""Exit codes of errors after which a run can be resumed."""

_FIELD = re.compile(r"\{([a-z_]+)\}")
_NOT_GIVEN = object()


class LodoTuneError(Exception):
    """Base class of all errors that are reported in one line.

    Attributes:
        exit_code: Exit code of a command that ends with this error.
    """

    exit_code: ClassVar[int] = 1


class InvalidRequest(LodoTuneError, ValueError):  # noqa: N818 (part of the public interface)
    """A value that was requested is not accepted.

    The text names the field as Python does, "steps"; the command line puts its flag there, "--steps", and an HTTP
    response reports `field` by itself.

    Args:
        field: Name of the invalid argument, as in the Python API, such as "gpus_per_candidate".
        accepted: The text after the field's name: "is at least 1", or ": there is no folder x". Other fields
            are written in braces, "excludes {search}".
        received: The invalid value; left out of the text by default.
    """

    exit_code = 2

    def __init__(self, field: str, accepted: str, received: object = _NOT_GIVEN) -> None:
        self.field, self.accepted = field, accepted
        self.received = None if received is _NOT_GIVEN else received
        self._has_received = received is not _NOT_GIVEN
        super().__init__(self.text(str))

    def text(self, name_of: Callable[[str], str]) -> str:
        """Return the message with each field's name replaced by `name_of(field)`."""
        accepted = _FIELD.sub(lambda match: name_of(match.group(1)), self.accepted)
        separator = "" if accepted.startswith(":") else " "
        received = f". Received: {_shown(self.received)}" if self._has_received else ""
        return f"{name_of(self.field)}{separator}{accepted}{received}"

    def without(self, text: str) -> InvalidRequest:
        """Return the error without a text, such as the path of a folder that the reader does not know."""
        received = (self.received,) if self._has_received else ()
        return type(self)(self.field, self.accepted.replace(text, ""), *received)

    def __reduce__(self) -> tuple[type[InvalidRequest], tuple[object, ...]]:
        """Pickle the arguments of the constructor, so that the error survives a change of process."""
        received = (self.received,) if self._has_received else ()
        return type(self), (self.field, self.accepted, *received)


class StudyRefused(LodoTuneError):  # noqa: N818 (names an event)
    """No candidate of a study can be trained by a worker, for a reason that concerns all of them."""


class OtherInputs(StudyRefused):
    """A worker has other code or other data than the driver: all that it trains would belong to another study."""


class WorkerSpent(LodoTuneError):  # noqa: N818 (names an event)
    """A candidate has failed, and its worker is to be ended: it still runs there, or has left too much behind."""


class RaisedInFunction(Exception):  # noqa: N818 (names an event)
    """A training function has raised an exception that cannot leave a generator as itself, as StopIteration.

    Attributes:
        error: What it raised.
    """

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


def check_at_least_one(field: str, value: int | None) -> None:
    """Raise InvalidRequest for a number below one; None is accepted.

    Raises:
        InvalidRequest: The value is below one.
    """
    if value is not None and value < 1:
        raise InvalidRequest(field, "is at least 1", value)


def check_timeout(seconds: float | None) -> None:
    """Raise InvalidRequest for a time limit out of range; None is accepted.

    Raises:
        InvalidRequest: The limit is not positive, or longer than a timer can be set.
    """
    if seconds is not None and not 0 < seconds <= MAX_SECONDS:
        raise InvalidRequest("timeout", f"is a positive number of seconds, at most {MAX_SECONDS}", seconds)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f"{value!r:.80}"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "none"
    return str(value)


class StopTraining(Exception):  # noqa: N818 (states what to do)
    """Raised by `report` in a training function whose search has no more use for it: the function ends here.

    A function need not catch it; one that does, to close something, raises it again or returns.
    """

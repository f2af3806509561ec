"""Outputs of finished work, each of which is made although another one fails."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from tuner.core.text import first_line


class OutputsFailed(Exception):  # noqa: N818 (states what is the case)
    """Outputs of finished work could not be made; all others were. The text is one line.

    Attributes:
        exit_code: That of the first error: 74 where no space is left, 1 otherwise.
        result: What the work returned, if that is known.
    """

    def __init__(self, message: str, exit_code: int = 1, result: object = None) -> None:
        super().__init__(message)
        self.exit_code, self.result = exit_code, result


class Outputs:
    """Makes outputs one after the other, and reports at the end which of them failed."""

    def __init__(self) -> None:
        self._failed: list[tuple[str, Exception]] = []

    @contextlib.contextmanager
    def attempt(self, what: str) -> Iterator[None]:
        """Keep an exception of the block until `check`.

        Args:
            what: Name of the output, for the error: "search.png".
        """
        try:
            yield
        except Exception as error:
            self._failed.append((what, error))

    def check(self, kept: str = "") -> None:
        """Raise an error if an output failed.

        Args:
            kept: Where the results are nevertheless, for the error.

        Raises:
            OutputsFailed: At least one output failed.
            BrokenPipeError: Only that failed, because the reader of the output has ended.
        """
        failed = [(what, error) for what, error in self._failed if not isinstance(error, BrokenPipeError)]
        if not failed:
            for _, error in self._failed:
                raise error
            return
        what, error = failed[0]
        reason = first_line(str(error)) or type(error).__name__
        others = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        text = f"{what}: {reason}" if isinstance(error, OutputsFailed) else f"{what} was not written{others}: {reason}"
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        code = 74 if full else getattr(error, "exit_code", 1)
        raise OutputsFailed(f"{text}. {kept}" if kept else text, code) from error

"""Standard streams of a command, whatever the terminal accepts."""

from __future__ import annotations

import contextlib
import io
import os
import select
import sys
from collections.abc import Iterator

from tuner.cli.silence import silence


class OutputClosed(Exception):  # noqa: N818 (states what is the case)
    """The reader of standard output, such as `head`, has ended."""

    exit_code = 141  # 128 and the number of SIGPIPE, as shells report it of other programs


@contextlib.contextmanager
def noticing_a_closed_output() -> Iterator[None]:
    """Raise `OutputClosed` where the reader of standard output has ended; click would exit with 1, without a message.

    Raises:
        OutputClosed: The reader has ended.
        ConnectionError: Another pipe or socket is broken.
    """
    try:
        yield
    except BrokenPipeError as error:
        if _has_reader():
            raise ConnectionError(f"a connection is broken: {error}") from error
        raise OutputClosed from error


def _has_reader() -> bool:
    """Return whether somebody can read what is written to standard output; False of a stream without a file."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), select.POLLOUT)
        return not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    except (OSError, ValueError):
        return False


class _Kept(io.TextIOWrapper):
    """A stream that users' code cannot close; it gets `sys.stdout`, which may be closed or given away."""

    def close(self) -> None:
        """Write what is left."""
        self.flush()


class _StandardOutput(_Kept):
    """Standard output, for our own results."""


class _StandardError(_Kept):
    """Standard error, which carries progress: a full disk or a terminal that is gone must not end the work."""

    def write(self, text: str) -> int:
        """Write a text, or drop this and all further ones if that fails."""
        try:
            return super().write(text)
        except OSError:
            silence(self)
            return len(text)

    def flush(self) -> None:
        """Flush, or drop what is left if that fails."""
        try:
            super().flush()
        except OSError:
            silence(self)


def prepare_streams() -> None:
    """Print a "?" for a character that the encoding of standard output lacks, and accept streams that are closed.

    A terminal or a service may set another encoding than UTF-8, such as latin-1 or cp1252, which have no arrow.
    Standard error escapes such characters already. Files are written in UTF-8 in any case. What writes to descriptor 1
    goes to standard error from now on, and only what is printed by `sys.stdout` to standard output.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by who started the command: a file would get its descriptor
            stream = open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8")  # noqa: SIM115
            os.set_inheritable(stream.fileno(), True)
            setattr(sys, name, stream)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    _keep_output()
    if type(sys.stderr) is io.TextIOWrapper:
        encoding, errors = sys.stderr.encoding, sys.stderr.errors
        sys.stderr = _StandardError(sys.stderr.detach(), encoding, errors, line_buffering=True)


@contextlib.contextmanager
def for_users_code() -> Iterator[None]:
    """Have `print` write to standard error, and `sys.argv` name no options: our output may be JSON, our options ours.

    What writes to the descriptor of standard output goes to standard error in any case; see `prepare_streams`.
    """
    before = sys.argv
    sys.argv = before[:1]
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        sys.argv = before


def leave_output() -> None:
    """Write what is left, and have what users' code prints while this process ends go to standard error."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    if isinstance(sys.stdout, _StandardOutput):
        sys.stdout = sys.stderr


def _keep_output() -> None:
    """Give standard output another descriptor, and make descriptor 1 that of standard error.

    Processes that users' code starts, libraries in C and `os.write(1, …)` write there.
    """
    stream = sys.stdout
    if type(stream) is not io.TextIOWrapper:
        return
    try:
        if stream.fileno() != 1:
            return
        own = os.dup(1)  # which child processes do not inherit
        os.dup2(2, 1)
    except (OSError, ValueError):  # a stream without a file, or no standard error
        return
    encoding, is_line_wise, is_unbuffered = stream.encoding, stream.line_buffering, stream.write_through
    stream.detach()
    sys.stdout = _StandardOutput(
        open(own, "wb"),  # noqa: SIM115
        encoding,
        "replace",
        line_buffering=is_line_wise,
        write_through=is_unbuffered,
    )
    setattr(sys, "__stdout__", sys.stdout)  # noqa: B010 - which asks for the size of the terminal

"""Progress on standard error: live at a terminal, else a line per generation."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Self

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from tuner.api.progress import Progress
from tuner.cli.silence import silence
from tuner.cli.watchdog import Watchdog

LINE_SECONDS = 60.0  # between two lines outside a terminal; work that takes less prints none


class _Console(Console):
    """A console that drops its output once the reader has closed the pipe, so that the run continues."""

    def on_broken_pipe(self) -> None:
        """Drop all further output."""
        self.quiet = True
        silence(sys.stderr)


class TerminalProgress(Progress):
    """Shows the generation, counts, best and median of each study that is running, and the time left.

    Args:
        executor_started: Called once the workers are ready.
        console: Console to write to. Default: standard error.
        clock: Returns the time in seconds.
    """

    def __init__(
        self,
        executor_started: Callable[[], None] = lambda: None,
        *,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console = console or _Console(stderr=True)
        super().__init__(lambda text: self.console.print(Text(text), soft_wrap=True), clock=clock)
        self._executor_started = executor_started
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live = Live(console=self.console, refresh_per_second=4, transient=True, get_renderable=self._lines)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def executor_started(self) -> None:
        """See `Progress`."""
        self._executor_started()

    def guard(self, seconds: float | None) -> AbstractContextManager[object]:
        """Return a context that ends this process if its code does not return."""
        return Watchdog(seconds)

    def confirm(self, lines: Sequence[str], question: str) -> bool:
        """Print the lines, and ask the question at the terminal."""
        if self._live is not None:  # it would overwrite the answer
            self._live.stop()
        try:
            for line in lines:
                self.say(line)
            return click.confirm(question, default=True, err=True)
        finally:
            if self._live is not None:
                self._live.start()

    def _generation_ended(self, line: str) -> None:
        """Print the line of a generation that has ended; a terminal has shown it already."""
        if not self.console.is_terminal:
            super()._generation_ended(line)

    def _lines(self) -> Text:
        """Return the state of the run: a line per study, and the time left."""
        lines = [line for study in self._studies if (line := study.line())]
        return Text("\n".join([*lines, self._time_left()]) if lines else "starting …")


class LineProgress(Progress):
    """Shows the progress of work without a database on one line of a terminal; shows nothing elsewhere."""

    def __init__(self) -> None:
        super().__init__(lambda text: click.echo(text, err=True))

    def __exit__(self, *_: object) -> None:
        if sys.stderr.isatty():
            click.echo("\r\x1b[K", nl=False, err=True)

    def advance(self, label: str, done: int, total: int) -> None:
        """See `Progress`."""
        self.show(f"{label}: {done / total:.0%}")

    def show(self, line: str) -> None:
        """Replace the line that is shown."""
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[K{line}", nl=False, err=True)

    def guard(self, seconds: float | None) -> AbstractContextManager[object]:
        """Return a context that ends this process if its code does not return."""
        return Watchdog(seconds)


class ExamplesProgress(LineProgress):
    """Shows how many examples are done and the time left; outside a terminal, one line per minute.

    The clock starts after the first batch, which is compiled.
    """

    def __init__(self) -> None:
        super().__init__()
        self._starts: dict[str, tuple[float, int]] = {}
        self._written: float | None = None

    def advance(self, label: str, done: int, total: int) -> None:
        """See `Progress`."""
        now = time.monotonic()
        if label not in self._starts:
            self._starts[label], self._written = (now, done), None
            return
        started, before = self._starts[label]
        left = (total - done) * (now - started) / max(1, done - before)
        line = f"{label}: {done:,} of {total:,} examples, {_clock(left)} left"
        self.show(line)
        is_due = left > LINE_SECONDS if self._written is None else now > self._written + LINE_SECONDS
        if is_due and not sys.stderr.isatty():
            self.say(line + ("; --examples N measures fewer" if self._written is None else ""))
            self._written = now


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"

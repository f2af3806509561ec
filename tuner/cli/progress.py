"""Progress on standard error: a live line a study in a terminal, a line a generation elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from tuner.cli.quiet import silence
from tuner.cli.study_progress import StudyProgress
from tuner.cli.time_left import TimeLeft
from tuner.core.study import StudySpec
from tuner.results.tables.numbers import counted


class _Console(Console):
    """A console whose reader may leave: what is said after that goes nowhere, and the search goes on."""

    def on_broken_pipe(self) -> None:
        """Fall silent."""
        self.quiet = True
        silence(sys.stderr)


class Report:
    """Shows a run: of each study under way its generation, how many are done, best, median, failures; and time left."""

    def __init__(
        self,
        specs: Sequence[StudySpec],
        *,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a report.

        Args:
            specs: All studies that will be run, for the estimate of the time left.
            console: Where to write; standard error by default.
            clock: Returns the time in seconds.
        """
        self.console = console or _Console(stderr=True)
        self._clock = clock
        self._started = clock()
        self._left = TimeLeft(work=sum(_evaluations(spec) for spec in specs))
        self._studies: list[StudyProgress] = []
        self._expected = len(specs)
        self._live: Live | None = None

    def __enter__(self) -> Report:
        if self.console.is_terminal:
            self._live = Live(console=self.console, refresh_per_second=4, transient=True, get_renderable=self._lines)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def say(self, text: str) -> None:
        """Print a line for people."""
        self.console.print(Text(text), soft_wrap=True)

    def ask(self, lines: Sequence[str], question: str) -> bool:
        """Print lines, and ask a question of who sits at the terminal."""
        if self._live is not None:  # it would paint over the answer
            self._live.stop()
        try:
            for line in lines:
                self.say(line)
            return click.confirm(question, default=True, err=True)
        finally:
            if self._live is not None:
                self._live.start()

    def listener(self) -> StudyProgress:
        """Return the listener of one study."""
        study = StudyProgress(self.say, self._closed, self._saved, self._done)
        self._studies.append(study)
        return study

    def _closed(self, line: str) -> None:
        """Print the line of a generation that has ended; in a terminal it was seen already."""
        if not self.console.is_terminal:
            self.say(f"{line}; {self._time_left()}")

    def _saved(self, evaluations: float) -> None:
        self._left.saved(evaluations)

    def _done(self, evaluations: float) -> None:
        self._left.done(evaluations, self._clock())

    def _lines(self) -> Text:
        """The state of things: a line a study, and what is left."""
        lines = [line for study in self._studies if (line := study.line())]
        return Text("\n".join([*lines, self._time_left()]) if lines else "starting …")

    def _time_left(self) -> str:
        now = self._clock()
        left = self._left.seconds(now)
        if left is None:
            return "time left: not known yet"
        if not left:
            return f"{_duration(now - self._started)} so far"
        unknown = self._expected - len(self._studies)  # whose pace nobody has seen: LODO takes ten times what Adam does
        if unknown > 0:
            return f"more than {_duration(left)} left, {counted(unknown, 'optimizer')} not begun"
        return f"about {_duration(left)} left"


def _evaluations(spec: StudySpec) -> int:
    """Gradient evaluations that a study takes if nothing diverges."""
    return spec.total_budget


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"

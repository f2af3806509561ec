"""Progress of a call: by default a plain line of text per generation.

A subclass may show progress in another way.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from typing import Self

from tuner.api.study_progress import StudyProgress
from tuner.api.time_left import TimeLeft
from tuner.core.study import StudySpec
from tuner.results.tables.numbers import counted
from tuner.studies.callbacks import Callback


class Progress:
    """Receives what a call of the API reports while it runs.

    Args:
        write: Takes a line of text.
        clock: Returns the time in seconds.

    Attributes:
        run: Name of the run; None until its studies are in the database.
        database: URL of the database, without passwords.
    """

    def __init__(self, write: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.run: str | None = None
        self.database = ""
        self._write = write
        self._clock = clock
        self._started = clock()
        self._left = TimeLeft(work=0)
        self._studies: list[StudyProgress] = []
        self._expected = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the display; may be called without `__enter__`."""

    def begin(self, specs: Sequence[StudySpec]) -> None:
        """Handle the start of a run with these studies."""
        self._started = self._clock()
        self._left = TimeLeft(work=sum(spec.total_budget for spec in specs))
        self._expected = len(specs)

    def say(self, text: str) -> None:
        """Show a line."""
        self._write(text)

    def executor_started(self) -> None:
        """Handle the moment at which the workers are ready."""

    def created(self, run: str, database: str) -> None:
        """Handle the moment at which the studies of a run are in the database."""
        self.run, self.database = run, database

    def discarded(self) -> None:
        """Handle the moment at which a run that nothing was recorded of is deleted: it cannot be resumed."""
        self.run = None

    def callback(self) -> Callback:
        """Return the callback of the next study."""
        study = StudyProgress(self.say, self._generation_ended, self._saved, self._done)
        self._studies.append(study)
        return study

    def advance(self, label: str, done: int, total: int) -> None:
        """Show the progress of work without a database.

        Args:
            label: Name of the work.
            done: Number of gradient evaluations, or of examples, done so far.
            total: Their total number.
        """

    def guard(self, seconds: float | None) -> contextlib.AbstractContextManager[object]:
        """Return a context for code of the user that may hang; `seconds` is its time limit, None if it has none."""
        return contextlib.nullcontext()

    def _generation_ended(self, line: str) -> None:
        self.say(f"{line}; {self._time_left()}")

    def _saved(self, evaluations: float) -> None:
        self._left.saved(evaluations)

    def _done(self, evaluations: float) -> None:
        self._left.done(evaluations, self._clock())

    def _time_left(self) -> str:
        now = self._clock()
        left = self._left.seconds(now)
        if left is None:
            return "time left: not known yet"
        if not left:
            return f"{_duration(now - self._started)} so far"
        unknown = self._expected - len(self._studies)  # an optimizer's pace is not known before it has started
        if unknown > 0:
            return f"more than {_duration(left)} left, {counted(unknown, 'optimizer')} not started"
        return f"about {_duration(left)} left"


def progress_of(progress: bool | Callable[[str], None] | Progress | None) -> Progress:
    """Return the progress that a caller requests.

    Args:
        progress: False or None shows nothing. True writes lines to standard error. A function takes each line. A
            `Progress` is returned unchanged.
    """
    if isinstance(progress, Progress):
        return progress
    if callable(progress):
        return Progress(progress)
    return Progress(_to_stderr if progress else lambda text: None)


def _to_stderr(text: str) -> None:
    with contextlib.suppress(OSError):  # a full disk, or a terminal that is gone, must not end the run
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"

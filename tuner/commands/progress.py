"""Progress on standard error: live in a terminal, a line a generation elsewhere."""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from tuner.candidate import AttemptEnded, Evaluation, Event, Key, Progress, Role, Status
from tuner.commands.quiet import silence
from tuner.commands.time_left import TimeLeft
from tuner.records import StudyRecord, StudySpec
from tuner.results.numerals import number


@dataclass
class _Batch:
    """A generation, or the fresh seeds, as far as it has come."""

    name: str
    budget: int
    keys: frozenset[Key]
    order: Sequence[Key]
    fitnesses: dict[Key, float] = field(default_factory=dict)
    statuses: dict[Key, Status] = field(default_factory=dict)
    steps: dict[Key, int] = field(default_factory=dict)


class _Console(Console):
    """A console whose reader may leave: what is said after that goes nowhere, and the search goes on."""

    def on_broken_pipe(self) -> None:
        """Fall silent."""
        self.quiet = True
        silence(sys.stderr)


class Report:
    """A listener that shows a run: which study and generation, how many are done, best, median, failures, time left."""

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
        self._study = ""
        self._batch: _Batch | None = None
        self._clock = clock
        self._started = clock()
        self._left = TimeLeft(work=sum(_evaluations(spec) for spec in specs), studies=len(specs))
        self._live: Live | None = None

    def __enter__(self) -> Report:
        if self.console.is_terminal:
            self._live = Live(console=self.console, refresh_per_second=4, transient=True, get_renderable=self._line)
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

    def study_began(self, study: StudyRecord) -> None:
        """Take note of the study."""
        self._study = study.spec.name
        self._batch = None
        self._left.study_began(self._clock())

    def batch_began(self, name: str, budget: int, keys: Sequence[Key]) -> None:
        """Close the line of the last generation and open the next."""
        self._end_batch()
        self._batch = _Batch(name, budget, frozenset(keys), keys)

    def known(self, key: Key, status: Status, fitness: float) -> None:
        """Count a result that is on record."""
        if self._batch is not None:
            self._batch.fitnesses[key] = fitness
            self._batch.statuses[key] = status
            self._left.saved(self._batch.budget)

    def happened(self, event: Event) -> None:
        """Count what came, and say what went wrong on the way."""
        batch = self._batch
        if batch is None:
            return
        if isinstance(event, Progress):
            for key in event.keys:
                self._advance(batch, key, event.steps_done)
        elif isinstance(event, Evaluation) and event.key not in batch.fitnesses:
            batch.fitnesses[event.key] = event.fitness
            batch.statuses[event.key] = event.status
            self._advance(batch, event.key, batch.budget)
        elif isinstance(event, AttemptEnded):
            slots = f"s{min(key.slot for key in event.keys):02d}" + ("" if len(event.keys) == 1 else "…")
            self.say(f"{self._study} {batch.name} {slots}: attempt {event.attempt}: {event.reason}")

    def remarked(self, text: str) -> None:
        """Say the strategy's remark."""
        self.say(f"{self._study}: {text}")

    def study_ended(self, study: StudyRecord) -> None:
        """Close the line of the last generation."""
        self._end_batch()

    def _advance(self, batch: _Batch, key: Key, steps: int) -> None:
        self._left.done(max(0, steps - batch.steps.get(key, 0)), self._clock())
        batch.steps[key] = max(steps, batch.steps.get(key, 0))

    def _end_batch(self) -> None:
        if self._batch is not None and not self.console.is_terminal:
            self.say(self._line().plain)
        self._batch = None

    def _line(self) -> Text:
        """The state of things in one line."""
        batch = self._batch
        if batch is None:
            return Text(f"{self._study} …" if self._study else "starting …")
        statuses = list(batch.statuses.values())
        diverged = statuses.count(Status.DIVERGED)
        timed_out = statuses.count(Status.TIMED_OUT)
        under_way = sum(batch.steps.values()) + batch.budget * (
            len(batch.fitnesses) - len(batch.steps.keys() & batch.fitnesses.keys())
        )
        share = min(1.0, under_way / max(1, batch.budget * len(batch.keys)))
        return Text(
            f"{self._study}  {batch.name} ({batch.budget} evaluations each): {len(batch.fitnesses)}/{len(batch.keys)}"
            f" done ({share:.0%}), {_fitnesses(batch)}, {diverged} diverged, {statuses.count(Status.FAILED)} failed"
            f"{f', {timed_out} timed out' if timed_out else ''}; {self._time_left()}"
        )

    def _time_left(self) -> str:
        now = self._clock()
        left = self._left.seconds(now)
        if left is None:
            return "time left: not known yet"
        return f"about {_duration(left)} left" if left else f"{_duration(now - self._started)} so far"


def _fitnesses(batch: _Batch) -> str:
    """Return best and median of what finished; of fresh seeds the medians of the defaults and of the tuned point."""
    finite = {key: fitness for key, fitness in batch.fitnesses.items() if math.isfinite(fitness)}
    if not finite:
        return "none finished yet"
    if all(key.role.is_due for key in batch.keys):
        return f"best {number(min(finite.values()))}, median {number(statistics.median(finite.values()))}"
    found = {role: [fitness for key, fitness in finite.items() if key.role is role] for role in Role}
    medians = [f"{role} {number(statistics.median(found[role]))}" for role in Role if found[role]]
    return f"medians: {', '.join(medians)}"


def _evaluations(spec: StudySpec) -> int:
    """Gradient evaluations that a study takes if nothing diverges."""
    return spec.population * sum(spec.steps) + 2 * spec.fresh_seeds * spec.steps[-1]


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"

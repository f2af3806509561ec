"""Progress of one study: its state in one line, and remarks on failures."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from tuner.core.events import AttemptEnded, Event, Progress
from tuner.core.objective import TRAINING_LOSS, Objective
from tuner.core.study import StudyRecord, StudySpec
from tuner.core.text import one_line
from tuner.core.trial import Evaluation, Key, Role, Status
from tuner.results.tables.numbers import number


@dataclass
class _Batch:
    """State of a generation, or of the fresh seeds."""

    name: str
    budget: int
    keys: frozenset[Key]
    order: Sequence[Key]
    fitnesses: dict[Key, float] = field(default_factory=dict)
    statuses: dict[Key, Status] = field(default_factory=dict)
    steps: dict[Key, int] = field(default_factory=dict)


class StudyProgress:
    """A callback that keeps the state of one study, and reports it."""

    def __init__(
        self,
        say: Callable[[str], None],
        closed: Callable[[str], None],
        saved: Callable[[float], None],
        done: Callable[[float], None],
    ) -> None:
        """Create a callback.

        Args:
            say: Shows a line.
            closed: Takes the line of a generation that has ended.
            saved: Takes the number of gradient evaluations of a result that is already recorded.
            done: Takes the number of gradient evaluations that were done, or saved since a candidate diverged.
        """
        self._say, self._closed, self._saved, self._done = say, closed, saved, done
        self._study, self._objective = "", TRAINING_LOSS
        self._spec: StudySpec | None = None
        self._batch: _Batch | None = None

    def on_study_begin(self, study: StudyRecord) -> None:
        """Keep the study."""
        self._study, self._spec = study.spec.name, study.spec

    def on_batch_begin(self, name: str, budget: int, keys: Sequence[Key]) -> None:
        """Report the line of the last generation and start the next."""
        self._end_batch()
        self._batch = _Batch(name, budget, frozenset(keys), keys)
        if self._spec is not None:
            self._objective = self._spec.workload_of(keys[0].generation).objective

    def on_recorded_result(self, key: Key, status: Status, fitness: float) -> None:
        """Count a result that is already recorded."""
        if self._batch is not None:
            self._batch.fitnesses[key] = fitness
            self._batch.statuses[key] = status
            self._saved(self._batch.budget)

    def on_event(self, event: Event) -> None:
        """Count progress and results, and report attempts that ended without a result."""
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
            self._say(f"{self._study} {batch.name} {slots}: attempt {event.attempt}: {one_line(event.reason)}")

    def on_remark(self, text: str) -> None:
        """Report a remark of the strategy."""
        self._say(f"{self._study}: {text}")

    def on_study_end(self, study: StudyRecord) -> None:
        """Report the line of the last generation."""
        self._end_batch()

    def line(self) -> str:
        """Return the state of the study in one line; "" if no generation is running."""
        batch = self._batch
        if batch is None:
            return ""
        statuses = list(batch.statuses.values())
        diverged = statuses.count(Status.DIVERGED)
        timed_out, pruned = statuses.count(Status.TIMED_OUT), statuses.count(Status.PRUNED)
        steps_done = sum(batch.steps.values()) + batch.budget * (
            len(batch.fitnesses) - len(batch.steps.keys() & batch.fitnesses.keys())
        )
        values = _values(batch, self._objective)
        share = min(1.0, steps_done / max(1, batch.budget * len(batch.keys)))
        return (
            f"{self._study}  {batch.name} ({batch.budget} evaluations each): {len(batch.fitnesses)}/{len(batch.keys)}"
            f" done ({share:.0%}), {values}, {diverged} diverged, {statuses.count(Status.FAILED)} failed"
            f"{f', {timed_out} timed out' if timed_out else ''}{f', {pruned} pruned' if pruned else ''}"
        )

    def _advance(self, batch: _Batch, key: Key, steps: int) -> None:
        self._done(max(0, steps - batch.steps.get(key, 0)))
        batch.steps[key] = max(steps, batch.steps.get(key, 0))

    def _end_batch(self) -> None:
        if self._batch is not None:
            self._closed(self.line())
        self._batch = None


def _values(batch: _Batch, objective: Objective) -> str:
    """Return best and median of the finished candidates; for fresh seeds, the medians of defaults and tuned point."""
    finite = {key: fitness for key, fitness in batch.fitnesses.items() if math.isfinite(fitness)}
    if not finite:
        return "none finished yet"

    def words(value: float | None) -> str:
        return "target not reached" if value is None else number(value)

    def median(fitnesses: Collection[float]) -> str:
        middle = statistics.median(fitnesses), statistics.median_high(fitnesses)
        return words(objective.shown_median(*middle, batch.budget))

    if all(key.role.is_due for key in batch.keys):
        best = words(objective.shown(min(finite.values()), batch.budget))
        return f"best {best}, median {median(finite.values())}"
    by_role = {role: [fitness for key, fitness in finite.items() if key.role is role] for role in Role}
    medians = [f"{role} {median(by_role[role])}" for role in Role if by_role[role]]
    return f"medians: {', '.join(medians)}"

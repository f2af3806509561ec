"""Metrics of studies, exported as application metrics of Ray.

Prometheus scrapes them and Grafana shows them.


Ray exports them on the metrics port of the driver's node, with the prefix "ray_" and for counters the suffix "_total".
Each has the tags `task`, `run` and `optimizer`; no tag has an unbounded number of values.
"""

from __future__ import annotations

import contextlib
import math
import threading
from bisect import insort
from collections import Counter as Counts
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Any, Self

from ray.util.metrics import Counter, Gauge

from tuner.core.events import AttemptEnded, AttemptStarted, Event
from tuner.core.study import SearchSpec, StudyRecord
from tuner.core.text import first_line
from tuner.core.trial import Evaluation, Key, Role, Status

GAUGES = {
    "lodo_tune_generation": "Generation of the search that is under way, from 0.",
    "lodo_tune_best_fitness": "Best value of the objective in the generation so far, unless none reached a target.",
    "lodo_tune_median_fitness": "Median of those that finished in the generation so far, unless it missed a target.",
    "lodo_tune_candidates": "Candidates on record by final status, fresh seeds included.",
    "lodo_tune_candidates_planned": "Candidates that the whole study will have, fresh seeds included.",
    "lodo_tune_candidates_running": "Candidates that a worker is training.",
    "lodo_tune_lanes_busy": "Tasks that are training a cohort of candidates.",
}
COUNTERS = {
    "lodo_tune_candidates_done": "Candidates that this driver has had trained, with any outcome.",
    "lodo_tune_attempts_failed": "Attempts that ended without a result for all their candidates.",
}
REFRESH_SECONDS = 2.0
"""Seconds between two updates of the gauges: Ray drops a gauge that was not set for 20 s."""

_TAGS = ("task", "run", "optimizer")


class Metrics:
    """Exports the metrics of a run's studies while it is open; those of a complete study stay until the end."""

    def __init__(self) -> None:
        """Define the metrics; Ray sends them every ten seconds while it runs, and ignores them otherwise."""
        self._gauges = {
            name: Gauge(name, text, (*_TAGS, "status") if name == "lodo_tune_candidates" else _TAGS)
            for name, text in GAUGES.items()
        }
        self._counters = {name: Counter(name, text, _TAGS) for name, text in COUNTERS.items()}
        self._studies: list[StudyMetrics] = []
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._refresh, name="metrics", daemon=True)

    def study(self) -> StudyMetrics:
        """Return a new listener; each of several concurrent studies needs one of its own."""
        study = StudyMetrics(self._counters)
        self._studies.append(study)
        return study

    def __enter__(self) -> Self:
        """Start exporting."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Export a last time, and stop."""
        self._closed.set()
        self._thread.join()

    def _refresh(self) -> None:
        last = False
        while not last:
            last = self._closed.wait(REFRESH_SECONDS)
            for study in list(self._studies):
                for (name, status), value in study.figures().items():
                    with contextlib.suppress(Exception):
                        self._gauges[name].set(value, tags=study.tags | ({"status": str(status)} if status else {}))


class StudyMetrics:
    """A listener that maintains the metrics of one study.

    A candidate whose fitness is not finite is only counted by status. Best and median fitness keep their values until
    the first candidate of the next generation finishes.

    Attributes:
        tags: The tags of the study's metrics.
    """

    _counts: Counts[Status]
    _seen: set[Key]
    _fitnesses: list[float]  # of the current generation, sorted
    _attempts: dict[Key, set[Key]]  # by running candidate, the running candidates of its attempt
    _busy: int  # attempts with a running candidate

    def __init__(self, counters: dict[str, Any]) -> None:
        """Create a listener; the counters are shared by all studies."""
        self.tags: dict[str, str] = {}
        self._counters = counters
        self._figures: dict[tuple[str, Status | None], float] = {}

    def figures(self) -> dict[tuple[str, Status | None], float]:
        """Return the values of the gauges by name and status; may be called from any thread."""
        return dict(self._figures)

    def on_study_begin(self, study: StudyRecord) -> None:
        """Reset the metrics for a study."""
        spec = self._spec = study.spec
        values = (spec.task_label, spec.run, spec.label)
        self.tags = {name: _label(value) for name, value in zip(_TAGS, values, strict=True)}
        self._objective, self._budget = spec.workload.objective, 0
        self._counts, self._seen = Counts(), set()
        self._begin_batch()
        fresh = 2 * spec.fresh_runs * len(spec.parts) if isinstance(spec, SearchSpec) else 0
        self._set("candidates_planned", spec.due + fresh)
        for status in Status:
            if status.is_final:
                self._set("candidates", 0, status)

    def on_batch_begin(self, name: str, budget: int, keys: Sequence[Key]) -> None:
        """Start a generation, or the fresh seeds."""
        self._begin_batch()
        self._budget = budget
        if keys and keys[0].role is Role.SEARCH:
            self._objective = self._spec.workload_of(keys[0].generation).objective
            self._set("generation", keys[0].generation // len(self._spec.workloads))

    def on_recorded_result(self, key: Key, status: Status, fitness: float) -> None:
        """Count a result that was recorded before."""
        self._take(key, status, fitness)

    def on_event(self, event: Event) -> None:
        """Count an event."""
        if isinstance(event, Evaluation):
            self._take(event.key, event.status, event.fitness)
            self._remove((event.key,))
            self._count("lodo_tune_candidates_done")
        elif isinstance(event, AttemptStarted):
            members = set(event.keys)
            self._attempts.update((key, members) for key in event.keys)
            self._busy += 1
            self._set_running()
        elif isinstance(event, AttemptEnded):
            self._remove(event.keys)
            self._count("lodo_tune_attempts_failed")

    def on_remark(self, text: str) -> None:
        """Ignore a remark."""

    def on_study_end(self, study: StudyRecord) -> None:
        """Set the number of running candidates to zero."""
        self._begin_batch()

    def _begin_batch(self) -> None:
        self._fitnesses, self._attempts, self._busy = [], {}, 0
        self._set_running()

    def _take(self, key: Key, status: Status, fitness: float) -> None:
        """Count the first result of a candidate."""
        if key in self._seen:
            return
        self._seen.add(key)
        self._counts[status] += 1
        self._set("candidates", self._counts[status], status)
        if key.role is Role.SEARCH and math.isfinite(fitness):
            insort(self._fitnesses, fitness)
            half = len(self._fitnesses) // 2
            median = self._fitnesses[half] / 2 + self._fitnesses[~half] / 2
            best = self._objective.shown(self._fitnesses[0], self._budget)
            middle = self._objective.shown_median(median, self._fitnesses[half], self._budget)
            for name, shown in (("best_fitness", best), ("median_fitness", middle)):
                if shown is not None:
                    self._set(name, shown)

    def _remove(self, keys: Collection[Key]) -> None:
        """Remove candidates from the running ones, and an attempt with its last candidate."""
        for key in keys:
            attempt = self._attempts.pop(key, None)
            if attempt is not None:
                attempt.discard(key)
                self._busy -= not attempt
        self._set_running()

    def _count(self, name: str) -> None:
        with contextlib.suppress(Exception):  # a metric that Ray refuses must not end the search
            self._counters[name].inc(tags=self.tags)

    def _set_running(self) -> None:
        self._set("candidates_running", len(self._attempts))
        self._set("lanes_busy", self._busy)

    def _set(self, name: str, value: float, status: Status | None = None) -> None:
        self._figures[f"lodo_tune_{name}", status] = value


def _label(value: str) -> str:
    """Return a value as a tag: Ray accepts ASCII only, and a task may be called 任务."""
    return first_line(value, limit=100).encode("ascii", "backslashreplace").decode()

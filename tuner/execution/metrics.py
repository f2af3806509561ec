"""A study's figures as Ray's application metrics, which Prometheus reads and Grafana draws.

Ray exports them on the metrics port of the driver's node under these names with "ray_" before them, and a counter with
"_total" behind it. Each carries the tags `task`, `run` and `optimizer`, and none has a tag of which there is no end.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import Counter as Counts
from collections.abc import Collection, Sequence

from ray.util.metrics import Counter, Gauge, Metric

from tuner.candidate import AttemptEnded, AttemptStarted, Evaluation, Event, Key, Role, Status
from tuner.execution.plain import one_line
from tuner.records import StudyRecord

METRICS: dict[str, tuple[type[Metric], str]] = {
    "lodo_tune_generation": (Gauge, "Generation of the search that is under way, from 0."),
    "lodo_tune_best_fitness": (Gauge, "Smallest fitness of the generation so far."),
    "lodo_tune_median_fitness": (Gauge, "Median fitness of those that finished of the generation so far."),
    "lodo_tune_candidates": (Gauge, "Candidates on record by final status, fresh seeds included."),
    "lodo_tune_candidates_planned": (Gauge, "Candidates that the whole study will have, fresh seeds included."),
    "lodo_tune_candidates_done": (Counter, "Candidates that this driver has had trained, whatever came of them."),
    "lodo_tune_candidates_running": (Gauge, "Candidates that a worker is training."),
    "lodo_tune_lanes_busy": (Gauge, "Tasks that are training a cohort of candidates."),
    "lodo_tune_attempts_failed": (Counter, "Attempts that ended without a result for all their candidates."),
}
"""Every metric by name: its kind, and what it means."""

_TAGS = ("task", "run", "optimizer")


class StudyMetrics:
    """A listener that exports the figures of one study at a time; studies side by side take one each.

    A fitness that is not finite is counted by its status and never exported. Best and median stay as they are until
    something of the next generation finishes.
    """

    _counts: Counts[Status]
    _seen: set[Key]
    _fitnesses: list[float]  # of the generation under way, sorted
    _attempts: dict[Key, set[Key]]  # of each candidate that runs, those of its attempt that still do
    _busy: int  # attempts among them

    def __init__(self) -> None:
        """Make the metrics; Ray sends them every ten seconds once it runs, and drops them where it does not."""
        self._metrics = {name: _made(name) for name in METRICS}
        self._forget()

    def study_began(self, study: StudyRecord) -> None:
        """Begin the figures of a study."""
        spec = study.spec
        tags = dict(zip(_TAGS, (spec.workload.task_label, spec.run, spec.workload.optimizer), strict=True))
        tags = {name: one_line(value, limit=100) for name, value in tags.items()}
        for name, metric in self._metrics.items():
            if name != "lodo_tune_candidates":
                metric.set_default_tags(tags)
        self._tags = {status: {**tags, "status": str(status)} for status in Status if status.is_final}
        self._forget()
        self._set("candidates_planned", spec.generations * spec.population + 2 * spec.fresh_seeds)
        for status in self._tags:
            self._count(status)

    def batch_began(self, name: str, budget: int, keys: Sequence[Key]) -> None:
        """Begin a generation, or the fresh seeds."""
        self._begin_batch()
        self._set_running()
        if keys and keys[0].role is Role.SEARCH:
            self._set("generation", keys[0].generation)

    def known(self, key: Key, status: Status, fitness: float) -> None:
        """Take in a result that is on record."""
        self._take(key, status, fitness)

    def happened(self, event: Event) -> None:
        """Take in what happened."""
        if isinstance(event, Evaluation):
            self._take(event.key, event.status, event.fitness)
            self._metrics["lodo_tune_candidates_done"].inc()
            self._land((event.key,))
        elif isinstance(event, AttemptStarted):
            members = set(event.keys)
            self._attempts.update((key, members) for key in event.keys)
            self._busy += 1
            self._set_running()
        elif isinstance(event, AttemptEnded):
            self._metrics["lodo_tune_attempts_failed"].inc()
            self._land(event.keys)

    def remarked(self, text: str) -> None:
        """Nothing of it is a figure."""

    def study_ended(self, study: StudyRecord) -> None:
        """Nothing runs any more; the rest stays as it is."""
        self._begin_batch()
        self._set_running()

    def _forget(self) -> None:
        self._counts, self._seen = Counts(), set()
        self._begin_batch()

    def _begin_batch(self) -> None:
        self._fitnesses, self._attempts, self._busy = [], {}, 0

    def _take(self, key: Key, status: Status, fitness: float) -> None:
        """Count a result, the first of its candidate."""
        if key in self._seen:
            return
        self._seen.add(key)
        self._counts[status] += 1
        self._count(status)
        if key.role is Role.SEARCH and math.isfinite(fitness):
            insort(self._fitnesses, fitness)
            half = len(self._fitnesses) // 2
            self._set("best_fitness", self._fitnesses[0])
            self._set("median_fitness", self._fitnesses[half] / 2 + self._fitnesses[~half] / 2)

    def _land(self, keys: Collection[Key]) -> None:
        """Take candidates off those that run, and an attempt off the busy ones with its last."""
        for key in keys:
            attempt = self._attempts.pop(key, None)
            if attempt is not None:
                attempt.discard(key)
                self._busy -= not attempt
        self._set_running()

    def _set_running(self) -> None:
        self._set("candidates_running", len(self._attempts))
        self._set("lanes_busy", self._busy)

    def _set(self, name: str, value: float) -> None:
        self._metrics[f"lodo_tune_{name}"].set(value)

    def _count(self, status: Status) -> None:
        self._metrics["lodo_tune_candidates"].set(self._counts[status], tags=self._tags[status])


def _made(name: str) -> Metric:
    kind, description = METRICS[name]
    return kind(name, description, (*_TAGS, "status") if name == "lodo_tune_candidates" else _TAGS)

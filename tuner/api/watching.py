"""The state of a run that is shown while it is followed.

It has the status and the generations of each study. The values are made from an open database, or from the JSON that a
service sends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from tuner.core.aggregates import StudyTotals
from tuner.core.study import StudyRecord, StudyStatus
from tuner.core.trial import Status
from tuner.results.analysis.generations import by_generation
from tuner.results.analysis.several_tasks import whole
from tuner.results.tables.numbers import NOTHING, number
from tuner.results.tables.text_table import TextTable
from tuner.storage import Store


@dataclass(frozen=True, slots=True)
class WatchedGeneration:
    """One generation, or one point of a comparison.

    Attributes:
        number: From 0.
        steps: Budget of a candidate in gradient evaluations.
        population: Number of its candidates.
        counts: Candidates by status.
        best: Best value of the objective; None if no candidate finished.
        median: Their median.
    """

    number: int
    steps: int
    population: int
    counts: Mapping[str, int]
    best: float | None
    median: float | None

    @property
    def left(self) -> int:
        """Candidates that are not final."""
        return self.population - sum(self.counts.get(status, 0) for status in Status if status.is_final)

    @property
    def is_begun(self) -> bool:
        """Whether it has candidates."""
        return any(self.counts.values())

    @property
    def lost(self) -> int:
        """Candidates that diverged, failed or timed out."""
        return sum(self.counts.get(status, 0) for status in Status if status.is_failure)


@dataclass(frozen=True, slots=True)
class WatchedStudy:
    """One study.

    Attributes:
        name: RUN/OPTIMIZER.
        is_search: Whether it is a search.
        status: Its status, "driver lost" where a driver has ended without releasing it, or "waiting".
        runs: Whether a driver holds it and renews its lease.
        generations: In order.
    """

    name: str
    is_search: bool
    status: str
    runs: bool
    generations: tuple[WatchedGeneration, ...]

    @property
    def is_complete(self) -> bool:
        """Whether it is complete."""
        return self.status == StudyStatus.COMPLETE

    @classmethod
    def of(cls, store: Store, record: StudyRecord) -> Self:
        """Return the value of a study of an open database."""
        study, outcomes = whole(record, store.outcomes(record.id))
        generations = tuple(
            WatchedGeneration(
                one.number,
                one.steps,
                one.population,
                {status.value: count for status, count in one.counts.items() if count},
                one.best,
                one.median,
            )
            for one in by_generation(study.spec, outcomes)
        )
        return cls(study.spec.name, study.is_search, _status(study), bool(study.lease_left), generations)

    @classmethod
    def of_totals(cls, totals: StudyTotals) -> Self:
        """Return the value of a study on one task from its totals, which need not read its candidates."""
        record = totals.record
        spec, objective = record.spec, record.spec.workload.objective
        begun = {one.number: one for one in totals.generations}
        generations = []
        for batch in range(spec.batches):
            steps, found = spec.budget_of(batch), begun.get(batch)
            counts = {} if found is None else found.counts
            generations.append(
                WatchedGeneration(
                    batch,
                    steps,
                    spec.batch_size,
                    {status.value: count for status, count in counts.items() if count and status != Status.WAITING},
                    None if found is None else objective.shown(found.best, steps),
                    None if found is None else objective.shown_median(found.median, found.upper, steps),
                )
            )
        return cls(spec.name, record.is_search, _status(record), bool(record.lease_left), tuple(generations))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the value that `dataclasses.asdict` has made a mapping of; further keys are left out."""
        generations = tuple(
            WatchedGeneration(**{name: one[name] for name in WatchedGeneration.__slots__})
            for one in values["generations"]
        )
        return cls(values["name"], values["is_search"], values["status"], values["runs"], generations)


@dataclass
class Printed:
    """The generations and statuses that have been printed."""

    generations: set[tuple[str, int]] = field(default_factory=set)
    statuses: dict[str, str] = field(default_factory=dict)


def watched(store: Store, name: str) -> list[WatchedStudy]:
    """Return the studies of a run, or one study.

    Raises:
        UnknownStudy: There is none of this name.
    """
    return [WatchedStudy.of(store, record) for record in store.find(name)]


def table_of(studies: Sequence[WatchedStudy]) -> str:
    """Return a table with a line for each study."""
    rows = []
    for study in studies:
        begun = [one for one in study.generations if one.is_begun]
        last = begun[-1] if begun else None
        planned = sum(one.population for one in study.generations)
        done = planned - sum(one.left for one in study.generations)
        rows.append(
            [
                study.name,
                study.status,
                NOTHING if last is None else f"{last.number + 1} of {len(study.generations)}",
                f"{done:,} of {planned:,}",
                number(last.best if last else None),
                number(last.median if last else None),
                f"{sum(one.lost for one in study.generations):,}",
            ]
        )
    header = ["study", "status", "generation", "individuals", "best", "median", "diverged or failed"]
    return TextTable(header, rows, left=(0, 1)).text()


def changes(studies: Sequence[WatchedStudy], printed: Printed) -> list[str]:
    """Return a line for each completed generation and each changed status that has not been printed yet."""
    lines = []
    for study in studies:
        for one in study.generations:
            if not one.left and (study.name, one.number) not in printed.generations:
                printed.generations.add((study.name, one.number))
                lines.append(f"{study.name}  {'generation' if study.is_search else 'point'} {_result_of(one)}")
        if printed.statuses.get(study.name) != study.status:
            printed.statuses[study.name] = study.status
            lines.append(f"{study.name}  {study.status}")
    return lines


def _status(study: StudyRecord) -> str:
    if study.status == StudyStatus.RUNNING and not study.lease_left:
        return "driver lost"
    if study.status == StudyStatus.INTERRUPTED and not sum(study.counts.values()):
        return "waiting"  # no driver has started it
    return study.status


def _result_of(one: WatchedGeneration) -> str:
    counts = ", ".join(
        f"{one.counts[status]} {status}" for status in Status if status.is_final and one.counts.get(status)
    )
    return (
        f"{one.number} ({one.steps:,} evaluations each): {counts}, best {number(one.best)}, median {number(one.median)}"
    )

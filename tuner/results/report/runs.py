"""What a report is made from: a run with all that its sections say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tuner.core.study import StudyRecord
from tuner.results.analysis.comparison import Comparison
from tuner.results.figures import Searches


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure of a run, drawn."""

    title: str
    caption: str
    svg: bytes
    wide: bool  # of several panels side by side: too much for a telephone's width


@dataclass(frozen=True, slots=True)
class SearchRun:
    """A search of some optimizers on one task."""

    studies: Searches  # each with all of its candidates
    command: str  # what repeats it
    pictures: tuple[Picture, ...] = ()

    @property
    def records(self) -> tuple[StudyRecord, ...]:
        """Its studies."""
        return tuple(study for study, _ in self.studies)


@dataclass(frozen=True, slots=True)
class ComparisonRun:
    """A comparison of some optimizers on one task."""

    comparison: Comparison
    records: tuple[StudyRecord, ...]
    command: str
    pictures: tuple[Picture, ...] = ()


Run = SearchRun | ComparisonRun


def named(run: Run) -> str:
    """Return a run's name."""
    return run.records[0].spec.run


def differing(run: Run) -> Mapping[str, tuple[str, ...]]:
    """Return the optimizers of a run whose studies were made elsewhere, or with other versions, than its first."""
    first = run.records[0].spec
    others = [record.spec for record in run.records[1:]]
    found = {
        "versions": tuple(spec.workload.optimizer for spec in others if spec.versions != first.versions),
        "hardware": tuple(spec.workload.optimizer for spec in others if spec.hardware != first.hardware),
        "data": tuple(spec.workload.optimizer for spec in others if spec.workload.data != first.workload.data),
    }
    return {what: optimizers for what, optimizers in found.items() if optimizers}

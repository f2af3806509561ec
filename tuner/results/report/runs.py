"""The input of a report: runs with everything that their sections show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.core.study import StudyRecord, StudySpec
from tuner.results.analysis.comparison import Comparison
from tuner.results.figures import Picture, Searches


@dataclass(frozen=True, slots=True)
class SearchRun:
    """A search of some optimizers on one task or several."""

    studies: Searches  # each with all of its candidates
    command: str  # repeats the run; "" if unknown
    pictures: tuple[Picture, ...] = ()

    @property
    def records(self) -> tuple[StudyRecord, ...]:
        """Its studies."""
        return tuple(study for study, _ in self.studies)

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.records[0].spec.run


@dataclass(frozen=True, slots=True)
class ComparisonRun:
    """A comparison of some optimizers on one task."""

    comparison: Comparison
    records: tuple[StudyRecord, ...]
    command: str
    pictures: tuple[Picture, ...] = ()

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.comparison.run


Run = SearchRun | ComparisonRun


def _fingerprints(spec: StudySpec, name: str) -> list[Any]:
    return [getattr(workload, name) for workload in spec.workloads]


def differing(run: Run) -> Mapping[str, tuple[str, ...]]:
    """Return the optimizers whose versions, hardware or data differ from those of the run's first study."""
    first = run.records[0].spec
    others = [record.spec for record in run.records[1:]]
    differences = {
        "versions": tuple(spec.label for spec in others if spec.versions != first.versions),
        "hardware": tuple(spec.label for spec in others if spec.hardware != first.hardware),
        "data": tuple(spec.label for spec in others if _fingerprints(spec, "data") != _fingerprints(first, "data")),
        "code": tuple(spec.label for spec in others if _fingerprints(spec, "code") != _fingerprints(first, "code")),
    }
    return {what: optimizers for what, optimizers in differences.items() if optimizers}

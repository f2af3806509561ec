"""Frozen values of a study: what it was asked to do, and what is recorded of it.

The store returns them, the loop and the results read them; none of them changes after it was handed out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tuner.core.trial import Key, Measurement, Role, Status, Workload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Point:
    """One configuration that a comparison trains on each of its seeds."""

    hyperparameters: Mapping[str, float]
    settings: Mapping[str, int] = field(default_factory=dict)  # of the optimizer's constructor
    optimizer: str | None = (
        None  # what is trained in the study's optimizer's place, where it is this point by another name
    )
    value: float | None = None  # of what a sweep sweeps


@dataclass(frozen=True, slots=True)
class ComparisonSpec:
    """What makes a study one of a comparison: no search, but given points, each on the same seeds."""

    points: tuple[Point, ...]  # one a generation; more than one only in a sweep
    measurement: Measurement
    source: str  # where the hyperparameters come from, for people
    sweep: str | None = None  # what differs from point to point: "momentum", "depth" or "block-size"


@dataclass(frozen=True, slots=True)
class StudySpec:
    """All that decides the outcome of a study, and what it ran on. Stored as it is when the study is created."""

    run: str  # the name of the run
    workload: Workload
    strategy: str  # a name of tuner.strategies
    seed: int
    generations: int
    population: int
    sigmas: tuple[float, ...]  # one a generation, in the transformed space
    steps: tuple[int, ...]  # one a generation, in gradient evaluations
    fresh_seeds: int  # how often the defaults and the tuned point are run at the end
    space: Mapping[str, Any]  # the search space, as SearchSpace.to_dict() gives it
    versions: Mapping[str, str] = field(default_factory=dict)  # package -> version
    hardware: Mapping[str, Any] = field(default_factory=dict)  # node, processor, cores, memory, GPUs
    comparison: ComparisonSpec | None = None  # None: a search

    @property
    def name(self) -> str:
        """The study's name, unique in a database: RUN/OPTIMIZER."""
        return f"{self.run}/{self.workload.optimizer}"

    @property
    def kind(self) -> str:
        """What the study is: "search" or "comparison"."""
        return str(Role.SEARCH if self.comparison is None else Role.COMPARISON)

    def workload_of(self, generation: int) -> Workload:
        """Return what the trials of a generation share: of a search always the same, of a comparison its point's."""
        if self.comparison is None:
            return self.workload
        point = self.comparison.points[generation]
        return replace(
            self.workload,
            optimizer=point.optimizer or self.workload.optimizer,
            settings=point.settings,
            measurement=self.comparison.measurement,
        )


class StudyStatus:
    """Where a study stands."""

    RUNNING = "running"  # also: its driver died; then its lease runs out
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"  # every candidate of a generation failed for one reason
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """A study as the store holds it."""

    id: int
    spec: StudySpec
    status: str  # one of StudyStatus
    created_at: str  # UTC, ISO 8601
    finished_at: str | None
    tuned: Mapping[str, float] | None  # the tuned hyperparameters, once the search is over
    tuned_genome: tuple[float, ...] | None
    notes: tuple[str, ...]  # remarks of the strategy, such as a generation that wholly diverged
    counts: Mapping[Status, int]  # candidates of the search, or of the comparison, by status
    owner: str | None  # "host:pid" of the driver that holds it, if any
    lease_left: float | None  # seconds until another driver may take over; None without an owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a candidate: all that tables count, and quick to read."""

    key: Key
    status: Status
    fitness: float | None  # None while it is not final
    steps_done: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateRecord(Outcome):
    """A candidate with what came of it; without its curve, which Store.curve reads."""

    genome: tuple[float, ...]
    hyperparameters: Mapping[str, float]
    seed: int
    steps: int
    attempts: int
    node: str
    device: str
    reason: str
    error: str


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Observations of one candidate and one split (`tuner.core.trial.Observation`), in order; float64, read-only."""

    evaluations: NDArray[np.float64]  # [observations]
    seconds: NDArray[np.float64]
    elapsed: NDArray[np.float64]
    metrics: Mapping[str, NDArray[np.float64]]  # NaN where an observation lacks one


@dataclass(frozen=True, slots=True, eq=False)
class SeedRun:
    """One run of a comparison: a point on a seed. Figures and tables of comparisons are made from these."""

    candidate: CandidateRecord
    series: Mapping[str, Series]  # by split; those that there are
    losses: NDArray[np.floating] | None  # [evaluations] of the step budget; None where they were not asked for

"""Frozen values of studies: specifications, records and results.

The store returns them; they never change afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from tuner.core.trial import Key, Measurement, Role, Status, Workload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


IMPORTED_FROM = "imported from"
"""Key in the hardware of a study whose results were produced elsewhere: the file that they come from."""

IMPORTED = " (imported)"
"""What stands behind the name of an optimizer in such a study."""


SEED_MARK = "@"
"""Between optimizer and seed in the name of one of several searches; no optimizer's name has it."""


@dataclass(frozen=True, slots=True)
class Point:
    """One configuration that a comparison trains on each of its seeds."""

    hyperparameters: Mapping[str, float]
    settings: Mapping[str, int] = field(default_factory=dict)  # arguments of the optimizer's constructor
    optimizer: str | None = None  # the optimizer to train, if it is not the study's
    value: float | None = None  # of the parameter that a sweep varies


@dataclass(frozen=True, slots=True)
class TaskPart:
    """One of the tasks of a search, and the budgets of a candidate on it."""

    workload: Workload
    steps: tuple[int, ...]  # gradient evaluations of a candidate on this task, per generation


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spec:
    """Fields and properties that both kinds of specification have."""

    run: str  # name of the run
    workload: Workload
    seed: int
    space: Mapping[str, Any]  # the search space, as SearchSpace.to_dict() returns it
    versions: Mapping[str, str] = field(default_factory=dict)  # package -> version
    hardware: Mapping[str, Any] = field(default_factory=dict)  # node, processor, cores, memory, GPUs

    @property
    def label(self) -> str:
        """Name of the study in its run: that of the optimizer."""
        return self.workload.optimizer

    @property
    def name(self) -> str:
        """Name of the study, unique in a database: RUN/OPTIMIZER, or RUN/OPTIMIZER@SEED of one of several searches."""
        return f"{self.run}/{self.label}"

    @property
    def task(self) -> str:
        """Name of the task; of a search on several, their names with commas."""
        return self.workload.task

    @property
    def task_label(self) -> str:
        """Name of the task for display; of a search on several, their names with commas."""
        return self.workload.task_label

    @property
    def workloads(self) -> tuple[Workload, ...]:
        """What the trials of each task share."""
        return (self.workload,)

    @property
    def is_imported(self) -> bool:
        """Whether the results were produced elsewhere."""
        return IMPORTED_FROM in self.hardware


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpec(_Spec):
    """Specification of a search: everything that determines the result for one optimizer, and the hardware.

    A search on T tasks trains each generation g once per task, in order: as batch g · T + t, which is the generation in
    the keys of its candidates. The generation in the key of a run on fresh seeds is t.
    """

    kind: ClassVar[Role] = Role.SEARCH

    strategy: str  # a name of tuner.strategies
    parameters: Mapping[str, Any]  # of the strategy; JSON
    generations: int
    population: int  # candidates per generation
    steps: tuple[int, ...]  # budget of a candidate in gradient evaluations, per generation; on the first task
    further: tuple[TaskPart, ...] = ()  # the tasks after the first; they have the same optimizer
    fresh_seeds: int  # number of seeds on which the defaults and the tuned point are trained at the end
    is_repeated: bool = False  # whether it is one of several searches of the run for this optimizer, with a seed each
    best_known: tuple[float | None, ...] = ()  # value of the objective, as each task says it; empty if none does
    is_exact: bool = False  # whether no training depends on its seed, so that one run of a point stands for all seeds

    @property
    def label(self) -> str:
        """See `_Spec.label`; with the seed if the run has several searches for the optimizer."""
        return f"{self.workload.optimizer}{SEED_MARK}{self.seed}" if self.is_repeated else self.workload.optimizer

    @property
    def parts(self) -> tuple[TaskPart, ...]:
        """Its tasks in order, at least one."""
        return (TaskPart(self.workload, self.steps), *self.further)

    @property
    def each_task(self) -> tuple[SearchSpec, ...]:
        """The specification on each task alone."""
        known = [() if one is None else (one,) for one in self.best_known] or [()] * len(self.parts)
        return tuple(
            replace(self, workload=part.workload, steps=part.steps, further=(), best_known=best)
            for part, best in zip(self.parts, known, strict=True)
        )

    @property
    def task(self) -> str:
        """See `_Spec.task`."""
        return ",".join(part.workload.task for part in self.parts)

    @property
    def task_label(self) -> str:
        """See `_Spec.task_label`."""
        return ", ".join(part.workload.task_label for part in self.parts)

    @property
    def workloads(self) -> tuple[Workload, ...]:
        """See `_Spec.workloads`."""
        return tuple(part.workload for part in self.parts)

    @property
    def batches(self) -> int:
        """Number of generations."""
        return self.generations

    @property
    def batch_size(self) -> int:
        """Candidates per generation."""
        return self.population

    @property
    def due(self) -> int:
        """Number of trainings of a complete study, without those on fresh seeds: one per candidate and task."""
        return self.generations * self.population * len(self.parts)

    @property
    def budgets(self) -> tuple[int, ...]:
        """Gradient evaluations of a candidate on all tasks together, per generation."""
        return tuple(map(sum, zip(*(part.steps for part in self.parts), strict=True)))

    @property
    def sigmas(self) -> tuple[float, ...]:
        """Standard deviation of the draws per generation; empty if the strategy has none."""
        return tuple(self.parameters.get("sigmas", ()))

    @property
    def fresh_runs(self) -> int:
        """Number of runs of the defaults, and of the tuned point, on each task at the end."""
        return min(1, self.fresh_seeds) if self.is_exact else self.fresh_seeds

    @property
    def total_budget(self) -> int:
        """Gradient evaluations of the whole study, fresh seeds included, if no candidate ends early."""
        return self.population * sum(self.budgets) + 2 * self.fresh_runs * self.budgets[-1]

    def budget_of(self, batch: int) -> int:
        """Return the budget of a candidate of a generation, in gradient evaluations, on all tasks together."""
        return sum(part.steps[batch] for part in self.parts)  # `budgets` takes as long as there are generations

    def workload_of(self, batch: int) -> Workload:
        """Return what the trials of a batch share; the number of a batch is the generation in its keys."""
        return self.parts[batch % len(self.parts)].workload

    def steps_of(self, batch: int) -> int:
        """Return the budget of the trials of a batch, on its task alone; see `workload_of`."""
        tasks = len(self.parts)
        return self.parts[batch % tasks].steps[batch // tasks]

    def part_on(self, task: str) -> TaskPart:
        """Return its part on a task of this name, which it has."""
        (part,) = (part for part in self.parts if part.workload.task == task)
        return part

    def with_workloads(self, workloads: Sequence[Workload]) -> SearchSpec:
        """Return the specification with another workload for each of its tasks, in order."""
        further = tuple(
            replace(part, workload=workload) for part, workload in zip(self.further, workloads[1:], strict=True)
        )
        return replace(self, workload=workloads[0], further=further)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonSpec(_Spec):
    """Specification of one optimizer's part of a comparison: given points are trained on the same seeds."""

    kind: ClassVar[Role] = Role.COMPARISON

    points: tuple[Point, ...]  # several only in a sweep
    seeds: int  # each point is trained on the seeds seed, seed + 1, …
    steps: int  # budget of a run in gradient evaluations
    measurement: Measurement
    source: str  # origin of the hyperparameters, as shown to users
    best_known: float | None = None  # value of the objective, as the task says it
    sweep: str | None = None  # the parameter that differs from point to point: "momentum", "depth" or "block-size"

    @property
    def batches(self) -> int:
        """Number of points."""
        return len(self.points)

    @property
    def batch_size(self) -> int:
        """Runs per point."""
        return self.seeds

    @property
    def due(self) -> int:
        """Number of runs of a complete study."""
        return len(self.points) * self.seeds

    @property
    def total_budget(self) -> int:
        """Gradient evaluations of the whole study, if no run ends early."""
        return self.due * self.steps

    @property
    def budgets(self) -> tuple[int, ...]:
        """Gradient evaluations of a run, per point."""
        return (self.steps,) * self.batches

    def budget_of(self, batch: int) -> int:
        """Return the budget of a run of a point, in gradient evaluations."""
        return self.steps

    def steps_of(self, batch: int) -> int:
        """Return the budget of a run of a point, in gradient evaluations."""
        return self.steps

    def with_workloads(self, workloads: Sequence[Workload]) -> ComparisonSpec:
        """Return the specification with another workload."""
        (workload,) = workloads
        return replace(self, workload=workload)

    def workload_of(self, batch: int) -> Workload:
        """Return what the runs of a point share."""
        point = self.points[batch]
        return replace(
            self.workload,
            optimizer=point.optimizer or self.workload.optimizer,
            settings=point.settings,
            measurement=self.measurement,
        )


StudySpec = SearchSpec | ComparisonSpec
"""Specification of a study, stored when the study is created and unchanged afterwards."""


class StudyStatus:
    """Status of a study."""

    RUNNING = "running"  # also if its driver ended without releasing it
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"  # every candidate of a generation raised the same error
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """A study as it is stored."""

    id: int
    spec: StudySpec
    status: str  # one of StudyStatus
    created_at: str  # UTC, ISO 8601
    finished_at: str | None
    tuned: Mapping[str, Any] | None  # the tuned hyperparameters, once the search is complete
    tuned_genome: tuple[float, ...] | None
    notes: tuple[str, ...]  # remarks of the strategy, such as that a whole generation diverged
    counts: Mapping[Status, int]  # number of candidates of the search or comparison by status
    owner: str | None  # "host:pid" of the driver that holds the study, if any
    lease_left: float | None  # seconds until another driver may acquire the study; None without an owner

    @property
    def is_search(self) -> bool:
        """Whether the study is a search, not part of a comparison."""
        return isinstance(self.spec, SearchSpec)

    @property
    def search(self) -> SearchSpec:
        """The specification of a search.

        Raises:
            ValueError: The study is part of a comparison.
        """
        if not isinstance(self.spec, SearchSpec):
            raise ValueError(f"{self.spec.name} is a comparison, not a search")
        return self.spec

    @property
    def comparison(self) -> ComparisonSpec:
        """The specification of a study of a comparison.

        Raises:
            ValueError: The study is a search.
        """
        if not isinstance(self.spec, ComparisonSpec):
            raise ValueError(f"{self.spec.name} is a search, not a comparison")
        return self.spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Outcome of a candidate: the few values that tables need, which are fast to read."""

    key: Key
    status: Status
    fitness: float | None  # None until the candidate is final
    steps_done: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateRecord(Outcome):
    """A candidate and its outcome, without its curve, which Store.curve reads."""

    genome: tuple[float, ...]
    hyperparameters: Mapping[str, Any]  # see `Trial`
    seed: int
    steps: int
    attempts: int
    node: str
    device: str
    reason: str
    error: str
    further: tuple[float, ...] = ()  # fitnesses by the objectives after the first
    milestones: tuple[tuple[int, float], ...] = ()  # step and running fitness of those that were reached

    @property
    def fitnesses(self) -> tuple[float, ...]:
        """Fitness by each objective of the study; +inf where there is none."""
        return (math.inf if self.fitness is None else self.fitness, *self.further)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Observations of one candidate and one split (`tuner.core.trial.Observation`), in order; float64, read-only."""

    evaluations: NDArray[np.float64]  # [observations]
    seconds: NDArray[np.float64]
    elapsed: NDArray[np.float64]
    metrics: Mapping[str, NDArray[np.float64]]  # NaN where an observation lacks one


@dataclass(frozen=True, slots=True, eq=False)
class SeedRun:
    """One run of a comparison: a point trained on a seed."""

    candidate: CandidateRecord
    series: Mapping[str, Series]  # by split
    losses: NDArray[np.floating] | None  # [evaluations] within the budget; None if they were not requested

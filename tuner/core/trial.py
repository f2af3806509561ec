"""Frozen values of trials: keys, workloads, candidates and evaluations.

This module imports only the standard library, so that every module may import it.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tuner.core.objective import TRAINING_LOSS, Objective

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


FUNCTION = "function"
"""What the code of a training function is called in the fingerprint of a workload."""


class Status(StrEnum):
    """Status of a candidate. The last five are final."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"  # every loss finite, and the objective's value; fitness is finite
    DIVERGED = "diverged"  # a loss or the objective's value was not finite; fitness is +inf
    FAILED = "failed"  # an exception, out of memory, or lost workers; fitness is +inf
    TIMED_OUT = "timed out"  # exceeded the time limit; fitness is +inf
    PRUNED = "pruned"  # ended early, as it could no longer matter to the search; fitness is +inf

    @property
    def is_final(self) -> bool:
        """Whether the status can no longer change."""
        return self not in (Status.WAITING, Status.RUNNING)

    @property
    def is_failure(self) -> bool:
        """Whether it is final without a fitness, and nobody meant it to be."""
        return self in (Status.DIVERGED, Status.FAILED, Status.TIMED_OUT)


ENDS_OF_RUNS = (Status.FINISHED, Status.DIVERGED, Status.FAILED, Status.TIMED_OUT)
"""How a run of a comparison ends, which no search ends early."""


class Role(StrEnum):
    """Why a candidate is trained."""

    SEARCH = "search"  # a candidate of a search; a study has generations × population of them
    DEFAULT = "default"  # the default hyperparameters on a fresh seed
    TUNED = "tuned"  # the tuned hyperparameters on a fresh seed
    COMPARISON = "comparison"  # a point on one seed; a study of a comparison has points × seeds of them

    @property
    def is_due(self) -> bool:
        """Whether candidates of this role count towards the completion of a study."""
        return self in (Role.SEARCH, Role.COMPARISON)


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Key of a candidate, unique within its study."""

    role: Role
    generation: int  # from 0; 0 for DEFAULT and TUNED, the index of the point for COMPARISON
    slot: int  # from 0; the candidate's position in its generation, or the index of the seed


@dataclass(frozen=True, slots=True)
class Measurement:
    """Quantities measured in addition to the losses; `tuner.training.measurements` creates their callbacks."""

    validate_every: int | None = None  # gradient evaluations between two validations; None: no validation
    seconds: float | None = None  # continue beyond the budget until this time has passed; only in cohorts of one lane
    test_examples: int | None = None  # size of the test set's random part, the same for all runs; None: all of it


@dataclass(frozen=True, slots=True)
class Workload:
    """Configuration that all trials of a study share; a worker compiles one loop per `identity`."""

    task: str  # a name of tasks.registry, or "module:NAME"
    optimizer: str  # a name of lodo.registry, or the name of a user's own
    cohort_size: int  # candidates trained in lockstep by one Ray task; part of the study, never of the workers
    threads: int = 1  # TensorFlow threads per candidate
    precision: str | None = None  # "float32", "float64"; None: the task's own
    options: Mapping[str, Any] = field(default_factory=dict)  # keyword arguments of the task, such as batch_size
    data: Mapping[str, Any] | None = None  # fingerprint of the data (name, sizes, sha256); None without data
    code: Mapping[str, Any] | None = None  # fingerprint of users' code (`tuner.core.fingerprint`); None of our own
    settings: Mapping[str, int] = field(default_factory=dict)  # of lodo.registry.SETTINGS; a study has none
    measurement: Measurement | None = None  # None: losses only
    objective: Objective = TRAINING_LOSS  # defines the value of a run
    optimizer_place: str | None = None  # where the class of a user's own optimizer is: "module:NAME", "file.py:NAME"

    def identity(self) -> str:
        """Return the fields that determine the compiled loop, as JSON: all except `measurement` and `objective`.

        `Workload(**json.loads(identity))` equals the workload without these two.
        """
        decisive = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        del decisive["measurement"], decisive["objective"]
        return json.dumps(decisive, sort_keys=True, default=dict)  # dict: converts mappings that are not dictionaries

    @property
    def places(self) -> tuple[str, ...]:
        """Where the code is that this workload runs: the task, and a user's own optimizer.

        Whatever concerns users' code begins here: what is sent to other machines, and what a fingerprint is made of.
        """
        return (self.task,) if self.optimizer_place is None else (self.task, self.optimizer_place)

    @property
    def is_function(self) -> bool:
        """Whether the task is a training function of the user's, whose code alone has this entry in a fingerprint."""
        return FUNCTION in (self.code or {})

    @property
    def unit(self) -> str:
        """The unit of budgets in words."""
        return "steps" if self.is_function else "gradient evaluations"

    @property
    def task_label(self) -> str:
        """Name of the task for display, without the path of a user's file."""
        return self.task.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Milestone:
    """A point of a training at which its running fitness is compared with a limit.

    The running fitness is what the fitness would be if the budget ended there, with the objective's window of the whole
    budget.
    """

    step: int  # gradient evaluations; below the budget
    ceiling: float  # a candidate above it ends there, PRUNED; +inf: it goes on in any case


@dataclass(frozen=True, slots=True)
class Trial:
    """Data that a worker needs to train one candidate, in addition to the workload."""

    key: Key
    hyperparameters: Mapping[str, Any]  # a number, a text or a boolean each; None where its condition does not hold
    seed: int  # 0 <= seed < 2**63
    steps: int  # budget in gradient evaluations
    milestones: tuple[Milestone, ...] = ()  # in order; in cohorts of one lane


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trial and the genome from which it was decoded, as stored before training."""

    genome: tuple[float, ...]  # in the transformed space, in the order of the search space
    trial: Trial

    @property
    def key(self) -> Key:
        """Key of the candidate."""
        return self.trial.key


@dataclass(frozen=True, slots=True)
class Observation:
    """Measurement of one candidate at one point of its training.

    The splits are "training" (at intervals; the loss is the mean since the previous one), "validation" and "test"
    (means of the metrics over the set), "time" (after `Measurement.seconds`; the loss is the mean over the last tenth
    of that time), "floor" (lower bound of the mean loss of any optimizer, if the task defines it), "hessian-error"
    (distance of a learned preconditioner from the inverse Hessian) and "trajectory" (x and y, in two dimensions).
    """

    split: str
    evaluations: int  # gradient evaluations before it
    seconds: float  # training time until then, without validation; NaN in a cohort of several candidates
    elapsed: float  # like `seconds`, but with validation; neither includes compilation
    metrics: Mapping[str, float]


OBJECTIVES = "objectives"
"""Split of the observation that has the fitnesses by the objectives after the first."""


def of_objectives(steps: int, further: Sequence[float]) -> Observation:
    """Return the observation that has the fitnesses by the objectives after the first."""
    metrics = {f"objective-{number}": value for number, value in enumerate(further, 2)}
    return Observation(OBJECTIVES, steps, math.nan, math.nan, metrics)


MILESTONES = "milestones"
"""Split of the observations that have the running fitness at each milestone that was reached."""

RUNNING = "fitness"
"""Name of the running fitness in observations of the split `MILESTONES`."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Result of one candidate. `fitness` is +inf unless the status is FINISHED."""

    key: Key
    status: Status
    fitness: float  # what is minimised: the objective's value, or its negative if the greatest is best
    losses: (
        Sequence[float] | NDArray[np.floating]
    )  # one per gradient evaluation; cut after the first loss that is not finite
    steps_done: int  # gradient evaluations
    seconds: float  # wall-clock time of training; within a cohort, the candidate's share
    attempt: int = 1
    node: str = ""
    device: str = ""
    reason: str = ""  # one line for users: "loss was nan at evaluation 17", "worker crashed", ...
    error: str = ""  # a traceback, cut to 4 kB
    observations: tuple[Observation, ...] = ()  # in the order in which they were made
    output: str = ""  # what a training function printed, cut in the middle

    @property
    def further(self) -> tuple[float, ...]:
        """Fitnesses by the objectives after the first; none of a run that did not finish."""
        found = (one.metrics for one in self.observations if one.split == OBJECTIVES)
        return tuple(value for metrics in found for _, value in sorted(metrics.items()))

    @property
    def fitnesses(self) -> tuple[float, ...]:
        """Fitness by each objective of the study."""
        return (self.fitness, *self.further)

    @property
    def milestones(self) -> tuple[tuple[int, float], ...]:
        """Step and running fitness of each milestone that was reached, in order."""
        return tuple((one.evaluations, one.metrics[RUNNING]) for one in self.observations if one.split == MILESTONES)

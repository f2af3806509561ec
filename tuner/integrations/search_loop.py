"""A search whose candidates another program trains: in Ray Tune, in Optuna.

It is the search of `tuner.studies.search`, without a database: what was handed out and told are its records, from
which the same search goes on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from search_spaces.build import NAME
from search_spaces.space import Dimension, Scale, SearchSpace
from tuner import strategies
from tuner.core.errors import InvalidRequest
from tuner.core.seeds import trial_seed
from tuner.core.study import CandidateRecord, SearchSpec
from tuner.core.trial import Candidate, Evaluation, Key, Role, Status, Trial, Workload, of_objectives
from tuner.strategies.schedule import ScheduleRequest
from tuner.strategies.strategy import Fitness
from tuner.studies.batch import Batch
from tuner.studies.coordinates import check_searched
from tuner.studies.search import SearchBatches

MAX_TRIAL_SEED = 2**31
"""Seeds that a training function receives are below it: every library accepts them."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """The schedule of a search that asks for none: 80 candidates with the same budget."""

    generations: int = 10
    population: int = 8
    sigmas: Sequence[float] = (3.0,) * 10
    steps: Sequence[int] = (1,) * 10


def planned(
    space: SearchSpace,
    *,
    strategy: str = strategies.DEFAULT,
    generations: int | None = None,
    population: int | None = None,
    sigma: float | Sequence[float] | None = None,
    steps: int | Sequence[int] | None = None,
    budget: int | None = None,
    seed: int = 0,
    fresh_seeds: int = 1,
) -> SearchSpec:
    """Return the specification of a search; see `tuner.tune` for the arguments.

    Raises:
        InvalidRequest: A value is out of range, there is no such strategy, or it does not search the space.
    """
    check_searched(strategy, space)
    for field, value in (("seed", seed), ("fresh_seeds", fresh_seeds)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise InvalidRequest(field, "is a whole number from 0", value)
    asked = ScheduleRequest(
        generations=generations,
        population=population,
        sigmas=(sigma,) if isinstance(sigma, int | float) else sigma,
        steps=(steps,) if isinstance(steps, int) else steps,
        budget=budget,
    )
    schedule = strategies.kind(strategy).schedule(Defaults(), asked)
    return SearchSpec(
        run="outside",
        workload=Workload(task="outside", optimizer=space.optimizer, cohort_size=1),
        strategy=strategy,
        parameters=schedule.parameters,
        generations=schedule.generations,
        population=schedule.population,
        steps=schedule.steps,
        seed=seed,
        fresh_seeds=fresh_seeds,
        space=space.to_dict(),
    )


def check_request(request: Mapping[str, Any]) -> None:
    """Check the arguments of `planned`, where the search space is not known yet.

    Raises:
        InvalidRequest: See `planned`.
    """
    planned(SearchSpace(NAME, (Dimension("any", Scale.LINEAR, 0.0, 0.0, 1.0),)), **request)


class SearchLoop:
    """A search, one candidate at a time.

    Args:
        spec: Its specification.
        objectives: Number of objectives, which `tell` takes.
        recorded: Candidates of an earlier run of it. Those that are final are not trained again; those that are running
            are with another program still; all others are handed out again.

    Raises:
        OtherGenome: The strategy, which does not accept other genomes than its own, now proposes others.
    """

    def __init__(
        self, spec: SearchSpec, recorded: Mapping[Key, CandidateRecord] | None = None, *, objectives: int = 1
    ) -> None:
        strategies.check_objectives(spec.strategy, objectives)
        self.spec, self.objectives = spec, objectives
        self.remarks: list[str] = []  # of the strategy
        self.tuned: Mapping[str, Any] | None = None  # the tuned hyperparameters, once the search is complete
        self.records: dict[Key, CandidateRecord] = {}  # candidates of this search so far, except those to hand out
        self._recorded = dict(recorded or {})
        self._batches = SearchBatches(spec, self._recorded, finish=self._finish, remark=self.remarks.append)
        self._batch: Batch | None = None
        self._waiting: dict[Key, Candidate] = {}  # of the batch: to hand out, in order
        self._outstanding: dict[Key, Candidate] = {}  # of the batch: handed out and not told, in that order
        self._further = 0  # trainings of the tuned hyperparameters after the end
        self._go_on()

    @property
    def is_over(self) -> bool:
        """Whether every candidate is final, those on fresh seeds included."""
        return self._batch is None

    @property
    def outstanding(self) -> tuple[Candidate, ...]:
        """The candidates that are handed out and not told, in the order in which they were handed out."""
        return tuple(self._outstanding.values())

    @property
    def waiting(self) -> tuple[Candidate, ...]:
        """The candidates of the generation in progress that are not handed out, in order."""
        return tuple(self._waiting.values())

    def ask(self, key: Key | None = None) -> Candidate | None:
        """Hand out the next candidate, or a certain one.

        Args:
            key: One of those that wait. Default: the first.

        Returns:
            The candidate; None while all of a generation are handed out, and once the search is over.
        """
        if not self._waiting:
            return None
        candidate = self._waiting.pop(next(iter(self._waiting)) if key is None else key)
        self._outstanding[candidate.key] = candidate
        self.records[candidate.key] = _record(candidate, Status.RUNNING)
        return candidate

    def beyond(self) -> Candidate:
        """Return the tuned hyperparameters on a further fresh seed, once the search is over; its result is optional."""
        key = Key(Role.TUNED, 0, self.spec.fresh_seeds + self._further)
        self._further += 1
        if self.tuned is None:
            raise RuntimeError("the search is not over")
        return Candidate((), Trial(key, self.tuned, trial_seed(self.spec.seed, key), self.spec.steps[-1]))

    def tell(self, key: Key, fitness: Fitness | None, reason: str = "") -> bool:
        """Record a result; further results of the same candidate are ignored.

        Args:
            key: The candidate.
            fitness: What is minimised, or one value per objective; one that is not finite is a divergence, None a
                failure.
            reason: Why there is none, one line.

        Returns:
            Whether the candidate was outstanding.
        """
        if self._outstanding.pop(key, None) is None:
            return False
        values = (fitness,) if isinstance(fitness, int | float) else tuple(fitness or (math.inf,))
        is_finished = all(map(math.isfinite, values))
        status = Status.FINISHED if is_finished else Status.FAILED if fitness is None else Status.DIVERGED
        first, *further = values if is_finished else [math.inf] * self.objectives
        self.records[key] = replace(
            self.records[key], status=status, fitness=first, further=tuple(further), reason=reason
        )
        self._go_on()
        return True

    def _go_on(self) -> None:
        """Begin batches until one has a candidate that is not final; pass complete ones to the strategy."""
        while not self._waiting and not self._outstanding:
            if self._batch is not None:
                self._batches.take([_result(self.records[each.key]) for each in self._batch.candidates])
            self._batch = self._batches.next_batch()
            if self._batch is None:
                return
            for candidate in self._batch.candidates:
                known = self._recorded.get(candidate.key)
                if known is None or known.status is Status.WAITING:
                    self._waiting[candidate.key] = candidate
                    continue
                self.records[candidate.key] = known
                if not known.status.is_final:
                    self._outstanding[candidate.key] = candidate

    def _finish(self, tuned: Mapping[str, Any], _: Sequence[float]) -> None:
        self.tuned = tuned


def identity_of(spec: SearchSpec) -> dict[str, Any]:
    """Return what determines a search, as JSON has it."""
    identity = {
        "strategy": spec.strategy,
        "parameters": dict(spec.parameters),
        "generations": spec.generations,
        "population": spec.population,
        "steps": spec.steps,
        "seed": spec.seed,
        "fresh_seeds": spec.fresh_seeds,
        "space": spec.space,
    }
    returned: dict[str, Any] = json.loads(json.dumps(identity))
    return returned


def differences(identity: Mapping[str, Any], other: object) -> str:
    """Return the names of what differs between two identities of searches, "" if nothing does."""
    known = other if isinstance(other, Mapping) else {}
    return ", ".join(name for name in identity if identity[name] != known.get(name))


def trial_seed_of(candidate: Candidate) -> int:
    """Return the seed that a training function receives; candidates that are compared share it."""
    return candidate.trial.seed % MAX_TRIAL_SEED


def records_as_json(records: Mapping[Key, CandidateRecord]) -> list[dict[str, Any]]:
    """Return the records of a search as JSON has them."""
    return [
        {
            "role": record.key.role.value,
            "generation": record.key.generation,
            "slot": record.key.slot,
            "genome": list(record.genome),
            "status": record.status.value,
            "fitness": record.fitness if record.status is Status.FINISHED else None,
            "further": [value if math.isfinite(value) else None for value in record.further],
            "reason": record.reason,
        }
        for record in records.values()
    ]


def records_of_json(layouts: Sequence[Mapping[str, Any]]) -> dict[Key, CandidateRecord]:
    """Return the records that `records_as_json` was called on, without what a search does not need.

    Raises:
        ValueError, KeyError, TypeError: They are not.
    """
    records = {}
    for each in layouts:
        key = Key(Role(each["role"]), int(each["generation"]), int(each["slot"]))
        status = Status(each["status"])
        fitness = None if not status.is_final else math.inf if each["fitness"] is None else float(each["fitness"])
        genome = tuple(map(float, each["genome"]))
        further = tuple(math.inf if value is None else float(value) for value in each["further"])
        records[key] = replace(_blank(key, genome, status, fitness, str(each["reason"])), further=further)
    return records


def _record(candidate: Candidate, status: Status) -> CandidateRecord:
    trial = candidate.trial
    blank = _blank(candidate.key, candidate.genome, status, None, "")
    return replace(blank, hyperparameters=trial.hyperparameters, seed=trial.seed, steps=trial.steps)


def _blank(key: Key, genome: tuple[float, ...], status: Status, fitness: float | None, reason: str) -> CandidateRecord:
    return CandidateRecord(
        key=key,
        status=status,
        fitness=fitness,
        steps_done=0,
        seconds=0.0,
        genome=genome,
        hyperparameters={},
        seed=0,
        steps=0,
        attempts=1,
        node="",
        device="",
        reason=reason,
        error="",
    )


def _result(record: CandidateRecord) -> Evaluation:
    fitness = math.inf if record.fitness is None else record.fitness
    observations = (of_objectives(record.steps, record.further),) if record.further else ()
    return Evaluation(
        record.key, record.status, fitness, [], record.steps, 0.0, reason=record.reason, observations=observations
    )

"""The summary of a search, as one frozen value for its tables and exports."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from search_spaces.space import SearchSpace
from tuner import strategies
from tuner.core.numbers import fitness
from tuner.core.objective import TRAINING_LOSS, Objective
from tuner.core.study import IMPORTED, CandidateRecord, Outcome, SearchSpec, StudyRecord
from tuner.core.trial import Role, Status
from tuner.results.analysis.best import Best, best_of
from tuner.results.analysis.doubling import Doubling, last_doubling
from tuner.results.analysis.exact import on_every_seed
from tuner.results.analysis.front import Front, front_of
from tuner.results.analysis.generations import Generation, Run, by_generation, finished
from tuner.results.analysis.hyperparameter import Hyperparameter, hyperparameter_of
from tuner.results.analysis.landscape import tolerances
from tuner.results.analysis.relative import NOT_KNOWN, relative_gain_of_logarithms
from tuner.results.analysis.several_tasks import on_each_task, scored, whole
from tuner.results.analysis.trends import NO_TRENDS, Trends, trends
from tuner.results.analysis.verdict import Gain, Verdict, judge, sample_spread
from tuner.strategies.searched import FinishedGeneration


@dataclass(frozen=True, slots=True)
class FreshRuns:
    """Runs of one point on fresh seeds, with the last generation's budget."""

    mean: float | None  # mean value of the runs that finished and reached the objective's target; None without any
    spread: float | None  # their sample standard deviation; None if fewer than two finished
    finished: int
    diverged: int
    failed: int
    timed_out: int
    seeds: int  # runs of a complete study
    missed: int = 0  # of those that finished, the runs that missed the objective's target
    is_exact: bool = False  # whether nothing depends on the seed: one run was made, which stands for each of the seeds

    @property
    def left(self) -> int:
        """Number of runs that are not final yet."""
        return self.seeds - self.finished - self.diverged - self.failed - self.timed_out

    @property
    def valued(self) -> int:
        """Number of runs that have a value: they finished, and reached the objective's target if it has one."""
        return self.finished - self.missed

    def rank(self, objective: Objective) -> tuple[int, int, float]:
        """Return what points are ranked by, the lowest first.

        It is how many runs did not finish, how many missed the target, and the mean of the others as a fitness: by
        their mean alone, a point that diverges on most seeds would be ranked by those on which it is lucky.
        """
        mean = math.inf if self.mean is None else objective.fitness(self.mean)
        return self.seeds - self.finished, self.missed, mean


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of individuals of the search by final status."""

    finished: int
    diverged: int
    failed: int
    timed_out: int
    total: int  # generations × population
    pruned: int = 0

    @property
    def done(self) -> int:
        """Number of individuals that are final."""
        return self.finished + self.diverged + self.failed + self.timed_out + self.pruned


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of some runs. Attempts that were lost and repeated are not counted."""

    evaluations: int  # gradient evaluations
    seconds: float  # of training, summed over candidates; not wall clock, since they run in parallel


@dataclass(frozen=True, slots=True)
class Summary:
    """Results of a search, complete or not.

    Of a search on several tasks, these are those of the scores, `gain` is a difference of their logarithms, and `parts`
    has the results on each task alone.
    """

    study: str  # RUN/OPTIMIZER
    run: str
    task: str
    task_label: str  # name of the task for display
    optimizer: str
    status: str  # one of StudyStatus
    strategy: str
    seed: int
    generations: int
    population: int
    steps: int  # budget of the last generation and of the fresh seeds, in gradient evaluations
    hyperparameters: tuple[Hyperparameter, ...]  # in the order of the search space
    fixed: Mapping[str, Any]  # hyperparameters that are not tuned
    default: FreshRuns
    tuned: FreshRuns
    searched: float | None  # value; see `tuner.strategies.searched`
    best: Best | None
    counts: Counts
    search_cost: Cost
    fresh_cost: Cost
    diverged_cost: Cost  # of the search's individuals that diverged, up to the loss that was not finite
    failed_cost: Cost  # of those that failed, as far as their workers had reported
    timed_out_cost: Cost  # of those that timed out, as far as their workers had reported
    pruned_cost: Cost  # of those that were ended early, up to there
    saved: int  # gradient evaluations of their budgets that those ended early did not use
    verdict: Verdict
    gain: Gain
    notes: tuple[str, ...]
    objective: Objective = TRAINING_LOSS
    unit: str = "gradient evaluations"  # of budgets
    is_of_function: bool = False  # whether the task is a training function
    is_imported: bool = False  # whether it was made elsewhere
    front: Front | None = None  # of several objectives
    parts: tuple[Summary, ...] = ()  # one per task, without `searched`; empty of a search on one task
    is_geometric_mean: bool = False  # whether a score is the geometric mean of the fitnesses
    best_known: float | None = None  # value of the objective, as the task says it
    doubling: Doubling | None = None  # of a random search, if details were asked for
    trends: Trends = NO_TRENDS
    is_repeated: bool = False  # whether it is one of several searches of the run for this optimizer
    searches: tuple[Summary, ...] = ()  # of which these are the results together; see `searches`

    @property
    def label(self) -> str:
        """Name of the study in its run: the optimizer, with the seed if the run has several searches for it."""
        return self.study.partition("/")[2]

    @property
    def has_several_objectives(self) -> bool:
        """Whether the result is a front; the tuned point is a compromise then, and one objective no verdict on it."""
        return bool(self.objective.further)

    @property
    def improvement(self) -> float | None:
        """Geometric mean of default divided by tuned over tasks and fresh seeds; None where it is not defined."""
        return math.exp(self.gain.mean) if self.is_geometric_mean and self.gain.mean is not None else None


def summarise(study: StudyRecord, candidates: Sequence[CandidateRecord]) -> Summary:
    """Return the summary of a search of any status; `summarise_outcomes` reads less.

    Args:
        study: Record of the search.
        candidates: All of its candidates, in any order.

    Raises:
        ValueError: The study's search space cannot be read.
    """
    summary = summarise_outcomes(study, candidates, lambda run: run.hyperparameters)
    front = front_of(study.search, candidates) if study.spec.workload.objective.further else None
    return replace(summary, front=front)


def summarise_in_detail(study: StudyRecord, candidates: Sequence[CandidateRecord]) -> Summary:
    """Return the summary of a search with the tolerance of each hyperparameter and its last doubling.

    The tolerances take up to a second.

    Args:
        study: Record of the search.
        candidates: All of its candidates, in any order.

    Raises:
        ValueError: The study's search space cannot be read.
    """
    summary = summarise(study, candidates)
    record, runs = whole(study, candidates)
    rows = zip(summary.hyperparameters, tolerances(record, runs), strict=True)
    return replace(
        summary,
        hyperparameters=tuple(replace(row, tolerance=tolerance) for row, tolerance in rows),
        doubling=last_doubling(record.search, runs),
    )


def summarise_outcomes(
    study: StudyRecord, candidates: Sequence[Run], hyperparameters: Callable[[Run], Mapping[str, Any]]
) -> Summary:
    """Return the summary of a search of any status.

    Args:
        study: Record of the search.
        candidates: Outcomes of all of its candidates, in any order.
        hyperparameters: Returns the hyperparameters of a candidate; called for the best.

    Raises:
        ValueError: The study's search space cannot be read.
    """
    spec = study.search
    if spec.further:
        return _of_several(study, candidates, hyperparameters)
    runs = {role: [candidate for candidate in candidates if candidate.key.role is role] for role in Role}
    generations = by_generation(spec, candidates)
    objective = spec.workload.objective
    limit = objective.limit(spec.steps[-1])
    default, tuned = (on_every_seed(spec, runs[role]) for role in (Role.DEFAULT, Role.TUNED))
    verdict, gain = judge(default, tuned, spec.fresh_seeds, limit)
    best = best_of(generations, hyperparameters)
    costs = {end: _cost([run for run in runs[Role.SEARCH] if run.status is end]) for end in Status}
    totals = {status: sum(generation.counts[status] for generation in generations) for status in generations[0].counts}
    return Summary(
        study=spec.name,
        run=spec.run,
        task=spec.workload.task,
        task_label=spec.workload.task_label,
        optimizer=f"{spec.workload.optimizer}{IMPORTED if spec.is_imported else ''}",
        status=study.status,
        strategy=spec.strategy,
        seed=spec.seed,
        generations=spec.generations,
        population=spec.population,
        steps=spec.steps[-1],
        hyperparameters=tuple(
            hyperparameter_of(
                dimension, None if study.tuned is None or best is None else study.tuned[dimension.name], spec.sigmas
            )
            for dimension in SearchSpace.from_dict(spec.space).dimensions
        ),
        fixed=spec.space.get("fixed", {}),
        default=fresh_runs(runs[Role.DEFAULT], spec),
        tuned=fresh_runs(runs[Role.TUNED], spec),
        searched=None if study.tuned is None else _searched(spec, generations),
        best=best,
        counts=Counts(
            finished=totals[Status.FINISHED],
            diverged=totals[Status.DIVERGED],
            failed=totals[Status.FAILED],
            timed_out=totals[Status.TIMED_OUT],
            total=spec.due,
            pruned=totals[Status.PRUNED],
        ),
        search_cost=_cost(runs[Role.SEARCH]),
        fresh_cost=_cost([*runs[Role.DEFAULT], *runs[Role.TUNED]]),
        diverged_cost=costs[Status.DIVERGED],
        failed_cost=costs[Status.FAILED],
        timed_out_cost=costs[Status.TIMED_OUT],
        pruned_cost=costs[Status.PRUNED],
        saved=sum(
            spec.budgets[run.key.generation] - run.steps_done
            for run in runs[Role.SEARCH]
            if run.status is Status.PRUNED
        ),
        verdict=verdict,
        gain=gain,
        notes=study.notes,
        objective=objective,
        unit=spec.workload.unit,
        is_of_function=spec.workload.is_function,
        trends=trends(generations),
        best_known=next(iter(spec.best_known), None),
        is_repeated=spec.is_repeated,
        is_imported=spec.is_imported,
    )


def _of_several(
    study: StudyRecord, candidates: Sequence[Run], hyperparameters: Callable[[Run], Mapping[str, Any]]
) -> Summary:
    """Return the summary of a search on several tasks; see `summarise_outcomes`."""
    tasks = len(study.search.parts)

    def of_stored(run: Run, task: int) -> Mapping[str, Any]:
        return hyperparameters(replace(run, key=replace(run.key, generation=run.key.generation * tasks + task)))

    whole = scored(study, candidates)
    of_scores = summarise_outcomes(whole.study, whole.runs, partial(of_stored, task=0))
    default, tuned = (
        on_every_seed(study.search, [run for run in whole.logarithms if run.key.role is role])
        for role in (Role.DEFAULT, Role.TUNED)
    )
    relative = relative_gain_of_logarithms if whole.is_geometric_mean else lambda _: NOT_KNOWN
    verdict, gain = judge(default, tuned, study.search.fresh_seeds, relative=relative)
    parts = [
        replace(summarise_outcomes(record, runs, partial(of_stored, task=task)), searched=None)
        for task, (record, runs) in enumerate(on_each_task(study, candidates))
    ]
    return replace(
        of_scores,
        task=study.spec.task,
        verdict=verdict,
        gain=gain,
        parts=tuple(parts),
        is_geometric_mean=whole.is_geometric_mean,
    )


def better_half(generation: Generation[Run]) -> tuple[Run, ...]:
    """Return the individuals that finished among the better half of a population, rounded down but at least one.

    Their average is the next mean under strategy `paper`.
    """
    return generation.finished[: max(1, generation.population // 2)]


def _searched(spec: SearchSpec, generations: Sequence[Generation[Run]]) -> float | None:
    """Return the value that a complete search itself measured for its result, as its strategy defines it.

    Individuals that missed the objective's target are not included.
    """
    found = strategies.kind_of_record(spec.strategy).searched_fitness(
        [
            FinishedGeneration(
                one.steps,
                one.population,
                tuple(fitness(run) for run in one.finished if one.value(run) is not None),
            )
            for one in generations
        ]
    )
    return None if found is None else spec.workload.objective.value(found)


def fresh_runs(runs: Sequence[Outcome], spec: SearchSpec) -> FreshRuns:
    """Return the results of one point on the fresh seeds of a search, from the outcomes of its runs."""
    runs = on_every_seed(spec, runs)
    objective, ended = spec.workload.objective, finished(runs)
    shown = [objective.shown(run.fitness, spec.steps[-1]) for run in ended]
    values = [value for value in shown if value is not None]
    statuses = [run.status for run in runs]
    return FreshRuns(
        mean=statistics.mean(values) if values else None,
        spread=sample_spread(values) if len(values) > 1 else None,
        finished=statuses.count(Status.FINISHED),
        diverged=statuses.count(Status.DIVERGED),
        failed=statuses.count(Status.FAILED),
        timed_out=statuses.count(Status.TIMED_OUT),
        seeds=spec.fresh_seeds,
        missed=len(shown) - len(values),
        is_exact=spec.is_exact,
    )


def _cost(runs: Sequence[Outcome]) -> Cost:
    return Cost(sum(run.steps_done for run in runs), float(sum(run.seconds for run in runs)))

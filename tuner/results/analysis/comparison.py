"""The results of a comparison, as one frozen value for its tables and figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from search_spaces.space import Scale, SearchSpace
from tuner.core.numbers import fitness
from tuner.core.objective import TRAINING_LOSS, Objective
from tuner.core.study import IMPORTED, ComparisonSpec, Point, SeedRun, StudyRecord, StudyStatus
from tuner.core.trial import ENDS_OF_RUNS, Status
from tuner.results.analysis.behind import Behind, behind
from tuner.results.analysis.estimate import Estimate, estimate
from tuner.results.analysis.margins import Margin
from tuner.results.analysis.ranking import ROUNDING, Rank, Ranking, Standing, rank

Studies = Sequence[tuple[StudyRecord, Sequence[SeedRun]]]


@dataclass(frozen=True, slots=True)
class FinalLoss:
    """The objective's value, or the loss in the last tenth of a budget of time, over the runs of a contender."""

    loss: Estimate | None  # over the runs that did not diverge, and reached the objective's target; None without any
    diverged: int
    rank: Rank
    missed: int = 0  # runs that finished and missed the objective's target


@dataclass(frozen=True, slots=True)
class Contender:
    """One configuration of a comparison, on all of its seeds."""

    study: str  # RUN/OPTIMIZER
    name: str  # unique in the comparison: the optimizer, or "momentum 0.5" in a sweep
    optimizer: str
    point: Point
    scales: Mapping[str, Scale]  # of the hyperparameters in the search space
    source: str  # where the hyperparameters come from
    status: str  # of the study
    runs: tuple[SeedRun, ...]  # those that have started, in the order of their seeds
    seeds: int  # runs of a complete study
    counts: Mapping[Status, int]  # of the runs, by final status
    by_steps: FinalLoss
    by_time: FinalLoss | None  # None without a budget of seconds
    validation: Mapping[str, Estimate | None]  # of each metric at the end, over the runs that finished
    test: Mapping[str, Estimate | None]
    floor: float | None  # lowest mean loss that an optimizer with the same information can reach
    pace: float | None  # gradient evaluations per second of training; None if runs trained in lockstep
    pace_with_validation: float | None
    behind: Behind | None = None  # distance from the best by steps; None of the best, and where there is none

    @property
    def left(self) -> int:
        """Number of runs that are not final yet."""
        return self.seeds - sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of some optimizers, complete or not. Fields that its studies share are those of the first."""

    run: str
    task: str
    task_label: str  # name of the task for display
    objective: Objective  # of `by_steps`
    steps: int  # budget of a run, in gradient evaluations
    seconds: float | None  # budget of a run, in seconds of training; None: no such budget
    seeds: int
    cohort_size: int  # runs that train in lockstep
    validate_every: int | None
    test_examples: int | None
    sweep: str | None
    contenders: tuple[Contender, ...]
    remarks: tuple[str, ...]  # on the tests by steps, and by time
    precision: str | None
    options: Mapping[str, Any]
    data: Mapping[str, Any] | None
    versions: Mapping[str, str]
    hardware: Mapping[str, Any]
    created_at: str
    is_imported: bool = False  # whether the runs were trained elsewhere

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the validation and test metrics, "loss" first."""
        names = {name for contender in self.contenders for name in (*contender.validation, *contender.test)}
        return tuple(sorted(names, key=lambda name: (name != "loss", name)))


def compare_runs(studies: Studies, margin: Margin | None = None) -> Comparison:
    """Return the results of the studies of one comparison.

    Args:
        studies: Each study with its runs, of any status.
        margin: The smallest distance from the best that matters. Default: see `tuner.results.analysis.behind`.

    Raises:
        ValueError: There is no study, or they are not of the same comparison.
    """
    runs = {study.spec.run for study, _ in studies}
    if len(runs) != 1 or any(study.is_search for study, _ in studies):
        raise ValueError(
            f"a comparison is made of the studies of one run. Received: {', '.join(sorted(runs)) or 'none'}"
        )
    first = studies[0][0]
    spec = first.comparison
    measurement = spec.measurement
    named = [
        (_name(study, point), study, point, [run for run in study_runs if run.candidate.key.generation == number])
        for study, study_runs in studies
        for number, point in enumerate(study.comparison.points)
    ]
    is_complete = all(study.status == StudyStatus.COMPLETE for study, _ in studies)
    objective = spec.workload.objective
    by_steps = _ranked(
        {name: _fitnesses(point_runs) for name, _, _, point_runs in named}, is_complete, objective, spec.steps
    )
    by_time = None
    if measurement.seconds is not None:
        by_time = _ranked({name: _losses_by_time(point_runs) for name, _, _, point_runs in named}, is_complete)
    remarks = [f"by steps: {remark}" for remark in by_steps.remarks]
    remarks += [f"by time: {remark}" for remark in (by_time.remarks if by_time else ())]
    remarks += dict.fromkeys(f"{study.spec.workload.optimizer}: {note}" for study, _ in studies for note in study.notes)
    contenders = [
        _contender(name, study, point, point_runs, by_steps.ranks[name], by_time.ranks[name] if by_time else None)
        for name, study, point, point_runs in named
    ]
    return Comparison(
        run=spec.run,
        task=spec.workload.task,
        task_label=spec.workload.task_label,
        objective=objective,
        steps=spec.steps,
        seconds=measurement.seconds,
        seeds=spec.seeds,
        cohort_size=spec.workload.cohort_size,
        validate_every=measurement.validate_every,
        test_examples=measurement.test_examples,
        sweep=spec.sweep,
        contenders=_with_distances(
            contenders, {name: study.comparison.best_known for name, study, _, _ in named}, spec, margin
        ),
        remarks=tuple(remarks),
        precision=spec.workload.precision,
        options=spec.workload.options,
        data=spec.workload.data,
        versions=spec.versions,
        hardware=spec.hardware,
        created_at=first.created_at,
        is_imported=spec.is_imported,
    )


def _with_distances(
    contenders: Sequence[Contender], known: Mapping[str, float | None], spec: ComparisonSpec, margin: Margin | None
) -> tuple[Contender, ...]:
    """Return contenders with their distances from the best one."""
    best = next((one for one in contenders if one.by_steps.rank.standing is Standing.BEST), None)
    if best is None:
        return tuple(contenders)
    objective = spec.workload.objective
    is_loss = not (objective.validates or objective.is_to_target)
    return tuple(
        one
        if one is best
        else replace(
            one,
            behind=behind(
                [run.candidate for run in best.runs],
                [run.candidate for run in one.runs],
                objective,
                spec.steps,
                margin=margin,
                floor=known[one.name] if one.floor is None or not is_loss else one.floor,
            ),
        )
        for one in contenders
    )


def _name(study: StudyRecord, point: Point) -> str:
    spec = study.comparison
    if spec.sweep is None or point.value is None:
        return f"{spec.workload.optimizer}{IMPORTED if spec.is_imported else ''}"
    return f"{spec.sweep} {point.value:.4g}"


def _ranked(
    losses: Mapping[str, Sequence[float]], is_complete: bool, objective: Objective = TRAINING_LOSS, budget: int = 0
) -> Ranking:
    """Rank contenders once all runs are complete; until then, and if no run reached the target, none has a rank."""
    limit = objective.limit(budget)
    unranked = dict.fromkeys(losses, Rank(Standing.UNTESTED))
    if not is_complete:
        return Ranking(unranked, ())
    finite = [value for values in losses.values() for value in values if math.isfinite(value)]
    if finite and min(finite) > limit:
        remark = (
            f"no run of any optimizer reached the target ({objective.label}), so that none is ranked: take an easier"
            " target or a larger budget."
        )
        return Ranking(unranked, (remark,))
    is_loss = not (objective.is_to_target or objective.is_max)
    return rank(losses, limit=limit, rounding=ROUNDING if is_loss else 0.0)


def _contender(
    name: str, study: StudyRecord, point: Point, runs: Sequence[SeedRun], rank_by_steps: Rank, rank_by_time: Rank | None
) -> Contender:
    done = [run for run in runs if run.candidate.status.is_final]
    counts = {status: sum(run.candidate.status is status for run in done) for status in ENDS_OF_RUNS}
    ended = [run for run in runs if run.candidate.status is Status.FINISHED]
    by_time = _losses_by_time(runs)
    return Contender(
        study=study.spec.name,
        name=name,
        optimizer=study.spec.workload.optimizer,
        point=point,
        scales={row.name: row.scale for row in SearchSpace.from_dict(study.spec.space).dimensions},
        source=study.comparison.source,
        status=study.status,
        runs=tuple(runs),
        seeds=study.comparison.seeds,
        counts=counts,
        by_steps=_final_loss(_fitnesses(runs), rank_by_steps, study.spec.workload.objective, study.comparison.steps),
        by_time=None if rank_by_time is None else _final_loss(by_time, rank_by_time),
        validation=_last("validation", ended),
        test=_last("test", ended),
        floor=next((float(run.series["floor"].metrics["loss"][0]) for run in done if "floor" in run.series), None),
        pace=_pace("seconds", ended),
        pace_with_validation=_pace("elapsed", ended),
    )


def _fitnesses(runs: Sequence[SeedRun]) -> list[float]:
    """Return the fitnesses of the runs that finished, and +inf for each that diverged."""
    return [fitness(run.candidate) for run in runs if run.candidate.status in (Status.FINISHED, Status.DIVERGED)]


def _losses_by_time(runs: Sequence[SeedRun]) -> list[float]:
    """Return the losses by time of the same runs; a run may diverge after it has reached the step budget."""
    losses = []
    for run in runs:
        if "time" in run.series and run.candidate.status in (Status.FINISHED, Status.DIVERGED):
            loss = float(run.series["time"].metrics["loss"][-1])
            losses.append(loss if math.isfinite(loss) else math.inf)
    return losses


def _final_loss(
    fitnesses: Sequence[float], rank: Rank, objective: Objective = TRAINING_LOSS, budget: int = 0
) -> FinalLoss:
    finite = [fitness for fitness in fitnesses if math.isfinite(fitness)]
    values = [objective.value(fitness) for fitness in finite if not objective.missed(fitness, budget)]
    return FinalLoss(estimate(values), len(fitnesses) - len(finite), rank, len(finite) - len(values))


def _last(split: str, runs: Sequence[SeedRun]) -> dict[str, Estimate | None]:
    """Return the mean over the runs of each metric's last observation."""
    values: dict[str, list[float]] = {}
    for run in runs:
        for name, numbers in run.series[split].metrics.items() if split in run.series else ():
            values.setdefault(name, []).append(float(numbers[-1]))
    return {name: estimate([number for number in numbers if math.isfinite(number)]) for name, numbers in values.items()}


def _pace(clock: str, runs: Sequence[SeedRun]) -> float | None:
    """Return the gradient evaluations per second of some runs, by the clock "seconds" or "elapsed"."""
    marks = [run.series["training"] for run in runs if "training" in run.series]
    seconds = float(np.sum([getattr(mark, clock)[-1] for mark in marks]))
    evaluations = float(np.sum([mark.evaluations[-1] for mark in marks]))
    return evaluations / seconds if seconds > 0 else None  # false for NaN, the seconds of runs in lockstep

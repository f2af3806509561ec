"""The best optimizer of a run, how certain that is, and how much time remains.

It is computed from totals, so that it costs the same for any number of candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tuner.core.aggregates import GenerationTotals, StudyTotals
from tuner.core.objective import Objective
from tuner.core.study import SearchSpec, StudyStatus
from tuner.core.trial import Role, Status
from tuner.results.analysis.exact import on_every_seed
from tuner.results.analysis.summary import FreshRuns, fresh_runs
from tuner.results.analysis.verdict import Gain, Verdict, judge


@dataclass(frozen=True, slots=True)
class BestSoFar:
    """The best candidate of a search with the greatest budget of which any finished."""

    candidate: int  # its id
    generation: int
    steps: int
    fitness: float
    value: float | None  # of the objective; None if it missed the target


@dataclass(frozen=True, slots=True)
class Standing:
    """One search at one moment."""

    totals: StudyTotals
    best: BestSoFar | None
    default: FreshRuns
    tuned: FreshRuns
    verdict: Verdict  # of the tuned point against the defaults
    gain: Gain
    done: int  # final candidates, those on fresh seeds included
    due: int
    evaluations_left: int  # gradient evaluations, if no candidate ends early

    @property
    def optimizer(self) -> str:
        """Name of its optimizer."""
        return self.totals.record.spec.workload.optimizer

    @property
    def label(self) -> str:
        """Name of its study in the run: the optimizer, with the seed if the run has several searches for it."""
        return self.totals.record.spec.label

    @property
    def objective(self) -> Objective:
        """Objective of its search."""
        return self.totals.record.spec.workload.objective

    @property
    def best_known(self) -> float | None:
        """Best value of the objective that is known, as the task says it."""
        return next(iter(self.totals.record.search.best_known), None)

    @property
    def is_open(self) -> bool:
        """Whether results are still to come."""
        return self.totals.record.status != StudyStatus.COMPLETE

    @property
    def has_tuned_result(self) -> bool:
        """Whether the tuned point has run on all fresh seeds, and finished on one."""
        return self.tuned.seeds > 0 and self.tuned.left == 0 and self.tuned.mean is not None


@dataclass(frozen=True, slots=True)
class Lead:
    """Which search of a run leads.

    On fresh seeds, two tuned points are compared seed by seed by the rule of `verdict`, as a tuned point is with the
    defaults: the seeds of a run are the same for all of its optimizers. Before, the best candidates of the searches are
    compared, which says little: the best candidates of a search are optimistically biased.
    """

    first: Standing
    second: Standing | None  # None if no other search has a result of this kind
    is_on_fresh_seeds: bool
    is_final: bool  # whether every search of the run is complete
    verdict: Verdict | None  # of the first against the second; None without a comparison on fresh seeds
    gain: Gain


def standing(totals: StudyTotals) -> Standing:
    """Return the standing of a search.

    Raises:
        ValueError: The study is part of a comparison.
    """
    spec = totals.record.search
    default, tuned = (
        on_every_seed(spec, [run for run in totals.fresh if run.key.role is role])
        for role in (Role.DEFAULT, Role.TUNED)
    )
    verdict, gain = judge(default, tuned, spec.fresh_seeds, spec.workload.objective.limit(spec.steps[-1]))
    searched = sum(_final(one) for one in totals.generations)
    ended = sum(run.status.is_final for run in totals.fresh)
    left = sum(
        (spec.population - done) * steps
        for steps, done in zip(spec.steps, _done_by_generation(spec, totals.generations), strict=True)
    )
    return Standing(
        totals=totals,
        best=_best(spec, totals.generations),
        default=fresh_runs(default, spec),
        tuned=fresh_runs(tuned, spec),
        verdict=verdict,
        gain=gain,
        done=searched + ended,
        due=spec.due + 2 * spec.fresh_runs,
        evaluations_left=left + (2 * spec.fresh_runs - ended) * spec.steps[-1],
    )


def lead(standings: Sequence[Standing]) -> Lead | None:
    """Return which search of a run leads; None while none has a result."""
    is_final = not any(one.is_open for one in standings)
    tuned = [one for one in ranked(standings) if one.has_tuned_result]
    if tuned:
        first, second = tuned[0], tuned[1] if len(tuned) > 1 else None
        verdict, gain = (None, Gain()) if second is None else _compared(first, second)
        return Lead(first, second, True, is_final, verdict, gain)
    searched = [(one, one.best) for one in ranked(standings) if one.best is not None]
    if not searched:
        return None
    comparable = [one for one, best in searched if best.steps == searched[0][1].steps]
    return Lead(comparable[0], comparable[1] if len(comparable) > 1 else None, False, is_final, None, Gain())


def ranked(standings: Sequence[Standing]) -> list[Standing]:
    """Return searches, the leader first; those without results on fresh seeds follow, those without any are last."""

    def rank(one: Standing) -> tuple[int, tuple[float, ...]]:
        if one.has_tuned_result:
            return 0, one.tuned.rank(one.objective)
        return (2, ()) if one.best is None else (1, (-one.best.steps, one.best.fitness))

    return sorted(standings, key=rank)


def seconds_left(standings: Sequence[Standing]) -> float | None:
    """Return the seconds until the searches of a run that is running are complete; None while no speed is known.

    The speeds of its studies add up, since they share the workers.
    """
    left = sum(one.evaluations_left for one in standings if one.is_open)
    speeds = [
        one.totals.pace.evaluations / one.totals.pace.seconds
        for one in standings
        if one.totals.pace is not None and one.totals.record.status == StudyStatus.RUNNING
    ]
    return left / sum(speeds) if sum(speeds) > 0 else None


def _compared(first: Standing, second: Standing) -> tuple[Verdict, Gain]:
    spec = first.totals.record.search
    runs = [
        on_every_seed(one.totals.record.search, [run for run in one.totals.fresh if run.key.role is Role.TUNED])
        for one in (second, first)
    ]
    return judge(runs[0], runs[1], spec.fresh_seeds, spec.workload.objective.limit(spec.steps[-1]))


def _best(spec: SearchSpec, generations: Sequence[GenerationTotals]) -> BestSoFar | None:
    found = [
        BestSoFar(
            one.best_id, one.number, spec.steps[one.number], one.best,
            spec.workload.objective.shown(one.best, spec.steps[one.number]),
        )
        for one in generations
        if one.best is not None and one.best_id is not None
    ]  # fmt: skip
    comparable = [one for one in found if one.steps == found[-1].steps]
    return min(comparable, key=lambda one: one.fitness, default=None)


def _done_by_generation(spec: SearchSpec, generations: Sequence[GenerationTotals]) -> list[int]:
    done = {one.number: _final(one) for one in generations}
    return [done.get(number, 0) for number in range(spec.generations)]


def _final(one: GenerationTotals) -> int:
    return sum(count for status, count in one.counts.items() if Status(status).is_final)

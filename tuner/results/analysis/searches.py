"""Several searches for one optimizer, with a seed each, as one result.

What a search finds depends on its seed, and what a training gives on another. Each search trains the defaults and its
tuned point on fresh seeds of its own, so that the mean of a search varies by both. Here a search is one observation:
the value of a point is its mean over the fresh seeds of a search, and means, standard deviations, intervals and
verdicts are taken over searches, by the rules for fresh seeds. With S searches of n fresh seeds each, the variance of
the mean is that between searches over S, plus that between trainings over S · n, and an interval over searches has
their sum. It needs five searches.

A point that did not finish on one of its fresh seeds has no value in this search. It is counted as diverged, failed,
timed out or having missed the target, in this order.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

from tuner.core.objective import Objective
from tuner.core.study import Outcome, StudyStatus
from tuner.core.trial import Key, Role, Status
from tuner.results.analysis.front import united
from tuner.results.analysis.margins import verdict_within
from tuner.results.analysis.relative import NOT_KNOWN, Pairs, Relative, relative_gain, relative_gain_of_logarithms
from tuner.results.analysis.summary import Cost, Counts, FreshRuns, Summary
from tuner.results.analysis.trends import NO_TRENDS
from tuner.results.analysis.verdict import Gain, Verdict, judge, sample_spread


def merged(group: Sequence[Summary]) -> list[Summary]:
    """Return the results of comparable searches together, one summary per optimizer; of searches without others theirs.

    Args:
        group: Comparable searches; see `tuner.results.analysis.margins.comparable`.
    """
    by_optimizer: dict[str, list[Summary]] = {}
    for one in group:
        by_optimizer.setdefault(one.optimizer, []).append(one)
    return [_merged(searches) if searches[0].is_repeated else searches[0] for searches in by_optimizer.values()]


@dataclass(frozen=True, slots=True)
class Ranks:
    """How often an optimizer had which rank among those of its run, over searches."""

    optimizer: str
    counts: tuple[int, ...]  # by rank, 1 the best; equal points have the better rank

    @property
    def mean(self) -> float | None:
        """The mean rank; None without any."""
        total = sum(self.counts)
        return sum(rank * count for rank, count in enumerate(self.counts, 1)) / total if total else None


def ranks(group: Sequence[Summary]) -> list[Ranks]:
    """Return how often the tuned point of each optimizer has which rank on fresh seeds, over the seeds of the searches.

    Seeds with which a tuned point has not run on all of its fresh seeds yet are left out.

    Args:
        group: Results of several searches, as `merged` returns them.
    """
    found = {one.optimizer: [0] * len(group) for one in group}
    for searches in _by_seed(group):
        costs = [one.tuned.rank(one.objective) for one in searches]
        for one, cost in zip(searches, costs, strict=True):
            found[one.optimizer][sum(other < cost for other in costs)] += 1
    return [Ranks(optimizer, tuple(counts)) for optimizer, counts in found.items()]


def compared(first: Summary, second: Summary) -> tuple[Verdict, Gain, int]:
    """Return whether the tuned points of an optimizer are better than those of a second one, over searches.

    Searches with one seed are a pair: they start alike and have the same fresh seeds.

    Returns:
        The verdict on the first against the second, its gain, and the number of seeds with which the first is better.
    """
    pairs = list(_by_seed([first, second]))
    outcomes = [
        [
            _outcome(one.tuned, one.objective, one.steps, Role.DEFAULT if side else Role.TUNED, slot)
            for slot, one in enumerate(own)
        ]
        for side, own in enumerate(zip(*pairs, strict=True))
    ] or [[], []]
    verdict, gain = judge(outcomes[1], outcomes[0], len(pairs), first.objective.limit(first.steps))
    wins = sum(one.tuned.rank(one.objective) < other.tuned.rank(other.objective) for one, other in pairs)
    return verdict, gain, wins


def _by_seed(group: Sequence[Summary]) -> Iterator[tuple[Summary, ...]]:
    """Yield the searches of all optimizers with one seed, for each seed with which all have run on fresh seeds."""
    by_seed = [{one.seed: one for one in of.searches} for of in group]
    for seed in sorted(set.intersection(*map(set, by_seed))) if by_seed else ():
        searches = tuple(each[seed] for each in by_seed)
        if all(one.tuned.seeds and not one.tuned.left for one in searches):
            yield searches


def _merged(searches: Sequence[Summary]) -> Summary:
    first = searches[0]
    default, tuned = ([getattr(one, name) for one in searches] for name in ("default", "tuned"))
    verdict, gain = _judged(searches)
    known = [one.searched for one in searches if one.searched is not None]
    best = min(
        (one.best for one in searches if one.best is not None and one.best.fitness is not None),
        key=lambda best: first.objective.fitness(best.fitness if best.fitness is not None else math.inf),
        default=first.best,
    )
    parts = tuple(_merged(of_task) for of_task in zip(*(one.parts for one in searches), strict=True))
    return replace(
        first,
        study=f"{first.run}/{first.optimizer}",
        status=next((one.status for one in searches if one.status != StudyStatus.COMPLETE), StudyStatus.COMPLETE),
        hyperparameters=_typical(searches).hyperparameters,
        default=over_searches(default, first.objective, first.steps),
        tuned=over_searches(tuned, first.objective, first.steps),
        searched=statistics.fmean(known) if len(known) == len(searches) else None,
        best=best,
        counts=Counts(
            **{each.name: sum(getattr(one.counts, each.name) for one in searches) for each in fields(Counts)}
        ),
        search_cost=_sum([one.search_cost for one in searches]),
        fresh_cost=_sum([one.fresh_cost for one in searches]),
        diverged_cost=_sum([one.diverged_cost for one in searches]),
        failed_cost=_sum([one.failed_cost for one in searches]),
        timed_out_cost=_sum([one.timed_out_cost for one in searches]),
        pruned_cost=_sum([one.pruned_cost for one in searches]),
        saved=sum(one.saved for one in searches),
        verdict=verdict,
        gain=gain,
        notes=tuple(f"seed {one.seed}: {note}" for one in searches for note in one.notes),
        parts=parts,
        doubling=None,
        trends=NO_TRENDS,
        searches=tuple(searches),
        front=united([one.front for one in searches if one.front is not None]),
    )


def _judged(searches: Sequence[Summary]) -> tuple[Verdict, Gain]:
    """Return the verdict over searches and the gain; its margin is the mean of theirs."""
    first = searches[0]
    default, tuned = (
        [_outcome(getattr(one, name), one.objective, one.steps, role, slot) for slot, one in enumerate(searches)]
        for name, role in (("default", Role.DEFAULT), ("tuned", Role.TUNED))
    )
    relative: Callable[[Pairs], Relative] = relative_gain
    if first.parts:  # their gains are differences of logarithms, or of terms that have no ratio
        default = [_with_fitness(run, one.gain.mean) for run, one in zip(default, searches, strict=True)]
        tuned = [_with_fitness(run, 0.0) for run in tuned]
        relative = relative_gain_of_logarithms if first.is_geometric_mean else lambda _: NOT_KNOWN
    seeds = len(searches) if first.tuned.seeds else 0
    verdict, gain = judge(default, tuned, seeds, first.objective.limit(first.steps), relative)
    margins = [one.gain.margin for one in searches if one.gain.margin is not None]
    margin = statistics.fmean(margins) if len(margins) == len(searches) else None
    gain = replace(gain, margin=margin)
    return verdict_within(verdict, gain), gain


def _outcome(runs: FreshRuns, objective: Objective, steps: int, role: Role, slot: int) -> Outcome:
    """Return the runs of a point on the fresh seeds of one search as one run."""
    status: Status = Status.FINISHED
    fitness: float | None = None
    if runs.left or not runs.seeds:
        status = Status.WAITING
    elif runs.diverged:
        status, fitness = Status.DIVERGED, math.inf
    elif runs.failed or runs.timed_out:
        status = Status.FAILED if runs.failed else Status.TIMED_OUT
    elif runs.missed or runs.mean is None:
        fitness = math.nextafter(objective.limit(steps), math.inf)
    else:
        fitness = objective.fitness(runs.mean)
    return Outcome(key=Key(role, 0, slot), status=status, fitness=fitness, steps_done=0, seconds=0.0)


def _with_fitness(run: Outcome, fitness: float | None) -> Outcome:
    return replace(run, fitness=fitness) if run.status is Status.FINISHED and fitness is not None else run


def over_searches(points: Sequence[FreshRuns], objective: Objective, steps: int) -> FreshRuns:
    """Return the values of a point over searches: its means, and how many of these have one.

    Args:
        points: Its runs on the fresh seeds of each search.
        objective: The objective of the searches.
        steps: Budget of a run.
    """
    statuses = [_outcome(runs, objective, steps, Role.TUNED, slot).status for slot, runs in enumerate(points)]
    valued = [runs.mean for runs in points if runs.mean is not None and runs.valued == runs.seeds]
    finished = statuses.count(Status.FINISHED)
    return FreshRuns(
        mean=statistics.mean(valued) if valued else None,
        spread=sample_spread(valued) if len(valued) > 1 else None,
        finished=finished,
        diverged=statuses.count(Status.DIVERGED),
        failed=statuses.count(Status.FAILED),
        timed_out=statuses.count(Status.TIMED_OUT),
        seeds=len(points) if points[0].seeds else 0,
        missed=finished - len(valued),
    )


def _typical(searches: Sequence[Summary]) -> Summary:
    """Return the search whose tuned point is the median on fresh seeds; of an even number the better one."""
    ended = sorted(
        (one for one in searches if one.tuned.mean is not None), key=lambda one: one.tuned.rank(one.objective)
    )
    return ended[(len(ended) - 1) // 2] if ended else searches[0]


def _sum(costs: Sequence[Cost]) -> Cost:
    return Cost(sum(one.evaluations for one in costs), math.fsum(one.seconds for one in costs))

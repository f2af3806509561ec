"""Quality of searches by their budget: how much tuning an optimizer needs.

The quality of a search is the best value of the objective among its candidates with the last budget, as the search
measured it. A candidate that missed the target of a time to it has no such value, like one that did not finish.

- A random search of n candidates says what one of k would have found (`best_of`). Searches on other seeds add theirs.
- What another strategy tries depends on its whole schedule, so the first candidates of a search are not a search with
  a smaller budget. Only several searches say what each budget is worth.
- A single search of such a strategy has its best so far, and no expectation.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from tuner.core.numbers import fitness
from tuner.core.objective import TRAINING_LOSS, Objective
from tuner.core.study import Outcome, StudyRecord
from tuner.results.analysis.best_of import BestOf, best_of, best_of_searches
from tuner.results.analysis.generations import Generation, by_generation

RANDOM = "random"  # the strategy whose candidates do not depend on each other

_ONE_SEARCH = (
    "one search of this strategy has no expectation by budget, so this is its best so far, which a search with a "
    "smaller budget need not reach; several searches of different budgets and seeds, or strategy random, have one"
)
_ONE_PER_BUDGET = "one search per budget, so nothing is known of the spread; repeat them with other seeds"

_Value = TypeVar("_Value")


class Method(StrEnum):
    """What the numbers of a line are."""

    SUBSETS = "subsets"  # expectation over all subsets of the candidates of random searches
    SEARCHES = "searches"  # statistics of several searches, by their budget
    ONE_SEARCH = "one search"  # best so far along the only search


@dataclass(frozen=True, slots=True)
class BudgetPoint:
    """The quality that a budget buys."""

    candidates: int  # of a search
    evaluations: int  # of a search in gradient evaluations, if no candidate ends early
    searches: int | None  # number of searches behind the numbers; None for subsets
    best: BestOf  # of the objective's values, in its own units


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """The quality of one optimizer's searches by budget, by one strategy in one search space."""

    optimizer: str
    strategy: str
    method: Method
    studies: tuple[str, ...]  # RUN/OPTIMIZER of those that count
    candidates: int  # recorded candidates that count
    finished: int  # how many of these finished
    points: tuple[BudgetPoint, ...]  # by rising budget; empty if nothing is recorded yet
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ByBudget:
    """Lines of one task, whose fitnesses are comparable: equal options, data, precision, objective and last budget."""

    runs: tuple[str, ...]
    task: str
    task_label: str  # name of the task for display
    steps: int  # budget of a candidate in gradient evaluations
    lines: tuple[BudgetLine, ...]
    objective: Objective = TRAINING_LOSS


@dataclass(frozen=True, slots=True)
class _Search:
    """A search and its generations."""

    record: StudyRecord
    generations: tuple[Generation[Outcome], ...]

    @property
    def name(self) -> str:
        return self.record.spec.name

    @property
    def at_last_budget(self) -> list[Generation[Outcome]]:
        """Complete generations whose candidates have the last budget."""
        return [one for one in self.generations if one.steps == self.generations[-1].steps and not one.left]

    @property
    def is_over(self) -> bool:
        return not any(one.left for one in self.generations)


def by_budget(searches: Iterable[tuple[StudyRecord, Sequence[Outcome]]]) -> tuple[ByBudget, ...]:
    """Return the quality of some searches by their budget, one value per task.

    Args:
        searches: Searches of any status, each with the outcomes of all of its candidates.
    """
    found = [_Search(record, by_generation(record.search, outcomes)) for record, outcomes in searches]
    return tuple(_of_task(members) for members in _grouped(found, _comparable))


def _of_task(searches: Sequence[_Search]) -> ByBudget:
    spec = searches[0].record.search
    return ByBudget(
        runs=tuple(dict.fromkeys(one.record.spec.run for one in searches)),
        task=spec.workload.task,
        task_label=spec.workload.task_label,
        steps=spec.steps[-1],
        lines=tuple(_line(members) for members in _grouped(searches, _distribution)),
        objective=spec.workload.objective,
    )


def _comparable(search: _Search) -> Hashable:
    """Return what two searches must have in common for their fitnesses to be comparable."""
    spec = search.record.search
    work = spec.workload
    shared = [work.task, work.options, work.data, work.code, work.precision, repr(work.objective), spec.steps[-1]]
    return json.dumps(shared, sort_keys=True, default=dict)


def _distribution(search: _Search) -> Hashable:
    """Return what two searches must have in common for one line: optimizer, strategy, space and its draws."""
    spec = search.record.search
    draws = [spec.sigmas[:1], spec.parameters.get("draws")]  # a strategy's later σ depend on the number of generations
    shared = [spec.workload.optimizer, spec.strategy, spec.space, draws]
    return json.dumps(shared, sort_keys=True, default=dict)


def _grouped(values: Iterable[_Value], key: Callable[[_Value], Hashable]) -> list[list[_Value]]:
    groups: dict[Hashable, list[_Value]] = {}
    for value in values:
        groups.setdefault(key(value), []).append(value)
    return list(groups.values())


def _line(searches: Sequence[_Search]) -> BudgetLine:
    if searches[0].record.search.strategy == RANDOM:
        return _line_of_subsets(searches)
    over, repeats = _without_repeats([one for one in searches if one.is_over], _schedule)
    if len(over) > 1:
        return _line_of_searches(over, [*repeats, *_unfinished(searches)])
    shown = over[0] if over else searches[0]
    return _line_of_one_search(shown, [*repeats, *_unfinished(searches, shown)])


def _line_of_subsets(searches: Sequence[_Search]) -> BudgetLine:
    """Return the line of random searches: the longest one of each seed, whose draws the others repeat."""
    longest = sorted(searches, key=lambda one: -sum(each.population for each in one.at_last_budget))
    counted, remarks = _without_repeats(longest, lambda one: one.record.spec.seed)
    used = [generation for one in counted for generation in one.at_last_budget]
    values = [value for generation in used for value in _values(generation)]
    steps = searches[0].generations[-1].steps
    if any(generation.steps != steps for one in counted for generation in one.generations):
        remarks.append(f"candidates with another budget than {steps:,} gradient evaluations are left out")
    points = tuple(BudgetPoint(count, count * steps, None, best_of(values, count)) for count in _counts(len(values)))
    return _made(Method.SUBSETS, counted, used, points, [*remarks, *_unfinished(counted)])


def _line_of_searches(searches: Sequence[_Search], remarks: Sequence[str]) -> BudgetLine:
    budgets = {_budget(members[0]): members for members in _grouped(searches, _budget)}
    points = [
        BudgetPoint(candidates, evaluations, len(members), best_of_searches([_best(one) for one in members]))
        for (evaluations, candidates), members in sorted(budgets.items())
    ]
    lonely = [] if any(len(members) > 1 for members in budgets.values()) else [_ONE_PER_BUDGET]
    remarks = [*remarks, *lonely]
    return _made(Method.SEARCHES, searches, [each for one in searches for each in one.generations], points, remarks)


def _line_of_one_search(search: _Search, remarks: Sequence[str]) -> BudgetLine:
    points: list[BudgetPoint] = []
    best, candidates, evaluations = math.inf, 0, 0
    comparable = search.at_last_budget
    for generation in search.generations:
        candidates += generation.population
        evaluations += generation.population * generation.steps
        if generation in comparable:
            best = min([best, *_values(generation)])
            points.append(BudgetPoint(candidates, evaluations, 1, best_of_searches([best])))
    remarks = [*([_ONE_SEARCH] if points else []), *remarks]
    return _made(Method.ONE_SEARCH, [search], search.generations, points, remarks)


def _made(
    method: Method,
    searches: Sequence[_Search],
    generations: Sequence[Generation[Outcome]],
    points: Sequence[BudgetPoint],
    remarks: Sequence[str],
) -> BudgetLine:
    spec = searches[0].record.search
    objective = spec.workload.objective
    return BudgetLine(
        optimizer=spec.workload.optimizer,
        strategy=spec.strategy,
        method=method,
        studies=tuple(one.name for one in searches),
        candidates=sum(one.population - one.left for one in generations),
        finished=sum(len(one.finished) for one in generations),
        points=tuple(replace(point, best=point.best.in_units_of(objective)) for point in points),
        remarks=tuple(remarks),
    )


def _without_repeats(
    searches: Iterable[_Search], key: Callable[[_Search], Hashable]
) -> tuple[list[_Search], list[str]]:
    """Return the first search of each key, and remarks on the others: their candidates would count twice."""
    first: dict[Hashable, _Search] = {}
    remarks = []
    for search in searches:
        other = first.setdefault(key(search), search)
        if other is not search:
            seed = search.record.spec.seed
            remarks.append(f"{search.name} does not count: it repeats {other.name}, which has the same seed {seed}")
    return list(first.values()), remarks


def _unfinished(searches: Iterable[_Search], shown: _Search | None = None) -> list[str]:
    """Return remarks on searches that are not over: whether their complete generations count."""
    return [
        f"{one.name} is not over: its complete generations count"
        if one is shown or one.record.search.strategy == RANDOM
        else f"{one.name} is not over, and does not count"
        for one in searches
        if not one.is_over
    ]


def _schedule(search: _Search) -> Hashable:
    spec = search.record.search
    return spec.seed, spec.generations, spec.population, spec.steps


def _budget(search: _Search) -> tuple[int, int]:
    """Return the gradient evaluations of a search, if no candidate ends early, and its candidates."""
    spec = search.record.search
    return spec.population * sum(spec.steps), spec.due


def _best(search: _Search) -> float:
    return min((value for generation in search.at_last_budget for value in _values(generation)), default=math.inf)


def _values(generation: Generation[Outcome]) -> list[float]:
    """Return a fitness per candidate of a complete generation; +inf if it did not finish or missed the target."""
    reached = [fitness(one) for one in generation.finished if generation.value(one) is not None]
    return reached + [math.inf] * (generation.population - len(reached))


def _counts(recorded: int) -> list[int]:
    """Return the powers of two up to the number of recorded candidates, and this number."""
    powers = [1 << power for power in range(recorded.bit_length())]
    return sorted({*powers, recorded} - {0})

"""The registry of strategies by name.

It provides what the rest of the program needs without importing a strategy.

An installed package offers a strategy by an entry point of the group `lodo_tune.strategies`, whose name is the
strategy's and whose value is a `StrategyKind`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tuner.core.coordinates import Coordinates, Kind
from tuner.core.errors import InvalidRequest
from tuner.core.text import nearest
from tuner.strategies.pruning import ALLOWANCE
from tuner.strategies.rungs import rung_schedule
from tuner.strategies.schedule import Defaults, Schedule, ScheduleRequest, sigma_schedule, sobol_schedule
from tuner.strategies.searched import FinishedGeneration, best_at_last_budget, mean_of_last_better_half

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from tuner.strategies.strategy import Strategy

_IN_ORDER = frozenset(Kind) - {Kind.UNORDERED}  # for strategies that average genomes
GROUP = "lodo_tune.strategies"
PAPER, DEFAULT, SEVERAL_OBJECTIVES = "paper", "genetic", "nsga2"


class Scheduler(Protocol):
    """Creates the schedule of a search from a preset and the user's request."""

    def __call__(self, defaults: Defaults, request: ScheduleRequest, /) -> Schedule:
        """Return the schedule.

        Raises:
            InvalidRequest: A requested value is out of range, or the strategy has no such parameter.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyKind:
    """Description of a strategy for the rest of the program.

    Args:
        factory: "module:NAME" of a function that creates the strategy; it takes the keyword arguments of `create`
            except the name.
        description: A few words for display.
        schedule: Creates the schedule of a search and the strategy's parameters.
        kinds: Kinds of coordinates that it searches. With any but REAL, the factory takes `coordinates` as well.
        searched: Explanation of the table's column "best seen"; "mean seen" unless it begins with "the best".
        searched_fitness: Returns the value of that column from all generations of a finished search; None if there is
            none.
        objectives: Greatest number of objectives.
        pruning: Value of the parameter `pruning`, with which the strategy ends candidates early; a search has it where
            candidates are trained one by one, on one task, with an objective that is known before the end. None: it
            never does.
    """

    factory: str
    description: str
    schedule: Scheduler = sigma_schedule
    kinds: frozenset[Kind] = frozenset({Kind.REAL})
    searched: str = "the best individual of all that had the last budget"
    searched_fitness: Callable[[Sequence[FinishedGeneration]], float | None] = best_at_last_budget
    objectives: int = 1
    pruning: float | None = None


BUILT_IN: Mapping[str, StrategyKind] = {
    "paper": StrategyKind(
        factory="tuner.strategies.paper:create",
        description="the genetic algorithm of the paper",
        kinds=_IN_ORDER,
        searched="the mean of the better half of the last generation, whose average the tuned point is",
        searched_fitness=mean_of_last_better_half,
    ),
    "genetic": StrategyKind(
        factory="tuner.strategies.genetic:create",
        description="evolution with a model",
        kinds=frozenset(Kind),
        schedule=rung_schedule,
        pruning=ALLOWANCE,
    ),
    "cma-es": StrategyKind(
        factory="tuner.strategies.cma_es:create",
        description="covariance matrix adaptation",
        kinds=_IN_ORDER,
        searched="the mean of the better half of the last generation, whose weighted average the tuned point is",
        searched_fitness=mean_of_last_better_half,
    ),
    "random": StrategyKind(
        factory="tuner.strategies.random_search:create",
        description="quasi-random search",
        kinds=frozenset(Kind),
        schedule=sobol_schedule,
    ),
    "nsga2": StrategyKind(
        factory="tuner.strategies.nsga2:create",
        description="the Pareto front of several objectives",
        kinds=frozenset(Kind),
        objectives=3,
        searched="the best individual of all that had the last budget, by the first objective",
    ),
}


def default_of(preset: str) -> str:
    """Return the strategy of a search that names none: the paper's for its own preset, `genetic` for every other."""
    return PAPER if preset == PAPER else DEFAULT


def names() -> tuple[str, ...]:
    """Return the names of all strategies, those of installed packages last."""
    import importlib.metadata  # takes 20 ms

    offered = importlib.metadata.entry_points(group=GROUP).names
    return (*BUILT_IN, *sorted(offered - BUILT_IN.keys()))


def kind(name: str) -> StrategyKind:
    """Return a strategy by name.

    Raises:
        InvalidRequest: There is none of this name, or the entry point of this name is not a StrategyKind.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    import importlib.metadata

    for point in importlib.metadata.entry_points(group=GROUP, name=name):
        try:
            offered = point.load()
        except Exception as error:
            raise InvalidRequest("strategy", f"{name}: {point.value} cannot be loaded: {error}") from error
        if not isinstance(offered, StrategyKind):
            raise InvalidRequest("strategy", f"{name}: {point.value} is not a StrategyKind", type(offered).__name__)
        return offered
    raise InvalidRequest("strategy", f"is one of {', '.join(names())}{nearest(name, names())}", name)


def check_kinds(name: str, kinds: Mapping[str, Kind]) -> None:
    """Check that a strategy searches coordinates of some kinds.

    Args:
        name: One of `names()`.
        kinds: Kind of each coordinate, by the name of its hyperparameter.

    Raises:
        InvalidRequest: It does not, or there is none of this name.
    """
    accepted = kind(name).kinds
    for hyperparameter, each in kinds.items():
        if each not in accepted:
            others = ", ".join(other for other in BUILT_IN if each in BUILT_IN[other].kinds)
            what = {Kind.UNORDERED: "a choice without an order", Kind.ORDERED: "a choice", Kind.INTEGER: "whole"}[each]
            raise InvalidRequest(
                "strategy", f": {name} does not search {hyperparameter}, which is {what}: take {others}"
            )


def check_objectives(name: str, count: int) -> None:
    """Check that a strategy searches a number of objectives.

    Raises:
        InvalidRequest: It does not, or there is none of this name.
    """
    most = kind(name).objectives
    if count > most:
        accepted = f": {name} searches one objective; take {SEVERAL_OBJECTIVES}"
        raise InvalidRequest("strategy", accepted if most == 1 else f": {name} searches {most} objectives at most")


def kind_of_record(name: str) -> StrategyKind:
    """Return a strategy by the name that a study records, even if its package is no longer installed."""
    try:
        return kind(name)
    except InvalidRequest:
        return StrategyKind(factory="", description=name)


def create(
    name: str,
    *,
    mean: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    population: int,
    steps: Sequence[int],
    seed: int,
    parameters: Mapping[str, Any],
    coordinates: Coordinates | None = None,
) -> Strategy:
    """Create a strategy at its first generation.

    Args:
        name: One of `names()`.
        mean: The genome to start from, the defaults; [d], within the bounds.
        lower: Lower bounds of a genome's entries; [d], finite.
        upper: Upper bounds of a genome's entries; [d], finite.
        population: Individuals per generation; at least 1.
        steps: Budget of an individual in gradient evaluations, one per generation; at least 1.
        seed: Seed of all random draws of the strategy; at least 0.
        parameters: Parameters of the strategy, as its schedule created them.
        coordinates: Kinds of the coordinates. Default: all are real.

    Raises:
        InvalidRequest: There is none of this name.
        ValueError: An argument is not as above.
    """
    import importlib

    module, _, attribute = kind(name).factory.partition(":")
    further = {} if coordinates is None else {"coordinates": coordinates}
    strategy: Strategy = getattr(importlib.import_module(module), attribute)(
        mean=mean,
        lower=lower,
        upper=upper,
        population=population,
        steps=steps,
        seed=seed,
        parameters=parameters,
        **further,
    )
    return strategy

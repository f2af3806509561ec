"""The schedule of a search: generations, their size, their budgets, and σ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from tuner.core.errors import InvalidRequest

MAX_GENERATIONS = 10_000
MAX_POPULATION = 100_000
MAX_STEPS = 2**31 - 1  # steps are counted in int32
MAX_BUDGET = 2**53
SOBOL = "sobol"  # value of the parameter `draws` of strategy `random`

Number = TypeVar("Number", int, float)


class Defaults(Protocol):
    """Values of a task's preset, used where the request has none."""

    @property
    def generations(self) -> int:
        """Number of generations."""
        ...

    @property
    def population(self) -> int:
        """Candidates per generation."""
        ...

    @property
    def sigmas(self) -> Sequence[float]:
        """Standard deviation of the draws, per generation."""
        ...

    @property
    def steps(self) -> Sequence[int]:
        """Budget of a candidate in gradient evaluations, per generation."""
        ...


@dataclass(frozen=True, slots=True)
class Schedule:
    """Schedule of a search and parameters of its strategy."""

    generations: int
    population: int  # candidates per generation
    steps: tuple[int, ...]  # budget of a candidate in gradient evaluations, per generation
    parameters: Mapping[str, Any]  # of the strategy; JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRequest:
    """What a user asks of a schedule; None leaves it to the strategy and the preset.

    Attributes:
        generations: Number of generations; excludes `budget`.
        population: Candidates per generation.
        sigmas: Standard deviation of the draws: one per generation, or one for all; at least 0.
        steps: Budget of a candidate in gradient evaluations: one per generation, or one for all; at least 1.
        budget: Gradient evaluations of all candidates together.
    """

    generations: int | None = None
    population: int | None = None
    sigmas: Sequence[float] | None = None
    steps: Sequence[int] | None = None
    budget: int | None = None

    def check(self) -> None:
        """Check the numbers.

        Raises:
            InvalidRequest: One is out of range, or both `generations` and `budget` are given.
        """
        for field, value, maximum in (
            ("generations", self.generations, MAX_GENERATIONS),
            ("population", self.population, MAX_POPULATION),
            ("budget", self.budget, MAX_BUDGET),
        ):
            if value is not None and value < 1:
                raise InvalidRequest(field, "is at least 1", value)
            if value is not None and value > maximum:
                raise InvalidRequest(field, f"is at most {maximum}", value)
        for sigma in self.sigmas or ():
            if not (math.isfinite(sigma) and sigma >= 0):
                raise InvalidRequest("sigma", "takes finite numbers, at least 0", sigma)
        for each in self.steps or ():
            if each < 1:
                raise InvalidRequest("steps", "takes whole numbers, at least 1", each)
            if each > MAX_STEPS:
                raise InvalidRequest("steps", f"takes whole numbers, at most {MAX_STEPS}", each)
        if self.budget is not None and self.generations is not None:
            raise InvalidRequest("budget", "and {generations} exclude each other")
        if self.budget is not None and len(self.steps or ()) > 1:
            raise InvalidRequest("budget", "takes {steps} with one value", len(self.steps or ()))


def sigma_schedule(defaults: Defaults, request: ScheduleRequest) -> Schedule:
    """Return the schedule of a strategy that draws with one standard deviation σ per generation.

    A list of one value holds for every generation. If only the number of generations changes, the preset's lists are
    stretched or shortened evenly: the first value stays the first, the last stays the last. Without `generations` and
    `budget`, there are as many as the longest given list has, or as the preset has; with a `budget`, the greatest
    number that it pays for.

    Args:
        defaults: The task's preset.
        request: What differs from it.

    Raises:
        InvalidRequest: A number is out of range, a list has neither one value nor one per generation, or both
            `generations` and `budget` are given.
    """
    request.check()
    generations, sigmas, steps = request.generations, request.sigmas, request.steps
    population = request.population or defaults.population
    if request.budget is not None:
        generations = _generations_within(request.budget, population, steps, defaults)
    longest = max(len(sigmas or ()), len(steps or ()))
    count = generations or (longest if longest > 1 else defaults.generations)
    return Schedule(
        generations=count,
        population=population,
        steps=_fitted("steps", steps, defaults.steps, count),
        parameters={"sigmas": list(_fitted("sigma", sigmas, defaults.sigmas, count))},
    )


def sobol_schedule(defaults: Defaults, request: ScheduleRequest) -> Schedule:
    """Return the schedule of `sigma_schedule`, with quasi-random draws."""
    made = sigma_schedule(defaults, request)
    return replace(made, parameters={**made.parameters, "draws": SOBOL})


def _generations_within(budget: int, population: int, steps: Sequence[int] | None, defaults: Defaults) -> int:
    """Return the greatest number of generations whose cost is within a budget."""

    def cost(count: int) -> int:
        return population * sum(_fitted("steps", steps, defaults.steps, count))

    if cost(1) > budget:
        raise InvalidRequest("budget", f"is at least {cost(1)}, the cost of one generation", budget)
    count = 1
    while count < MAX_GENERATIONS and cost(count + 1) <= budget:
        count += 1
    return count


def _fitted(field: str, requested: Sequence[Number] | None, preset: Sequence[Number], count: int) -> tuple[Number, ...]:
    """Return one value per generation: the requested ones, or the preset's, stretched."""
    if not requested:
        last = len(preset) - 1
        return tuple(preset[round(at * last / (count - 1)) if count > 1 else last] for at in range(count))
    if len(requested) == 1:
        return tuple(requested) * count
    if len(requested) != count:
        raise InvalidRequest(
            field, f"takes one value, or one for each of the {count} generations. Received: {len(requested)} values"
        )
    return tuple(requested)

"""The schedule of a search: a preset's, with what the command line changes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from tasks.preset import Preset
from tuner.core.errors import UsageError

MOST_GENERATIONS = 10_000
MOST_INDIVIDUALS = 100_000
MOST_STEPS = 2**31 - 1  # steps are counted in int32
MOST_SEED = 2**63 - 1  # seeds are stored in 64 bits

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Generations, their size, and σ and budget of each."""

    generations: int
    population: int
    sigmas: tuple[float, ...]  # one a generation, in the transformed space
    steps: tuple[int, ...]  # one a generation, in gradient evaluations


def schedule(
    preset: Preset,
    *,
    generations: int | None = None,
    population: int | None = None,
    sigmas: Sequence[float] | None = None,
    steps: Sequence[int] | None = None,
) -> Schedule:
    """Return a preset's schedule with some of it replaced.

    A list of one value holds for every generation. Where only the number of generations changes, the preset's own
    lists are stretched or shortened evenly: first stays first, last stays last.

    Args:
        preset: Where everything comes from that is not given.
        generations: How many; by default as many as the longest list given has, or the preset.
        population: Individuals a generation.
        sigmas: One a generation, or one for all; at least 0.
        steps: One a generation, or one for all; at least 1.

    Raises:
        UsageError: A number is out of range, or a list has neither one value nor one a generation.
    """
    for option, value, most in (
        ("--generations", generations, MOST_GENERATIONS),
        ("--population", population, MOST_INDIVIDUALS),
    ):
        if value is not None and value < 1:
            raise UsageError(f"{option} is at least 1. Received: {value}")
        if value is not None and value > most:
            raise UsageError(f"{option} is at most {most}. Received: {value}")
    for sigma in sigmas or ():
        if not (math.isfinite(sigma) and sigma >= 0):
            raise UsageError(f"--sigma takes finite numbers, at least 0. Received: {sigma}")
    for budget in steps or ():
        if budget < 1:
            raise UsageError(f"--steps takes whole numbers, at least 1. Received: {budget}")
        if budget > MOST_STEPS:
            raise UsageError(f"--steps takes whole numbers, at most {MOST_STEPS}. Received: {budget}")
    longest = max(len(sigmas or ()), len(steps or ()))
    count = generations or (longest if longest > 1 else preset.generations)
    return Schedule(
        generations=count,
        population=population or preset.population,
        sigmas=_fitted("--sigma", sigmas, preset.sigmas, count),
        steps=_fitted("--steps", steps, preset.steps, count),
    )


def _fitted(option: str, given: Sequence[Number] | None, own: Sequence[Number], count: int) -> tuple[Number, ...]:
    """Return one value a generation: the given ones, or the preset's own, stretched."""
    if not given:
        last = len(own) - 1
        return tuple(own[round(at * last / (count - 1)) if count > 1 else last] for at in range(count))
    if len(given) == 1:
        return tuple(given) * count
    if len(given) != count:
        raise UsageError(
            f"{option} takes one value, or one for each of the {count} generations. Received: {len(given)} values"
        )
    return tuple(given)

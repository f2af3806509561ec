"""A preset: the schedule of a search on a task, the final re-runs, and the task's options."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """How a task is searched. Frozen; checked when it is made.

    Args:
        generations: Generations of the search, at least 1.
        population: Individuals a generation, at least 1.
        sigmas: Standard deviations of the draws in the transformed space, one a generation, positive.
        steps: Budgets of a candidate in gradient evaluations, one a generation, at least 1.
        fresh_seeds: How often the defaults and the tuned point are each run at the end, on seeds that the search
            has not seen; 0 is none.
        optimizers: Names of the optimizers tuned when the user names none, in order.
        options: Keyword arguments of the task's constructor, such as `{"batch_size": 32}`. Default: none.

    Raises:
        ValueError: A number is out of range, or `sigmas` or `steps` is not of one entry a generation.
    """

    generations: int
    population: int
    sigmas: tuple[float, ...]
    steps: tuple[int, ...]  # gradient evaluations
    fresh_seeds: int
    optimizers: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, lowest in (("generations", 1), ("population", 1), ("fresh_seeds", 0)):
            if getattr(self, name) < lowest:
                raise ValueError(f"A preset's `{name}` is at least {lowest}. Received: {getattr(self, name)}")
        for name in ("sigmas", "steps"):
            received = getattr(self, name)
            if len(received) != self.generations:
                raise ValueError(
                    f"A preset's `{name}` has one entry a generation, {self.generations} here. Received: {received}"
                )
        if not all(math.isfinite(sigma) and sigma > 0 for sigma in self.sigmas):
            raise ValueError(f"A preset's `sigmas` are finite and positive. Received: {self.sigmas}")
        if min(self.steps) < 1:
            raise ValueError(f"A preset's `steps` are at least 1. Received: {self.steps}")
        if not self.optimizers:
            raise ValueError("A preset's `optimizers` name at least one optimizer. Received: none")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPreset:
    """How optimizers are compared on a task once they are tuned. Frozen; checked when it is made.

    Args:
        steps: Budget of a run in gradient evaluations, at least 1.
        validate_every: Gradient evaluations between two looks at the validation set, at least 1; None where there is
            none.
        halve_learning_rate: Whether every tuned learning rate is halved, as for runs far longer than the search's.

    Raises:
        ValueError: A number is out of range.
    """

    steps: int
    validate_every: int | None = None
    halve_learning_rate: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "validate_every"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ValueError(f"A comparison's `{name}` is at least 1. Received: {number}")

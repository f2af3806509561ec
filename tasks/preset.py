"""Presets: the schedule of a search or a comparison on a task."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """The schedule of a search on a task; checked by the constructor.

    Args:
        generations: Generations of the search, at least 1.
        population: Candidates per generation, at least 1.
        sigmas: Standard deviations of mutations in the transformed space, one per generation, positive.
        steps: Budget of a candidate in gradient evaluations, one per generation, at least 1.
        fresh_seeds: Number of runs of the defaults, and of the tuned point, at the end, each on a seed that the search
            has not used; 0 is none.
        optimizers: Names of the optimizers that are tuned unless the user names others, in order.
        options: Keyword arguments of the task's constructor, such as `{"batch_size": 32}`. Default: none.
        objective: What makes one number of a run, such as "validation.accuracy". Default: the task's, or the paper's.

    Raises:
        ValueError: A number is out of range, or `sigmas` or `steps` does not have one entry per generation.
    """

    generations: int
    population: int
    sigmas: tuple[float, ...]
    steps: tuple[int, ...]  # gradient evaluations
    fresh_seeds: int
    optimizers: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    objective: str | None = None

    def __post_init__(self) -> None:
        for name, lowest in (("generations", 1), ("population", 1), ("fresh_seeds", 0)):
            if getattr(self, name) < lowest:
                raise ValueError(f"A preset's `{name}` is at least {lowest}. Received: {getattr(self, name)}")
        for name in ("sigmas", "steps"):
            received = getattr(self, name)
            if len(received) != self.generations:
                raise ValueError(
                    f"A preset's `{name}` has one entry per generation, {self.generations} here. Received: {received}"
                )
        if not all(math.isfinite(sigma) and sigma > 0 for sigma in self.sigmas):
            raise ValueError(f"A preset's `sigmas` are finite and positive. Received: {self.sigmas}")
        if min(self.steps) < 1:
            raise ValueError(f"A preset's `steps` are at least 1. Received: {self.steps}")
        if not self.optimizers:
            raise ValueError("A preset's `optimizers` name at least one optimizer. Received: none")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPreset:
    """The schedule of a comparison of tuned optimizers on a task; checked by the constructor.

    Args:
        steps: Budget of a run in gradient evaluations, at least 1.
        validate_every: Gradient evaluations between two validations, at least 1. Default: None, no validation.
        halve_learning_rate: Whether tuned learning rates are halved, as for runs much longer than the search's.
            Default: False.

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

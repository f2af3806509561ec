"""Search strategies: what to try next, given how well the last generation did. DEAP is imported here alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tuner.core.text import nearest

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from tuner.strategies.strategy import Strategy

# name -> module:class; a strategy's module is imported when it is asked for, so that naming them costs no DEAP
_REGISTRY = {
    "paper": "tuner.strategies.paper:Truncation",
    "random": "tuner.strategies.random_search:RandomSearch",
}
STRATEGIES = tuple(_REGISTRY)

__all__ = ["STRATEGIES", "create"]


def create(
    name: str,
    *,
    mean: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    population: int,
    sigmas: Sequence[float],
    steps: Sequence[int],
    seed: int,
) -> Strategy:
    """Create a strategy at its first generation.

    Args:
        name: One of `STRATEGIES`.
        mean: The genome to start from, the defaults; [d], within the bounds.
        lower: Lower bounds of a genome's entries; [d], finite.
        upper: Upper bounds of a genome's entries; [d], finite.
        population: Individuals a generation; at least 1.
        sigmas: Standard deviation of the mutation, one a generation, in the transformed space; at least 0.
        steps: Budget of an individual in gradient evaluations, one a generation; at least 1.
        seed: Of all that the strategy draws; at least 0.

    Raises:
        ValueError: The name is unknown, or an argument is not as above.
    """
    if name not in _REGISTRY:
        accepted = f"{', '.join(STRATEGIES)}{nearest(name, STRATEGIES)}"
        raise ValueError(f"strategy must be one of {accepted}. Received: {name!r:.80}")
    import importlib

    from tuner.strategies.setting import Plan

    plan = Plan(
        mean=mean, lower=lower, upper=upper, population=population, sigmas=tuple(sigmas), steps=tuple(steps), seed=seed
    )
    module, _, class_name = _REGISTRY[name].partition(":")
    strategy: Strategy = getattr(importlib.import_module(module), class_name)(plan)
    return strategy

"""The best individual of a search, complete or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.core.numbers import fitness
from tuner.results.analysis.generations import Generation, Run


@dataclass(frozen=True, slots=True)
class Best:
    """The best individual with the budget of the last generation in which any finished.

    Ties go to the earlier generation, then to the lower slot.
    """

    generation: int
    slot: int
    steps: int  # its budget; fitnesses of other budgets are not comparable
    fitness: float | None  # the objective's value; None if it missed the target
    hyperparameters: tuple[tuple[str, Any], ...]


def best_of(generations: Sequence[Generation[Run]], hyperparameters: Callable[[Run], Mapping[str, Any]]) -> Best | None:
    """Return the best individual of a search; None while none has finished.

    Args:
        generations: All generations; of each, the best individual is enough.
        hyperparameters: Returns the hyperparameters of an individual; called for the best.
    """
    with_results = [generation for generation in generations if generation.finished]
    comparable = [generation for generation in with_results if generation.steps == with_results[-1].steps]
    if not comparable:
        return None
    generation = min(comparable, key=lambda generation: fitness(generation.finished[0]))
    run = generation.finished[0]
    return Best(
        generation=generation.number,
        slot=run.key.slot,
        steps=generation.steps,
        fitness=generation.value(run),
        hyperparameters=tuple(hyperparameters(run).items()),
    )

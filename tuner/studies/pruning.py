"""Whether a search may end candidates early."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuner import strategies
from tuner.core.objective import Objective
from tuner.core.study import SearchSpec, StudySpec

PARAMETER = "pruning"  # of a strategy that ends candidates early, in searches that may


def with_pruning(
    strategy: str, parameters: Mapping[str, Any], *, tasks: int, cohort_size: int, objective: Objective
) -> Mapping[str, Any]:
    """Return the parameters of a strategy, with that by which it ends candidates early where it may.

    It may where candidates are trained one by one, so that one that ends makes room for the next, and where the fitness
    so far is a hint at that of the whole budget: for one objective, which is no time to a target.

    Args:
        strategy: Name of the strategy.
        parameters: Those of its schedule.
        tasks: How many tasks the search has.
        cohort_size: That of its workload.
        objective: That of the search.
    """
    value = strategies.kind(strategy).pruning
    has_hint = not (objective.further or objective.is_to_target)
    if value is None or tasks > 1 or cohort_size > 1 or not has_hint:
        return parameters
    return {**parameters, PARAMETER: value}


def ends_early(spec: StudySpec) -> bool:
    """Return whether candidates of a study may be ended early."""
    return isinstance(spec, SearchSpec) and PARAMETER in spec.parameters

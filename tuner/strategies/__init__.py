"""Search strategies: they propose candidates from the fitness of earlier ones.

DEAP is imported only in this package.
"""

from tuner.strategies.registry import (
    DEFAULT,
    SEVERAL_OBJECTIVES,
    StrategyKind,
    check_kinds,
    check_objectives,
    create,
    default_of,
    kind,
    kind_of_record,
    names,
)

__all__ = [
    "DEFAULT",
    "SEVERAL_OBJECTIVES",
    "StrategyKind",
    "check_kinds",
    "check_objectives",
    "create",
    "default_of",
    "kind",
    "kind_of_record",
    "names",
]

"""Search strategies: what to train next, given the fitness of what was trained. DEAP is imported only here."""

from tuner.strategies.registry import DEFAULT, StrategyKind, create, kind, kind_of_record, names

__all__ = ["DEFAULT", "StrategyKind", "create", "kind", "kind_of_record", "names"]

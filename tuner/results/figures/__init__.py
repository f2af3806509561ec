"""Figures of searches and comparisons, from frozen values; matplotlib is imported when one is drawn."""

from tuner.results.comparison import Comparison
from tuner.results.figures.fitness import fitness_by_generation
from tuner.results.figures.kinds import Kind, Searches
from tuner.results.figures.saving import FORMATS, rendered, save

__all__ = ["FIGURES_OF_COMPARISON", "FIGURES_OF_SEARCH", "FORMATS", "Kind", "Searches", "rendered", "save"]

FIGURES_OF_SEARCH: tuple[Kind[Searches], ...] = (
    Kind(
        "search",
        "Fitness by generation",
        "Every individual's fitness, generation by generation, with the best and the median of those that finished; "
        "above each panel how many did not. Fitnesses of different budgets do not compare: lines break where the "
        "budget changes.",
        fitness_by_generation,
    ),
)

FIGURES_OF_COMPARISON: tuple[Kind[Comparison], ...] = ()

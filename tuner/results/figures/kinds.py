"""The kinds of figures: file name, title, caption, and the drawing function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tuner.results.analysis.comparison import Comparison
from tuner.results.analysis.generations import Searches
from tuner.results.figures.canvas import matplotlib_defaults
from tuner.results.figures.curves import learning_by_steps, learning_by_time
from tuner.results.figures.final import final_losses
from tuner.results.figures.fitness import fitness_by_generation
from tuner.results.figures.parallel import parallel_coordinates
from tuner.results.figures.population import population
from tuner.results.figures.sharpness import sharpness
from tuner.results.figures.sweep import sweep
from tuner.results.figures.trajectories import trajectories
from tuner.results.figures.validation import hessian_error, validation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Of = TypeVar("Of")


@dataclass(frozen=True, slots=True)
class Kind(Generic[Of]):
    """One kind of figure, drawn from frozen values: nothing is read from a database on the way."""

    name: str  # of its file, without the ending
    title: str
    caption: str  # what is seen, in a sentence or two
    function: Callable[[Of], Figure | None]

    def draw(self, of: Of) -> Figure | None:
        """Draw the figure with Matplotlib's defaults; None where there is nothing to draw."""
        with matplotlib_defaults():
            return self.function(of)


FIGURES_OF_SEARCH: tuple[Kind[Searches], ...] = (
    Kind(
        "search",
        "Fitness by generation",
        "Every individual's fitness, generation by generation, with the best and the median of those that finished; "
        "above each panel how many did not. Fitnesses of different budgets do not compare: lines break where the "
        "budget changes.",
        fitness_by_generation,
    ),
    Kind(
        "search-population",
        "Where the population went",
        "Every individual in each hyperparameter, by generation, on the scale on which it is searched: the better half "
        "of a generation filled, the others hollow, those that did not finish crossed out. The line is the tuned "
        "value, the dotted one the default.",
        population,
    ),
    Kind(
        "search-sharpness",
        "How sharp the optimum is",
        "Fitness against each hyperparameter in the last generations, which share a budget (three at most). The line "
        "is the tuned value: a flat cloud around it says that its exact value matters little.",
        sharpness,
    ),
    Kind(
        "search-parallel",
        "Parallel coordinates",
        "The individuals of the last generations that finished, each a line through its hyperparameters to its "
        "fitness, the better the darker; broken black is the tuned point. Each upright goes from the least to the "
        "greatest value in sight.",
        parallel_coordinates,
    ),
)

FIGURES_OF_COMPARISON: tuple[Kind[Comparison], ...] = (
    Kind(
        "learning-by-steps",
        "Training loss by steps",
        "Mean over the seeds that finished, with one standard deviation to either side, in 200 windows of the budget; "
        "on a logarithmic axis the band ends at the lowest seed. A cross on the upper edge is where a run diverged, a "
        "triangle where a line leaves the axis; a dotted line is what no optimizer goes below on average.",
        learning_by_steps,
    ),
    Kind(
        "learning-by-time",
        "Training loss by time",
        "The same by seconds of training, of runs that each had the machine's cores for itself; compilation and "
        "validation are excluded.",
        learning_by_time,
    ),
    Kind(
        "validation",
        "Validation",
        "What was measured of the validation set on the way: mean over seeds, with one standard deviation to either "
        "side.",
        validation,
    ),
    Kind(
        "final-losses",
        "Losses at the end",
        "Every run's training loss in the last 10 % of its budget; the black bar is the mean with its 95 % interval, "
        "the thin grey one what no optimizer of its kind goes below on average.",
        final_losses,
    ),
    Kind(
        "sweep",
        "Loss against the swept parameter",
        "Training loss in the last 10 % of the budget: mean and standard deviation over seeds, and every seed.",
        sweep,
    ),
    Kind(
        "hessian-error",
        "Distance from the inverse Hessian",
        "How far the learned preconditioner G is from the inverse Hessian while it trains: 0 where it is the inverse, "
        "1 where it is zero.",
        hessian_error,
    ),
    Kind(
        "trajectories",
        "Trajectories",
        "Where each optimizer went on the contour of the loss, from the square to the circle; the star is the minimum. "
        "A line a seed: without noise most lie on each other.",
        trajectories,
    ),
)


def kinds_of(of: Searches | Comparison) -> Sequence[Kind[Any]]:
    """Return the kinds of figures that a run has."""
    return FIGURES_OF_COMPARISON if isinstance(of, Comparison) else FIGURES_OF_SEARCH

"""The kinds of figures: file name, title, caption, and the drawing function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tuner.results.analysis.comparison import Comparison
from tuner.results.analysis.generations import Searches
from tuner.results.analysis.several_tasks import whole
from tuner.results.figures.by_budget import best_by_budget
from tuner.results.figures.canvas import matplotlib_defaults
from tuner.results.figures.curves import learning_by_steps, learning_by_time
from tuner.results.figures.final import final_losses
from tuner.results.figures.fitness import fitness_by_generation
from tuner.results.figures.front import front
from tuner.results.figures.letters import make_readable
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.parallel import parallel_coordinates
from tuner.results.figures.population import population
from tuner.results.figures.progress import best_so_far
from tuner.results.figures.sharpness import sharpness
from tuner.results.figures.surrogate import surrogate
from tuner.results.figures.sweep import sweep
from tuner.results.figures.tasks import fitness_on_tasks
from tuner.results.figures.trajectories import trajectories
from tuner.results.figures.validation import hessian_error, validation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Results = TypeVar("Results")


@dataclass(frozen=True, slots=True)
class Kind(Generic[Results]):
    """One kind of figure, drawn from frozen values without access to a database."""

    name: str  # name of its file, without the ending
    title: str
    caption: str  # one or two sentences on what the figure shows
    function: Callable[[Results, Look], Figure | None]
    of_each_task: bool = False  # of a search on several tasks: drawn from the trainings; otherwise from the scores

    def draw(self, results: Results, look: Look = DEFAULT_LOOK) -> Figure | None:
        """Return the figure, drawn with Matplotlib's defaults; None if there is nothing to draw.

        Args:
            results: The searches or the comparison.
            look: What the user asks for. Default: nothing.
        """
        values: Any = results
        if not (isinstance(results, Comparison) or self.of_each_task):
            values = tuple(whole(study, candidates) for study, candidates in values)
        with matplotlib_defaults(look):
            figure = self.function(values, look)
            if figure is not None:
                make_readable(figure)
            return figure


FIGURES_OF_SEARCH: tuple[Kind[Searches], ...] = (
    Kind(
        "search",
        "Fitness by generation",
        "Value of the objective of every individual by generation, with the best and the median of those that "
        "finished; above each panel the number of those that did not. Values of different budgets are not comparable: "
        "lines break where the budget changes. On the right the defaults and the tuned point on fresh seeds. With "
        "several searches a panel has those of one optimizer: thin lines are their best, thick ones means over them.",
        fitness_by_generation,
    ),
    Kind(
        "search-progress",
        "Best so far by gradient evaluations",
        "The best fitness so far of each search against the gradient evaluations that it has used; the star is the "
        "tuned point on fresh seeds, with one standard deviation on either side. Values of different budgets are not "
        "comparable: a line begins anew where the budget changes, and is thick at the last one.",
        best_so_far,
    ),
    Kind(
        "search-population",
        "Population by generation",
        "Every individual in each hyperparameter by generation, on the scale of the search: the better half of a "
        "generation filled, the others hollow, those that did not finish as crosses. The line is the tuned value, the "
        "dotted line the default. Of several searches it is the median one; grey lines are tuned values of the others.",
        population,
    ),
    Kind(
        "search-sharpness",
        "Sharpness of the optimum",
        "Fitness against each hyperparameter in the last generations with the same budget, at most three. The line is "
        "the tuned value: a flat cloud around it means that the exact value matters little.",
        sharpness,
    ),
    Kind(
        "search-surrogate",
        "Prediction around the tuned point",
        "What a model of the search predicts along each hyperparameter while the others have their tuned values, with "
        "two standard deviations on either side; grey is the tolerance, in which the prediction is within 5 % of its "
        "best. Circles are the trainings with the last budget; they differ in the other hyperparameters as well.",
        surrogate,
    ),
    Kind(
        "search-parallel",
        "Parallel coordinates",
        "The individuals of the last generations that finished, one line each through their hyperparameters to their "
        "fitness; darker is better. The dashed black line is the tuned point. Each vertical axis extends from the "
        "least to the greatest value.",
        parallel_coordinates,
    ),
    Kind(
        "search-by-budget",
        "Best fitness by tuning budget",
        "The best of k candidates of a random search, by k, exactly over all subsets: the line is the mean (absent "
        "where it is infinite, since a subset has none that finished), the thin line the median, the band extends from "
        "the 10 % to the 90 % quantile. Of a search by another strategy, dotted: the best so far, as the search "
        "measured it; it is better than what the same point reaches on fresh seeds.",
        best_by_budget,
    ),
    Kind(
        "search-tasks",
        "Fitness on each task",
        "Of a search on several tasks: the fitness on each of the individual with the best score of its generation "
        "(line), and the best fitness of the generation on this task alone (dotted). The distance is what one setting "
        "for all tasks costs.",
        fitness_on_tasks,
        of_each_task=True,
    ),
    Kind(
        "search-front",
        "Front",
        "Of a search of several objectives: the individuals with the last budget by the first two objectives, small, "
        "and the points of which no other one is better by all objectives, with a line where there are two.",
        front,
    ),
)

FIGURES_OF_COMPARISON: tuple[Kind[Comparison], ...] = (
    Kind(
        "learning-by-steps",
        "Training loss by steps",
        "Mean over the seeds that finished, with one standard deviation on either side, over windows that the axis "
        "names; on a logarithmic axis the band ends at the lowest seed. On the upper edge a cross marks a run that "
        "diverged, a triangle a line that leaves the axis. A dotted line is a floor: the lowest mean loss that an "
        "optimizer with the same information can reach.",
        learning_by_steps,
    ),
    Kind(
        "learning-by-time",
        "Training loss by time",
        "The same against seconds of training, for runs that each trained alone on the cores of the machine; "
        "compilation and validation are excluded.",
        learning_by_time,
    ),
    Kind(
        "validation",
        "Validation",
        "Metrics of the validation set during training: mean over seeds, with one standard deviation on either side. "
        "The axis leaves out the beginning where that would flatten the rest; a triangle on its edge marks such lines.",
        validation,
    ),
    Kind(
        "final-losses",
        "Final losses",
        "The objective of every run: unless another was given, the training loss in the last 10 % of its budget. The "
        "black bar is the mean with its 95 % interval, "
        "the thin grey bar the floor.",
        final_losses,
    ),
    Kind(
        "sweep",
        "Loss against the swept parameter",
        "The objective, unless another was given the training loss in the last 10 % of the budget: mean and standard "
        "deviation over seeds, and every seed.",
        sweep,
    ),
    Kind(
        "hessian-error",
        "Distance from the inverse Hessian",
        "Distance of the learned preconditioner G from the inverse Hessian during training: 0 where they are equal, 1 "
        "where G is zero.",
        hessian_error,
    ),
    Kind(
        "trajectories",
        "Trajectories",
        "Path of each optimizer on the contours of the loss, from the square to the circle; the star is the minimum. "
        "One line per seed: without noise most of the lines coincide.",
        trajectories,
    ),
)


def kinds_of(results: Searches | Comparison) -> Sequence[Kind[Any]]:
    """Return the kinds of figures that a run has."""
    return kinds_for(is_search=not isinstance(results, Comparison))


def kinds_for(*, is_search: bool) -> Sequence[Kind[Any]]:
    """Return the kinds of figures of a search or a comparison."""
    return FIGURES_OF_SEARCH if is_search else FIGURES_OF_COMPARISON

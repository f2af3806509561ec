"""The objective of a study: what makes one number of a run, and its direction.

A run's *value* is in the objective's own units, such as an accuracy. Its *fitness* is what strategies minimise and what
is stored: the value, or its negative where the greatest value is best. All conversions between the two are here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from fractions import Fraction
from typing import Any

from tuner.core.errors import MAX_SECONDS, InvalidRequest

TRAINING = "training-loss"
PARAMETERS = "parameters"  # the number of trained weights, as another objective beside the first
SECONDS_PER_STEP = "seconds-per-step"  # of the optimizer, measured once per kind of candidate; likewise
COSTS = {PARAMETERS: "number of weights", SECONDS_PER_STEP: "seconds per step"}
"""What a candidate costs, as another objective beside the first, in words."""

VALIDATION = "validation."  # what the names of validation metrics begin with
DIRECTIONS = ("min", "max")
REDUCTIONS = ("mean", "end", "best", "evaluations-to", "seconds-to")
GOALS = ("<=", ">=")
LAST_TENTH = 0.1
"""Share of the budget, at its end, over which the paper averages the training loss."""

RUNNING_SHARE = 0.01
"""Share of the budget over which the training loss is averaged before it is compared with a target."""

_METRIC = re.compile(r"validation\.[A-Za-z_][\w-]*")


@dataclass(frozen=True, slots=True)
class Objective:
    """How the value of a candidate, one number, is computed from its run.

    Raises:
        InvalidRequest: A part is unknown, or does not go with the others.
    """

    metric: str = TRAINING  # or "validation.METRIC"
    direction: str = "min"  # one of DIRECTIONS; of a time to a target it is "min"
    reduction: str = "mean"  # one of REDUCTIONS
    window: float | None = LAST_TENTH  # share of the budget for means; None: `reduction` takes none
    goal: str | None = None  # one of GOALS, for a time to a target
    target: float | None = None  # the value of the metric that is to be reached
    every: int | None = None  # gradient evaluations between two validations of a search; None: see `interval`
    further: tuple[Objective, ...] = ()  # the other objectives of a search that has several

    def __post_init__(self) -> None:
        if self.metric.startswith("test"):
            raise InvalidRequest(
                "objective", "never reads the test set, which is kept for the end: take validation.METRIC", self.metric
            )
        if self.metric != TRAINING and not self.is_cost and not _METRIC.fullmatch(self.metric):
            raise InvalidRequest("objective", f"is made of {TRAINING} or validation.METRIC", self.metric)
        for value, accepted in ((self.direction, DIRECTIONS), (self.reduction, REDUCTIONS)):
            if value not in accepted:
                raise InvalidRequest("objective", f"is made of {', '.join(accepted)}", value)
        self._check_parts()

    def _check_parts(self) -> None:
        if self.is_cost and (self.direction, self.reduction, self.every) != ("min", "end", None):
            raise InvalidRequest("objective", f": {self.metric} is the {COSTS[self.metric]}, the lower the better")
        if self.metric == TRAINING and (self.reduction in ("end", "best") or self.direction == "max"):
            raise InvalidRequest("objective", f": {TRAINING} is minimised, as a mean over the end of the budget")
        if self.metric == TRAINING and self.every is not None:
            raise InvalidRequest("objective", f": 'every' is for validation metrics, and {TRAINING} is known anyway")
        has_window = self.reduction == "mean" or (self.is_to_target and self.metric == TRAINING)
        if (self.window is not None) != has_window or (self.window is not None and not 0 < self.window <= 1):
            raise InvalidRequest("objective", "has a window between 0 and 1", self.window)
        if self.is_to_target != (self.target is not None) or self.is_to_target != (self.goal in GOALS):
            raise InvalidRequest("objective", "has a target with 'evaluations-to' and 'seconds-to' alone", self.target)
        if self.is_to_target and (self.direction == "max" or not math.isfinite(self.target or 0.0)):
            raise InvalidRequest("objective", "has a finite target, reached the sooner the better", self.target)
        if self.metric == TRAINING and self.goal == ">=":
            raise InvalidRequest("objective", f": {TRAINING} falls to its target: write {TRAINING}<=TARGET")
        if self.every is not None and self.every < 1:
            raise InvalidRequest("objective", "has at least 1 gradient evaluation between validations", self.every)

    # What it is

    @property
    def is_default(self) -> bool:
        """Whether it is the paper's."""
        return self == TRAINING_LOSS

    @property
    def validates(self) -> bool:
        """Whether it needs measurements on the validation set."""
        return self.metric.startswith(VALIDATION)

    @property
    def is_cost(self) -> bool:
        """Whether it is what a candidate costs, and not how well it does."""
        return self.metric in COSTS

    @property
    def has_step_time(self) -> bool:
        """Whether it, or one of the others of a search that has several, is the time of a step."""
        return any(each.metric == SECONDS_PER_STEP for each in (self, *self.further))

    @property
    def validation_metric(self) -> str:
        """Name of the task's metric that it needs; "loss" of the training loss, and its own name of a cost."""
        if self.is_cost:
            return self.metric
        return self.metric.removeprefix(VALIDATION) if self.validates else "loss"

    @property
    def is_to_target(self) -> bool:
        """Whether it is the time to a target, which a run may miss."""
        return self.reduction in ("evaluations-to", "seconds-to")

    @property
    def in_seconds(self) -> bool:
        """Whether it depends on a clock."""
        return self.reduction == "seconds-to"

    @property
    def is_max(self) -> bool:
        """Whether the greatest value is best."""
        return self.direction == "max"

    @property
    def is_accuracy(self) -> bool:
        """Whether the metric is an accuracy."""
        return self.validation_metric.endswith("accuracy")

    @property
    def each(self) -> tuple[Objective, ...]:
        """All objectives of a search, one by one."""
        return (replace(self, further=()), *self.further)

    def evaluations(self, budget: int) -> int:
        """Return how many gradient evaluations of a budget its window has, at least one."""
        share = Fraction(str(self.window or 0))  # the decimal fraction, so that rounding has no effect
        return max(1, int(budget * share))

    def interval(self, budget: int) -> int:
        """Return the gradient evaluations between two validations of a search.

        Without `every`: the whole budget for the value at the end, a tenth for the best or a mean, a twentieth for the
        time to a target.
        """
        looks = 1 if self.reduction == "end" else 20 if self.is_to_target else 10
        return self.every or max(1, budget // looks)

    # Fitness and value

    def fitness(self, value: float) -> float:
        """Return what is minimised for a value."""
        return -value + 0.0 if self.is_max else value  # + 0.0: no -0.0, which not every database keeps

    def value(self, fitness: float) -> float:
        """Return the value of a fitness; the worst infinity of a run without one."""
        return -fitness + 0.0 if self.is_max else fitness  # + 0.0: no -0.0

    def missed_fitness(self, nearest: float, budget: int) -> float:
        """Return the fitness of a run that missed the target: above all that reached it, the nearer the lower.

        It is between one and two times the budget, or MAX_SECONDS in seconds. The distance is relative to the target: a
        logarithm where a positive loss is to fall to a positive target.

        Args:
            nearest: The best value of the metric on the way; finite.
            budget: Gradient evaluations of the run.
        """
        target = self.target or 0.0
        if self.goal == "<=" and 0 < target < nearest:
            distance = math.log(nearest) - math.log(target)
        else:
            distance = abs(nearest - target) / (abs(target) or 1.0)
        share = 1.0 if math.isinf(distance) else distance / (1 + distance)
        limit = self.limit(budget)
        return max(limit * (1 + share), math.nextafter(limit, math.inf))

    def missed(self, fitness: float, budget: int) -> bool:
        """Return whether a finite fitness is that of a run that missed the target."""
        return self.limit(budget) < fitness < math.inf

    def shown(self, fitness: float | None, budget: int) -> float | None:
        """Return the value to show; None of a run without a fitness, and of one that missed the target."""
        if fitness is None or not math.isfinite(fitness) or self.missed(fitness, budget):
            return None
        return self.value(fitness)

    def shown_median(self, median: float | None, upper: float | None, budget: int) -> float | None:
        """Return the value of a median to show; None if there is none, or one of the middle runs missed the target.

        Args:
            median: The median of the fitnesses.
            upper: The greater of the two middle ones, whose mean it is; of an odd number the median itself.
            budget: Gradient evaluations of each run.
        """
        return None if self.shown(upper, budget) is None else self.shown(median, budget)

    def limit(self, budget: int) -> float:
        """Return the greatest fitness of a run that reached the target; +inf without a target."""
        if not self.is_to_target:
            return math.inf
        return float(MAX_SECONDS if self.in_seconds else budget)

    # Words

    @property
    def noun(self) -> str:
        """One word for its values, such as for the head of a column."""
        if self.metric == SECONDS_PER_STEP:
            return "s/step"  # with the unit
        return self.reduction.partition("-")[0] if self.is_to_target else self.validation_metric

    @property
    def better(self) -> str:
        """The word for the better direction: "lower" or "higher"."""
        return "higher" if self.is_max else "lower"

    @property
    def label(self) -> str:
        """The objective as the label of an axis."""
        if self.is_default:
            return "fitness"
        if self.is_cost:
            return COSTS[self.metric]
        what = self._metric_words()
        if self.is_to_target:
            return f"{self.noun} to {what} {'≤' if self.goal == '<=' else '≥'} {self.target:g}"
        return {"end": f"{what} at the end", "best": f"best {what}", "mean": f"{what}, last {self._share()}"}[
            self.reduction
        ]

    @property
    def description(self) -> str:
        """The objective in a few words, such as for the legend of a table."""
        words = [f"{each.within('the budget')}, the {each.better} the better" for each in self.each]
        return "; ".join(words)

    def title(self, budget: str) -> str:
        """Return the title of a table of its values, with the better direction."""
        words = f"{self.label} within {budget}" if self.is_to_target else self.within(budget)
        return f"{words[0].upper()}{words[1:]} ({self.better} is better)"

    def within(self, budget: str) -> str:
        """Return what its values are, without their direction, for a budget that is given in words."""
        if self.is_cost:
            return self.label
        what = self._metric_words()
        if self.is_to_target:
            noun = "gradient evaluations" if self.reduction == "evaluations-to" else "seconds of training"
            running = f", averaged over {self._share()} of the budget," if self.window is not None else ""
            least = "most" if self.goal == "<=" else "least"
            return f"{noun} until the {what}{running} is at {least} {self.target:g}, within {budget}"
        return {
            "end": f"{what} at the end of {budget}",
            "best": f"best {what} within {budget}",
            "mean": f"mean {what} over the last {self._share()} of {budget}",
        }[self.reduction]

    def _metric_words(self) -> str:
        return f"validation {self.validation_metric}" if self.validates else "training loss"

    def _share(self) -> str:
        share = Fraction(str(self.window or 0))
        return "tenth" if share == Fraction(1, 10) and not self.is_to_target else f"{float(100 * share):g} %"

    @property
    def text(self) -> str:
        """The objective as a request names it; `tuner.core.objective_text.parse` reads it."""
        words = [self.metric if not self.is_to_target else f"{self.reduction}:{self.metric}{self.goal}{self.target!r}"]
        if self.reduction == "best":
            words.append("best")
        elif self.window not in (None, RUNNING_SHARE if self.is_to_target else LAST_TENTH) or (
            self.validates and self.reduction == "mean"
        ):
            words.append(f"{'over' if self.is_to_target else 'last'}={self.window}")
        if not self.is_to_target and self.direction != default_direction(self.metric):
            words.append(self.direction)
        own = ":".join([*words, *([] if self.every is None else [f"every={self.every}"])])
        return ",".join([own, *(other.text for other in self.further)])

    # JSON

    def to_dict(self) -> dict[str, Any]:
        """Return the objective as a dictionary of JSON values; parts that it does not need are left out."""
        optional = ("goal", "target", "every")
        own = asdict(replace(self, further=()))
        del own["further"]
        further = {"further": [other.to_dict() for other in self.further]} if self.further else {}
        return {name: value for name, value in own.items() if name not in optional or value is not None} | further

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Objective:
        """Return the objective that `to_dict` was called on.

        Raises:
            InvalidRequest: A part is unknown, or its value is not accepted.
        """
        known = [field.name for field in fields(cls)]
        unknown = [name for name in values if name not in known]
        if unknown:
            raise InvalidRequest("objective", f"has the parts {', '.join(known)}", unknown)
        further = tuple(cls.from_dict(other) for other in values.get("further", ()))
        return cls(**{**values, "further": further})


def default_direction(metric: str) -> str:
    """Return the direction of a metric unless another is given: "max" of an accuracy, "min" of all others."""
    return "max" if metric.startswith(VALIDATION) and metric.endswith("accuracy") else "min"


TRAINING_LOSS = Objective()
"""The paper's: mean training loss over the last tenth of the budget (arXiv 2210.06171, appendix on tuning)."""


@dataclass(frozen=True, slots=True)
class Score(Objective):
    """The objective in results of a search on several tasks: scores, see `tuner.core.scores`."""

    def __post_init__(self) -> None:
        """Accept the parts, which have their defaults."""

    @property
    def label(self) -> str:
        """See `Objective.label`."""
        return "score"

    @property
    def noun(self) -> str:
        """See `Objective.noun`."""
        return "score"

    @property
    def text(self) -> str:
        """See `Objective.text`; no request can name it."""
        return "score"

    def within(self, budget: str) -> str:
        """See `Objective.within`."""
        return f"score over the tasks after {budget}"


SCORE = Score()

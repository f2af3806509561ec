"""The objective of a search: a metric, its direction, and its reduction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from typing import Any

from tuner.core.errors import InvalidRequest

METRICS = ("training-loss",)
DIRECTIONS = ("min",)
REDUCTIONS = ("mean",)


@dataclass(frozen=True, slots=True)
class Objective:
    """How the value of a candidate, one number, is computed from its run.

    Raises:
        InvalidRequest: A part is unknown, or the window is not a share of the budget.
    """

    metric: str = "training-loss"  # one of METRICS
    direction: str = "min"  # one of DIRECTIONS
    reduction: str = "mean"  # one of REDUCTIONS, applied to the metric's values within the window
    window: float = 0.1  # share of the budget, at its end

    def __post_init__(self) -> None:
        for value, accepted in (
            (self.metric, METRICS),
            (self.direction, DIRECTIONS),
            (self.reduction, REDUCTIONS),
        ):
            if value not in accepted:
                raise InvalidRequest("objective", f"is made of {', '.join(accepted)}", value)
        if not 0 < self.window <= 1:
            raise InvalidRequest("objective", "has a window between 0 and 1", self.window)

    def evaluations(self, budget: int) -> int:
        """Return how many gradient evaluations at the end of a budget count, at least one."""
        return max(1, int(budget * Fraction(str(self.window))))  # the decimal fraction, so that rounding has no effect

    @property
    def description(self) -> str:
        """The objective in a few words, such as for the legend of a table."""
        share = Fraction(str(self.window))
        part = "tenth" if share == Fraction(1, 10) else f"{float(100 * share):g} %"
        return f"mean training loss over the last {part} of the budget, the lower the better"

    def to_dict(self) -> dict[str, Any]:
        """Return the objective as a dictionary of JSON values."""
        return asdict(self)

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
        return cls(**values)


TRAINING_LOSS = Objective()
"""The paper's: mean training loss over the last tenth of the budget (arXiv 2210.06171, appendix on tuning)."""

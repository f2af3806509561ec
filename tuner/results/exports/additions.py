"""Additions of a configuration that is exported.

These are its schedule, weight decay, clipping and averaging. The names are those of `lodo.additions`, and the schedules
those of `lodo.schedules`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from tuner.results.exports.configuration import Configuration, NotExported

RATES = ("learning_rate", "initial_learning_rate", "lr")
SCHEDULES = ("cosine_final", "linear_final", "step_final")
CLIPPINGS = ("clipnorm", "global_clipnorm", "clipvalue")
WITH_LENGTH = ("warmup_ratio", *SCHEDULES)  # they depend on the number of steps
NAMES = (*WITH_LENGTH, "weight_decay", *CLIPPINGS, "ema_momentum")


@dataclass(frozen=True, slots=True)
class Additions:
    """Additions to an optimizer, with what they depend on."""

    values: Mapping[str, float]
    rate: float  # the learning rate that a schedule scales; 0 if there is none
    steps: int  # of the run

    @property
    def schedule(self) -> str | None:
        """Name of the schedule's final share; None if the learning rate is constant after a warm-up."""
        return next((name for name in SCHEDULES if name in self.values), None)

    @property
    def is_scheduled(self) -> bool:
        """Whether the learning rate changes."""
        return self.schedule is not None or self.rise > 0

    @property
    def final(self) -> float:
        """The learning rate's share at the end."""
        return 1.0 if self.schedule is None else self.values[self.schedule]

    @property
    def rise(self) -> int:
        """Steps of the warm-up."""
        return round(self.values.get("warmup_ratio", 0.0) * self.steps)

    @property
    def left(self) -> int:
        """Steps after the warm-up."""
        return max(1, self.steps - self.rise)

    @property
    def first(self) -> float:
        """The learning rate of the first step of a warm-up."""
        return self.rate / (self.rise + 1)

    @property
    def falls(self) -> tuple[int, int]:
        """Steps after the warm-up before which the schedule `step_final` falls."""
        return -(-self.left // 2), -(-3 * self.left // 4)

    @property
    def levels(self) -> tuple[float, float, float]:
        """The learning rates of the schedule `step_final`."""
        return self.rate, self.rate * self.final**0.5, self.rate * self.final


def separated(configuration: Configuration, own: Collection[str]) -> tuple[Configuration, Additions]:
    """Return a configuration without its additions, and these.

    Args:
        configuration: The configuration.
        own: Names of hyperparameters that are the optimizer's own, even if an addition has the same.
    """
    given = configuration.hyperparameters
    values = {name: value for name, value in given.items() if name in NAMES and name not in own}
    rest = {name: value for name, value in given.items() if name not in values}
    rate = next((rest[name] for name in RATES if name in rest), 0.0)
    return replace(configuration, hyperparameters=rest), Additions(values, rate, configuration.steps)


def lacking(library: str, what: str) -> NotExported:
    """Return the refusal of an addition that a library does not have."""
    return NotExported(f"{library} has no {what}; the formats json, yaml and algoperf take every addition", 2)

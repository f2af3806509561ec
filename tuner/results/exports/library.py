"""Calls that construct an optimizer in another library, and their differences.

Common to PyTorch and Optax.

Warnings describe differences from Keras, whose form our optimizers have.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tuner.results.exports.configuration import Configuration
from tuner.results.exports.rules import rule_of, values_of
from tuner.results.tables.formats import strict_json

Values = Mapping[str, float]

LIMITED_MEMORY = "its implementation is L-BFGS, with limited memory"  # why there is no BFGS


@dataclass(frozen=True, slots=True)
class Call:
    """A class or function of a library with keyword arguments, and how it differs from what was tuned."""

    target: str  # "torch.optim.Adam"
    arguments: Mapping[str, Any]  # numbers, truth values, lists of numbers, or calls
    warnings: tuple[str, ...] = ()  # none: it takes the same steps, except for rounding

    def as_mapping(self, node: Callable[[str, dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
        """Return the call, and the calls among its arguments, as mappings.

        Args:
            node: Takes a target and its arguments, and returns their mapping.
        """
        arguments = {
            name: value.as_mapping(node) if isinstance(value, Call) else value for name, value in self.arguments.items()
        }
        return node(self.target, arguments)


@dataclass(frozen=True, slots=True)
class Library:
    """A library with counterparts of our optimizers, in a JSON file of their calls.

    Args:
        key: What the file calls a call's target: "class" or "function".
        counterparts: By rule (see `rules`), what makes the call from the rule's values and the budget in steps.
        differing: By optimizer, why the library's optimizer of that name is no counterpart. Default: none.
    """

    key: str
    counterparts: Mapping[str, Callable[[Values, int], Call]]
    differing: Mapping[str, str] = field(default_factory=dict)

    def has(self, optimizer: str) -> bool:
        """Return whether the library has a counterpart of an optimizer."""
        return rule_of(optimizer) in self.counterparts

    def call(self, configuration: Configuration) -> Call:
        """Return the call that constructs the tuned optimizer.

        Raises:
            NotExported: Something was tuned that the counterpart does not take.
        """
        counterpart = self.counterparts[rule_of(configuration.optimizer) or ""]
        return counterpart(values_of(configuration), configuration.steps)

    def write(self, configuration: Configuration) -> str:
        """Return JSON: the target and its `arguments`; `warnings`; the `provenance`.

        Raises:
            NotExported: As `call`.
        """
        call = self.call(configuration)
        layout = {
            **call.as_mapping(lambda target, arguments: {self.key: target, "arguments": arguments}),
            "warnings": list(call.warnings),
            "provenance": dict(configuration.provenance),
        }
        return strict_json(layout) + "\n"


def renamed(values: Values, **names: str) -> dict[str, Any]:
    """Return values under a library's names: {its name: value of our name}."""
    return {theirs: values[ours] for theirs, ours in names.items()}


def measured_distance(share: float) -> str:
    """Return a sentence on the measured distance between a library's steps and ours.

    Args:
        share: The greatest distance in 50 steps on a quadratic and on Rosenbrock's function, as a share of our greatest
            distance from the start; a test measures it.
    """
    return f"Measured at one setting, in 50 steps on two test functions: they differ by at most {share:g} of the way."


def epsilon_after_correction(library: str, values: Values) -> str:
    """Return a warning on Adam: epsilon is added after the correction of the bias, not before."""
    first = values["epsilon"] / math.sqrt(1 - values["beta_2"])
    return (
        f"{library} adds eps to √v after the bias correction, the tuned optimizer before it, which is equivalent to an "
        f"eps of {first:.2g} at the first step that falls to {values['epsilon']:g}. It matters where gradients are not "
        f"much larger than that. {measured_distance(3e-6)}"
    )


def rate_times_velocity(library: str, values: Values) -> tuple[str, ...]:
    """Return a warning on momentum: the velocity is multiplied by the rate, not the gradient; none without momentum."""
    if values["momentum"] == 0:
        return ()
    return (
        f"Equal while the learning rate is constant. Under a schedule {library} multiplies the velocity by the current "
        "rate; the tuned optimizer multiplies each gradient by the rate of its own step.",
    )

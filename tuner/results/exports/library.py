"""Calls that construct an optimizer in PyTorch or Optax, with warnings.

The warnings describe differences from the tuned optimizer, whose form is that of Keras.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tuner.results.exports.additions import Additions, separated
from tuner.results.exports.configuration import Configuration
from tuner.results.exports.rules import RULES, rule_of, values_of
from tuner.results.tables.formats import strict_json

Values = Mapping[str, float]

LENGTH = (
    "The schedule is that of a run of {steps} steps, the budget with which it was tuned: change it with the length."
)
LIMITED_MEMORY = "its implementation is L-BFGS, with limited memory"  # the reason why BFGS is not exported


@dataclass(frozen=True, slots=True)
class Call:
    """A class or function of a library with keyword arguments, and its differences from the tuned optimizer."""

    target: str  # "torch.optim.Adam"
    arguments: Mapping[str, Any]  # numbers, truth values, calls, or lists of these
    warnings: tuple[str, ...] = ()  # without any, it takes the same steps, except for rounding
    positional: tuple[Call, ...] = ()  # arguments without a name
    beside: Mapping[str, Call] = field(default_factory=dict)  # calls that are made beside it, such as of a scheduler

    def as_mapping(self, node: Callable[[str, dict[str, Any], list[Any]], dict[str, Any]]) -> dict[str, Any]:
        """Return the call, and the calls among its arguments, as mappings.

        Args:
            node: Returns the mapping of a target, its named arguments, and those without a name.
        """

        def plain(value: Any) -> Any:
            if isinstance(value, list | tuple):
                return [plain(each) for each in value]
            return value.as_mapping(node) if isinstance(value, Call) else value

        arguments = {name: plain(value) for name, value in self.arguments.items()}
        return node(self.target, arguments, plain(self.positional))


@dataclass(frozen=True, slots=True)
class Library:
    """A library with counterparts of lodo-tune's optimizers; their calls are written as JSON.

    Args:
        key: Key of a call's target in the file: "class" or "function".
        counterparts: Functions that return the call for a rule's values and the budget in steps, by rule (see `rules`).
        add: Returns a call with additions.
        differing: Reasons why the library's optimizer of the same name is no counterpart, by optimizer. Default: none.
    """

    key: str
    counterparts: Mapping[str, Callable[[Values, int], Call]]
    add: Callable[[Call, Additions], Call]
    differing: Mapping[str, str] = field(default_factory=dict)

    def has(self, optimizer: str) -> bool:
        """Return whether the library has a counterpart of an optimizer."""
        return rule_of(optimizer) in self.counterparts

    def call(self, configuration: Configuration) -> Call:
        """Return the call that constructs the tuned optimizer.

        Raises:
            NotExported: The counterpart does not take one of the tuned hyperparameters, or an addition.
        """
        rule = RULES[configuration.optimizer]
        own, added = separated(configuration, (*rule.tuned, *rule.constants))
        call = self.counterparts[rule.name](values_of(own), own.steps)
        return self.add(call, added) if added.values else call

    def write(self, configuration: Configuration) -> str:
        """Return JSON with the target, its `arguments`, `warnings` and `provenance`.

        Raises:
            NotExported: As `call`.
        """
        call = self.call(configuration)
        layout = {
            **call.as_mapping(self._node),
            **{name: each.as_mapping(self._node) for name, each in call.beside.items()},
            "warnings": list(call.warnings),
            "provenance": dict(configuration.provenance),
        }
        return strict_json(layout) + "\n"

    def _node(self, target: str, arguments: dict[str, Any], positional: list[Any]) -> dict[str, Any]:
        return {self.key: target, **({"positional": positional} if positional else {}), "arguments": arguments}


def renamed(values: Values, **names: str) -> dict[str, Any]:
    """Return values under the names of a library; `names` maps these to the names of the values."""
    return {theirs: values[ours] for theirs, ours in names.items()}


def measured_distance(share: float) -> str:
    """Return a sentence on the measured difference between a library's optimizer and the tuned one.

    Args:
        share: Greatest distance between the two paths, as a share of the tuned optimizer's greatest distance from the
            start, in 50 steps on a quadratic and on Rosenbrock's function. A test measures it.
    """
    return f"Measured in 50 steps on two test functions: x differs by at most {share:g} of its distance from the start."


def epsilon_after_correction(library: str, values: Values) -> str:
    """Return a warning on Adam: epsilon is added after the correction of the bias, not before."""
    first = values["epsilon"] / math.sqrt(1 - values["beta_2"])
    return (
        f"{library} adds eps to √v after the bias correction, the tuned optimizer before it, which is equivalent to an "
        f"eps of {first:.2g} at the first step that falls to {values['epsilon']:g}. This matters where gradients are "
        f"not much larger than eps. {measured_distance(3e-6)}"
    )


def rate_times_velocity(library: str, values: Values) -> tuple[str, ...]:
    """Return a warning on momentum: the velocity is multiplied by the rate, not the gradient; none without momentum."""
    if values["momentum"] == 0:
        return ()
    return (
        f"Equal while the learning rate is constant. Under a schedule {library} multiplies the velocity by the current "
        "rate; the tuned optimizer multiplies each gradient by the rate of its own step.",
    )

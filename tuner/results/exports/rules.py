"""By which rule an optimizer steps, and the constants of that rule which were not tuned.

Rules are named as Keras names them. An optimizer of ours and one of Keras' own may step by one rule: other libraries
then have one counterpart for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tuner.results.exports.configuration import Configuration, NotExported


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with what it takes."""

    name: str
    tuned: tuple[str, ...]  # hyperparameters that are always tuned
    constants: Mapping[str, float]  # what else it takes, and what that is where it was not tuned


def _of_keras(name: str, **constants: float) -> Rule:
    return Rule(name, (), MappingProxyType(constants))


# Of ours, the constants of lodo's modules; of Keras', the defaults of the constructors (a weight decay of 0 is none).
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "Adam": Rule("Adam", ("learning_rate", "beta_1", "beta_2"), {"epsilon": 1e-7}),
        "LARS": Rule("LARS", ("learning_rate", "momentum", "weight_decay"), {}),
        "Momentum": Rule("SGD", ("learning_rate", "momentum"), {}),
        "RMSprop": Rule("RMSprop", ("learning_rate", "rho", "momentum"), {"epsilon": 1e-7}),
        "Yogi": Rule("Yogi", ("learning_rate", "beta_1", "beta_2"), {"epsilon": 1e-3}),
        "keras:Adadelta": _of_keras("Adadelta", learning_rate=0.001, rho=0.95, epsilon=1e-7),
        "keras:Adagrad": _of_keras("Adagrad", learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7),
        "keras:Adam": _of_keras("Adam", learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7),
        "keras:AdamW": _of_keras(
            "AdamW", learning_rate=0.001, weight_decay=0.004, beta_1=0.9, beta_2=0.999, epsilon=1e-7
        ),
        "keras:Lamb": _of_keras("Lamb", learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7),
        "keras:Lion": _of_keras("Lion", learning_rate=0.001, beta_1=0.9, beta_2=0.99, weight_decay=0.0),
        "keras:Nadam": _of_keras("Nadam", learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7),
        "keras:RMSprop": _of_keras("RMSprop", learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7),
        "keras:SGD": _of_keras("SGD", learning_rate=0.01, momentum=0.0),
    }
)


def rule_of(optimizer: str) -> str | None:
    """Return the name of an optimizer's rule; None where none is known that another library may have."""
    return RULES[optimizer].name if optimizer in RULES else None


def values_of(configuration: Configuration) -> dict[str, float]:
    """Return all that the rule takes: the hyperparameters, and the constants for what was not tuned.

    Raises:
        NotExported: Something was tuned that the rule, as it is known here, does not take.
    """
    rule = RULES[configuration.optimizer]
    accepted = (*rule.tuned, *rule.constants)
    for name in configuration.hyperparameters:
        if name not in accepted:
            raise NotExported(
                f"no counterpart is known of {configuration.optimizer} with {name}: "
                f"accepted are {', '.join(accepted)}; the formats json, yaml, keras and algoperf take it as it is. "
                f"Received: {name!r}",
                2,
            )
    return {**rule.constants, **configuration.hyperparameters}

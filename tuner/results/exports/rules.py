"""The update rule of an optimizer, and its constants that were not tuned.

Rules have the names of Keras. An optimizer of lodo-tune and one of Keras may have the same rule, and then have the same
counterpart in other libraries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tuner.results.exports.configuration import Configuration, NotExported


@dataclass(frozen=True, slots=True)
class Rule:
    """An update rule with its parameters."""

    name: str
    tuned: tuple[str, ...]  # hyperparameters that are always tuned
    constants: Mapping[str, float]  # other parameters, with their values where they were not tuned


def _of_keras(name: str, **constants: float) -> Rule:
    return Rule(name, (), MappingProxyType(constants))


# Constants are those of the modules of lodo, or the defaults of Keras' constructors (a weight decay of 0 is none).
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
    """Return the name of an optimizer's rule; None if no other library has a counterpart."""
    return RULES[optimizer].name if optimizer in RULES else None


def values_of(configuration: Configuration) -> dict[str, float]:
    """Return all parameters of the rule: the hyperparameters, and constants for those that were not tuned.

    Raises:
        NotExported: A tuned hyperparameter is not a parameter of the rule.
    """
    rule = RULES[configuration.optimizer]
    accepted = (*rule.tuned, *rule.constants)
    for name in configuration.hyperparameters:
        if name not in accepted:
            raise NotExported(
                f"no counterpart of {configuration.optimizer} with {name} is known: "
                f"accepted are {', '.join(accepted)}; the formats json, yaml, keras and algoperf take any "
                f"hyperparameter. Received: {name!r}",
                2,
            )
    return {**rule.constants, **configuration.hyperparameters}

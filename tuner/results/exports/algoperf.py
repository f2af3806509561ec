"""AlgoPerf export: a list of points for `tuning_search_space`.

Hyperparameters have the names of AlgoPerf's own submissions.
"""

from __future__ import annotations

from types import MappingProxyType

from tuner.results.exports.configuration import Configuration
from tuner.results.exports.rules import RULES
from tuner.results.tables.formats import strict_json

# Decay of the averaged gradient or of the velocity; AlgoPerf's submissions use its distance from 1.
ONE_MINUS = ("beta_1", "momentum")
_NAMES = MappingProxyType(
    {
        "initial_learning_rate": "learning_rate",
        "beta_2": "beta2",
        "warmup_ratio": "warmup_factor",
        "global_clipnorm": "grad_clip",
    }
)


def write(configuration: Configuration) -> str:
    """Return JSON with the tuned point alone, since AlgoPerf takes every key as a hyperparameter.

    `one_minus_beta1` is 1 - beta_1, or 1 - momentum where there is no beta_1.
    """
    rule = RULES.get(configuration.optimizer)
    constants = {} if rule is None else rule.constants
    tuned = configuration.hyperparameters
    values = {**tuned, **constants, **tuned}  # tuned values come first and replace constants
    decay = next((name for name in ONE_MINUS if name in values), None)
    point = {}
    for name, value in values.items():
        if name == decay:
            point["one_minus_beta1"] = 1 - value
        else:
            point[_NAMES.get(name, name)] = value
    return strict_json([point]) + "\n"

"""Export with the names of lodo-tune, as JSON and YAML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tuner.results.exports.configuration import Configuration
from tuner.results.tables.formats import strict_json


def as_json(configuration: Configuration) -> str:
    """Return JSON: the optimizer, where a user's own is, its hyperparameters, the provenance."""
    return strict_json(_layout(configuration)) + "\n"


def as_yaml(configuration: Configuration) -> str:
    """Return YAML with the content of `as_json`."""
    return yaml_of(_layout(configuration))


def yaml_of(layout: Mapping[str, Any]) -> str:
    """Return YAML of a mapping, keys in the order given; a number that is not finite becomes null."""
    import yaml  # takes 20 ms

    # Through JSON: no tuples, no numbers that are not finite, and no repeated object, which YAML would write as &id001.
    plain = json.loads(strict_json(layout))
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    return text


def _layout(configuration: Configuration) -> dict[str, Any]:
    return {
        "optimizer": configuration.optimizer,
        **({} if configuration.place is None else {"place": configuration.place}),
        "hyperparameters": dict(configuration.hyperparameters),
        "provenance": dict(configuration.provenance),
    }

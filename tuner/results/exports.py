"""Tuned configurations for use elsewhere: JSON, YAML, and configurations that Keras takes, each with its provenance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from search_spaces.suggestion import nearest
from tuner.records import StudyRecord
from tuner.results.formats import strict_json
from tuner.results.summary import Summary
from tuner.results.table import as_json


class NotExported(ValueError):  # noqa: N818 (what is the case)
    """A study's configuration cannot be had, or not in this format. The text is one line.

    Attributes:
        exit_code: 2 where another format would do, 1 where the study has nothing to export.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """One way to write a tuned configuration down.

    Args:
        write: Takes the optimizer's name, its hyperparameters and the provenance; returns the text of a file.
        has: Whether it can express an optimizer of this name. Default: any.
    """

    write: Callable[[str, Mapping[str, float], Mapping[str, Any]], str]
    has: Callable[[str], bool] = lambda optimizer: True


def export(study: StudyRecord, format: str, summary: Summary | None = None) -> str:
    """Return a study's tuned configuration.

    Args:
        study: With a tuned point.
        format: A name of `FORMATS`.
        summary: The study's; adds the fitness of default and tuned to the provenance. Default None.

    Returns:
        The text of a file, with a line end after its last line.

    Raises:
        NotExported: There is no such format, or it cannot express the optimizer, or the study has no tuned point.
    """
    name, optimizer = study.spec.name, study.spec.workload.optimizer
    possible = formats_of(optimizer)
    if format not in FORMATS:
        raise NotExported(
            f"there is no format of this name{nearest(format, possible)}. Accepted for {optimizer}: "
            f"{', '.join(possible)}. Received: {format!r:.80}",
            2,
        )
    if format not in possible:
        raise NotExported(
            f"the format {format!r} has no {optimizer}. Accepted for {optimizer}: {', '.join(possible)}. "
            f"Received: {format!r}",
            2,
        )
    if study.tuned is None:
        raise NotExported(f"the study {name} has no tuned point yet: its search is {study.status}", 1)
    return FORMATS[format].write(optimizer, study.tuned, _provenance(study, summary))


def formats_of(optimizer: str) -> tuple[str, ...]:
    """Return the names of the formats that can express an optimizer."""
    return tuple(name for name, known in FORMATS.items() if known.has(optimizer))


def _provenance(study: StudyRecord, summary: Summary | None) -> dict[str, Any]:
    """Return where a configuration comes from: enough to run the study again."""
    spec, workload = study.spec, study.spec.workload
    provenance: dict[str, Any] = {
        "made_by": "lodo-tune",
        "study": spec.name,
        "task": workload.task,
        "options": dict(workload.options),
        "precision": workload.precision,
        "data": None if workload.data is None else dict(workload.data),
        "strategy": spec.strategy,
        "seed": spec.seed,
        "generations": spec.generations,
        "population": spec.population,
        "sigmas": list(spec.sigmas),
        "steps": list(spec.steps),
        "search_space": dict(spec.space),
        "versions": dict(spec.versions),
        "created_at": study.created_at,
        "finished_at": study.finished_at,
    }
    if summary is not None:
        provenance["fitness"] = as_json(summary)["fitness"]
    return provenance


def _layout(optimizer: str, hyperparameters: Mapping[str, float], provenance: Mapping[str, Any]) -> dict[str, Any]:
    return {"optimizer": optimizer, "hyperparameters": dict(hyperparameters), "provenance": dict(provenance)}


def _json(optimizer: str, hyperparameters: Mapping[str, float], provenance: Mapping[str, Any]) -> str:
    return strict_json(_layout(optimizer, hyperparameters, provenance)) + "\n"


def _yaml(optimizer: str, hyperparameters: Mapping[str, float], provenance: Mapping[str, Any]) -> str:
    import json

    import yaml  # 20 ms that nobody else should pay

    # By way of JSON: no tuples, no numbers that are not finite, and no object twice, which YAML would write as &id001.
    plain = json.loads(strict_json(_layout(optimizer, hyperparameters, provenance)))
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    return text


# The class, Keras' or ours, and what ours does whatever was tuned (the constants of lodo's modules of the same names).
_KERAS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = MappingProxyType(
    {
        "Adam": ("keras.optimizers", "Adam", {"epsilon": 1e-7, "amsgrad": False}),
        "LODO": ("lodo.keras", "LODO", {}),
        "LODO-Diagonal": ("lodo.keras", "LODODiagonal", {}),
        "Momentum": ("keras.optimizers", "SGD", {"nesterov": False}),
        "RMSprop": ("keras.optimizers", "RMSprop", {"epsilon": 1e-7, "centered": False}),
    }
)
_OF_KERAS = "keras:"  # before the names of Keras' own optimizers
_KERAS_NAMES = {"initial_learning_rate": "learning_rate"}  # hyperparameters that Keras calls otherwise


def _keras(optimizer: str, hyperparameters: Mapping[str, float], provenance: Mapping[str, Any]) -> str:
    """Return JSON for `keras.optimizers.deserialize(json.load(file))`, which passes over the provenance.

    Of an optimizer of ours Keras knows the class once `lodo.keras` was imported.
    Keras keeps a learning rate in float32: it comes back rounded to that.
    """
    # What was not tuned of one of Keras' own has Keras' defaults.
    of_keras: tuple[str, str, Mapping[str, Any]] = ("keras.optimizers", optimizer.removeprefix(_OF_KERAS), {})
    module, class_name, constants = _KERAS.get(optimizer, of_keras)
    named = {_KERAS_NAMES.get(name, name): value for name, value in hyperparameters.items()}
    config = {
        "module": module,
        "class_name": class_name,
        "config": {**named, **constants},
        "registered_name": None if module.startswith("keras.") else f"lodo>{class_name}",
        "provenance": dict(provenance),
    }
    return strict_json(config) + "\n"


FORMATS: Mapping[str, ExportFormat] = MappingProxyType(
    {
        "json": ExportFormat(_json),
        "yaml": ExportFormat(_yaml),
        "keras": ExportFormat(_keras, lambda optimizer: optimizer in _KERAS or optimizer.startswith(_OF_KERAS)),
    }
)

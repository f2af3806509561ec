"""Exports of tuned configurations to other tools, in one module per format.

Each exported configuration has its provenance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tuner.core.study import StudyRecord
from tuner.core.task_arguments import of_optimizer, of_task
from tuner.core.text import nearest
from tuner.results.analysis.summary import Summary
from tuner.results.exports import algoperf, hydra, keras, plain
from tuner.results.exports.additions import WITH_LENGTH
from tuner.results.exports.configuration import Configuration, NotExported
from tuner.results.exports.optax import OPTAX
from tuner.results.exports.torch import TORCH
from tuner.results.tables.search import as_json

__all__ = ["FORMATS", "Configuration", "ExportFormat", "NotExported", "export", "formats_of"]


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format of tuned configurations.

    Args:
        write: Returns the text of a file for a configuration.
        has: Returns whether the format can express an optimizer, by name. Default: any optimizer.
        differing: Reasons why the format's optimizer of the same name differs, by optimizer. Default: none.
    """

    write: Callable[[Configuration], str]
    has: Callable[[str], bool] = lambda optimizer: True
    differing: Mapping[str, str] = field(default_factory=dict)


FORMATS: Mapping[str, ExportFormat] = MappingProxyType(
    {
        "json": ExportFormat(plain.as_json),
        "yaml": ExportFormat(plain.as_yaml),
        "keras": ExportFormat(keras.write, keras.has),
        "torch": ExportFormat(TORCH.write, TORCH.has, TORCH.differing),
        "optax": ExportFormat(OPTAX.write, OPTAX.has, OPTAX.differing),
        "algoperf": ExportFormat(algoperf.write),
        "hydra": ExportFormat(hydra.write, hydra.has),
    }
)


WITHOUT_LENGTH = ("json", "yaml", "algoperf")
"""Formats that write a schedule as it is in the search space, in shares of the run."""

WITH_TASK = ("json", "yaml")
"""Formats that have the tuned arguments of the task among the hyperparameters, and not in the provenance."""


def export(study: StudyRecord, format: str, summary: Summary | None = None) -> str:
    """Return a study's tuned configuration.

    Args:
        study: A search with a tuned point.
        format: A name of `FORMATS`.
        summary: Summary of the study, which adds fitnesses to the provenance. Default None.

    Returns:
        The text of a file, with a line end after its last line.

    Raises:
        NotExported: There is no such format, it cannot express the optimizer, or the study has no tuned point.
    """
    name, optimizer = study.spec.name, study.spec.workload.optimizer
    registered = study.spec.space.get("registered")
    possible = formats_of(optimizer, registered)
    if format not in FORMATS:
        raise NotExported(
            f"there is no format of this name{nearest(format, possible)}. Accepted for {optimizer}: "
            f"{', '.join(possible)}. Received: {format!r:.80}",
            2,
        )
    if format not in possible:
        differs = FORMATS[format].differing.get(optimizer)
        raise NotExported(
            f"the format {format!r} has no {optimizer}{f' ({differs})' if differs else ''}. Accepted for {optimizer}: "
            f"{', '.join(possible)}. Received: {format!r}",
            2,
        )
    if study.tuned is None:
        raise NotExported(
            f"the study {name} has no tuned point yet: its search is {study.status}; complete it first", 1
        )
    if summary is not None and summary.best is None:
        raise NotExported(
            f"the study {name} has no tuned point: none of its individuals finished; the report lists the reasons", 1
        )
    lengths = sorted({part.steps[-1] for part in study.search.parts})
    if len(lengths) > 1 and format not in WITHOUT_LENGTH and any(one in study.tuned for one in WITH_LENGTH):
        raise NotExported(
            f"a schedule of the format {format!r} has one length, and the tasks of {name} have"
            f" {' and '.join(map(str, lengths))} gradient evaluations. Accepted: {', '.join(WITHOUT_LENGTH)}",
            2,
        )
    provenance, values = _provenance(study, summary), study.tuned
    if format not in WITH_TASK and of_task(values):
        provenance["task_arguments"], values = of_task(values), of_optimizer(values)
    configuration = Configuration(
        optimizer,
        values,
        study.search.steps[-1],
        provenance,
        study.spec.workload.optimizer_place,
        registered,
    )
    return FORMATS[format].write(configuration)


def formats_of(optimizer: str, registered: str | None = None) -> tuple[str, ...]:
    """Return the names of the formats that can express an optimizer.

    Args:
        optimizer: Its name.
        registered: The name under which Keras finds the class of a user's own. Default: None, it does not.
    """
    return tuple(
        name for name, known in FORMATS.items() if known.has(optimizer) or (name == "keras" and registered is not None)
    )


def _provenance(study: StudyRecord, summary: Summary | None) -> dict[str, Any]:
    """Return the provenance of a configuration: everything needed to run the study again."""
    spec, workload = study.search, study.spec.workload
    provenance: dict[str, Any] = {
        "made_by": "lodo-tune",
        "study": spec.name,
        "task": spec.task,
        "options": dict(workload.options),
        "precision": workload.precision,
        "data": None if workload.data is None else dict(workload.data),
        "objective": workload.objective.text,
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
    if spec.further:
        del provenance["options"], provenance["data"], provenance["objective"], provenance["steps"]
        provenance["tasks"] = [
            {
                "task": part.workload.task,
                "options": dict(part.workload.options),
                "data": None if part.workload.data is None else dict(part.workload.data),
                "objective": part.workload.objective.text,
                "steps": list(part.steps),
            }
            for part in spec.parts
        ]
    if summary is not None:
        provenance["fitness"] = as_json(summary)["fitness"]
        for task, part_summary in zip(provenance.get("tasks", ()), summary.parts, strict=False):
            task["fitness"] = as_json(part_summary)["fitness"]
    return provenance

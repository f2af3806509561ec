"""Requests for comparisons that come from elsewhere: the studies that one starts."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from tuner.api.requests import sequence
from tuner.core.errors import InvalidRequest
from tuner.studies.comparison_planner import CompareRequest, plan_comparison
from tuner.studies.planner import Plan
from tuner.studies.sweeps import SWEEPS
from tuner.studies.tuned_points import Config, read_config
from tuner.training import own_optimizers

__all__ = ["KIND", "SWEEPS", "planned_comparison"]

KIND = "comparison"
"""Value of the field "kind" of such a request; requests for searches have no such field."""

_FIELDS = (
    "search", "defaults", "halve_learning_rate", "sweep", "objective", "seeds", "steps", "seconds", "validate_every",
    "test_examples", "precision",
)  # fmt: skip


def planned_comparison(
    name: str | None, fields: Mapping[str, Any], optimizers: Collection[str], cpus_per_candidate: int, database: str
) -> Plan:
    """Return the studies of a request.

    Args:
        name: Name of the run. None: it is not named.
        fields: The request: arguments of `tuner.compare`; "task" is a list of one name.
        optimizers: Names of optimizers that may be compared. Those that a search has tuned may have been others.
        cpus_per_candidate: Cores of a worker.
        database: URL of the database with the search, which is only read.

    Raises:
        InvalidRequest: A value is not accepted.
        ValueError: The task, an optimizer or a data set cannot be used.
    """
    texts = fields.get("configs") or ()
    if fields.get("search") is None and not fields.get("defaults") and not texts:
        raise InvalidRequest("search", "is missing: name the run whose tuned values are compared, or give {defaults}")
    seconds, timeout = fields.get("seconds"), fields.get("timeout")
    if seconds is not None and timeout is not None and timeout <= seconds:
        raise InvalidRequest(
            "timeout", f"is longer than {{seconds}}. Received: {timeout:g} s and {seconds:g} s of training"
        )
    (task,) = fields["task"]
    plugins = own_optimizers.plugins()
    with tempfile.TemporaryDirectory(prefix="lodo-configs-") as folder:
        try:
            request = CompareRequest(
                task=task,
                optimizers=sequence(fields.get("optimizers")),
                name=name,
                cpus_per_candidate=cpus_per_candidate,
                options=fields.get("options") or {},
                configs=_files(texts, Path(folder), fields, optimizers, plugins),
                **{field: fields[field] for field in _FIELDS if field in fields},
            )
            plan = plan_comparison(request, database)
        except InvalidRequest as error:
            raise error.without(f"{folder}/") from None
    for spec in plan.specs:
        optimizer, place = spec.workload.optimizer, spec.workload.optimizer_place
        if optimizer not in optimizers or (place is not None and plugins.get(optimizer) != place):
            raise InvalidRequest("optimizers", f": {optimizer} is not an optimizer of the catalogue; name others")
    return plan


def _files(
    texts: Sequence[str],
    folder: Path,
    fields: Mapping[str, Any],
    optimizers: Collection[str],
    plugins: Mapping[str, str],
) -> tuple[Path, ...]:
    """Write configurations to files, which the plan reads, and return these.

    Raises:
        InvalidRequest: One is none, or is of an optimizer that may not be compared, whose code the plan would import;
            or an optimizer has neither a configuration nor a search.
    """
    files = []
    configs: list[Config] = []
    for number, text in enumerate(texts):
        files.append(folder / f"config-{number + 1}.yaml")
        files[-1].write_text(text, encoding="utf-8")
        config = read_config(files[-1])
        if config.optimizer not in optimizers or config.place not in (None, plugins.get(config.optimizer)):
            raise InvalidRequest(
                "configs", f"{files[-1].name}: {config.optimizer:.80} is not an optimizer of the catalogue"
            )
        configs.append(config)
    if texts and fields.get("search") is None and not fields.get("defaults"):
        given = {config.optimizer for config in configs}
        if missing := [name for name in fields.get("optimizers") or () if name not in given]:
            raise InvalidRequest(
                "search", f"is missing: there is no configuration of {', '.join(missing)}; name a run that has tuned it"
            )
    return tuple(files)

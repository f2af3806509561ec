"""Conversion of specifications to columns of a study's row, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from tuner.core.objective import Objective
from tuner.core.study import SEED_MARK, ComparisonSpec, Point, SearchSpec, StudySpec, TaskPart
from tuner.core.trial import Measurement, Role, Workload
from tuner.storage.checked_rows import CheckedRow
from tuner.storage.validation import check_run_name, check_study_label, check_text, numbers_of, plain_values

BEST_KNOWN = "best_known"
"""Key among the stored parameters of a strategy: the best known value of the objective, per task."""

EXACT = "is_exact"
"""Key among the stored parameters of a strategy: whether no training of the search depends on its seed."""


def to_columns(spec: StudySpec) -> dict[str, Any]:
    """Return the values of the columns that hold a specification.

    Raises:
        BadName: A name or text cannot be stored, or breaks the rule for names.
        ValueError: The specification is inconsistent, or a number is out of range or not finite.
    """
    workload = spec.workload
    check_run_name(spec.run)
    check_study_label(spec.label)
    if not 0 <= spec.seed < 2**63:
        raise ValueError(f"a study's seed must be at least 0 and below 2**63. Received: {spec.seed}")
    if workload.settings:
        raise ValueError(
            f"settings of an optimizer's constructor cannot be stored with a study. Received: {dict(workload.settings)}"
        )
    if workload.optimizer_place != spec.space.get("place"):
        raise ValueError(
            "the place of an optimizer's class is stored with its search space. Received: "
            f"{workload.optimizer_place} and {spec.space.get('place')}"
        )
    return {
        "run": spec.run,
        "optimizer": spec.label,
        "task": check_text("a task's name", workload.task),
        "kind": str(spec.kind),
        "objective": workload.objective.to_dict(),
        "seed": int(spec.seed),
        "generations": int(spec.batches),
        "population": int(spec.batch_size),
        **(_search_columns(spec) if isinstance(spec, SearchSpec) else _comparison_columns(spec)),
        "cohort_size": int(workload.cohort_size),
        "threads": int(workload.threads),
        "precision": None if workload.precision is None else check_text("a precision", workload.precision, 16),
        "options": _mapping("options", workload.options),
        "data": None if workload.data is None else _mapping("data", workload.data),
        "code": None if workload.code is None else _mapping("code", workload.code),
        "space": _mapping("space", spec.space),
        "versions": _mapping("versions", spec.versions),
        "hardware": _mapping("hardware", spec.hardware),
    }


def from_row(row: CheckedRow) -> StudySpec:
    """Return the specification that a row holds.

    Raises:
        Damaged: A column holds an invalid value.
    """
    generations = row.integer("generations")
    optimizer, mark, seed = row.text("optimizer").partition(SEED_MARK)
    if mark and seed != str(row.integer("seed")):
        row.refuse("optimizer", "of another seed than the study's")
    space = row.space("space")
    shared: dict[str, Any] = {
        "run": row.text("run"),
        "workload": Workload(
            task=row.text("task"),
            optimizer=optimizer,
            cohort_size=row.integer("cohort_size", 1),
            threads=row.integer("threads", 1),
            precision=row.optional("precision", row.text),
            options=row.mapping("options"),
            data=row.optional("data", row.mapping),
            code=row.optional("code", row.mapping),
            objective=row.decoded("objective", Objective.from_dict),
            optimizer_place=space.get("place"),
        ),
        "seed": row.integer("seed"),
        "space": space,
        "versions": row.mapping("versions"),
        "hardware": row.mapping("hardware"),
    }
    if row.one_of("kind", (Role.SEARCH, Role.COMPARISON)) == Role.SEARCH:
        parameters = row.parameters("parameters", generations)
        return SearchSpec(
            **shared,
            further=tuple(
                _part(each, shared["workload"], generations) for each in row.optional("further_tasks", row.rows) or ()
            ),
            strategy=row.text("strategy"),
            parameters={name: value for name, value in parameters.items() if name not in (BEST_KNOWN, EXACT)},
            best_known=_best_known(row, parameters),
            generations=generations,
            population=row.integer("population"),
            steps=row.integers("steps", generations),
            fresh_seeds=row.integer("fresh_seeds"),
            is_repeated=bool(mark),
            is_exact=parameters.get(EXACT) is True,
        )
    return ComparisonSpec(
        **shared,
        seeds=row.integer("population"),
        steps=row.repeated_integer("steps", generations),
        **row.decoded("comparison", lambda stored: _comparison_fields(stored, generations)),
    )


def _search_columns(spec: SearchSpec) -> dict[str, Any]:
    if len(spec.steps) != spec.generations:
        raise ValueError(
            f"a search has one number of steps per generation. Received: {spec.generations} generations, "
            f"{len(spec.steps)} steps"
        )
    return {
        "strategy": check_text("a strategy's name", spec.strategy, 64),
        "parameters": _mapping("parameters", {**spec.parameters, **_promises(spec)}),
        "fresh_seeds": int(spec.fresh_seeds),
        "steps": [int(steps) for steps in spec.steps],
        "further_tasks": [_part_columns(spec, part) for part in spec.further] or None,
    }


def _promises(spec: SearchSpec) -> dict[str, Any]:
    """Return what the tasks and the optimizer of a search say of it, which is stored with the strategy's parameters."""
    known = {BEST_KNOWN: list(spec.best_known)} if spec.best_known else {}
    return {**known, **({EXACT: True} if spec.is_exact else {})}


def _best_known(row: CheckedRow, parameters: Mapping[str, Any]) -> tuple[float | None, ...]:
    values = parameters.get(BEST_KNOWN, [])
    tasks = 1 + len(row.optional("further_tasks", row.rows) or ())
    is_number = isinstance(values, list) and all(
        value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values
    )
    if not is_number or len(values) not in (0, tasks):
        row.refuse("parameters", "not a mapping with a best known value per task")
    return tuple(values)


def _part_columns(spec: SearchSpec, part: TaskPart) -> dict[str, Any]:
    """Return what one of the further tasks of a search has of its own, under the names of columns."""
    workload = part.workload
    if len(part.steps) != spec.generations:
        raise ValueError(f"each task of a search has one number of steps per generation. Received: {part.steps}")
    own = {name: getattr(workload, name) for name in ("task", "cohort_size", "options", "data", "code", "objective")}
    if replace(spec.workload, **own) != workload:
        raise ValueError(f"the tasks of a search share optimizer, threads and precision. Received: {workload}")
    return {
        "task": check_text("a task's name", workload.task),
        "objective": workload.objective.to_dict(),
        "steps": [int(steps) for steps in part.steps],
        "cohort_size": int(workload.cohort_size),
        "options": _mapping("options", workload.options),
        "data": None if workload.data is None else _mapping("data", workload.data),
        "code": None if workload.code is None else _mapping("code", workload.code),
    }


def _part(stored: CheckedRow, first: Workload, generations: int) -> TaskPart:
    """Return what `_part_columns` was called with.

    Args:
        stored: What it returned.
        first: The workload on the first task.
        generations: Number of generations.
    """
    workload = replace(
        first,
        task=stored.text("task"),
        cohort_size=stored.integer("cohort_size", 1),
        options=stored.mapping("options"),
        data=stored.optional("data", stored.mapping),
        code=stored.optional("code", stored.mapping),
        objective=stored.decoded("objective", Objective.from_dict),
    )
    return TaskPart(workload, stored.integers("steps", generations))


def _comparison_columns(spec: ComparisonSpec) -> dict[str, Any]:
    if not spec.points:
        raise ValueError("a comparison has at least one point. Received: none")
    for point in spec.points:
        values = [*numbers_of(point.hyperparameters), *([] if point.value is None else [point.value])]
        if not all(map(math.isfinite, values)):
            raise ValueError(f"a point of a comparison must be finite. Received: {dict(point.hyperparameters)}")
    measurement = spec.measurement
    for number in (measurement.validate_every, measurement.seconds, measurement.test_examples):
        if number is not None and not 0 < number < math.inf:
            raise ValueError(f"the numbers of a comparison's measurement must be positive. Received: {measurement}")
    points = [
        {
            "hyperparameters": plain_values(point.hyperparameters),
            "settings": {str(name): int(value) for name, value in point.settings.items()},
            "optimizer": point.optimizer,
            "value": point.value,
        }
        for point in spec.points
    ]
    comparison = {
        "points": points,
        "measurement": asdict(measurement),
        "source": check_text("the source of a comparison's hyperparameters", spec.source, 1000),
        "sweep": spec.sweep,
        **({} if spec.best_known is None else {BEST_KNOWN: float(spec.best_known)}),
    }
    return {"comparison": comparison, "steps": [int(spec.steps)] * len(points)}


def _comparison_fields(stored: Mapping[str, Any], points: int) -> dict[str, Any]:
    """Return the fields of a ComparisonSpec that the column `comparison` holds.

    Raises:
        ValueError: The number of points differs from that in the study's row.
    """
    if len(stored["points"]) != points:
        raise ValueError(f"there are {len(stored['points'])} points instead of {points}")
    return {
        "points": tuple(Point(**point) for point in stored["points"]),
        "measurement": Measurement(**stored["measurement"]),
        "source": stored["source"],
        "sweep": stored["sweep"],
        "best_known": None if stored.get(BEST_KNOWN) is None else float(stored[BEST_KNOWN]),
    }


def _mapping(what: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping as it is read back from JSON: tuples become lists.

    Raises:
        ValueError: JSON cannot represent a value or a key.
    """
    try:
        stored: dict[str, Any] = json.loads(json.dumps(dict(value), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"a study's {what} must be plain JSON with finite numbers: {error}. Received: {dict(value)}"
        ) from error
    if list(stored) != list(value):
        raise ValueError(f"the keys of a study's {what} must be texts. Received: {list(value)}")
    return stored

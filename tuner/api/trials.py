"""Candidates of studies, one row each: as a DataFrame, CSV, JSON or Parquet."""

from __future__ import annotations

import importlib.util
import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tuner.core.errors import InvalidRequest
from tuner.core.study import CandidateRecord, StudyRecord
from tuner.core.trial import Workload
from tuner.results.tables.formats import check_format, strict_csv, strict_json

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("csv", "json", "parquet")

_BEFORE = ("study", "task", "generation", "slot", "role", "status", "fitness")
_AFTER = ("seed", "budget", "steps_done", "seconds")

Rows = Sequence[tuple[StudyRecord, CandidateRecord]]


def trials_frame(rows: Rows) -> pd.DataFrame:
    """Return a DataFrame with a row per candidate.

    Args:
        rows: Each candidate with its study, in order.
    """
    import pandas as pd

    columns, records = _table(rows)
    return pd.DataFrame(records, columns=columns)


def trials_file(rows: Rows, format: str) -> bytes:
    """Return the candidates as a file: CSV and Parquet with the columns of `trials_frame`, JSON with an object each.

    CSV and JSON have full precision, and an empty cell or null in place of a number that does not exist: the fitness of
    a candidate that diverged, and in CSV a hyperparameter that its optimizer does not have. Parquet keeps infinities.

    Args:
        rows: Each candidate with its study, in order.
        format: One of `FORMATS`. Parquet needs pyarrow.

    Raises:
        InvalidRequest: Parquet is asked for, and pyarrow is not installed.
        ValueError: There is no such format.
    """
    check_format(format, FORMATS)
    if format == "json":
        text = strict_json(
            [
                {**_before(*row), "hyperparameters": row[1].hyperparameters, **_after(row[1]), **_further(*row)}
                for row in rows
            ]
        )
    elif format == "csv":
        columns, records = _table(rows)
        text = strict_csv(columns, ([record.get(column) for column in columns] for record in records))
    else:
        if importlib.util.find_spec("pyarrow") is None:
            raise InvalidRequest("format", "parquet needs pyarrow, which is not installed: pip install pyarrow")
        out = io.BytesIO()
        trials_frame(rows).to_parquet(out, engine="pyarrow", index=False)
        return out.getvalue()
    return f"{text}\n".encode()


def _table(rows: Rows) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the names of the columns, and each row by column; a row lacks hyperparameters of other optimizers."""
    if not rows:
        return [*_BEFORE, *_AFTER], []
    several = any(len(study.spec.workloads) > 1 for study, _ in rows)
    names = dict.fromkeys(_column(name) for _, candidate in rows for name in candidate.hyperparameters)
    objectives = max(len(study.spec.workload.objective.each) for study, _ in rows)
    further = [f"fitness_{number}" for number in range(2, objectives + 1)]
    columns = [*(name for name in _BEFORE if several or name != "task"), *names, *_AFTER, *further]
    records = [
        {
            **_before(study, candidate),
            **{_column(name): value for name, value in candidate.hyperparameters.items()},
            **_after(candidate),
            **_further(study, candidate),
        }
        for study, candidate in rows
    ]
    return columns, records


def _column(hyperparameter: str) -> str:
    """Return the name of the column of a hyperparameter: its own, unless another column has this name."""
    return f"hyperparameters.{hyperparameter}" if hyperparameter in (*_BEFORE, *_AFTER) else hyperparameter


def _before(study: StudyRecord, candidate: CandidateRecord) -> dict[str, Any]:
    values = (
        study.spec.name,
        _workload(study, candidate).task_label,
        candidate.key.generation // len(study.spec.workloads),
        candidate.key.slot,
        candidate.key.role.value,
        candidate.status.value,
        _value(study, candidate),
    )
    return dict(zip(_BEFORE, values, strict=True))


def _after(candidate: CandidateRecord) -> dict[str, Any]:
    values = (candidate.seed, candidate.steps, candidate.steps_done, candidate.seconds)
    return dict(zip(_AFTER, values, strict=True))


def _further(study: StudyRecord, candidate: CandidateRecord) -> dict[str, float]:
    """Return the values of the objectives after the first, by column."""
    objectives = _workload(study, candidate).objective.further
    fitnesses = candidate.further or (math.inf,) * len(objectives)
    values = [one.value(fitness) for one, fitness in zip(objectives, fitnesses, strict=True)]
    return {f"fitness_{number}": value for number, value in enumerate(values, 2)}


def _workload(study: StudyRecord, candidate: CandidateRecord) -> Workload:
    return study.spec.workload_of(candidate.key.generation)


def _value(study: StudyRecord, candidate: CandidateRecord) -> float:
    """Return the objective's value; NaN until the candidate is final, and an infinity without one."""
    objective = _workload(study, candidate).objective
    if candidate.fitness is None:
        return math.nan
    missed = objective.missed(candidate.fitness, candidate.steps)
    return math.inf if missed else objective.value(candidate.fitness)

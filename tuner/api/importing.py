"""Import of runs that were trained elsewhere, as a comparison from a CSV file.

The comparison is marked as imported by the hardware of its studies, by a note on each, and by the names of its
contenders, so that every table, figure, report and page says so.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.core import objective_text
from tuner.core.errors import InvalidRequest, check_at_least_one
from tuner.core.objective import TRAINING_LOSS, Objective
from tuner.core.study import IMPORTED_FROM, ComparisonSpec, Point, StudyStatus
from tuner.core.trial import (
    ENDS_OF_RUNS,
    Candidate,
    Evaluation,
    Key,
    Measurement,
    Observation,
    Role,
    Status,
    Trial,
    Workload,
)
from tuner.storage import Store, StudyExists, this_process
from tuner.storage.validation import check_optimizer_name, check_run_name

MAX_BYTES = 64 * 2**20  # of a file
_SPLITS = ("validation.", "test.")  # of columns with metrics
_KNOWN = (
    "optimizer",
    "study",
    "task",
    "seed",
    "role",
    "generation",
    "slot",
    "status",
    "fitness",
    "budget",
    "steps_done",
)
_OWN = (*_KNOWN, "seconds")
_FINAL = {status.value: status for status in ENDS_OF_RUNS}
_ACCEPTED = (
    "is a CSV with the columns optimizer, seed, fitness and one or more hyperparameters; and, as they apply, status, "
    "budget, steps_done, seconds, validation.METRIC and test.METRIC"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One run, as a line of the file gives it."""

    line: int
    optimizer: str
    seed: int
    status: Status
    value: float  # of the objective; NaN unless the run finished
    budget: int
    steps_done: int
    seconds: float
    hyperparameters: Mapping[str, float]
    metrics: Mapping[str, float]  # by column


@dataclass(frozen=True, slots=True)
class ImportedRuns:
    """A comparison that was read from a file."""

    run: str
    task: str
    objective: Objective
    source: str  # the file, and the start of its hash
    rows: Mapping[str, Sequence[Row]]  # by optimizer, each in the order of the seeds


def read_runs(
    file: Path, *, task: str, name: str | None = None, steps: int | None = None, objective: str | None = None
) -> ImportedRuns:
    """Return the runs of a CSV file; see `tuner.api.Database.import_runs`.

    Raises:
        InvalidRequest: The file cannot be read, or a line of it is not accepted.
        BadName: The name of the run or of an optimizer breaks the rule for names.
    """
    run = file.stem if name is None else name
    check_run_name(run)
    if not task.strip():
        raise InvalidRequest("task", "is the name of a task", task)
    check_at_least_one("steps", steps)
    data = _read(file)
    return ImportedRuns(
        run=run,
        task=task.strip(),
        objective=TRAINING_LOSS if objective is None else objective_text.parse(objective),
        source=f"{file.name} (sha256 {hashlib.sha256(data).hexdigest()[:12]}…)",
        rows=_by_optimizer(_rows(file, data, steps), file),
    )


def write_runs(target: Store, runs: ImportedRuns) -> list[str]:
    """Write a comparison that was read from a file, and return the names of its studies.

    Raises:
        StudyExists: The database has a run of this name.
    """
    if runs.run in target.runs():
        raise StudyExists(f"the run {runs.run} exists already; give this one another name")
    with Store.open("sqlite://") as memory:  # so that a study is in the target as a whole or not at all
        for study in [_store(memory, runs, optimizer) for optimizer in runs.rows]:
            memory.copy_to(target, study)
    return [f"{runs.run}/{optimizer}" for optimizer in runs.rows]


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidRequest("file", f"{file}: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise InvalidRequest("file", f"{file}: has at most {MAX_BYTES // 2**20} MiB")
    return data


def _rows(file: Path, data: bytes, steps: int | None) -> list[Row]:
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        lines = [(reader.line_num, line) for line in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidRequest("file", f"{file}: {_ACCEPTED}: {error}") from None
    columns = [column.strip() for column in reader.fieldnames or ()]
    doubled = [column for column in columns if columns.count(column) > 1 or not column]
    missing = [column for column in ("seed", "fitness") if column not in columns]
    missing += [] if {"optimizer", "study"} & set(columns) else ["optimizer"]
    missing += [] if steps is not None or "budget" in columns else ["budget (or give {steps})"]
    if missing or doubled or not lines:
        fault = f"it lacks {', '.join(missing)}" if missing else "a column has no name of its own" if doubled else ""
        raise InvalidRequest("file", f"{file}: {_ACCEPTED}; {fault or 'it has no line of data'}", columns)
    rows = []
    for number, line in lines:
        cells = {str(column).strip(): (cell or "").strip() for column, cell in line.items() if isinstance(cell, str)}
        if None in line or any(cell is None for cell in line.values()):
            raise InvalidRequest("file", f"{file}, line {number}: has {len(columns)} cells")
        rows.append(_row(_Cells(file, number, cells), steps))
    return rows


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells of a line by column, read with errors that name the line."""

    file: Path
    line: int
    cells: Mapping[str, str]

    def number(self, column: str, minimum: float = -math.inf) -> float:
        """Return a finite number that is not below a minimum."""
        try:
            value = float(self.cells[column])
        except ValueError:
            value = math.nan
        accepted = "is a finite number" if minimum == -math.inf else f"is a number from {minimum:g}"
        return value if math.isfinite(value) and value >= minimum else self.refuse(column, accepted)

    def count(self, column: str, default: int, minimum: int) -> int:
        """Return a whole number, or a default where the cell is empty or missing."""
        text = self.cells.get(column, "")
        if not text:
            return default
        try:
            value = int(text)
        except ValueError:
            value = minimum - 1
        return value if minimum <= value < 2**63 else int(self.refuse(column, f"is a whole number from {minimum}"))

    def refuse(self, column: str, accepted: str) -> float:
        """Raise the error of a cell."""
        where = f"{self.file}, line {self.line}, {column}: {accepted}"
        raise InvalidRequest("file", where, self.cells.get(column, ""))


def _row(cells: _Cells, steps: int | None) -> Row:
    given = cells.cells
    optimizer = given.get("optimizer") or given.get("study", "").rpartition("/")[2]
    check_optimizer_name(optimizer)
    if given.get("role", "comparison") != "comparison":
        cells.refuse("role", "is 'comparison': only comparisons are imported, not searches")
    if given.get("generation", "0") not in ("", "0"):
        cells.refuse("generation", "is 0: a sweep cannot be imported")
    status = given.get("status") or "finished"
    if status not in _FINAL:
        cells.refuse("status", f"is one of {', '.join(_FINAL)}")
    is_finished = _FINAL[status] is Status.FINISHED
    budget = cells.count("budget", steps or 0, 1)
    if budget < 1:
        cells.refuse("budget", "is a whole number from 1 (or give {steps})")
    if not given.get("seed"):
        cells.refuse("seed", "is a whole number from 0")
    metrics = [column for column in given if column.startswith(_SPLITS) and given[column]]
    values = [column for column in given if column not in _OWN and not column.startswith(_SPLITS) and given[column]]
    return Row(
        line=cells.line,
        optimizer=optimizer,
        seed=cells.count("seed", 0, 0),
        status=_FINAL[status],
        value=cells.number("fitness") if is_finished else math.nan,
        budget=budget,
        steps_done=cells.count("steps_done", budget if is_finished else 0, 0),
        seconds=cells.number("seconds", minimum=0.0) if given.get("seconds") else 0.0,
        hyperparameters={column: cells.number(column, minimum=0.0) for column in values},
        metrics={column: cells.number(column) for column in metrics},
    )


def _by_optimizer(rows: Sequence[Row], file: Path) -> dict[str, list[Row]]:
    """Return the rows of each optimizer in the order of their seeds, which are the same for all."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row.optimizer, []).append(row)
    first = sorted(row.seed for row in next(iter(grouped.values())))
    for optimizer, own in grouped.items():
        own.sort(key=lambda row: row.seed)
        for before, row in itertools.pairwise(own):
            if before.seed == row.seed:
                raise InvalidRequest("file", f"{file}, line {row.line}: {optimizer} has seed {row.seed} twice")
        if [row.seed for row in own] != first:
            raise InvalidRequest(
                "file", f"{file}: {optimizer} has other seeds than {rows[0].optimizer}; all have the same"
            )
        for row in own:
            if row.hyperparameters != own[0].hyperparameters or not row.hyperparameters:
                raise InvalidRequest(
                    "file",
                    f"{file}, line {row.line}: {optimizer} has one set of hyperparameters, the same on all lines",
                )
            if row.budget != rows[0].budget:
                raise InvalidRequest("file", f"{file}, line {row.line}: all runs have one budget", row.budget)
    return grouped


def _store(memory: Store, runs: ImportedRuns, optimizer: str) -> int:
    """Write a complete study of an optimizer's runs, and return its id."""
    rows, source = runs.rows[optimizer], f"{IMPORTED_FROM} {runs.source}"
    values, budget = rows[0].hyperparameters, rows[0].budget
    space = {name: {"scale": _scale(value), "default": value} for name, value in values.items()}
    spec = ComparisonSpec(
        run=runs.run,
        workload=Workload(task=runs.task, optimizer=optimizer, cohort_size=1, objective=runs.objective),
        seed=0,
        space={"optimizer": optimizer, "hyperparameters": space},
        hardware={IMPORTED_FROM: runs.source},
        points=(Point(values),),
        seeds=len(rows),
        steps=budget,
        measurement=Measurement(),
        source=source,
    )
    study = memory.create_study(spec).id
    epoch = memory.acquire(study, owner=this_process())
    trials = [Trial(Key(Role.COMPARISON, 0, slot), values, row.seed, budget) for slot, row in enumerate(rows)]
    memory.add(study, epoch, [Candidate((), trial) for trial in trials])
    evaluations = [_evaluation(trial.key, row, runs.objective) for trial, row in zip(trials, rows, strict=True)]
    memory.record(study, epoch, evaluations)
    memory.add_note(study, epoch, f"{source}: measured elsewhere, and not by lodo-tune")
    memory.release(study, epoch, StudyStatus.COMPLETE)
    return study


def _scale(value: float) -> str:
    """Return a scale on which a value exists; near 1 the one whose digits are those of its distance from 1."""
    return "decay" if value == 0 or 0.9 < value < 1 else "log"


def _evaluation(key: Key, row: Row, objective: Objective) -> Evaluation:
    splits: dict[str, dict[str, float]] = {}
    for column, value in row.metrics.items():
        split, _, metric = column.partition(".")
        splits.setdefault(split, {})[metric] = value
    return Evaluation(
        key,
        row.status,
        objective.fitness(row.value) if row.status is Status.FINISHED else math.inf,
        [],
        row.steps_done,
        row.seconds,
        reason="" if row.status is Status.FINISHED else f"{row.status} according to the imported file",
        observations=tuple(
            Observation(split, row.steps_done, math.nan, math.nan, metrics) for split, metrics in splits.items()
        ),
    )

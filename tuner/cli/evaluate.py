"""`lodo-tune evaluate DIR`: what a trained network is worth on its task's test or validation set.

What was measured is kept beside the weights, example by example, so that an evaluation that was cut off goes on, and
one of more examples begins where that of fewer ended.
"""

from __future__ import annotations

import io
import json
import math
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import click
import numpy as np
from numpy.typing import NDArray

from tuner.cli.observed import RUN_FILE
from tuner.core.errors import UsageError, check_at_least_one
from tuner.core.files import write
from tuner.core.trial import Key, Role, Trial, Workload
from tuner.results.tables.numbers import mean_and_spread
from tuner.results.tables.text_table import TextTable
from tuner.studies.planner import data_fingerprint, described, task_entry
from tuner.training.tensorflow import load_tensorflow

SAVE_SECONDS = 20.0  # how much work an evaluation that is killed may lose
LONG = 60.0  # seconds between two lines where no terminal shows one; less than this needs none


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateRequest:
    """What the command line asked for."""

    folder: Path  # of `lodo-tune train --output`
    split: Literal["validation", "test"]
    examples: int | None = None  # None: all
    seed: int = 0  # of the order in which examples are taken
    threads: int | None = None  # None: as many as it was trained with


class Interrupted(KeyboardInterrupt):
    """The command was asked to stop; what was measured is kept."""

    exit_code = 130

    def __init__(self, kept: str) -> None:
        super().__init__(f"interrupted; {kept}")


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found of one run: examples [E, metrics], and how many there are to take from."""

    seed: int
    metrics: tuple[str, ...]
    values: NDArray[np.float64]
    available: int


def evaluate(request: EvaluateRequest, *, as_json: bool) -> None:
    """Measure every run of the folder and print a table.

    Raises:
        UsageError, ValueError: The folder holds nothing to evaluate, or the task has no such set.
        NotWritten: What was measured cannot be kept.
    """
    check_at_least_one("examples", request.examples)
    check_at_least_one("cpus_per_candidate", request.threads)
    if request.seed < 0:
        raise UsageError(f"--seed is a whole number, at least 0. Received: {request.seed}")
    document = _document(request.folder)
    workload = Workload(**document["workload"])
    workload = replace(workload, threads=request.threads or workload.threads, cohort_size=1)
    runs = [run for run in document["runs"] if run["weights"]]
    if not runs:
        raise UsageError(
            f"{request.folder / RUN_FILE} holds no run with weights: none finished, or none is a network's"
        )
    _check_data(workload)
    load_tensorflow()
    found = [_measure(request, workload, document, run) for run in runs]
    click.echo(_json(request, document, found) if as_json else _text(request, document, found))


def _check_data(workload: Workload) -> None:
    """Refuse to measure on other data than was trained on."""
    found, note = data_fingerprint(task_entry(workload.task))
    trained = None if workload.data is None else dict(workload.data)
    if found != trained:
        raise UsageError(
            f"it was trained on other data: {described(trained)}; here is {described(found)}: give --data-dir"
        )
    if note:
        click.echo(note, err=True)


def _document(folder: Path) -> dict[str, Any]:
    path = folder / RUN_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        _ = document["workload"], document["runs"], document["hyperparameters"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{folder} is to be a folder that 'lodo-tune train --output' has written; its {RUN_FILE}: "
            f"{type(error).__name__}: {error}"
        ) from None
    return dict(document)


def _measure(
    request: EvaluateRequest, workload: Workload, document: Mapping[str, Any], run: Mapping[str, Any]
) -> Measured:
    """Measure one run, on from where an earlier evaluation of the same weights ended."""
    from tuner.training.cohort import Cohort
    from tuner.training.evaluator import Evaluator
    from tuner.training.weights import load

    names = set(document["hyperparameters"]) - set(workload.settings)
    hyperparameters = {name: document["hyperparameters"][name] for name in names}
    trial = Trial(Key(Role.SEARCH, 0, 0), hyperparameters, run["seed"], document["steps"])
    cohort = Cohort(workload, [trial])
    x, state, sha256 = load(request.folder / run["weights"], *cohort.begin()[:2])
    evaluator = Evaluator(cohort.loop.task, request.split)
    chosen = evaluator.order(request.seed)[: request.examples]
    kept = request.folder / f"{Path(run['weights']).stem}-{request.split}.npz"
    identity = json.dumps([sha256, request.seed, evaluator.metrics, evaluator.examples])
    parts = [_kept(kept, identity, len(evaluator.metrics))[: len(chosen)]]
    say = _progress(f"seed {run['seed']}", len(chosen))
    done, saved = len(parts[0]), time.monotonic()
    try:
        for batch in evaluator.batches(x, state, chosen[done:]):
            parts.append(batch[..., 0])
            done += len(batch)
            say(done)
            if time.monotonic() - saved > SAVE_SECONDS:
                _keep(kept, identity, parts)
                saved = time.monotonic()
    except KeyboardInterrupt:
        raise Interrupted(f"{done:,} of {len(chosen):,} examples are kept; the same command goes on") from None
    finally:
        if sys.stderr.isatty():
            click.echo("\r\x1b[K", nl=False, err=True)
        if len(parts) > 1:
            _keep(kept, identity, parts)
    return Measured(run["seed"], evaluator.metrics, np.concatenate(parts), evaluator.examples)


def _kept(path: Path, identity: str, metrics: int) -> NDArray[np.float64]:
    """Return what is on record of these weights and this order [examples, metrics]; nothing if it is of others."""
    nothing = np.empty([0, metrics])
    try:
        with np.load(path, allow_pickle=False) as file:
            values: NDArray[np.float64] = file["values"]
            same = str(file["identity"]) == identity and values.ndim == 2 and values.shape[1] == metrics
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return nothing
    return values if same else nothing


def _keep(path: Path, identity: str, parts: list[NDArray[np.float64]]) -> None:
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, identity=np.array(identity), values=np.concatenate(parts))
    write(path, content.getvalue(), overwrite=True)


def _progress(label: str, total: int) -> Callable[[int], None]:
    """Return what shows how many examples are done and how long the rest will take.

    On a line of its own at a terminal; elsewhere a line a minute, the first of which says how to take fewer. The first
    call, which compiles, is where the clock starts.
    """
    begun: list[tuple[float, int]] = []
    said: list[float] = []

    def say(done: int) -> None:
        now = time.monotonic()
        if not begun:
            begun.append((now, done))
            return
        started, before = begun[0]
        left = (total - done) * (now - started) / max(1, done - before)
        line = f"{label}: {done:,} of {total:,} examples, {_clock(left)} left"
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[K{line}", nl=False, err=True)
        elif now > said[-1] + LONG if said else left > LONG:
            click.echo(line + ("" if said else "; --examples N takes fewer"), err=True)
            said.append(now)

    return say


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _statistics(values: NDArray[np.float64]) -> tuple[float, float | None]:
    """Return the mean of a metric over examples, and its standard error; None of a single example."""
    error = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None
    return float(values.mean()), error


def _sample(request: EvaluateRequest, found: Measured) -> str:
    taken = len(found.values)
    if taken == found.available:
        return f"all {taken:,} examples"
    return f"a random {taken:,} of {found.available:,} examples, seed {request.seed}"


def _json(request: EvaluateRequest, document: Mapping[str, Any], found: list[Measured]) -> str:
    runs = []
    for one in found:
        run: dict[str, Any] = {"seed": one.seed, "examples": len(one.values), "of": one.available}
        for column, metric in enumerate(one.metrics):
            mean, error = _statistics(one.values[:, column])
            run[metric] = {"mean": _finite(mean), "standard_error": _finite(error)}
        runs.append(run)
    head = {name: document[name] for name in ("task", "optimizer", "hyperparameters", "steps")}
    data = (document["workload"].get("data") or {}).get("name")
    return json.dumps(
        {**head, "data": data, "split": request.split, "order_seed": request.seed, "runs": runs}, allow_nan=False
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _text(request: EvaluateRequest, document: Mapping[str, Any], found: list[Measured]) -> str:
    data = (document["workload"].get("data") or {}).get("name")
    where = f"{request.split} set{f' of {data}' if data else ''}, {_sample(request, found[0])}"
    rows = [[str(one.seed), *(mean_and_spread(*_statistics(column)) for column in one.values.T)] for one in found]
    table = TextTable(["seed", *found[0].metrics], rows, left=(0,)).text()
    return (
        f"{document['optimizer']} on {document['task']}, {document['steps']:,} gradient evaluations: {where}\n"
        f"{table}\n"
        "± is the standard error of the mean over these examples"
    )

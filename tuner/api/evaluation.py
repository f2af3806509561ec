"""`tuner.evaluate`: measure trained networks on their test or validation set.

The measured metrics are saved beside the weights, example by example. An interrupted evaluation continues from them,
and an evaluation of more examples measures only the additional ones.
"""

from __future__ import annotations

import io
import json
import math
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import tasks.registry
from tuner.api.data_folder import using_data
from tuner.api.progress import Progress, progress_of
from tuner.api.train_folder import RUN_FILE
from tuner.core.errors import InvalidRequest, check_at_least_one
from tuner.core.files import write
from tuner.core.numbers import finite_or_none
from tuner.core.trial import Key, Role, Trial, Workload
from tuner.studies.fingerprints import changes, fingerprint_here, with_fingerprint
from tuner.studies.lookup import data_fingerprint, task_entry
from tuner.training.tensorflow import load_tensorflow

SAVE_SECONDS = 20.0  # between two saves: an evaluation that is killed loses at most this much work


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateRequest:
    """An evaluation of trained weights; the attributes are the arguments of `evaluate`."""

    folder: Path
    split: Literal["validation", "test"] = "test"
    examples: int | None = None
    seed: int = 0
    cpus_per_candidate: int | None = None
    data_dir: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class EvaluatedRun:
    """Measured metrics of one run.

    Attributes:
        seed: Seed of the run.
        metrics: Names of the columns of `values`.
        values: Metrics of each measured example [examples, metrics].
        available: Number of examples in the set.
    """

    seed: int
    metrics: tuple[str, ...]
    values: NDArray[np.float64]
    available: int

    def mean(self, metric: str) -> float:
        """Return the mean of a metric over the examples."""
        return float(self._column(metric).mean())

    def standard_error(self, metric: str) -> float | None:
        """Return the standard error of the mean of a metric; None for a single example."""
        values = self._column(metric)
        return float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None

    def _column(self, metric: str) -> NDArray[np.float64]:
        return self.values[:, self.metrics.index(metric)]


@dataclass(frozen=True, slots=True, eq=False)
class EvaluateResult:
    """Measured metrics of the runs in a folder.

    Attributes:
        task: Name of the task.
        optimizer: Name of the optimizer.
        hyperparameters: Hyperparameters of the training.
        steps: Budget of each run in gradient evaluations.
        data: Name of the data set; None if the task has none.
        split: "validation" or "test".
        order_seed: Seed of the order in which examples are drawn.
        runs: Results of each run with weights.
    """

    task: str
    optimizer: str
    hyperparameters: Mapping[str, float]
    steps: int
    data: str | None
    split: str
    order_seed: int
    runs: tuple[EvaluatedRun, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return means and standard errors in a form for JSON; a number that is not finite is None."""
        runs = []
        for run in self.runs:
            entry: dict[str, Any] = {"seed": run.seed, "examples": len(run.values), "of": run.available}
            for metric in run.metrics:
                mean, error = finite_or_none(run.mean(metric)), finite_or_none(run.standard_error(metric))
                entry[metric] = {"mean": mean, "standard_error": error}
            runs.append(entry)
        return {
            "task": self.task,
            "optimizer": self.optimizer,
            "hyperparameters": dict(self.hyperparameters),
            "steps": self.steps,
            "data": self.data,
            "split": self.split,
            "order_seed": self.order_seed,
            "runs": runs,
        }


def evaluate(
    folder: str | Path,
    *,
    split: Literal["validation", "test"] = "test",
    examples: int | None = None,
    seed: int = 0,
    cpus_per_candidate: int | None = None,
    data_dir: str | Path | None = None,
    progress: bool | Callable[[str], None] | Progress | None = False,
) -> EvaluateResult:
    """Measure the networks that `train` has saved to a folder, on the test or validation set of their task.

    The measured metrics are saved in the folder, so that an interrupted evaluation continues where it stopped.

    Args:
        folder: Folder that `train(output=…)` has written.
        split: "test" or "validation".
        examples: Number of examples, drawn at random. Default: all.
        seed: Seed of the draw of examples.
        cpus_per_candidate: Threads of TensorFlow. Default: those of the training.
        data_dir: Folder with the data sets.
        progress: See `tune`.

    Returns:
        Every metric of every example, by run.

    Raises:
        InvalidRequest: The folder contains no run with weights, or an argument is out of range.
        ValueError: The weights or the data cannot be used, or the task has no such set.
        NotWritten: The measured metrics cannot be saved.
        KeyboardInterrupt: The evaluation was interrupted; the metrics measured so far are saved.

    Example:
        >>> result = tuner.evaluate("line", examples=10)
        >>> result.runs[0].values.shape, result.runs[0].metrics
        ((10, 2), ('loss', 'accuracy'))
    """
    request = EvaluateRequest(
        folder=Path(folder),
        split=split,
        examples=examples,
        seed=seed,
        cpus_per_candidate=cpus_per_candidate,
        data_dir=None if data_dir is None else Path(data_dir),
    )
    return run_evaluation(request, progress=progress)


def run_evaluation(
    request: EvaluateRequest, *, progress: bool | Callable[[str], None] | Progress | None = False
) -> EvaluateResult:
    """Run a request for an evaluation; see `evaluate`."""
    check_at_least_one("examples", request.examples)
    check_at_least_one("cpus_per_candidate", request.cpus_per_candidate)
    if request.split not in ("validation", "test"):
        raise InvalidRequest("split", "is 'validation' or 'test'", request.split)
    if request.seed < 0:
        raise InvalidRequest("seed", "is a whole number, at least 0", request.seed)
    document = _document(request.folder)
    workload = Workload(**document["workload"])
    workload = replace(workload, threads=request.cpus_per_candidate or workload.threads, cohort_size=1)
    runs = [run for run in document["runs"] if run["weights"]]
    if not runs:
        raise InvalidRequest(
            "folder",
            f": {request.folder / RUN_FILE} has no run with weights: no run finished, or the task is not a network",
        )
    receiver = progress_of(progress)
    with using_data(request.data_dir):
        load_tensorflow()
        fingerprint = fingerprint_here(workload)
        if changed := changes(workload, fingerprint):
            if not tasks.registry.is_own(workload.task):
                raise InvalidRequest("data_dir", f": it was trained on {changed}")
            receiver.say(f"{workload.task_label} has changed since the training: {changed}")
        if note := data_fingerprint(task_entry(workload.task))[1]:
            receiver.say(note)
        workload = with_fingerprint(workload, fingerprint)
        results = tuple(_evaluated(request, workload, document, run, receiver) for run in runs)
    return EvaluateResult(
        task=document["task"],
        optimizer=document["optimizer"],
        hyperparameters=document["hyperparameters"],
        steps=document["steps"],
        data=(document["workload"].get("data") or {}).get("name"),
        split=request.split,
        order_seed=request.seed,
        runs=results,
    )


def _document(folder: Path) -> dict[str, Any]:
    try:
        document = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
        _ = document["workload"], document["runs"], document["hyperparameters"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidRequest(
            "folder",
            f": {folder} is not a folder of a training; its {RUN_FILE}: {type(error).__name__}: {error}",
        ) from None
    return dict(document)


def _evaluated(
    request: EvaluateRequest,
    workload: Workload,
    document: Mapping[str, Any],
    run: Mapping[str, Any],
    progress: Progress,
) -> EvaluatedRun:
    """Measure one run; continue an earlier evaluation of the same weights."""
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
    file = request.folder / f"{Path(run['weights']).stem}-{request.split}.npz"
    identity = json.dumps([sha256, request.seed, evaluator.metrics, evaluator.examples])
    parts = [_load(file, identity, len(evaluator.metrics))[: len(chosen)]]
    done, saved = len(parts[0]), time.monotonic()
    with progress:
        try:
            for batch in evaluator.batches(x, state, chosen[done:]):
                parts.append(batch[..., 0])
                done += len(batch)
                progress.advance(f"seed {run['seed']}", done, len(chosen))
                if time.monotonic() - saved > SAVE_SECONDS:
                    _save(file, identity, parts)
                    saved = time.monotonic()
        except KeyboardInterrupt as error:
            error.add_note(f"{done:,} of {len(chosen):,} examples are kept")
            raise
        finally:
            if len(parts) > 1:
                _save(file, identity, parts)
    return EvaluatedRun(run["seed"], evaluator.metrics, np.concatenate(parts), evaluator.examples)


def _load(path: Path, identity: str, metrics: int) -> NDArray[np.float64]:
    """Return the saved metrics [examples, metrics]; an empty array if the file is of other weights or another order."""
    empty = np.empty([0, metrics])
    try:
        with np.load(path, allow_pickle=False) as file:
            values: NDArray[np.float64] = file["values"]
            same = str(file["identity"]) == identity and values.ndim == 2 and values.shape[1] == metrics
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return empty
    return values if same else empty


def _save(path: Path, identity: str, parts: list[NDArray[np.float64]]) -> None:
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, identity=np.array(identity), values=np.concatenate(parts))
    write(path, content.getvalue(), overwrite=True)

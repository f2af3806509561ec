"""`tuner.evaluate`: measure a trained network on its test or validation set.

What was measured is kept beside the weights, example by example, so that an evaluation that was interrupted continues,
and one of more examples begins where that of fewer ended.
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
from tuner.core.trial import Key, Role, Trial, Workload
from tuner.studies.fingerprints import changes, fingerprint_here, with_fingerprint
from tuner.studies.lookup import data_fingerprint, task_entry
from tuner.training.tensorflow import load_tensorflow

SAVE_SECONDS = 20.0  # how much work an evaluation that is killed may lose


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
    """What was measured of one run.

    Attributes:
        seed: Of the run.
        metrics: Names of the columns of `values`.
        values: Example by example [examples, metrics].
        available: How many examples the set has.
    """

    seed: int
    metrics: tuple[str, ...]
    values: NDArray[np.float64]
    available: int

    def mean(self, metric: str) -> float:
        """Return the mean of a metric over the examples."""
        return float(self._column(metric).mean())

    def standard_error(self, metric: str) -> float | None:
        """Return the standard error of the mean of a metric; None of a single example."""
        values = self._column(metric)
        return float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None

    def _column(self, metric: str) -> NDArray[np.float64]:
        return self.values[:, self.metrics.index(metric)]


@dataclass(frozen=True, slots=True, eq=False)
class EvaluateResult:
    """What was measured of a folder's runs.

    Attributes:
        task: As it was trained on.
        optimizer: Its name.
        hyperparameters: Those that it was trained with.
        steps: Budget of each run in gradient evaluations.
        data: Name of the data set; None if the task has none.
        split: "validation" or "test".
        order_seed: Decides which examples were drawn.
        runs: One per run with weights.
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
        """Return the means and standard errors as JSON takes them; a number that is not finite is None."""
        runs = []
        for run in self.runs:
            found: dict[str, Any] = {"seed": run.seed, "examples": len(run.values), "of": run.available}
            for metric in run.metrics:
                mean, error = _finite(run.mean(metric)), _finite(run.standard_error(metric))
                found[metric] = {"mean": mean, "standard_error": error}
            runs.append(found)
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
    """Measure what `train` has written to a folder on its task's test or validation set.

    What was measured is kept in the folder.

    Args:
        folder: That `train(output=…)` has written.
        split: "test" or "validation".
        examples: How many, drawn at random. Default: all.
        seed: Decides which are drawn.
        cpus_per_candidate: Threads of TensorFlow. Default: as it was trained with.
        data_dir: Folder of the data sets.
        progress: As of `tune`.

    Returns:
        Every metric of every example, by run.

    Raises:
        InvalidRequest: The folder holds nothing to evaluate, or an argument is out of range.
        ValueError: The weights or the data cannot be used, or the task has no such set.
        NotWritten: What was measured cannot be kept.
        KeyboardInterrupt: What was measured is kept.

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
    """Measure what is requested; see `evaluate`."""
    check_at_least_one("examples", request.examples)
    check_at_least_one("cpus_per_candidate", request.cpus_per_candidate)
    if request.split not in ("validation", "test"):
        raise InvalidRequest("split", "is validation or test", request.split)
    if request.seed < 0:
        raise InvalidRequest("seed", "is a whole number, at least 0", request.seed)
    document = _document(request.folder)
    workload = Workload(**document["workload"])
    workload = replace(workload, threads=request.cpus_per_candidate or workload.threads, cohort_size=1)
    runs = [run for run in document["runs"] if run["weights"]]
    if not runs:
        raise InvalidRequest(
            "folder",
            f": {request.folder / RUN_FILE} holds no run with weights: none finished, or none is a network's",
        )
    shown = progress_of(progress)
    with using_data(request.data_dir):
        load_tensorflow()
        found = fingerprint_here(workload)
        if changed := changes(workload, found):
            if not tasks.registry.is_own(workload.task):
                raise InvalidRequest("data_dir", f": it was trained on {changed}")
            shown.say(f"{workload.task_label} has changed since the training: {changed}")
        if note := data_fingerprint(task_entry(workload.task))[1]:
            shown.say(note)
        workload = with_fingerprint(workload, found)
        results = tuple(_measured(request, workload, document, run, shown) for run in runs)
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
            f": {folder} is not a folder that training has written; its {RUN_FILE}: {type(error).__name__}: {error}",
        ) from None
    return dict(document)


def _measured(
    request: EvaluateRequest,
    workload: Workload,
    document: Mapping[str, Any],
    run: Mapping[str, Any],
    progress: Progress,
) -> EvaluatedRun:
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
    done, saved = len(parts[0]), time.monotonic()
    with progress:
        try:
            for batch in evaluator.batches(x, state, chosen[done:]):
                parts.append(batch[..., 0])
                done += len(batch)
                progress.advance(f"seed {run['seed']}", done, len(chosen))
                if time.monotonic() - saved > SAVE_SECONDS:
                    _keep(kept, identity, parts)
                    saved = time.monotonic()
        except KeyboardInterrupt as error:
            error.add_note(f"{done:,} of {len(chosen):,} examples are kept")
            raise
        finally:
            if len(parts) > 1:
                _keep(kept, identity, parts)
    return EvaluatedRun(run["seed"], evaluator.metrics, np.concatenate(parts), evaluator.examples)


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


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None

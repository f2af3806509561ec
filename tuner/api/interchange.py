"""Export of studies to TensorBoard, Optuna and MLflow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.core.errors import InvalidRequest
from tuner.core.study import StudyRecord
from tuner.core.trial import Key
from tuner.results.analysis.several_tasks import on_each_task, whole
from tuner.storage import NoDatabase, NotOurs, Store, maintenance

_TITLES = {"optuna": "Optuna", "mlflow": "MLflow"}
_SERVER = re.compile(r"https?://|databricks")  # of MLflow; all else is a database
_PASSWORD = re.compile(r"//[^/@]*@")


def write_tensorboard(store: Store, records: Sequence[StudyRecord], folder: Path) -> Iterator[tuple[str, int]]:
    """Write studies for TensorBoard; yield the name of each, and the number of its runs there.

    A search on several tasks is written once per task, into a folder of the task's name.

    Raises:
        NotWritten: A study cannot be written to the folder; studies that were written before are kept.
    """
    from tuner.results.exports import tensorboard

    for record in records:
        candidates = store.candidates(record.id)
        if len(record.spec.workloads) == 1:
            written = tensorboard.write_study(record, candidates, partial(store.curve, record.id), folder)
        else:
            written = sum(
                tensorboard.write_study(on_task, runs, partial(_curve, store, record, task), folder / _folder(on_task))
                for task, (on_task, runs) in enumerate(on_each_task(record, candidates))
            )
        yield record.spec.name, written


def write_optuna(store: Store, records: Sequence[StudyRecord], url: str) -> Iterator[tuple[str, int]]:
    """Write studies into a storage of Optuna; yield the name of each, and the number of its trials there.

    The value of a trial of a search on several tasks is its score.

    Raises:
        InvalidRequest: The storage is a database of lodo-tune.
        NoOptuna: Optuna is not installed, cannot use the storage, or has a study of this name already.
    """
    from tuner.results.exports.optuna_studies import OptunaStorage

    storage = OptunaStorage(maintenance.with_driver(url), _checked_url(url, "optuna"))
    for record in records:
        yield record.spec.name, storage.write(*whole(record, store.candidates(record.id)))


def write_mlflow(store: Store, records: Sequence[StudyRecord], uri: str) -> Iterator[tuple[str, int]]:
    """Write studies into MLflow; yield the name of each, and the number of its runs that were not there.

    Runs of a search on several tasks have its score, and no curves.

    Raises:
        InvalidRequest: The storage is a database of lodo-tune.
        NoMlflow: MLflow is not installed, its server or storage cannot be used, or has another experiment of this name.
    """
    from tuner.results.exports.mlflow_runs import MlflowStorage

    if _SERVER.match(uri):
        storage = MlflowStorage(uri, _PASSWORD.sub("//", uri))
    else:
        shown = _checked_url(uri, "mlflow")
        storage = MlflowStorage(maintenance.with_driver(uri), shown)
    for record in records:
        candidates = store.candidates(record.id)
        if len(record.spec.workloads) == 1:
            read = partial(store.curve, record.id), partial(store.series, record.id)
            yield record.spec.name, storage.write(record, candidates, *read)
        else:
            yield record.spec.name, storage.write(*whole(record, candidates), lambda key: np.empty(0), lambda key: {})


def _curve(store: Store, record: StudyRecord, task: int, key: Key) -> NDArray[Any]:
    """Return the losses of a candidate on one of several tasks."""
    stored = replace(key, generation=key.generation * len(record.spec.workloads) + task)
    return store.curve(record.id, stored)


def _folder(record: StudyRecord) -> str:
    return record.spec.task_label.replace(":", "-")


def _checked_url(url: str, field: str) -> str:
    """Return a URL without passwords; refuse a database of lodo-tune, which has a table `studies` as Optuna does."""
    shown = maintenance.shown(url)
    try:
        maintenance.version(url)
    except (NoDatabase, NotOurs):
        return shown
    raise InvalidRequest(field, f": {shown} is a database of lodo-tune; name another one for {_TITLES[field]}")

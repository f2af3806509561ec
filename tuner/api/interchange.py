"""Export of studies to TensorBoard and Optuna."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from tuner.core.errors import InvalidRequest
from tuner.core.study import StudyRecord
from tuner.storage import NoDatabase, NotOurs, Store, maintenance


def write_tensorboard(store: Store, records: Sequence[StudyRecord], folder: Path) -> Iterator[tuple[str, int]]:
    """Write studies for TensorBoard; yield the name of each, and the number of its runs there.

    Raises:
        NotWritten: A study cannot be written to the folder; studies that were written before are kept.
    """
    from tuner.results.exports import tensorboard

    for record in records:
        curve = partial(store.curve, record.id)
        yield record.spec.name, tensorboard.write_study(record, store.candidates(record.id), curve, folder)


def write_optuna(store: Store, records: Sequence[StudyRecord], url: str) -> Iterator[tuple[str, int]]:
    """Write studies into a storage of Optuna; yield the name of each, and the number of its trials there.

    Raises:
        InvalidRequest: The storage is a database of lodo-tune.
        NoOptuna: Optuna is not installed, cannot use the storage, or has a study of this name already.
    """
    from tuner.results.exports.optuna_studies import OptunaStorage

    storage = OptunaStorage(maintenance.with_driver(url), _checked_url(url))
    for record in records:
        yield record.spec.name, storage.write(record, store.candidates(record.id))


def _checked_url(url: str) -> str:
    """Return a URL without passwords; refuse a database of lodo-tune, which has a table `studies` as Optuna does."""
    shown = maintenance.shown(url)
    try:
        maintenance.version(url)
    except (NoDatabase, NotOurs):
        return shown
    raise InvalidRequest("optuna", f": {shown} is a database of lodo-tune; name another one for Optuna")

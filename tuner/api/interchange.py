"""Studies written where TensorBoard and Optuna read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from tuner.core.errors import InvalidRequest
from tuner.core.study import StudyRecord
from tuner.storage import NoDatabase, NotOurs, Store, maintenance


def write_tensorboard(store: Store, records: Sequence[StudyRecord], folder: Path) -> Iterator[tuple[str, int]]:
    """Write studies for TensorBoard; yield each study's name, and how many runs it became.

    Raises:
        NotWritten: The folder cannot take one; those before it stay.
    """
    from tuner.results.exports import tensorboard

    for record in records:
        curve = partial(store.curve, record.id)
        yield record.spec.name, tensorboard.write_study(record, store.candidates(record.id), curve, folder)


def write_optuna(store: Store, records: Sequence[StudyRecord], url: str) -> Iterator[tuple[str, int]]:
    """Write studies into a storage of Optuna; yield each study's name, and how many trials it became.

    Raises:
        InvalidRequest: The storage is a database of ours.
        NoOptuna: Optuna is not installed, cannot use its storage, or has a study of the name.
    """
    from tuner.results.exports.optuna_studies import OptunaStorage

    storage = OptunaStorage(maintenance.with_driver(url), _checked(url))
    for record in records:
        yield record.spec.name, storage.write(record, store.candidates(record.id))


def _checked(url: str) -> str:
    """Return how a storage of Optuna may be printed; it is none of ours, since both have a table called `studies`."""
    shown = maintenance.shown(url)
    try:
        maintenance.version(url)
    except (NoDatabase, NotOurs):
        return shown
    raise InvalidRequest("optuna", f": {shown} is a database of lodo-tune; name another one for Optuna")

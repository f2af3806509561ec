"""`lodo-tune database export`: studies written for TensorBoard and Optuna."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from tuner.cli.show import found
from tuner.core.errors import UsageError
from tuner.core.study import StudyRecord
from tuner.results.tables.numbers import counted
from tuner.storage import NoDatabase, NotOurs, Store, maintenance


def export(database: str, names: Sequence[str], *, tensorboard: Path | None, optuna: str | None) -> None:
    """Write the named studies and runs, or all, for TensorBoard, for Optuna or for both.

    Each study is written whole or not at all; studies written before an error remain.

    Raises:
        UsageError: Neither is given, there is no study, or the Optuna storage is a database of lodo-tune.
        StorageError: The database cannot be read, or a name is unknown.
        NotWritten: A study cannot be written into the folder for TensorBoard.
        NoOptuna: Optuna is not installed, cannot use its storage, or has a study of the same name.
    """
    if tensorboard is None and optuna is None:
        raise UsageError("database export takes --tensorboard DIR, --optuna URL, or both. Received: neither")
    with Store.open(database, read_only=True) as store:
        studies = found(store, names)
        if not studies:
            raise UsageError(f"{store.url} holds no study yet")
        if tensorboard is not None:
            for study in studies:
                count = _write_tensorboard(store, study, tensorboard)
                click.echo(f"{study.spec.name}: {counted(count, 'run')} for TensorBoard in {tensorboard}")
        if optuna is not None:
            _write_optuna(store, studies, optuna)


def write_tensorboard(store: Store, studies: Sequence[StudyRecord], folder: Path | None) -> None:
    """Write studies for TensorBoard; without a folder, nothing.

    Raises:
        NotWritten: A study cannot be written into the folder.
    """
    if folder is not None:
        for study in studies:
            _write_tensorboard(store, study, folder)


def _write_tensorboard(store: Store, study: StudyRecord, folder: Path) -> int:
    from tuner.results.exports import tensorboard

    return tensorboard.write_study(study, store.candidates(study.id), partial(store.curve, study.id), folder)


def _write_optuna(store: Store, studies: Sequence[StudyRecord], url: str) -> None:
    from tuner.results.exports.optuna_studies import OptunaStorage

    shown = _shown(url)
    storage = OptunaStorage(_with_driver(url), shown)
    for study in studies:
        count = storage.write(study, store.candidates(study.id))
        click.echo(f"{study.spec.name}: {counted(count, 'trial')} for Optuna in {shown}")


def _shown(url: str) -> str:
    """Return an Optuna storage as it may be printed, unless it is a database of ours; both have a table `studies`.

    Raises:
        UsageError: It is a database of this program.
        StorageError: It cannot be read.
    """
    shown = maintenance.shown(url)
    try:
        maintenance.version(url)
    except (NoDatabase, NotOurs):
        return shown
    raise UsageError(f"--optuna: {shown} is a database of lodo-tune; name another one for Optuna")


def _with_driver(url: str) -> str:
    """Return a database URL for SQLAlchemy, with the PostgreSQL driver that is installed with this program."""
    if "://" not in url:
        return f"sqlite:///{url}"
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)

"""`lodo-tune database …`: a database brought up to date, checked, copied and backed up; and a study deleted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from tuner.core.errors import UsageError
from tuner.results.tables.numbers import counted
from tuner.storage import Store, StudyOwned, maintenance


class Unsound(Exception):  # noqa: N818 (what is the case)
    """A database contradicts itself; what is wrong was printed."""

    exit_code = 1


class NotConfirmed(Exception):  # noqa: N818
    """Somebody was asked, and did not say yes."""

    exit_code = 1


def upgrade(database: str) -> None:
    """Bring a database to the newest schema; a SQLite file as it was is kept beside it.

    Raises:
        NoDatabase: There is none.
        NewerSchema: A later version of this program made it.
        StorageError: It cannot be read or written.
    """
    before = maintenance.version(database)
    kept = maintenance.upgrade(database)
    place = maintenance.shown(database)
    now = maintenance.version(database)
    if before == now:
        click.echo(f"{place} has schema {now}, the newest")
    else:
        click.echo(f"{place} was brought from schema {before} to {now}" + (f"; {kept} is as it was" if kept else ""))


def check(database: str) -> None:
    """Read all that a database holds, and print what is wrong with it.

    Raises:
        Unsound: Something is.
        StorageError: It cannot be read.
    """
    with Store.open(database, read_only=True) as store:
        found = store.check()
        place = store.url
    holds = ", ".join(
        (
            f"{found.studies:,} stud{'y' if found.studies == 1 else 'ies'}",
            counted(found.candidates, "candidate"),
            counted(found.results, "result"),
            f"{found.losses:,} losses",
        )
    )
    click.echo(f"{place}: {holds}")
    for fault in found.faults:
        click.echo(f"  {fault}")
    if found.faults:
        raise Unsound(f"{place} is not sound: {found.faults[0]}")
    click.echo("sound")


def copy(source: str, target: str, names: Sequence[str]) -> None:
    """Copy studies, or all that there are, from one database into another, each compared with its original.

    A study is there whole or not at all; those that were copied before one fails stay, and the same once more is fine.
    One that is being driven is left out, and the others are copied.

    Raises:
        StudyOwned: A study is being driven; the others were copied.
        StorageError: A study cannot be read or written, or another of its name is there already.
    """
    if maintenance.is_in_memory(target):
        raise UsageError("a copy in memory would end with this command; name a file or a server")
    with Store.open(source, read_only=True) as here:
        studies = [study for name in names for study in here.find(name)] if names else here.studies()
        unique = list({study.id: study for study in studies}.values())
        here.check_file()
        driven: list[StudyOwned] = []
        if not unique:
            raise UsageError(f"{here.url} holds no study yet")
        with Store.open(target) as there:
            if there.url == here.url:
                raise UsageError(f"both databases are {here.url}; copy from one into another")
            for study in unique:
                try:
                    copied = here.copy_to(there, study.id)
                except StudyOwned as error:
                    driven.append(error)
                    continue
                said = "copied and compared" if copied else "is there already, and is the same"
                click.echo(f"{study.spec.name}: {said}")
    if driven:
        others = f" (and {counted(len(driven) - 1, 'other')})" if len(driven) > 1 else ""
        raise StudyOwned(f"{driven[0]}{others}")


def back_up(database: str, backup: Path) -> None:
    """Copy a whole database into a new SQLite file; it may be in use.

    Raises:
        StorageError: It cannot be read, or the file cannot be made.
    """
    maintenance.back_up(database, backup)
    click.echo(f"{maintenance.shown(database)} is copied to {backup}")


def delete_study(database: str, name: str, *, yes: bool) -> None:
    """Delete a study, or a run with all its studies, once somebody says yes.

    Raises:
        UsageError: Nobody is there to ask, and --yes is not given.
        NotConfirmed: The answer is no.
        StorageError: There is none, or the run is being driven; nothing was deleted.
    """
    maintenance.version(database)  # which makes no database where there is none
    with Store.open(database) as store:
        studies = store.find(name)
        for study in studies:
            done = sum(count for status, count in study.counts.items() if status.is_final)
            click.echo(f"{study.spec.name}: {study.status}, {counted(done, 'result')} of the search", err=True)
        if not yes:
            if not sys.stdin.isatty():
                raise UsageError("delete-study asks before it deletes: give --yes where nobody can answer")
            if not click.confirm(f"Delete for good from {store.url}?", err=True):
                raise NotConfirmed("nothing was deleted")
        store.delete(*(study.id for study in studies))
        for study in studies:
            click.echo(f"{study.spec.name}: deleted")

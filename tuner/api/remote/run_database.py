"""The rows of runs of a service, as a database."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tuner.api.database import Database
from tuner.api.remote.connection import Connection, quoted
from tuner.api.run import Comparison, Run
from tuner.core.errors import InvalidRequest
from tuner.storage import Store

if TYPE_CHECKING:
    from tuner.api.remote.service import Service


class RunDatabase(Database):
    """A run of a service: a database that is only read, and is asked for again when the run has changed.

    A copy of the rows is kept in a temporary folder, as long as this object exists.

    Args:
        connection: To the service.
        run: Name of the run.
    """

    def __init__(self, connection: Connection, run: str) -> None:
        self.source = f"{connection.url}/runs/{quoted(run)}"
        self._memory = None
        self._connection, self._run = connection, run
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._file: Path | None = None
        self._tag: str | None = None
        self._number = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Address of the run."""
        return self.source

    @contextlib.contextmanager
    def reading(self, patience: float = 0.0) -> Iterator[Store]:
        """Return a context in which the rows of the run can be read, as they are now.

        Raises:
            UnknownStudy: There is no such run any more.
            LodoTuneError: The service refuses, or cannot be reached.
        """
        del patience
        with self._lock:
            file = self._newest()
            store = Store.open(str(file), read_only=True)
        with store:
            yield store

    def writing(self, *, create: bool = True) -> NoReturn:
        """Refuse to write.

        Raises:
            InvalidRequest: Always.
        """
        del create
        raise InvalidRequest("database", ": a run of a service is changed by the service alone", self.url)

    def run(self, name: str) -> Run | Comparison:
        """Return the run; of RUN/OPTIMIZER, a run with this study alone.

        Raises:
            UnknownStudy: There is none of this name.
        """
        with self.reading() as store:
            (first, *_) = store.find(name)
        return Run(self, name) if first.is_search else Comparison(self, name)

    def _newest(self) -> Path:
        answer = self._connection.get(f"/runs/{quoted(self._run)}/database", known=self._tag)
        if answer.status == 304 and self._file is not None:
            return self._file
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="lodo-tune-run-", ignore_cleanup_errors=True)
        self._number += 1
        file = Path(self._folder.name) / f"run-{self._number}.db"
        file.write_bytes(answer.body)
        before, self._file, self._tag = self._file, file, answer.headers.get("etag")
        if before is not None:
            before.unlink(missing_ok=True)  # who reads it has it open
        return file


@contextlib.contextmanager
def copied(service: Service, names: Sequence[str]) -> Iterator[Store]:
    """Return a context with a database of the rows of several runs, as they are now.

    Args:
        service: The service.
        names: Names of runs, or of studies RUN/OPTIMIZER, of which the whole run is copied; none: all runs.

    Raises:
        UnknownStudy: There is no such run.
        LodoTuneError: The service refuses, or cannot be reached.
    """
    runs = dict.fromkeys(name.partition("/")[0] for name in names) or [run.name for run in service.runs()]
    with (
        tempfile.TemporaryDirectory(prefix="lodo-tune-runs-", ignore_cleanup_errors=True) as folder,
        Store.open(str(Path(folder) / "runs.db")) as target,
    ):
        for run in runs:
            with RunDatabase(service.connection, run).reading() as store:
                store.copy_run_to(target, run)
        yield target

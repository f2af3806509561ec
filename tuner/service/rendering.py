"""Output of the verbs of the command line that read runs.

It is made in a separate process; the values in this module are sent to that process and back.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tuner.api.database import Database
from tuner.core.errors import LodoTuneError
from tuner.core.study import StudySpec
from tuner.storage import Damaged, Store

Command = Callable[[Sequence[StudySpec]], str]
"""Returns the command that repeats a run, from the specifications of its studies; a function of a module."""


def no_command(specs: Sequence[StudySpec]) -> str:
    """Return no command."""
    del specs
    return ""


@dataclass(frozen=True, slots=True)
class Output:
    """What is to be made.

    Attributes:
        verb: A key of `MAKERS`.
        names: Names of runs and studies; none: all.
        options: Arguments of the function that makes it, in a fixed order.
    """

    verb: str
    names: tuple[str, ...]
    options: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, verb: str, *names: str, **options: Any) -> Output:
        """Return an output; an option may be a list."""
        values = ((name, tuple(value) if isinstance(value, list) else value) for name, value in options.items())
        return cls(verb, names, tuple(sorted(values)))


@dataclass(frozen=True, slots=True)
class Rendered:
    """What was made.

    Attributes:
        content: Content of a file; None if there is nothing to show yet.
        fault: What could not be read, of what is shown otherwise; "" without a fault.
    """

    content: bytes | None
    fault: str = ""


class NotAccepted(LodoTuneError):  # noqa: N818 (what is the case)
    """A value is not accepted, which is said without the name of a field.

    Args:
        text: One line.
        exit_code: Of a command that ends with this error. Default 2.
    """

    def __init__(self, text: str, exit_code: int = 2) -> None:
        super().__init__(text)
        self.exit_code = exit_code  # type: ignore[misc]

    def __reduce__(self) -> tuple[type[NotAccepted], tuple[str, int]]:
        """Pickle the arguments of the constructor."""
        return type(self), (str(self), self.exit_code)


def render(url: str, output: Output, command: Command) -> Rendered:
    """Return an output of a database.

    Args:
        url: URL of the database, which is only read.
        output: What is to be made.
        command: Returns the command that repeats a run, for reports.

    Raises:
        LodoTuneError: A value is not accepted, or the database cannot be read.
    """
    options = dict(output.options)
    if output.verb == "report":
        options["command"] = command
    try:
        made = MAKERS[output.verb](Database(url), output.names, **options)
    except LodoTuneError:
        raise
    except ValueError as error:  # such as an unknown format
        raise NotAccepted(str(error), getattr(error, "exit_code", 2)) from None
    return made if isinstance(made, Rendered) else Rendered(made)


def _studies(database: Database, names: Sequence[str], *, format: str) -> Rendered:
    damaged: list[Damaged] = []
    text = database.listing(format, *names, damaged=damaged)
    return Rendered(_lines(text), _fault(damaged))


def _show(database: Database, names: Sequence[str], *, format: str) -> bytes:
    (name,) = names
    return _lines(database.run(name).details(format))


def _table(
    database: Database,
    names: Sequence[str],
    *,
    format: str,
    details: bool = False,
    by_budget: bool = False,
    profile: bool = False,
    margin: str | None = None,
    layout: str | None = None,
    columns: Sequence[str] | None = None,
    precision: int = 2,
    label: str | None = None,
    caption: str | None = None,
    rename: Sequence[tuple[str, str]] = (),
    siunitx: bool = False,
) -> Rendered:
    if layout is not None:
        text = database.paper_table(
            *names,
            layout=layout,
            columns=columns,
            precision=precision,
            label=label,
            caption=caption,
            rename=dict(rename),
            siunitx=siunitx,
            format=format,
        )
        return Rendered(_lines(text))
    damaged: list[Damaged] = []
    chosen: dict[str, Any] = {"details": details, "by_budget": by_budget, "profile": profile, "margin": margin}
    table = database.table(*names, **chosen, damaged=damaged)
    has_content = table.searches or table.comparisons or table.by_budget or table.profile
    return Rendered(_lines(table.to_format(format)) if has_content else None, _fault(damaged))


def _trials(database: Database, names: Sequence[str], *, format: str) -> bytes:
    return database.trials_file(*names, format=format)


def _export(database: Database, names: Sequence[str], *, format: str) -> bytes:
    (name,) = names
    (study,) = database.run(name).studies
    return study.export(format).encode()


def _report(database: Database, names: Sequence[str], *, command: Command, margin: str | None = None) -> bytes:
    from tuner.api.report import write_report

    with tempfile.TemporaryDirectory(prefix="lodo-report-") as folder:
        file = Path(folder) / "report.html"
        write_report(database, names, file, command=command, margin=margin)
        return file.read_bytes()


def _figures(database: Database, names: Sequence[str], *, file: str | None = None, **options: Any) -> bytes | None:
    """Return the names of figures as JSON; with `file`, the content of one of them."""
    from tuner.api.figures import FigureRequest, draw_figures, figure_names
    from tuner.results.figures import Look

    look = Look.of(options.pop("width"), options.pop("log_y"), options.pop("smooth"))
    request = FigureRequest(tuple(names), look=look, **options)
    with database.reading() as store:
        files = figure_names(store, request)
        if file is None:
            return json.dumps(files).encode()
        if file not in files:
            raise NotAccepted(f"there is no figure of this name. Accepted: {', '.join(files)}. Received: {file!r:.80}")
        stem = file.rpartition(".")[0]
        for name, draw in draw_figures(store, request):
            # Drawing in one format may move what another draws later: all are drawn that would have been until here.
            content = draw() if name.rpartition(".")[0] == stem else None
            if name == file:
                return content
    return None


def _figure(database: Database, names: Sequence[str], *, figure: str, format: str) -> bytes | None:
    from tuner.results.figures import rendered

    (name,) = names
    drawn = database.run(name).figure(figure)
    return None if drawn is None else rendered(drawn, format)


def _snapshot(database: Database, names: Sequence[str]) -> bytes:
    """Return a SQLite database with the rows of a run, as they are at one moment."""
    (name,) = names
    with tempfile.TemporaryDirectory(prefix="lodo-snapshot-") as folder:
        file = Path(folder) / "run.db"
        with database.reading() as store, Store.open(str(file)) as target:
            store.copy_run_to(target, name)
        copy = Path(folder) / "copy.db"
        Database(file).back_up(copy)  # one file, whatever is in the other's journal
        return copy.read_bytes()


MAKERS: Mapping[str, Callable[..., bytes | Rendered | None]] = MappingProxyType(
    {
        "studies": _studies,
        "show": _show,
        "table": _table,
        "trials": _trials,
        "export": _export,
        "report": _report,
        "figures": _figures,
        "figure": _figure,
        "snapshot": _snapshot,
    }
)
"""What can be made, by the verb of the command line that prints or writes it."""


def _lines(text: str) -> bytes:
    return f"{text}\n".encode()


def _fault(damaged: Sequence[Damaged]) -> str:
    from tuner.results.tables.numbers import counted

    if not damaged:
        return ""
    others = f" (and {counted(len(damaged) - 1, 'other')})" if len(damaged) > 1 else ""
    return f"{damaged[0]}{others}"

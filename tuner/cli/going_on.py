"""How a run goes on: the command for it, said by whatever ends before the run does."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterator

from tuner.cli.database import DEFAULT_DATABASE
from tuner.storage import Store

_UNFINISHED = (73, 74, 75)  # exit codes of what ends a run that can go on


def resume_command(name: str, store: Store) -> str:
    """Return the command that goes on with a run or a study."""
    place = "" if store.url == f"sqlite:///{DEFAULT_DATABASE}" else f" --database {shlex.quote(store.url)}"
    return f"lodo-tune resume {name}{place}"


@contextlib.contextmanager
def saying_how(command: Callable[[], str | None]) -> Iterator[None]:
    """Add to an error that ends a run for now how the run goes on."""
    try:
        yield
    except Exception as error:
        go_on = command()
        if getattr(error, "exit_code", None) in _UNFINISHED and go_on:
            error.args = (f"{error}. What is finished is kept. Go on with: {go_on}",)
        raise

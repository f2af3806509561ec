"""Arguments of `tune` and `compare` as the JSON of a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tuner.core.errors import InvalidRequest

HERE = "is decided by the service"
CODE = (
    "is a name of the service's catalogue: code of your own is not sent. Train it on this machine, or ask the operator"
    " to install its package and to list it in the catalogue"
)


def named(field: str, values: Any) -> list[str]:
    """Return names, of which one may stand alone, or several with commas.

    Raises:
        InvalidRequest: One is a class, a function or a place in a file.
    """
    several = [values] if isinstance(values, str) or not isinstance(values, Iterable) else list(values)
    names: list[str] = []
    for value in several:
        if not isinstance(value, str):
            raise InvalidRequest(field, CODE, getattr(value, "__name__", type(value).__name__))
        for name in value.split(","):
            if "/" in name or "=" in name or (":" in name and not name.startswith("keras:")):
                raise InvalidRequest(field, CODE, name.strip())
            names.append(name.strip())
    return names


def texts(field: str, files: str | Path | Iterable[str | Path]) -> list[str]:
    """Return the texts of files with search spaces or configurations.

    Raises:
        InvalidRequest: One cannot be read.
    """
    found = []
    for file in [files] if isinstance(files, str | Path) else files:
        try:
            found.append(Path(file).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "is not text in UTF-8"
            raise InvalidRequest(field, f": {file} cannot be read: {reason}") from None
    return found


def listed(values: Any) -> Any:
    """Return a sequence as a list, as JSON has it; one value and None stay as they are."""
    return list(values) if isinstance(values, Sequence | range) and not isinstance(values, str) else values


def check_others(others: Mapping[str, Any]) -> None:
    """Refuse arguments of the local functions that make no sense on a service.

    Raises:
        InvalidRequest: One is given.
    """
    for name, value in others.items():
        if value is not None and value is not False and value != ():
            raise InvalidRequest(name, HERE)

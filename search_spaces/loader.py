"""Read and validate search-space files.

Errors are one line that names file, line and key. A file reads:

    optimizer: LODO
    hyperparameters:
      initial_learning_rate: {scale: log, default: 1.0}          # optional low:, high:, in natural units
    fixed: {momentum: 0.95}                                      # optional: values that are not tuned

Where a number is expected, any text is accepted that Python's `float` converts to a finite number, such as `1e-3`.
"""

from __future__ import annotations

import math
import os
import reprlib
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from search_spaces import DIRECTORY, builtin_names, strict_yaml, variant_names
from search_spaces.space import Dimension, DimensionError, Scale, SearchSpace
from search_spaces.suggestion import nearest


class SearchSpaceError(ValueError):
    """A search-space file cannot be used; the message is one line with file, line, key and what is accepted."""


def builtin(name: str) -> SearchSpace:
    """Load a built-in search space.

    Args:
        name: An optimizer's name, or one of `variant_names()` such as "as_published/RMSprop", in any case.

    Raises:
        SearchSpaceError: There is no search space of this name.
    """
    known = builtin_names() + variant_names()
    if name.lower() not in known:  # before it becomes part of a path
        raise SearchSpaceError(
            f"there is no search space of this name{nearest(name, known)}. "
            f"Accepted: {', '.join(known)}. Received: {name!r:.80}"
        )
    return load(DIRECTORY / f"{name.lower()}.yaml")


def load(
    path: str | os.PathLike[str],
    *,
    optimizer: str | None = None,
    hyperparameters: Sequence[str] | None = None,
    some: bool = False,
) -> SearchSpace:
    """Load a search space from a file.

    Args:
        path: A regular file of UTF-8, at most one megabyte.
        optimizer: Name of the optimizer that the file must be for. Default: None, any.
        hyperparameters: Names that the file must have, in any order. Default: None, any.
        some: Whether the file may leave some of these out.

    Raises:
        SearchSpaceError: The file cannot be read, is not YAML of the accepted subset, or has a value that is not
            accepted.
    """
    file = str(path) if str(path).isprintable() else repr(str(path))
    try:
        document = strict_yaml.read(_bytes(path))
    except (OSError, ValueError) as error:  # ValueError: RefusedYamlError, or NUL in the path
        line = getattr(error, "line", None)
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SearchSpaceError(f"{file}, line {line}: {reason}" if line else f"{file}: {reason}") from None
    try:
        space = _space(document.content)
        _check_names(space, optimizer, hyperparameters, some)
    except _RefusedError as refused:
        place = strict_yaml.show(refused.path)
        where = f"{file}, line {document.line(refused.path)}" + (f", {place}" if place else "")
        raise SearchSpaceError(f"{where}: {refused}") from None
    return space


class _RefusedError(ValueError):
    """The value at a path of keys is not accepted."""

    def __init__(self, path: strict_yaml.KeyPath, message: str) -> None:
        super().__init__(message)
        self.path = path


def _number(text: object) -> float:
    """Convert text to a finite number; pydantic adds the key to the ValueError."""
    if not isinstance(text, str):
        raise ValueError("not a number")
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


_Number = Annotated[float, BeforeValidator(_number)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _DimensionSchema(_Strict):
    scale: Literal["log", "decay"]
    default: _Number
    low: _Number | None = None
    high: _Number | None = None


class _FileSchema(_Strict):
    optimizer: str
    hyperparameters: Annotated[dict[str, _DimensionSchema], Field(min_length=1)]
    fixed: dict[str, _Number] = Field(default_factory=dict)


_DIMENSION = "a mapping with scale, default and, optionally, low and high"
_ACCEPTED = {
    "optimizer": "an optimizer's name",
    "hyperparameters": f"a mapping from each hyperparameter's name to {_DIMENSION}",
    "fixed": "a mapping from names of hyperparameters to finite numbers",
    "scale": "'log' or 'decay'",
    "default": "a finite number",
    "low": "a finite number",
    "high": "a finite number",
}


def _space(content: strict_yaml.Content) -> SearchSpace:
    """Validate the layout by pydantic, then the values by `Dimension`."""
    try:
        schema = _FileSchema.model_validate(content)
    except ValidationError as error:
        # Unknown keys first: a misspelt key is also reported as missing.
        details = error.errors(include_url=False, include_context=False)
        first = min(details, key=lambda detail: (len(detail["loc"]), detail["type"] != "extra_forbidden"))
        raise _refused(first["type"], first["loc"], first["input"]) from None
    dimensions = []
    for name, entry in schema.hyperparameters.items():
        try:
            dimensions.append(Dimension(name, Scale(entry.scale), entry.default, entry.low, entry.high))
        except DimensionError as error:
            key = () if error.field == "name" else (error.field,)
            raise _RefusedError(("hyperparameters", name, *key), str(error)) from None
    try:
        space = SearchSpace(schema.optimizer, tuple(dimensions))
    except ValueError as error:  # the optimizer's name
        raise _RefusedError(("optimizer",), str(error)) from None
    for name in schema.fixed:
        if name in space.names:
            raise _RefusedError(("fixed", name), "a hyperparameter is either tuned or fixed. Received: both")
    return replace(space, fixed=schema.fixed)


def _refused(kind: str, path: strict_yaml.KeyPath, received: object) -> _RefusedError:
    """Return pydantic's finding with a message that says what is accepted."""
    is_dimension = len(path) == 2 and path[0] == "hyperparameters"
    keys = tuple(_DimensionSchema.model_fields) if len(path) == 3 else tuple(_FileSchema.model_fields)
    if kind == "extra_forbidden":
        return _RefusedError(path, f"unknown key{nearest(path[-1], keys)}. Accepted: {', '.join(keys)}")
    if not path:
        accepted = "a mapping with optimizer and hyperparameters"
    elif len(path) == 2:
        accepted = _DIMENSION if is_dimension else "a finite number"
    else:
        accepted = _ACCEPTED[str(path[-1])]
    if kind == "missing":
        return _RefusedError(path, f"is missing. Accepted: {accepted}")
    return _RefusedError(path, f"must be {accepted}. Received: {_short(received)}")


def _check_names(space: SearchSpace, optimizer: str | None, hyperparameters: Sequence[str] | None, some: bool) -> None:
    """Raise _RefusedError if the space is for another optimizer or has other hyperparameters."""
    if optimizer is not None and space.optimizer != optimizer:
        raise _RefusedError(("optimizer",), f"must be {optimizer!r}. Received: {space.optimizer!r}")
    if hyperparameters is None:
        return
    names = tuple(hyperparameters)
    keys = [("hyperparameters", name) for name in space.names] + [("fixed", name) for name in space.fixed]
    for key, name in keys:
        if name not in names:
            raise _RefusedError(
                (key, name),
                f"{space.optimizer} has no such hyperparameter{nearest(name, names)}. Accepted: {', '.join(names)}",
            )
    missing = [name for name in names if name not in space.names]
    if missing and not some:
        raise _RefusedError(("hyperparameters", missing[0]), f"is missing. Accepted: {', '.join(names)}, each of them")


def _bytes(path: str | os.PathLike[str]) -> bytes:
    """Read at most MAX_BYTES + 1 bytes of a regular file; a pipe or a device might never end."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError("must be a regular file. Received: a directory, pipe or device")
    with Path(path).open("rb") as file:
        return file.read(strict_yaml.MAX_BYTES + 1)


def _short(received: object) -> str:
    """Return a value as one line of bounded length."""
    shortener = reprlib.Repr()
    shortener.maxstring = 60
    return shortener.repr(received)

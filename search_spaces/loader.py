"""Read and validate search-space files.

Errors are one line that names file, line and key. A file reads:

    optimizer: LODO
    hyperparameters:
      initial_learning_rate: {scale: log, default: 1.0}          # optional low:, high:, in natural units
      layers: {scale: integer, default: 2, low: 1, high: 8}      # optional log: true
      schedule: {scale: choice, values: [constant, cosine]}      # optional default:, ordered: true
      cosine_final: {scale: log, default: 0.1, only when: {schedule: cosine}}
      task.batch_size: {scale: choice, values: [32, 64, 128], ordered: true}   # an argument of the task
    fixed: {momentum: 0.95}                                      # optional: values that are not tuned

Where a number is expected, any text is accepted that Python's `float` converts to a finite number, such as `1e-3`.
Values of a choice and fixed values are numbers where their text is one, booleans where it is true or false, and texts
otherwise.
"""

from __future__ import annotations

import os
import reprlib
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from search_spaces import DIRECTORY, builtin_names, strict_yaml, variant_names
from search_spaces.scales import SCALES
from search_spaces.space import Dimension, DimensionError, Scale, SearchSpace
from search_spaces.suggestion import nearest
from search_spaces.values import number_of, value_of


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
        hyperparameters: Names that the file must have, in any order. Default: None, any. Arguments of the task
            (`task.NAME`) are accepted beside them.
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


def _whole_or_number(text: object) -> float | int:
    """Convert text to a finite number, whole if it is written so; pydantic adds the key to the ValueError."""
    if not isinstance(text, str):
        raise ValueError("not a number")
    return number_of(text)


def _value(text: object) -> float | int | bool | str:
    """Convert text to what it reads as."""
    if not isinstance(text, str):
        raise ValueError("not a value")
    return value_of(text)


def _flag(text: object) -> bool:
    """Convert true or false."""
    if text not in ("true", "false"):
        raise ValueError("not true or false")
    return text == "true"


def _several(content: object) -> object:
    """Return one value as a list of it."""
    return [content] if isinstance(content, str) else content


_Number = Annotated[float | int, BeforeValidator(_whole_or_number)]
_Value = Annotated[Any, BeforeValidator(_value)]
_Flag = Annotated[bool, BeforeValidator(_flag)]
_Values = Annotated[list[_Value], Field(min_length=1), BeforeValidator(_several)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _DimensionSchema(_Strict):
    scale: Literal["log", "decay", "linear", "integer", "choice"]
    default: str | None = None  # read according to the scale
    low: _Number | None = None
    high: _Number | None = None
    log: _Flag = False
    values: _Values = Field(default_factory=list)
    ordered: _Flag = False
    only_when: dict[str, _Values] = Field(default_factory=dict, alias="only when")


class _FileSchema(_Strict):
    optimizer: str
    hyperparameters: Annotated[dict[str, _DimensionSchema], Field(min_length=1)]
    fixed: dict[str, _Value] = Field(default_factory=dict)


TASK = "task."
"""What the names of a task's arguments begin with."""

_ONLY_WHEN = "only when"  # the key of a condition
_DIMENSION = "a mapping with scale, default and, optionally, low and high"
_VALUE = "a number, a text, true or false"
_CONDITION = "a mapping from names of other hyperparameters to a value of theirs, or a list of values"
_ACCEPTED = {
    "optimizer": "an optimizer's name",
    "hyperparameters": f"a mapping from each hyperparameter's name to {_DIMENSION}",
    "fixed": f"a mapping from names of hyperparameters to values, each {_VALUE}",
    "scale": SCALES,
    "default": "a finite number",
    "low": "a finite number",
    "high": "a finite number",
    "log": "true or false",
    "ordered": "true or false",
    "values": f"a list of values, each {_VALUE}",
    _ONLY_WHEN: _CONDITION,
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
    dimensions = tuple(_dimension(name, entry) for name, entry in schema.hyperparameters.items())
    for name in schema.fixed:
        if name in schema.hyperparameters:
            raise _RefusedError(("fixed", name), "a hyperparameter is either tuned or fixed. Received: both")
    try:
        return SearchSpace(schema.optimizer, dimensions, schema.fixed)
    except DimensionError as error:  # a condition, which begins with the field and the name
        name = str(error).split()[2].rstrip(":")
        raise _RefusedError(("hyperparameters", name, _ONLY_WHEN), str(error)) from None
    except ValueError as error:  # the optimizer's name
        raise _RefusedError(("optimizer",), str(error)) from None


def _dimension(name: str, entry: _DimensionSchema) -> Dimension:
    """Return a dimension of the file."""
    path = ("hyperparameters", name)
    fields = entry.model_dump()
    if entry.default is not None:
        try:
            fields["default"] = (_value if Scale(entry.scale) is Scale.CHOICE else _whole_or_number)(entry.default)
        except ValueError:
            raise _refused("value", (*path, "default"), entry.default) from None
    elif Scale(entry.scale) is not Scale.CHOICE:
        raise _refused("missing", (*path, "default"), None)
    try:
        return Dimension(name, **fields)
    except DimensionError as error:
        key = () if error.field == "name" else (_ONLY_WHEN if error.field == "only_when" else error.field,)
        raise _RefusedError((*path, *key), str(error)) from None


def _refused(kind: str, path: strict_yaml.KeyPath, received: object) -> _RefusedError:
    """Return pydantic's finding with a message that says what is accepted."""
    is_dimension = len(path) == 2 and path[0] == "hyperparameters"
    of = _DimensionSchema if len(path) == 3 else _FileSchema
    keys = tuple(field.alias or name for name, field in of.model_fields.items())
    if kind == "extra_forbidden":
        return _RefusedError(path, f"unknown key{nearest(path[-1], keys)}. Accepted: {', '.join(keys)}")
    if not path:
        accepted = "a mapping with optimizer and hyperparameters"
    elif len(path) == 2:
        accepted = _DIMENSION if is_dimension else _VALUE
    else:
        accepted = _ACCEPTED.get(str(path[2] if len(path) > 2 else path[-1]), _VALUE)
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
        if name not in names and not name.startswith(TASK):
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

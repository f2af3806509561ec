"""Convert the data of a Keras task to checked arrays of inputs and targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.errors import TaskError, described
from tasks.keras_datasets import read

_ACCEPTED = (
    "a pair (x, y) of arrays, (x, y, sample_weight), or (x, None) for a model without targets; a function that returns"
    " one; or a finite tf.data.Dataset of such tuples, unbatched"
)

NAMES = ("x", "y", "sample_weight")

Nest = Any  # an array, or a tuple, list or dictionary of nests


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Inputs, targets and sample weights; the first axis of each array runs over the examples."""

    inputs: Nest
    targets: Nest  # None: the model's loss is all its own
    weights: Nest  # None: each example counts the same
    count: int  # at least 1


def examples(given: Any, split: str, dtype: str) -> Examples:
    """Return data as arrays.

    Args:
        given: (x, y) or (x, y, sample_weight), each an array or a tuple, list or dictionary of arrays, and y possibly
            None; a function without arguments that returns such a tuple or a dataset; or a tf.data.Dataset of such
            elements, one per example, which is read into memory.
        split: "train", "validation" or "test", for the messages.
        dtype: Dtype of floating-point arrays in the result; integers and booleans keep theirs.

    Raises:
        TaskError: It is something else, empty, infinite, of different lengths, or has numbers that are not finite.
    """
    if callable(given):
        try:
            given = given()
        except Exception as error:
            raise TaskError(f"`{split}` raises {described(error, None)}") from error
    is_dataset = hasattr(given, "element_spec")
    form = given.element_spec if is_dataset else given
    if not isinstance(form, tuple | list) or len(form) not in (2, 3):
        received = f"elements {form!r:.120}" if is_dataset else _shown(form)
        raise TaskError(f"`{split}` must be {_ACCEPTED}. Received: {received}")
    given = read(given, split) if is_dataset else given
    inputs, targets, weights = (
        None if part is None and name != "x" else _arrays(part, f"`{split}`: {name}", dtype)
        for part, name in zip((*given, None)[:3], NAMES, strict=True)
    )
    parts = zip((inputs, targets, weights), NAMES, strict=True)
    lengths = {name: len(array) for part, where in parts if part is not None for name, array in _named(part, where)}
    if min(lengths.values()) == 0:
        raise TaskError(f"`{split}` has no examples. Received: {_counted(lengths)}")
    if len(set(lengths.values())) > 1:
        raise TaskError(f"`{split}` has arrays of different lengths. Received: {_counted(lengths)}")
    return Examples(inputs, targets, weights, next(iter(lengths.values())))


def mapped(function: Callable[[Any], Any], nest: Nest) -> Nest:
    """Apply a function to each array of a nest, and return the nest; None stays None."""
    if nest is None:
        return None
    if isinstance(nest, dict):
        return {key: mapped(function, value) for key, value in nest.items()}
    if isinstance(nest, tuple | list):
        return type(nest)(mapped(function, value) for value in nest)
    return function(nest)


def _arrays(given: Any, where: str, dtype: str) -> Nest:
    """Return a nest of NumPy arrays."""
    if isinstance(given, dict) and given:
        return {key: _arrays(value, f"{where}[{key!r}]", dtype) for key, value in given.items()}
    if isinstance(given, tuple | list) and any(hasattr(part, "shape") and part.shape != () for part in given):
        parts = [_arrays(part, f"{where}[{place}]", dtype) for place, part in enumerate(given)]
        return tuple(parts) if isinstance(given, tuple) else parts
    try:
        array = np.asarray(given)
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.ndim == 0 or array.dtype.kind not in "fiub":
        kind = f"{array.dtype.name} of shape {array.shape}" if array.ndim else _shown(given)
        raise TaskError(f"{where} must be an array of numbers, with one row per example. Received: {kind}")
    if array.dtype.kind != "f":
        return array
    array = array.astype(dtype, copy=False)
    if not np.isfinite(array).all():
        place = int(np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1))[0])
        raise TaskError(f"{where} must be finite numbers. Received: NaN or infinity in example {place}")
    return array


def _named(nest: Nest, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the arrays of a nest with their names: x, x[0], x['mask']."""
    if isinstance(nest, dict):
        for key, value in nest.items():
            yield from _named(value, f"{name}[{key!r}]")
    elif isinstance(nest, tuple | list):
        for place, value in enumerate(nest):
            yield from _named(value, f"{name}[{place}]")
    else:
        yield name, nest


def _shown(given: Any) -> str:
    if isinstance(given, tuple | list):
        return f"{type(given).__name__} of {len(given)}: {', '.join(type(part).__name__ for part in given)}"[:120]
    return f"{type(given).__name__} {given!r:.60}"


def _counted(lengths: dict[str, int]) -> str:
    return ", ".join(f"{name} with {count:,}" for name, count in lengths.items())

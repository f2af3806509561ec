"""Examples to learn from: inputs and targets as arrays, out of what a user has, and checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.errors import TaskError, described

LARGEST_UNKNOWN = 5_000_000  # elements of a dataset that does not know its size; beyond, it counts as without an end
_READ_AT_ONCE = 1_024
_ACCEPTED = "a pair (x, y) of arrays, a function that returns one, or a finite tf.data.Dataset of such pairs, unbatched"

Nest = Any  # an array, or a tuple, list or dictionary of nests


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Inputs and targets; the first axis of every array runs over the examples."""

    inputs: Nest
    targets: Nest
    count: int  # at least 1


def examples(given: Any, split: str, dtype: str) -> Examples:
    """Return examples as arrays.

    Args:
        given: (x, y), each an array or a tuple, list or dictionary of arrays; a function without arguments that
            returns what is accepted here; or a tf.data.Dataset of elements (x, y), one an example, which is read to
            its end into memory.
        split: "train", "validation" or "test", for the messages.
        dtype: Of floating-point arrays in the result; whole numbers and booleans stay as they are.

    Raises:
        TaskError: It is something else, empty, of several lengths, without an end, or not finite.
    """
    if callable(given):
        try:
            given = given()
        except Exception as error:
            raise TaskError(f"`{split}` raises {described(error, None)}") from error
    if hasattr(given, "element_spec"):
        given = _read(given, split)
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise TaskError(f"`{split}` must be {_ACCEPTED}. Received: {_told(given)}")
    inputs, targets = (_arrays(part, f"`{split}`: {name}", dtype) for part, name in zip(given, ("x", "y"), strict=True))
    lengths = {name: len(array) for part, name in ((inputs, "x"), (targets, "y")) for name, array in _named(part, name)}
    if min(lengths.values()) == 0:
        raise TaskError(f"`{split}` has no examples. Received: {_counted(lengths)}")
    if len(set(lengths.values())) > 1:
        raise TaskError(f"`{split}` has arrays of several lengths. Received: {_counted(lengths)}")
    return Examples(inputs, targets, next(iter(lengths.values())))


def mapped(function: Callable[[Any], Any], nest: Nest) -> Nest:
    """Return a nest with a function applied to each of its arrays."""
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
        kind = f"{array.dtype.name} of shape {array.shape}" if array.ndim else _told(given)
        raise TaskError(f"{where} must be numbers, an array whose first axis runs over the examples. Received: {kind}")
    if array.dtype.kind != "f":
        return array
    array = array.astype(dtype, copy=False)
    if not np.isfinite(array).all():
        place = int(np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1))[0])
        raise TaskError(f"{where} must be finite numbers. Received: NaN or infinity in example {place}")
    return array


def _read(dataset: Any, split: str) -> tuple[Nest, Nest]:
    """Read a tf.data.Dataset into arrays."""
    cardinality = int(dataset.cardinality())
    if cardinality == -1:
        raise TaskError(f"`{split}` is a dataset without an end (.repeat()): it is read once, to its end. Use .take(n)")
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2:
        raise TaskError(f"`{split}` must be {_ACCEPTED}. Received: elements {spec!r:.120}")
    leaves = [leaf for part in spec for _, leaf in _named(part, "")]
    if any(getattr(leaf, "shape", None) is None for leaf in leaves):
        raise TaskError(f"`{split}` must have dense tensors in its elements. Received: {spec!r:.120}")
    batched = all(leaf.shape.rank and leaf.shape[0] is None for leaf in leaves)
    if batched or "BatchDataset" in type(dataset).__name__:
        raise TaskError(
            f"`{split}` looks batched: give one element an example, as .unbatch() does. Received: {spec!r:.120}"
        )
    chunks: list[Any] = []
    try:
        for chunk in dataset.batch(_READ_AT_ONCE).as_numpy_iterator():
            chunks.append(chunk)
            if cardinality < 0 and len(chunks) * _READ_AT_ONCE > LARGEST_UNKNOWN:
                raise TaskError(
                    f"`{split}` is a dataset that does not end within {LARGEST_UNKNOWN:,} elements. Use .take(n)"
                )
    except TaskError:
        raise
    except Exception as error:
        raise TaskError(f"`{split}` cannot be read: {described(error, None)}") from error
    if not chunks:
        raise TaskError(f"`{split}` has no examples. Received: an empty dataset")
    return _joined(chunks)


def _joined(chunks: list[Any]) -> Any:
    """Return nests of arrays, of one structure, joined along the first axis."""
    first = chunks[0]
    if isinstance(first, dict):
        return {key: _joined([chunk[key] for chunk in chunks]) for key in first}
    if isinstance(first, tuple | list):
        return type(first)(_joined([chunk[place] for chunk in chunks]) for place in range(len(first)))
    return np.concatenate(chunks)


def _named(nest: Nest, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the arrays of a nest with names for people: x, x[0], x['mask']."""
    if isinstance(nest, dict):
        for key, value in nest.items():
            yield from _named(value, f"{name}[{key!r}]")
    elif isinstance(nest, tuple | list):
        for place, value in enumerate(nest):
            yield from _named(value, f"{name}[{place}]")
    else:
        yield name, nest


def _told(given: Any) -> str:
    if isinstance(given, tuple | list):
        return f"{len(given)} of them, {', '.join(type(part).__name__ for part in given)}"[:120]
    return f"{type(given).__name__} {given!r:.60}"


def _counted(lengths: dict[str, int]) -> str:
    return ", ".join(f"{name} with {count:,}" for name, count in lengths.items())

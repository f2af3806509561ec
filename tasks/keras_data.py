"""Convert the data of a Keras task to checked arrays of inputs and targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.errors import TaskError, described
from tasks.reading_limit import ReadingLimit, chunk_elements

_ACCEPTED = "a pair (x, y) of arrays, a function that returns one, or a finite tf.data.Dataset of such pairs, unbatched"

Nest = Any  # an array, or a tuple, list or dictionary of nests


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Inputs and targets; the first axis of each array runs over the examples."""

    inputs: Nest
    targets: Nest
    count: int  # at least 1


def examples(given: Any, split: str, dtype: str) -> Examples:
    """Return data as arrays.

    Args:
        given: (x, y), each an array or a tuple, list or dictionary of arrays; a function without arguments that returns
            such a pair or a dataset; or a tf.data.Dataset of elements (x, y), one per example, which is read into
            memory.
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
    if hasattr(given, "element_spec"):
        given = _read(given, split)
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise TaskError(f"`{split}` must be {_ACCEPTED}. Received: {_shown(given)}")
    inputs, targets = (_arrays(part, f"`{split}`: {name}", dtype) for part, name in zip(given, ("x", "y"), strict=True))
    lengths = {name: len(array) for part, name in ((inputs, "x"), (targets, "y")) for name, array in _named(part, name)}
    if min(lengths.values()) == 0:
        raise TaskError(f"`{split}` has no examples. Received: {_counted(lengths)}")
    if len(set(lengths.values())) > 1:
        raise TaskError(f"`{split}` has arrays of different lengths. Received: {_counted(lengths)}")
    return Examples(inputs, targets, next(iter(lengths.values())))


def mapped(function: Callable[[Any], Any], nest: Nest) -> Nest:
    """Apply a function to each array of a nest, and return the nest."""
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


def _read(dataset: Any, split: str) -> tuple[Nest, Nest]:
    """Read a tf.data.Dataset into arrays."""
    cardinality = int(dataset.cardinality())
    if cardinality == -1:
        raise TaskError(f"`{split}` is an infinite dataset (.repeat()), and cannot be read into memory. Use .take(n)")
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2:
        raise TaskError(f"`{split}` must be {_ACCEPTED}. Received: elements {spec!r:.120}")
    leaves = [leaf for part in spec for _, leaf in _named(part, "")]
    if any(getattr(leaf, "shape", None) is None for leaf in leaves):
        raise TaskError(f"`{split}` must have dense tensors in its elements. Received: {spec!r:.120}")
    batched = all(leaf.shape.rank and leaf.shape[0] is None for leaf in leaves)
    if batched or "BatchDataset" in type(dataset).__name__:
        raise TaskError(
            f"`{split}` looks batched: give one element per example, as .unbatch() does. Received: {spec!r:.120}"
        )
    chunks: list[Any] = []
    limit = ReadingLimit(split, has_length=cardinality >= 0)
    try:
        for chunk in dataset.batch(chunk_elements(leaves)).as_numpy_iterator():
            chunks.append(chunk)
            arrays = [array for _, array in _named(chunk, "")]
            limit.count(arrays, len(arrays[0]))
    except TaskError:
        raise
    except Exception as error:
        raise TaskError(f"`{split}` cannot be read: {described(error, None)}") from error
    if not chunks:
        raise TaskError(f"`{split}` has no examples. Received: an empty dataset")
    return _joined(chunks)


def _joined(chunks: list[Any]) -> Any:
    """Concatenate nests of arrays of the same structure along the first axis."""
    first = chunks[0]
    if isinstance(first, dict):
        return {key: _joined([chunk[key] for chunk in chunks]) for key in first}
    if isinstance(first, tuple | list):
        return type(first)(_joined([chunk[place] for chunk in chunks]) for place in range(len(first)))
    return np.concatenate(chunks)


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

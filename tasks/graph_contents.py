"""Constants and variables of a traced function, besides its arguments.

Constants are numbers that it computes with; variables are those that it changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from tasks.fingerprint import update

_ASSIGNMENTS = ("Assign", "ResourceScatter", "ResourceApply", "ResourceSparseApply", "ResourceStridedSliceAssign")


def assigned(graph: Any) -> str | None:
    """Return the name of a tf.Variable outside of the function that it assigns to; None if there is none.

    Args:
        graph: A graph traced by tf.function.
    """
    if not any(operation.startswith(_ASSIGNMENTS) for operation in _types(graph)):
        return None
    names = [str(variable.name).partition(":")[0] for variable in graph.variables]
    return names[0] if names else "a variable"


def contents_hash(graphs: Iterable[Any], known: Iterable[Any] = ()) -> str:
    """Return the sha256 of what traced functions compute with: the types of their operations, and all numbers.

    Numbers are constants, and tensors, variables and tables of tf.lookup from outside; shapes and dtypes of arguments
    count as well.

    Names and the order of operations do not count, because they depend on what was traced before.

    Args:
        graphs: Graphs traced by tf.function.
        known: Tensors to leave out, such as data that has a fingerprint of its own.
    """
    left_out = {id(tensor) for tensor in known}
    hashes = sorted(
        each
        for graph in graphs
        for each in (*_operations(graph), *_constants(graph), *_captured(graph, left_out), *_tables(graph))
    )
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def constants(graph: Any) -> list[str]:
    """Return the sha256 of each constant of a graph traced by tf.function, in rising order."""
    return sorted(_constants(graph))


def _nodes(graph: Any) -> Iterator[Any]:
    definition = graph.as_graph_def()
    yield from definition.node
    for function in definition.library.function:
        yield from function.node_def


def _operations(graph: Any) -> Iterator[str]:
    yield from (node.op for node in _nodes(graph))
    yield from (f"{tensor.dtype.name} {tensor.shape}" for tensor in graph.inputs if tensor.dtype.name != "resource")


def _types(graph: Any) -> set[str]:
    return {node.op for node in _nodes(graph)}


def _constants(graph: Any) -> Iterator[str]:
    from tensorflow import DType, as_dtype

    for node in _nodes(graph):
        if node.op == "Const":
            value = node.attr["value"].tensor
            kind: DType = as_dtype(value.dtype)
            if kind.is_floating or kind.is_integer or kind.is_complex or kind.is_bool:
                yield hashlib.sha256(value.SerializeToString(deterministic=True)).hexdigest()


def _captured(graph: Any, left_out: set[int]) -> Iterator[str]:
    tensors = [outside for outside, _ in graph.captures if id(outside) not in left_out and hasattr(outside, "_numpy")]
    variables = [variable for variable in graph.variables if hasattr(variable, "numpy")]
    for tensor in (*tensors, *variables):
        if tensor.dtype.is_floating or tensor.dtype.is_integer or tensor.dtype.is_complex or tensor.dtype.is_bool:
            array = np.asarray(tensor.numpy())
            digest = hashlib.sha256(f"{array.dtype.name} {array.shape} ".encode())
            update(digest, array)
            yield digest.hexdigest()


def _tables(graph: Any) -> Iterator[str]:
    """Yield the sha256 of the contents of each table of tf.lookup from outside, in rising order of its keys."""
    from tensorflow import errors, raw_ops

    lookups = [node for node in _nodes(graph) if node.op == "LookupTableFindV2"]
    kinds = {(node.attr["Tin"].type, node.attr["Tout"].type) for node in lookups}
    for handle in (outside for outside, _ in graph.captures if outside.dtype.name == "resource" and kinds):
        for of_keys, of_values in sorted(kinds):
            try:
                pair = raw_ops.LookupTableExportV2(table_handle=handle, Tkeys=of_keys, Tvalues=of_values)
            except errors.OpError:  # it is no table, or has keys or values of another kind
                continue
            keys, values = (np.asarray(each) for each in pair)
            order = np.argsort(keys.ravel(), kind="stable")
            digest = hashlib.sha256()
            for array in (keys.ravel()[order], values.reshape(len(order), -1)[order]):
                digest.update(repr([array.shape, array.tolist()]).encode())
            yield digest.hexdigest()

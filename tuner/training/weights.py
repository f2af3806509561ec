"""Files of trained weights: x and the task's state as arrays, without pickle."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tasks.task import State, Tensor
from tuner.core.files import write


def save(path: Path, x: Tensor, state: State) -> None:
    """Write x [n, 1] and the state's tensors to an .npz file atomically.

    Raises:
        NotWritten: The file cannot be written; an existing file is unchanged.
    """
    leaves = {f"state_{number}": np.asarray(leaf) for number, leaf in enumerate(tf.nest.flatten(state))}
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, x=np.asarray(x), **leaves)
    write(path, content.getvalue(), overwrite=True)


def load(path: Path, x: Tensor, state: State) -> tuple[Tensor, State, str]:
    """Read a file written by `save`.

    Args:
        path: The file.
        x: The task's x at its start.
        state: The task's state at its start.

    Returns:
        x, the state, and the sha256 of the file.

    Raises:
        ValueError: The file is missing, was not written by `save`, or is of another task.
    """
    try:
        content = path.read_bytes()
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} cannot be read: {type(error).__name__}: {error}") from None
    expected: dict[str, Any] = {"x": x}
    expected |= {f"state_{number}": leaf for number, leaf in enumerate(tf.nest.flatten(state))}
    for name, like in expected.items():
        array = arrays.get(name)
        if array is None or array.shape != tuple(like.shape) or array.dtype != like.dtype.as_numpy_dtype:
            received = "nothing" if array is None else f"{array.dtype} {list(array.shape)}"
            required = f"{like.dtype.name} {like.shape.as_list()}"
            raise ValueError(f"{path} is not of this task: {name} is to be {required}. Received: {received}")
    leaves = [tf.constant(arrays[name]) for name in expected if name != "x"]
    return tf.constant(arrays["x"]), tf.nest.pack_sequence_as(state, leaves), hashlib.sha256(content).hexdigest()

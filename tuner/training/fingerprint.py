"""The fingerprint of a workload in this process, compared with the driver's."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

import tasks.datasets
import tasks.registry
from tasks.graph_contents import contents_hash
from tasks.named_files import hashes_of_named
from tasks.task import Task
from tuner.core.errors import OtherInputs
from tuner.core.fingerprint import Fingerprint, differences
from tuner.core.live_code import live_hash
from tuner.core.source_code import MAIN
from tuner.core.text import describe_error, first_line
from tuner.core.trial import Workload
from tuner.training.code_fingerprint import file_hashes, optimizer_code
from tuner.training.tensorflow import load_tensorflow

REMEDY_START = (
    "make weights within `build`, or in each process alike (keras.utils.set_random_seed before the model); adapt layers"
    " (Normalization) to all data, or to examples that are drawn with a seed"
)
PROJECTIONS = 4  # of a starting point
REMEDY = (
    "draw data with a seed (numpy.random.default_rng(0), .shuffle(n, seed=0)), read the same file in every process, and"
    " put the elements of a set in order by sorted(…): that of texts is another one in each process (PYTHONHASHSEED)"
)


def fingerprint_of(workload: Workload, task: Task | None = None) -> Fingerprint:
    """Return the fingerprint of a workload's data and code.

    Args:
        workload: The workload; its own fingerprint is not used.
        task: The task, if it has been created. Default: it is created where that is needed.

    Raises:
        ValueError: The task, or its data, cannot be used.
    """
    dataset = tasks.registry.entry(workload.task).dataset
    data = None if dataset is None else tasks.datasets.fingerprint(dataset)
    code = {}
    if workload.optimizer_place is not None:
        code["optimizer"] = optimizer_code(workload.optimizer_place)
    if not tasks.registry.is_own(workload.task):
        return Fingerprint(data, code or None)
    made: Any = task or tasks.registry.load(workload.task)(dtype=workload.precision, **workload.options)
    if data is None and callable(getattr(made, "fingerprint", None)):
        data = json.loads(json.dumps(made.fingerprint()))
    kind, source = tasks.registry.load(workload.task), tasks.registry.source_of(workload.task)
    files = {MAIN: live_hash(kind)} if source is None else dict(file_hashes(*source))
    own: dict[str, Any] = {"files": files, "numbers": _numbers(made), "start": _start(made)}
    if named := hashes_of_named(kind, None if source is None else Path(str(source[0].__file__)).parent):
        own["data"] = named
    return Fingerprint(data, {"task": own, **code})


def check_fingerprint(workload: Workload, task: Task) -> None:
    """Check that this process trains on the same data, by the same code, as the driver has recorded.

    Raises:
        OtherInputs: It does not.
    """
    if workload.data is None and workload.code is None:
        return
    recorded, here = Fingerprint(workload.data, workload.code), fingerprint_of(workload, task)
    if differ := differences(recorded, here):
        is_code = any(each.startswith("other code") for each in differ)
        way = "the driver has imported an earlier state of it; start it anew" if is_code else remedy(differ)
        raise OtherInputs(f"{workload.task_label} is not the same in every process: {' and '.join(differ)}: {way}")


def remedy(differ: Sequence[str]) -> str:
    """Return what mends a task that is not the same in every process."""
    return REMEDY_START if any(each.startswith("another starting point") for each in differ) else REMEDY


def fingerprint_elsewhere(workload: Workload) -> Fingerprint:
    """Return the fingerprint of a workload as a new process computes it.

    Raises:
        ValueError: The task cannot be used there; the last line that the process has written.
    """
    code = "import json, sys; sys.path[:], text = json.load(sys.stdin); from tuner.training.fingerprint import _print"
    ended = subprocess.run(
        [sys.executable, "-P", "-c", f"{code}; _print(text)"],
        input=json.dumps([sys.path, workload.identity()]),
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        lines = ended.stderr.strip().splitlines()
        raise ValueError(first_line(lines[-1] if lines else f"a new process ends with code {ended.returncode}"))
    return Fingerprint(**json.loads(ended.stdout))


def _print(identity: str) -> None:
    """Print the fingerprint of a workload, and end this process, whatever the user's code prints or leaves running."""
    output, error = os.dup(1), os.dup(2)
    os.dup2(2, 1)
    code = 1
    try:
        load_tensorflow()
        with os.fdopen(output, "w") as file, contextlib.redirect_stdout(sys.stderr):
            file.write(json.dumps(asdict(fingerprint_of(Workload(**json.loads(identity))))))
        code = 0
    except BaseException as failure:
        os.write(error, f"\n{describe_error(failure)[0]}\n".encode())
    os._exit(code)


def _start(task: Any) -> list[list[float]] | None:
    """Return, for x and each array of floats in the state of one seed's start, its norm and four projections, float64.

    They are compared with a tolerance, because machines may round random numbers differently.
    None for a task whose `initial` is traced: its numbers are in `_numbers`. None, too, if they are not all finite.
    """
    if not getattr(task, "eager_initial", False):
        return None
    arrays = [np.asarray(tensor) for tensor in tf.nest.flatten(task.initial(tf.zeros([1, 2], tf.int32)))]
    arrays = [array.astype(np.float64).ravel() for array in arrays if array.dtype.kind == "f" and array.size]
    return [_projected(array) for array in arrays] if all(np.isfinite(array).all() for array in arrays) else None


def _projected(array: np.ndarray) -> list[float]:
    signs = np.random.default_rng(0).integers(0, 2, (PROJECTIONS, len(array)), np.int8)
    projections = [float(np.where(row, array, -array).sum() / np.sqrt(len(array))) for row in signs]
    return [float(np.sqrt((array**2).sum())), *projections]


def _numbers(task: Any) -> str | None:
    """Return the hash of the operations and of all numbers that a task computes with, apart from its data.

    With a GPU, Keras chooses other operations; a task of a Keras model then has no such hash.
    """
    if hasattr(task, "graph"):
        return None if tf.config.list_physical_devices("GPU") else contents_hash([task.graph], task.own_tensors())
    seeds, t = tf.TensorSpec([1, 2], tf.int32), tf.TensorSpec([], tf.int32)

    def step(x: Any, state: Any, seeds: Any, t: Any) -> Any:
        return task.loss_and_gradient(x, task.advance(state, seeds, t))

    if getattr(task, "eager_initial", False):
        x, state = task.initial(tf.zeros([1, 2], tf.int32))
        graphs = []
    else:
        initial = tf.function(task.initial, autograph=False).get_concrete_function(seeds)
        x, state = tf.nest.map_structure(
            lambda tensor: tf.TensorSpec(tensor.shape, tensor.dtype), initial.structured_outputs
        )
        graphs = [initial.graph]
    traced = tf.function(step, autograph=False).get_concrete_function(x, state, seeds, t)
    return contents_hash([*graphs, traced.graph])

"""The compiled training loop: a task and an optimizer traced into one function.

Hyperparameters, seeds, step numbers and budgets are tensors, so one compilation serves every candidate of a workload
for as long as the process lives. It runs in chunks, whose length only affects how often progress is reported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

import tasks.data_folder
import tasks.registry
from lodo.optimizer import Optimizer
from tasks import importing
from tasks.task import Task
from tasks.tracing import compiled
from tuner.core.errors import OtherInputs, StudyRefused
from tuner.core.task_arguments import names_of_optimizer, with_arguments
from tuner.core.trial import Trial, Workload
from tuner.training import own_optimizers
from tuner.training.fingerprint import check_fingerprint
from tuner.training.memory import check_memory, weights_of
from tuner.training.starts import Starts
from tuner.training.tensorflow import configure

MAX_CHUNK_STEPS = 500  # the float64 losses of 16 lanes are then 64 kB

MAX_LOOPS = 16
"""Loops that a process keeps, which hold compiled code and data; those that were used last.

A worker may alternate between all optimizers of a task, and between shapes of it.
"""

Carry = tuple[Any, Any, Any]  # x [n, P], the task's state, the optimizer's state


class Loop:
    """The compiled training loop of one workload.

    Args:
        task: The task.
        optimizer: The optimizer.
        lanes: Candidates in lockstep.
        keeps_starts: Whether starts that Python builds are kept by their seeds. Default: False.

    Attributes:
        traces: How often the loop was traced; at most 1.
    """

    def __init__(self, task: Task, optimizer: Optimizer, lanes: int, *, keeps_starts: bool = False) -> None:
        self.task, self.optimizer, self.lanes = task, optimizer, lanes
        self.dtype = tf.as_dtype(task.dtype)
        self.traces = 0
        self._starts = Starts(task, is_kept=keeps_starts)
        hyperparameters = {
            name: tf.TensorSpec([lanes], self.dtype, name=name.replace(".", "_")) for name in optimizer.hyperparameters
        }
        seeds = tf.TensorSpec([lanes, 2], tf.int32)
        # The start is drawn only once per candidate, so that compilation by XLA would cost more than it saves.
        self._begin = compiled(self._trace_begin, input_signature=[hyperparameters, seeds, seeds])
        self._begin_at = compiled(optimizer.initial_state)
        jit_compile = task.jit_compile and optimizer.jit_compile
        self._run = compiled(self._trace_run, jit_compile=jit_compile)

    def begin(self, hyperparameters: Mapping[str, Any], task_seeds: Any, optimizer_seeds: Any) -> Carry:
        """Return the start of every lane."""
        if getattr(self.task, "eager_initial", False):
            x, task_state = self._starts.start(task_seeds)
            return x, task_state, self._begin_at(x, dict(hyperparameters), optimizer_seeds)
        carry: Carry = self._begin(dict(hyperparameters), task_seeds, optimizer_seeds)
        return carry

    def run(
        self, carry: Carry, hyperparameters: Mapping[str, Any], task_seeds: Any, first: int, steps: int, horizon: int
    ) -> tuple[Carry, NDArray[np.floating]]:
        """Train from step `first` (from 1) for `steps` (at most MAX_CHUNK_STEPS) steps.

        Returns:
            The start of the next chunk, and the losses [steps · evaluations per step, P].
        """
        numbers = [tf.constant(number, tf.int32) for number in (first, first + steps - 1, horizon)]
        carry, losses = self._run(carry, dict(hyperparameters), task_seeds, *numbers)
        return carry, losses.numpy()[: steps * self.optimizer.evaluations_per_step]

    def _trace_begin(self, hyperparameters: Mapping[str, Any], task_seeds: Any, optimizer_seeds: Any) -> Carry:
        x, task_state = self.task.initial(task_seeds)
        return x, task_state, self.optimizer.initial_state(x, hyperparameters, optimizer_seeds)

    def _trace_run(
        self, carry: Carry, hyperparameters: Mapping[str, Any], seeds: Any, first: Any, last: Any, horizon: Any
    ) -> tuple[Carry, Any]:
        self.traces += 1
        per_step = self.optimizer.evaluations_per_step
        project = getattr(self.task, "project", None)
        losses = tf.TensorArray(self.dtype, size=MAX_CHUNK_STEPS * per_step, element_shape=[self.lanes])

        def one_step(t: Any, carry: Carry, losses: Any) -> tuple[Any, Carry, Any]:
            x, task_state, optimizer_state = carry
            task_state = self.task.advance(task_state, seeds, t)

            def loss_and_gradient(point: Any) -> tuple[Any, Any]:
                nonlocal task_state
                loss, gradient, task_state = self.task.loss_and_gradient(point, task_state)
                gradient = tf.convert_to_tensor(gradient)
                if not gradient.shape.is_compatible_with(point.shape):  # otherwise it would be broadcast silently
                    raise ValueError(
                        f"the gradient of {self.task.name} must be of x's shape {tuple(point.shape)}. Received: "
                        f"{tuple(gradient.shape)}"
                    )
                return loss, tf.ensure_shape(gradient, point.shape)

            x, optimizer_state, step_losses = self.optimizer.step(
                loss_and_gradient, x, optimizer_state, hyperparameters, t, horizon
            )
            if project is not None:
                x = tf.ensure_shape(project(x), x.shape)
            for number in range(per_step):
                losses = losses.write((t - first) * per_step + number, step_losses[number])
            return t + 1, (x, task_state, optimizer_state), losses

        _, carry, losses = tf.while_loop(
            lambda t, *_: t <= last, one_step, (first, carry, losses), parallel_iterations=1
        )
        return carry, losses.stack()


def loop_for(workload: Workload, trial: Trial) -> Loop:
    """Return the loop that trains a candidate: that of `loop_of`, whose task has the candidate's arguments.

    Raises:
        StudyRefused: As `loop_of`, if the candidate has no arguments of the task.
        MemoryError: The optimizer's state does not fit into memory with the candidate's arguments, which concerns it
            alone.
        ValueError: The task does not accept the arguments, or lacks an attribute that the optimizer needs.
    """
    own = with_arguments(workload, trial.hyperparameters)
    names = names_of_optimizer(trial.hyperparameters)
    if own is workload:
        return loop_of(workload, names)
    try:
        return loop_of(own, names, recorded=workload)
    except OtherInputs:
        raise
    except StudyRefused as error:
        raise MemoryError(str(error)) from error


def loop_of(workload: Workload, hyperparameters: Sequence[str], *, recorded: Workload | None = None) -> Loop:
    """Return the loop of a workload whose trials have these hyperparameters; created once per process.

    Args:
        workload: The workload.
        hyperparameters: Those of the optimizer.
        recorded: The workload of which the study has the fingerprint, if that has other options. Default: `workload`.

    Raises:
        StudyRefused: The data or the code is not the study's, or the optimizer's state does not fit into memory.
        ValueError: The task lacks an attribute that the optimizer needs.
    """
    # A class that a notebook defines again under the same name needs another loop.
    of_session = [place for place in workload.places if place.startswith(importing.SESSION)]
    kinds = tuple(importing.imported(place, "class") for place in of_session)
    of_study = None if recorded is None else recorded.identity()
    return _loop(workload.identity(), tuple(hyperparameters), of_study, tasks.data_folder.data_folder(), kinds)


@lru_cache(maxsize=MAX_LOOPS)
def _loop(
    identity: str,
    hyperparameters: tuple[str, ...],
    recorded: str | None,
    data_folder: Path | None,
    kinds: tuple[Any, ...],
) -> Loop:
    workload = Workload(**json.loads(identity))
    configure(workload.threads)
    task = _made(workload)
    if recorded is None:
        check_fingerprint(workload, task)
    else:
        _check_recorded(recorded, data_folder, kinds)
    kind = own_optimizers.load(workload.optimizer, workload.optimizer_place, hyperparameters)
    check_memory(workload, kind, weights_of(task), task.dtype, is_here=not _has_gpu())
    optimizer = build_optimizer(
        workload.optimizer, task, hyperparameters, workload.settings, place=workload.optimizer_place
    )
    return Loop(task, optimizer, workload.cohort_size, keeps_starts=True)


def _made(workload: Workload) -> Any:
    return tasks.registry.load(workload.task)(dtype=workload.precision, **workload.options)


@lru_cache(maxsize=MAX_LOOPS)
def _check_recorded(identity: str, data_folder: Path | None, kinds: tuple[Any, ...]) -> None:
    """Check a study's fingerprint, which is that of the task without the arguments of a candidate."""
    del data_folder, kinds  # only parts of the cache key
    workload = Workload(**json.loads(identity))
    check_fingerprint(workload, _made(workload))


def _has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


def build_optimizer(
    name: str,
    task: Task,
    hyperparameters: Sequence[str] | None = None,
    settings: Mapping[str, int] | None = None,
    *,
    place: str | None = None,
) -> Optimizer:
    """Return an optimizer with these hyperparameters, created with the attributes of the task that it uses.

    `place` is where the class of a user's own optimizer is.

    Raises:
        ValueError: The task lacks a needed attribute, or the optimizer lacks a hyperparameter.
    """
    optimizer_class: Any = own_optimizers.load(name, place, hyperparameters)
    for need in optimizer_class.needs:
        if getattr(task, need, None) is None:
            raise ValueError(f"{name} needs a task with `{need}`. Received: {task.name}, which has none")
    known = {name: getattr(task, name, None) for name in (*optimizer_class.needs, *optimizer_class.wants)}
    optimizer: Optimizer = optimizer_class(**known, **(settings or {}))
    return optimizer

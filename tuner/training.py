"""Trials in, losses and evaluations out: the compiled loop in which a cohort of candidates trains in lockstep.

Workers import this module, the driver does not. The loop runs inside one compiled function, in chunks;
hyperparameters, seeds, step numbers and budgets are tensors, so one compilation serves every candidate of a workload
for as long as the process lives. How long a chunk is changes nothing but how often progress is told.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

import lodo.registry
import tasks.datasets
import tasks.registry
from lodo.optimizer import Optimizer
from tasks.task import Task
from tuner.candidate import Evaluation, Key, TrainingProgress, Trial, Workload
from tuner.fitness import judge
from tuner.seeds import lane_seeds
from tuner.tensorflow_settings import configure

CHUNK_STEPS = 500  # steps a chunk at most; 16 lanes of float64 are 64 kB of losses then
CHUNK_SECONDS = 1.0  # how long a chunk should take, so that progress is seen and a diverged cohort ends early

Carry = tuple[Any, Any, Any]  # x [n, P], the task's state, the optimizer's state


class Loop:
    """The compiled training loop of one workload.

    Attributes:
        traces: How often the loop was traced; stays 1 whatever is trained.
    """

    def __init__(self, task: Task, optimizer: Optimizer, lanes: int) -> None:
        self.task, self.optimizer, self.lanes = task, optimizer, lanes
        self.dtype = tf.as_dtype(task.dtype)
        self.traces = 0
        hyperparameters = {
            name: tf.TensorSpec([lanes], self.dtype, name=name.replace(".", "_")) for name in optimizer.hyperparameters
        }
        seeds = tf.TensorSpec([lanes, 2], tf.int32)
        step = tf.TensorSpec([], tf.int32)
        # Drawing the start happens once a candidate, which would not repay what XLA takes to compile it.
        self._begin = tf.function(self._trace_begin, input_signature=[hyperparameters, seeds, seeds], autograph=False)
        jit_compile = task.jit_compile and optimizer.jit_compile
        self._run = tf.function(self._trace_run, jit_compile=jit_compile, autograph=False)
        self._step = step

    def begin(self, hyperparameters: Mapping[str, Any], task_seeds: Any, optimizer_seeds: Any) -> Carry:
        """Return where every lane starts."""
        carry: Carry = self._begin(dict(hyperparameters), task_seeds, optimizer_seeds)
        return carry

    def run(
        self, carry: Carry, hyperparameters: Mapping[str, Any], task_seeds: Any, first: int, steps: int, horizon: int
    ) -> tuple[Carry, NDArray[np.floating]]:
        """Train from step `first` (from 1) for `steps` (at most CHUNK_STEPS) steps.

        Returns:
            What the next chunk starts from, and the losses [steps · evaluations a step, P].
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
        losses = tf.TensorArray(self.dtype, size=CHUNK_STEPS * per_step, element_shape=[self.lanes])

        def one_step(t: Any, carry: Carry, losses: Any) -> tuple[Any, Carry, Any]:
            x, task_state, optimizer_state = carry
            task_state = self.task.advance(task_state, seeds, t)

            def loss_and_gradient(point: Any) -> tuple[Any, Any]:
                nonlocal task_state
                loss, gradient, task_state = self.task.loss_and_gradient(point, task_state)
                gradient = tf.convert_to_tensor(gradient)
                if not gradient.shape.is_compatible_with(point.shape):  # else it would be broadcast, and train
                    raise ValueError(
                        f"the gradient of {self.task.name} must be of x's shape {tuple(point.shape)}. Received: "
                        f"{tuple(gradient.shape)}"
                    )
                return loss, tf.ensure_shape(gradient, point.shape)

            x, optimizer_state, found = self.optimizer.step(
                loss_and_gradient, x, optimizer_state, hyperparameters, t, horizon
            )
            for number in range(per_step):
                losses = losses.write((t - first) * per_step + number, found[number])
            return t + 1, (x, task_state, optimizer_state), losses

        _, carry, losses = tf.while_loop(
            lambda t, *_: t <= last, one_step, (first, carry, losses), parallel_iterations=1
        )
        return carry, losses.stack()


def train(workload: Workload, lanes: Sequence[Trial]) -> Iterator[TrainingProgress | Evaluation]:
    """Train one cohort to the end of its budget, or until every lane has diverged.

    Args:
        workload: What the trials share.
        lanes: `workload.cohort_size` trials with one budget; a candidate may fill several lanes.

    Yields:
        `TrainingProgress` with the losses of all lanes, chunk by chunk; at the end one `Evaluation` a distinct key.

    Raises:
        ValueError: The lanes do not fit the workload, or the data is not what the study was made on.
    """
    budgets = {trial.steps for trial in lanes}
    if len(lanes) != workload.cohort_size or len(budgets) != 1:
        raise ValueError(
            f"a cohort has {workload.cohort_size} lanes with one budget. Received: {len(lanes)} lanes with the budgets"
            f" {sorted(budgets)}"
        )
    budget = budgets.pop()
    names = list(lanes[0].hyperparameters)
    loop = _loop(json.dumps([_identity(workload), names, os.environ.get("LODO_DATA_DIR")], sort_keys=True))
    per_step = loop.optimizer.evaluations_per_step
    horizon = -(-budget // per_step)
    hyperparameters = {
        name: tf.constant([trial.hyperparameters[name] for trial in lanes], loop.dtype)
        for name in loop.optimizer.hyperparameters
    }
    task_seeds = tf.constant([lane_seeds(trial.seed, "task") for trial in lanes], tf.int32)
    optimizer_seeds = tf.constant([lane_seeds(trial.seed, "optimizer") for trial in lanes], tf.int32)
    carry = loop.begin(hyperparameters, task_seeds, optimizer_seeds)
    if loop.traces == 0:  # compile, and let the first call's set-up pass, before the clock starts
        loop.run(carry, hyperparameters, task_seeds, 1, 1, horizon)

    curves: list[NDArray[np.floating]] = []
    alive = np.ones(len(lanes), bool)
    done, size, seconds = 0, 1, 0.0
    while done < horizon and alive.any():
        size = min(size, horizon - done)
        started = time.perf_counter()
        carry, losses = loop.run(carry, hyperparameters, task_seeds, done + 1, size, horizon)
        elapsed = time.perf_counter() - started
        seconds += elapsed
        done += size
        losses = losses[: budget - (done - size) * per_step]
        curves.append(losses)
        alive &= np.isfinite(losses).all(axis=0)
        yield TrainingProgress(steps_done=min(done * per_step, budget), losses=losses)
        size = _next_size(size, elapsed)
    yield from _evaluations(lanes, np.concatenate(curves), budget, seconds, carry[0].device)


def _next_size(size: int, elapsed: float) -> int:
    """Return how many steps the next chunk takes so that it lasts about CHUNK_SECONDS; grows by 8 at most."""
    wanted = size * CHUNK_SECONDS / max(elapsed, 1e-6)
    return int(min(max(wanted, 1), size * 8, CHUNK_STEPS))


def _evaluations(
    lanes: Sequence[Trial], losses: NDArray[np.floating], budget: int, seconds: float, device: str
) -> Iterator[Evaluation]:
    """Yield one evaluation a distinct key of the lanes, from losses [evaluations, P]."""
    places: dict[Key, int] = {}
    for place, trial in enumerate(lanes):
        places.setdefault(trial.key, place)
    where = tf.DeviceSpec.from_string(device)
    name = f"{where.device_type}:{where.device_index}" if where.device_type else "CPU:0"
    for key, place in places.items():
        curve = losses[:, place]
        status, fitness, reason = judge(curve, budget)
        steps_done = next((int(i) + 1 for i in np.flatnonzero(~np.isfinite(curve))), len(curve))
        yield Evaluation(
            key=key,
            status=status,
            fitness=fitness,
            losses=curve[:steps_done],
            steps_done=steps_done,
            seconds=seconds / len(places),
            device=name,
            reason=reason,
        )


def _identity(workload: Workload) -> dict[str, Any]:
    """Return all that decides which loop is compiled, as JSON takes it."""
    return {
        "task": workload.task,
        "optimizer": workload.optimizer,
        "cohort_size": workload.cohort_size,
        "threads": workload.threads,
        "precision": workload.precision,
        "options": dict(workload.options),
        "data": None if workload.data is None else dict(workload.data),
    }


@lru_cache(maxsize=8)  # a worker meets one optimizer after the other; old loops hold their compiled code and data
def _loop(identity: str) -> Loop:
    """Return the loop of a workload; one a process, compiled at its first use."""
    wanted, names, _ = json.loads(identity)
    configure(wanted["threads"])
    task = tasks.registry.load(wanted["task"])(dtype=wanted["precision"], **wanted["options"])
    dataset = tasks.registry.entry(wanted["task"]).dataset
    if dataset is not None and wanted["data"] is not None:
        found = tasks.datasets.fingerprint(dataset)
        if found != wanted["data"]:
            raise ValueError(
                f"this worker's data is not the study's: {found['name']} with sha256 {found['sha256'][:12]}…, the"
                f" study has sha256 {wanted['data']['sha256'][:12]}…"
            )
    return Loop(task, _optimizer(wanted["optimizer"], task, names), wanted["cohort_size"])


def _optimizer(name: str, task: Task, hyperparameters: Sequence[str] | None = None) -> Optimizer:
    """Return an optimizer of these hyperparameters that has been told of the task what it needs and wants.

    Raises:
        ValueError: The task does not have what it needs, or the optimizer not these hyperparameters.
    """
    optimizer_class: Any = lodo.registry.load(name, hyperparameters)
    for need in optimizer_class.needs:
        if getattr(task, need, None) is None:
            raise ValueError(f"{name} needs a task with `{need}`. Received: {task.name}, which has none")
    told = {tell: getattr(task, tell, None) for tell in (*optimizer_class.needs, *optimizer_class.wants)}
    optimizer: Optimizer = optimizer_class(**told)
    return optimizer

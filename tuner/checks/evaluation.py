"""Checks of evaluation: examples, metrics, and isolation of the test set."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tasks.task import Evaluated
from tuner.checks.check import NotApplicable, PromiseError
from tuner.checks.probe import Array, Probe
from tuner.checks.returned import naming, shown
from tuner.checks.runs import advance, begin, loop_of

SPLITS = ("validation", "test")
PARTS = ("metrics", "evaluation_batch", "examples", "evaluate")
MAX_EXAMPLES = 4
STEPS = 3


def examples(probe: Probe) -> None:
    """Refuse a split without examples, metrics without a loss, or an incomplete protocol."""
    task = _evaluated(probe)
    metrics = task.metrics
    if not isinstance(metrics, tuple) or metrics[:1] != ("loss",) or not all(isinstance(each, str) for each in metrics):
        raise PromiseError(f'`metrics` is a tuple of names, "loss" first. Received: {metrics!r}')
    if isinstance(task.evaluation_batch, bool) or not isinstance(task.evaluation_batch, int):
        raise PromiseError(f"`evaluation_batch` is a whole number. Received: {task.evaluation_batch!r}")
    if task.evaluation_batch < 1:
        raise PromiseError(f"`evaluation_batch` is at least 1. Received: {task.evaluation_batch}")
    numbers = [_number(task, split) for split in SPLITS]
    for split, number in zip(SPLITS, numbers, strict=True):
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise PromiseError(f"examples({split!r}) returns a whole number, at least 0. Received: {number!r}")
    if not any(numbers):
        raise PromiseError("`examples` returns at least 1 for one of validation and test. Received: 0 for both")


def metrics(probe: Probe) -> None:
    """Refuse metrics that have another shape, are not finite, or change when they are computed again."""
    task = _evaluated(probe)
    x, state, _, _ = probe.first
    for split in filter(lambda split: _number(task, split), SPLITS):
        chosen = _chosen(task, split)
        evaluate = _compiled(task, split)
        result = evaluate(x, state, chosen)
        expected = (len(chosen), len(task.metrics), probe.lanes)
        if result.shape != expected or result.dtype not in (tf.float32, tf.float64):
            raise PromiseError(
                f"evaluate returns float32 or float64 {list(expected)}, [examples, metrics, lanes]. Received:"
                f" {shown(result)}"
            )
        once = result.numpy()
        if not np.isfinite(once).all():
            raise PromiseError(
                f"evaluate returns finite metrics of the {split} set at the start. Received:"
                f" {once[~np.isfinite(once)][0]}"
            )
        if not np.array_equal(once, evaluate(x, state, chosen).numpy()):
            raise PromiseError(
                f"evaluate returns the same for the same x, state and {split} examples. Received: other metrics"
            )
        alone = evaluate(x, state, np.full_like(chosen, chosen[-1])).numpy()[0]
        if not np.allclose(alone, once[-1], rtol=1e-3, atol=1e-5):
            raise PromiseError(
                f"evaluate measures each {split} example independently. Received: {alone[:, 0].tolist()} in a"
                f" batch of copies of it, {once[-1, :, 0].tolist()} among others"
            )


def evaluation_changes_nothing(probe: Probe) -> None:
    """Refuse a task whose training changes if it is evaluated during the run."""
    task = _evaluated(probe)
    loop = loop_of(task, probe.lanes)
    evaluate, chosen = _compiled(task, "validation"), _chosen(task, "validation")
    runs: list[list[Array]] = []
    for is_evaluated in (False, True):
        carry, losses_so_far = begin(loop, 0), []
        for t in range(1, STEPS + 1):
            if is_evaluated:
                evaluate(carry[0], carry[1], chosen)
            carry, losses = advance(loop, carry, 0, t)
            losses_so_far.append(losses)
        runs.append([*losses_so_far, *(leaf.numpy() for leaf in tf.nest.flatten(carry[:2]))])
    if not all(np.array_equal(one, other) for one, other in zip(*runs, strict=True)):
        raise PromiseError("evaluate changes nothing. Received: a run that differs if it is evaluated meanwhile")


def test_set_stays_unread(probe: Probe) -> None:
    """Refuse training or validation that reads the test set."""
    task = _sealed(_evaluated(probe))
    loop = loop_of(task, probe.lanes)
    evaluate, chosen = _compiled(task, "validation"), _chosen(task, "validation")
    carry = begin(loop, 0)
    for t in range(1, STEPS + 1):
        carry, _ = advance(loop, carry, 0, t)
        evaluate(carry[0], carry[1], chosen)


def _evaluated(probe: Probe) -> Any:
    """Return the task if it has validation or test examples."""
    if isinstance(probe.task, Evaluated):
        return probe.task
    missing = [part for part in PARTS if not hasattr(probe.task, part)]
    if len(missing) == len(PARTS):
        raise NotApplicable("it has no validation or test examples")
    raise PromiseError(f"a task that is evaluated has {', '.join(PARTS)}. Received: one without {', '.join(missing)}")


def _number(task: Any, split: str) -> int:
    with naming(f"examples({split!r})"):
        number: int = task.examples(split)
        return number


def _chosen(task: Any, split: str) -> NDArray[np.int32]:
    """Return the indices of a few examples, including the first and the last."""
    number = _number(task, split)
    if not number:
        raise NotApplicable(f"it has no {split} set")
    some = min(MAX_EXAMPLES, number)
    return np.unique(np.linspace(0, number - 1, some).astype(np.int32))


def _compiled(task: Any, split: str) -> Any:
    """Return `evaluate` on a split as a compiled function whose errors contain its name."""

    def trace(x: Any, state: Any, chosen: Any) -> Any:
        with naming(f"evaluate on the {split} set"):
            result = task.evaluate(x, state, split, chosen)
            if result is None:
                raise PromiseError("evaluate returns the metrics as a tensor. Received: None")
            return tf.convert_to_tensor(result)

    function = tf.function(trace, autograph=False)

    def call(x: Any, state: Any, chosen: NDArray[np.int32]) -> Any:
        with naming(f"evaluate on the {split} set"):
            return function(x, state, tf.constant(chosen))

    return call


def _sealed(task: Any) -> Any:
    """Return a copy of a task that raises when its test set is read, even by its own methods."""
    kind = type(task)

    def evaluate(self: Any, x: Any, state: Any, split: str, chosen: Any) -> Any:
        if split == "test":
            raise PromiseError(
                "the test set is not read while a task is trained and validated. Received: evaluate on it"
            )
        return kind.evaluate(self, x, state, split, chosen)

    sealed = copy.copy(task)
    # A subclass without slots of its own has the same layout, so that this works for every class, even a frozen one.
    object.__setattr__(sealed, "__class__", type(kind.__name__, (kind,), {"__slots__": (), "evaluate": evaluate}))
    return sealed

"""Checks of runs: effect of seeds, independence of lanes, and a single trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tuner.checks.check import NotApplicable, PromiseError
from tuner.checks.probe import Array, Probe
from tuner.checks.returned import naming
from tuner.core.seeds import lane_seeds, trial_seed
from tuner.core.trial import Key, Role
from tuner.training.loop import Carry, Loop, build_optimizer

OPTIMIZER = "Momentum"
RATE = 1e-3


def same_seed(probe: Probe) -> None:
    """Refuse a run that its seed does not determine, bit for bit."""
    once, again = probe.run(probe.seeds), probe.run(probe.seeds)
    for what, one, other in zip(("losses", "x"), once, again, strict=True):
        if not np.array_equal(one, other, equal_nan=True):
            raise PromiseError(
                f"the same seed gives the same run, bit for bit. Received: {what} that differ by {_apart(one, other)}"
                " (draw with tf.random.stateless_* from seeds and t alone)"
            )


def another_seed(probe: Probe) -> str | None:
    """Refuse a task whose runs do not depend on both halves of the seed as `is_random` states."""
    once = probe.run(probe.seeds)[0][-1]
    changed = {
        half: once != probe.run(probe.seeds + np.array(change, np.int32))[0][-1]
        for half, change in (("second", [0, 1]), ("first", [1, 0]))
    }
    if probe.is_random is None:
        if not any(lanes.any() for lanes in changed.values()):
            return "another seed gives the same run: nothing in it is random" + _undeclared(probe)
        if is_declared_exact(probe):
            raise PromiseError(
                "is_random is False: no run depends on its seed. Received: another run with another seed"
            )
        unused = [half for half, lanes in changed.items() if not lanes.all()]
        return f"the {unused[0]} half of a seed alone does not change every lane's run" if unused else None
    for half, lanes in changed.items():
        if (lanes != probe.is_random).any():
            raise PromiseError(
                f"another {half} half of the seed gives {'another' if probe.is_random else 'the same'} run in every"
                f" lane. Received: another in {int(lanes.sum())} of {probe.lanes}"
            )
    return None


def is_declared_exact(probe: Probe) -> bool:
    """Return whether a task says that nothing in it is random."""
    return getattr(probe.task, "is_random", True) is False


def declared_exact(probe: Probe) -> None:
    """Refuse a task that says that nothing in it is random, and whose runs depend on their seeds."""
    if is_declared_exact(probe):
        another_seed(probe)


def _undeclared(probe: Probe) -> str:
    return "" if is_declared_exact(probe) else " (with is_random = False, points are trained on one fresh seed)"


def each_step(probe: Probe) -> str | None:
    """Refuse a random task that draws the same numbers at two steps, and an unexpectedly random one."""
    x, state = probe.begin(probe.seeds)
    losses = [probe.step(x, state, probe.seeds, t)[1].numpy() for t in (1, 2, 3)]
    for one, other in ((0, 1), (1, 2), (0, 2)):
        differ = losses[one] != losses[other]
        if probe.is_random is None:
            if not differ.any():
                return f"steps {one + 1} and {other + 1} have the same problem: `advance` draws nothing anew"
        elif (differ != probe.is_random).any():
            raise PromiseError(
                f"advance draws {'anew at' if probe.is_random else 'nothing, whatever'} t. Received: at the same x the"
                f" losses of steps {one + 1} and {other + 1} differ in {int(differ.sum())} of {probe.lanes} lanes"
            )
    return None


def same_loss_twice(probe: Probe) -> None:
    """Refuse a loss or gradient that changes when it is computed again."""
    x, state, loss, gradient = probe.first
    again = probe.evaluate(x, state)
    for what, one, other in (("loss", loss, again[0]), ("gradient", gradient, again[1])):
        if not _close(probe, one.numpy(), other):
            raise PromiseError(
                f"loss_and_gradient returns the same {what} for the same x and state. Received: one that differs by"
                f" {_apart(one.numpy(), other)}"
            )


def cohort(probe: Probe) -> None:
    """Refuse a lane whose run in a cohort differs from its run alone."""
    if probe.lanes == 1:
        raise NotApplicable("its cohort_size is 1")
    losses, x = probe.run(probe.seeds)
    for lane in range(probe.lanes):
        alone = probe.run(probe.seeds[lane : lane + 1])
        for what, one, other in (("losses", losses[:, lane], alone[0][:, 0]), ("x", x[:, lane], alone[1][:, 0])):
            if not _close(probe, one, other):
                raise PromiseError(
                    f"a cohort of {probe.lanes} equals {probe.lanes} runs of one, to rounding. Received: in lane {lane}"
                    f" {what} that differ by {_apart(one, other)}"
                )


def lane_of_nan(probe: Probe) -> None:
    """Refuse a lane of NaN whose loss is another number, or that changes other lanes."""
    x, state, loss, gradient = probe.first
    with_nan = x.numpy()
    with_nan[:, 0] = np.nan
    after_loss, after_gradient = probe.evaluate(with_nan, state)
    if not np.isnan(after_loss[0]):
        raise PromiseError(f"loss_and_gradient returns NaN for an x of NaN. Received: {after_loss[0]}")
    for what, one, other in (
        ("loss", loss.numpy()[1:], after_loss[1:]),
        ("gradient", gradient.numpy()[:, 1:], after_gradient[:, 1:]),
    ):
        if not _close(probe, one, other):
            raise PromiseError(
                f"a lane of NaN does not affect other lanes. Received: a {what} of another lane that differs by"
                f" {_apart(one, other)}"
            )


def one_trace(probe: Probe) -> None:
    """Refuse a task that the compiled loop cannot train, or that has to be traced more than once."""
    loop = loop_of(probe.task, probe.lanes)
    for first in (0, 1):
        carry = begin(loop, first)
        for t in (1, 2):
            carry, _ = advance(loop, carry, first, t)
    if loop.traces != 1:
        raise PromiseError(f"the loop is traced once for all seeds and steps. Received: {loop.traces} traces")


def loop_of(task: Any, lanes: int) -> Loop:
    """Return a task's training loop, as workers build it, with an optimizer without requirements of the task."""
    return Loop(task, build_optimizer(OPTIMIZER, task), lanes)


def begin(loop: Loop, first: int) -> Carry:
    """Return the start of lanes with the seeds from index `first` on."""
    seeds = _seeds(loop, first)
    with naming("training in the compiled loop"):
        return loop.begin(_hyperparameters(loop), seeds, seeds)


def advance(loop: Loop, carry: Carry, first: int, t: int) -> tuple[Carry, Array]:
    """Take step t, and return the start of the next step and the losses [evaluations, P]."""
    with naming("training in the compiled loop"):
        return loop.run(carry, _hyperparameters(loop), _seeds(loop, first), t, 1, 100)


def _seeds(loop: Loop, first: int) -> Any:
    slots = range(first, first + loop.lanes)
    return tf.constant([lane_seeds(trial_seed(0, Key(Role.SEARCH, 0, slot)), "task") for slot in slots], tf.int32)


def _hyperparameters(loop: Loop) -> dict[str, Any]:
    return {name: tf.fill([loop.lanes], tf.constant(RATE, loop.dtype)) for name in loop.optimizer.hyperparameters}


def _close(probe: Probe, one: Array, other: Array) -> bool:
    """Return whether two arrays agree up to the rounding of reordered sums."""
    rtol, atol = (1e-3, 1e-5) if probe.is_single else (1e-10, 1e-13)
    return bool(np.allclose(one, other, rtol=rtol, atol=atol * max(1.0, float(np.abs(one).max(initial=0.0)))))


def _apart(one: Array, other: Array) -> str:
    """Return the largest difference between two arrays as text."""
    if np.isfinite(one).all() != np.isfinite(other).all():
        return "not being finite"
    with np.errstate(invalid="ignore"):
        return f"up to {np.abs(one.astype(float) - other.astype(float)).max():.3g}"

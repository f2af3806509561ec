"""Checks of an optimizer's steps: hyperparameters, lanes, edges, convergence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tuner.checks.check import PromiseError
from tuner.checks.optimizer_probe import LANES, SEEDS, Array, OptimizerProbe
from tuner.checks.returned import naming
from tuner.checks.toy_problems import Bowl, Regression, Rosenbrock
from tuner.core.user_code import explained
from tuner.training.loop import MAX_CHUNK_STEPS, Loop

TOLERANCES = {"float32": 1e-4, "float64": 1e-9}  # relative to the largest entry of x, for sums in another order
FACTORS = 10.0 ** np.arange(-3, 4)  # of the default learning rates, on the toy problems
TOY_STEPS = (500, 1000, 2000, 4000, 8000)  # each next number only for an optimizer that is still getting down
FALL = 0.1  # share of the first loss to which the loss has to fall
STILL_FALLING = 0.9  # what is left of that share when the number of steps has doubled, at most


def hyperparameters(probe: OptimizerProbe) -> str | None:
    """Refuse lanes that do not take the steps of their own hyperparameters."""
    one, other = probe.defaults, probe.others
    mixed, ones, others = probe.run(one, other), probe.run(one, one), probe.run(other, other)
    for lane, alone in ((0, ones), (1, others)):
        if not _close(probe, mixed[:, :, lane], alone[:, :, lane]):
            raise PromiseError(
                "each lane takes the steps of its own hyperparameters, which are tensors [P]. Received: lane"
                f" {lane} beside another one's values takes steps that differ by"
                f" {_apart(mixed[:, :, lane], alone[:, :, lane])}"
            )
    idle = [name for name in one if np.array_equal(probe.run(one, one | {name: other[name]})[:, :, 1], ones[:, :, 1])]
    if idle and len(idle) == len(one):
        raise PromiseError(
            "a step reads its hyperparameters from the mapping that it is given. Received: the same steps for all"
            f" values of {', '.join(idle)}"
        )
    return f"without effect on the first steps on a bowl: {', '.join(idle)}" if idle else None


def lanes(probe: OptimizerProbe) -> None:
    """Refuse a lane whose bits depend on what another lane does."""
    start = np.zeros((8, LANES))
    start[:, 1] = np.linspace(5, -7, 8)
    beside = probe.run(probe.defaults, probe.others, start=start, mask=(1.0, 3.0))
    _check_bits(probe.run(), beside, "lanes do not influence each other")


def diverged_lane(probe: OptimizerProbe) -> None:
    """Refuse a lane whose bits change when another lane diverges."""
    for value in (np.nan, np.inf, -np.inf):
        added = np.zeros((8, LANES))
        added[:, 1] = value
        _check_bits(
            probe.run(), probe.run(added={2: added}), f"a lane with a gradient of {value} leaves the others alone"
        )


def same_steps_again(probe: OptimizerProbe) -> None:
    """Refuse steps that are not determined, bit for bit."""
    once, again = probe.run(), probe.run()
    if not np.array_equal(once, again):
        raise PromiseError(
            f"the same seeds give the same steps, bit for bit. Received: x that differs by {_apart(once, again)} (draw"
            " with tf.random.stateless_* from the seeds of initial_state)"
        )


def compiled(probe: OptimizerProbe) -> None:
    """Refuse steps that depend on Python when they are traced: counters, lists, NumPy's random numbers."""
    traced, eager = probe.run(), probe.run(eagerly=True)
    if not _close(probe, traced, eager):
        raise PromiseError(
            "the compiled steps are those taken operation by operation. Received: x that differs by"
            f" {_apart(traced, eager)}; what changes from step to step belongs into the state, as tensors"
        )


def one_trace(probe: OptimizerProbe) -> None:
    """Refuse an optimizer that the compiled loop cannot train, or that has to be traced more than once."""
    task = Bowl(probe.dtype)
    with naming("training in the compiled loop", explained):
        loop = Loop(task, probe.make(task), LANES)
        seeds = tf.constant(SEEDS)
        for values in (probe.values((probe.defaults, probe.others)), probe.values((probe.others, probe.defaults))):
            carry = loop.begin(values, seeds, seeds)
            for first in (1, 3):
                carry, _ = loop.run(carry, values, seeds, first, 2, 100)
    if loop.traces != 1:
        raise PromiseError(f"the loop is traced once for all hyperparameters and steps. Received: {loop.traces} traces")


def zero_gradient(probe: OptimizerProbe) -> str | None:
    """Refuse steps that are not finite where the gradient is zero, the first and several in a row."""
    path = probe.run(mask=(0.0, 0.0))
    are_finite = np.isfinite(path).all(axis=(1, 2))
    if not are_finite.all():
        raise PromiseError(
            f"the first {len(path)} steps are finite where the gradient is zero. Received: NaN or infinity after step"
            f" {int(are_finite.argmin()) + 1}"
        )
    start = probe.task.start[:, np.newaxis].astype(probe.dtype)
    return None if np.array_equal(path[-1], np.repeat(start, LANES, axis=1)) else "x moves where the gradient is zero"


def falls_on_bowl(probe: OptimizerProbe) -> str:
    """Refuse an optimizer that does not get down a bowl with any learning rate."""
    return _falls(probe, Bowl(probe.dtype))


def falls_on_rosenbrock(probe: OptimizerProbe) -> str:
    """Refuse an optimizer that does not get down Rosenbrock's function with any learning rate."""
    return _falls(probe, Rosenbrock(probe.dtype))


def falls_on_regression(probe: OptimizerProbe) -> str:
    """Refuse an optimizer that does not get down a noisy regression with any learning rate."""
    return _falls(probe, Regression(probe.dtype))


def _falls(probe: OptimizerProbe, task: Bowl) -> str:
    """Train a cohort whose lanes have multiples of the default learning rates.

    An optimizer whose own rules make its first steps small, whatever the learning rate, gets more steps.
    """
    rates = [name for name in probe.defaults if name.endswith("learning_rate")]
    scaled = {name: probe.defaults[name] * FACTORS for name in rates}
    values = {name: scaled.get(name, np.full(len(FACTORS), value)) for name, value in probe.defaults.items()}
    with naming("training in the compiled loop", explained):
        loop = Loop(task, probe.make(task), len(FACTORS))
        seeds = tf.constant([[7, lane] for lane in range(len(FACTORS))], tf.int32)
        tensors = {name: tf.constant(value, probe.dtype) for name, value in values.items()}
        before = np.inf
        for steps in TOY_STEPS:
            shares = _shares(loop, tensors, seeds, steps)
            best = int(shares.argmin())
            if shares[best] <= FALL or not shares[best] <= STILL_FALLING * before:
                break
            before = shares[best]
    at = f" at {FACTORS[best]:g} × the default learning rate" if rates else ""
    within = "" if steps == TOY_STEPS[0] else f" within {steps:,} steps"
    if not shares[best] <= FALL:
        raise PromiseError(
            f"the loss falls to a tenth within {TOY_STEPS[0]} steps, or within {TOY_STEPS[-1]:,} if it goes on falling,"
            " at the default learning rate or one up to 1000 times larger or smaller. Received: at best"
            f" {shares[best]:.3g} of the first loss{within}{at}"
        )
    return f"to {shares[best]:.1e} of the first loss{within}{at}"


def _shares(loop: Loop, hyperparameters: Mapping[str, Any], seeds: Any, steps: int) -> Array:
    """Return the mean loss of the last tenth of a run relative to its first loss, [P]; infinity where it diverged."""
    carry = loop.begin(hyperparameters, seeds, seeds)
    chunks = []
    for first in range(1, steps + 1, MAX_CHUNK_STEPS):
        carry, losses = loop.run(carry, hyperparameters, seeds, first, min(MAX_CHUNK_STEPS, steps + 1 - first), steps)
        chunks.append(losses)
    losses = np.concatenate(chunks)
    with np.errstate(over="ignore", invalid="ignore"):
        ends = losses[-max(1, len(losses) // 10) :].mean(axis=0)
    return np.where(np.isfinite(ends), ends / losses[0], np.inf)


def _check_bits(alone: Array, beside: Array, law: str) -> None:
    """Refuse a first lane whose bits are not the same in two runs."""
    if not np.array_equal(alone[:, :, 0], beside[:, :, 0]):
        apart = _apart(alone[:, :, 0], beside[:, :, 0])
        raise PromiseError(
            f"{law}: every array has its lanes on the last axis, and sums do not run over it. Received: x of another"
            f" lane that differs by {apart}"
        )


def _close(probe: OptimizerProbe, one: Array, other: Array) -> bool:
    tolerance = TOLERANCES[probe.dtype]
    largest = float(np.abs(one).max(initial=0.0, where=np.isfinite(one)))
    return bool(np.allclose(one, other, rtol=tolerance, atol=tolerance * max(largest, 1e-30), equal_nan=True))


def _apart(one: Array, other: Array) -> str:
    """Return the largest difference between two arrays as text."""
    if np.isfinite(one).all() != np.isfinite(other).all():
        return "not being finite"
    with np.errstate(invalid="ignore"):
        return f"up to {np.nanmax(np.abs(one.astype(float) - other.astype(float))):.3g}"

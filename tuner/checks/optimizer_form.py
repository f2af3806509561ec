"""Checks of an optimizer's form: attributes, shapes, state, a finite step.

If one of the basic ones fails, the other checks are meaningless. All of them run before a search.
"""

from __future__ import annotations

import numpy as np

from tasks.graph_contents import constants
from tasks.random_operations import unseeded
from tuner.checks.check import PromiseError
from tuner.checks.optimizer_probe import LANES, SEEDS, OptimizerProbe
from tuner.checks.returned import check_same_form, check_start, shown
from tuner.training.own_optimizers import is_random


def attributes(probe: OptimizerProbe) -> None:
    """Refuse attributes of another type than the protocol has."""
    optimizer = probe.optimizer
    number = optimizer.evaluations_per_step
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise PromiseError(f"`evaluations_per_step` is a whole number, at least 1. Received: {number!r:.80}")
    if not isinstance(optimizer.jit_compile, bool):
        raise PromiseError(f"`jit_compile` is True or False. Received: {optimizer.jit_compile!r:.80}")
    for name in ("hyperparameters", "needs", "wants"):
        names = getattr(optimizer, name)
        if isinstance(names, str) or not all(isinstance(each, str) for each in names):
            raise PromiseError(f"`{name}` is a tuple of names. Received: {names!r:.80}")


def shapes_and_dtypes(probe: OptimizerProbe) -> None:
    """Refuse a step whose x or losses have another shape or dtype."""
    before, _ = probe.begin(probe.optimizer, (probe.defaults, probe.defaults))
    x, _, losses = probe.traced
    if shown(x) != shown(before):
        raise PromiseError(f"step returns x as it is given, {shown(before)}. Received: {shown(x)}")
    wanted = f"{probe.dtype} [{probe.optimizer.evaluations_per_step}, {LANES}]"
    if shown(losses) != wanted:
        raise PromiseError(
            f"step returns the losses [evaluations_per_step, P], here {wanted}. Received: {shown(losses)}"
        )


def state(probe: OptimizerProbe) -> None:
    """Refuse a step whose state differs in structure, shape or dtype from the state before it."""
    _, first = probe.begin(probe.optimizer, (probe.defaults, probe.defaults))
    check_start("initial_state", first)
    _, later, _ = probe.traced
    check_same_form("a step", first, later, "initial_state")


def finite(probe: OptimizerProbe) -> None:
    """Refuse an optimizer whose first step from a finite gradient is not finite, at the defaults."""
    x = probe.run(steps=1)[0]
    bad = x[~np.isfinite(x)]
    if bad.size:
        raise PromiseError(
            "x is finite after the first step from a finite gradient, with the default hyperparameters. Received:"
            f" {bad[0]}, {bad.size} of {x.size} numbers are not finite"
        )


def randomness(probe: OptimizerProbe) -> None:
    """Refuse random numbers that no seed repeats: of TensorFlow's generators, or drawn in Python during tracing."""
    accepted = "random numbers come from tf.random.stateless_* with the seeds that the state is made of"
    first, second = probe.graphs
    if drawn := unseeded(first):
        raise PromiseError(f"{accepted}. Received: a step with {drawn}, which no seed repeats")
    if constants(first) != constants(second):
        raise PromiseError(
            f"{accepted}. Received: other numbers in each trace of a step, as of numpy.random or the clock"
        )
    if not is_random(probe.name, probe.place) and not np.array_equal(probe.run(), probe.run(seeds=SEEDS + 1)):
        raise PromiseError("is_random is False: no step depends on the seeds. Received: other steps with other seeds")

"""Checks of form: attributes, shapes, dtypes, state, layers and a finite start.

If one of them fails, the other checks are meaningless. All but `name` run before a search.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf

from tasks.options import FLOATS
from tuner.checks.check import NotApplicable, PromiseError
from tuner.checks.probe import Probe
from tuner.checks.returned import check_same_form, check_start, cut, shown


def name(probe: Probe) -> None:
    """Refuse a name that is not a single lower-case word."""
    value = getattr(probe.task, "name", None)
    if not isinstance(value, str) or not value or value != value.lower() or any(map(str.isspace, value)):
        raise PromiseError(f"`name` is one word in lower case, with hyphens. Received: {value!r}")


def attributes(probe: Probe) -> None:
    """Refuse missing attributes and attributes of another type; `cohort_size` defaults to 1."""
    task: Any = probe.task
    dtype = getattr(task, "dtype", None)
    if dtype not in FLOATS:
        raise PromiseError(f"`dtype` is one of {', '.join(FLOATS)}, a string. Received: {dtype!r}")
    jit_compile = getattr(task, "jit_compile", None)
    if not isinstance(jit_compile, bool):
        raise PromiseError(f"`jit_compile` is True or False. Received: {jit_compile!r}")
    size = getattr(task, "cohort_size", 1)
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise PromiseError(f"`cohort_size` is a whole number, at least 1. Received: {size!r}")


def shapes_and_dtypes(probe: Probe) -> None:
    """Refuse an x, loss or gradient whose shape or dtype differs from the protocol."""
    dtype, lanes = tf.as_dtype(probe.task.dtype), probe.lanes
    x, _ = probe.begin(probe.seeds)
    if x.dtype != dtype or x.shape.rank != 2 or x.shape[0] == 0 or x.shape[1] != lanes:
        raise PromiseError(
            f"initial returns x as {dtype.name} [n, {lanes}], n at least 1 and a column for each of {lanes} seeds."
            f" Received: {shown(x)}"
        )
    _, _, loss, gradient = probe.first
    if loss.dtype != dtype or loss.shape != (lanes,):
        raise PromiseError(
            f"loss_and_gradient returns the loss as {dtype.name} [{lanes}], one number for each of {lanes} lanes."
            f" Received: {shown(loss)}"
        )
    if gradient.dtype != dtype or gradient.shape != x.shape:
        raise PromiseError(
            f"loss_and_gradient returns the gradient in the form of x, {shown(x)}. Received: {shown(gradient)}"
        )
    _check_variables(probe.task, x.shape[0])


def state(probe: Probe) -> None:
    """Refuse a method whose state differs in structure, shape or dtype from that of `initial`."""
    states = probe.states()
    first = states.pop("initial")
    check_start("initial", first)
    for method, later in states.items():
        check_same_form(method, first, later, "initial")


def layers(probe: Probe) -> None:
    """Refuse layers that do not cover x in order, without gap and overlap."""
    x, _ = probe.begin(probe.seeds)
    declared, size = getattr(probe.task, "layers", None), x.shape[0]
    try:
        slices = [(int(start), int(stop)) for start, stop in declared or ()]
    except (TypeError, ValueError):
        raise PromiseError(f"`layers` is a tuple of (start, stop). Received: {cut(declared)}") from None
    ends = [(0, 0), *slices, (size, size)]
    covers = bool(slices) and all(one[1] == other[0] for one, other in pairwise(ends))
    if not covers or any(start >= stop for start, stop in slices):
        raise PromiseError(
            f"`layers` covers x in order, from 0 to {size}, without gap or overlap. Received: {cut(declared)}"
        )


def layers_if_any(probe: Probe) -> None:
    """Check the layers of a task that defines them; only LARS needs them."""
    if not hasattr(probe.task, "layers"):
        raise NotApplicable("it has no `layers`, which only LARS needs")
    layers(probe)


def finite_start(probe: Probe) -> None:
    """Refuse an x, loss or gradient that is not finite at the first step."""
    x, _, loss, gradient = probe.first
    for what, array in (
        ("initial returns an x", x),
        ("loss_and_gradient returns a loss", loss),
        ("loss_and_gradient returns a gradient", gradient),
    ):
        values = array.numpy()
        bad = values[~np.isfinite(values)]
        if bad.size:
            raise PromiseError(
                f"{what} that is finite at the first step. Received: {bad[0]}, {bad.size:,} of"
                f" {values.size:,} numbers are not finite"
            )


def _check_variables(task: Any, size: int) -> None:
    """Refuse `variable_shapes` (optional) whose sizes do not sum to the size of x."""
    shapes = getattr(task, "variable_shapes", None)
    if shapes is None:
        return
    total = sum(math.prod(shape) for shape in shapes)
    if total != size:
        raise PromiseError(f"`variable_shapes` sum to the size of x, {size:,} numbers. Received: {total:,}")

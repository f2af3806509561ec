"""Checks of derivatives: gradient and Hessian against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tuner.checks.check import NotApplicable, PromiseError
from tuner.checks.differences import wrong_slope
from tuner.checks.probe import Array, Probe
from tuner.checks.returned import naming

COORDINATES = 4  # in addition to that of the largest slope in each lane
HESSIAN_STEPS = {"float64": 1e-5, "float32": 1e-2}  # relative to the size of x
HESSIAN_TOLERANCE = {"float64": 1e-5, "float32": 5e-2}  # relative to the largest entry of H d


def gradient(probe: Probe) -> None:
    """Refuse a gradient that is wrong along a coordinate, along itself or along a random direction."""
    _gradient(probe, COORDINATES)


def gradient_quickly(probe: Probe) -> None:
    """Refuse a gradient that is wrong along itself or a random direction; a correct one takes four evaluations."""
    _gradient(probe, 0)


def _gradient(probe: Probe, coordinates: int) -> None:
    if getattr(probe.task, "gradient_is_estimated", False):
        raise NotApplicable("its gradient is an estimate (`gradient_is_estimated`)")
    slope = wrong_slope(probe, coordinates)
    if slope is not None:
        raise PromiseError(
            f"loss_and_gradient returns the gradient of the loss. Received: one that is likely wrong: {slope} (a"
            " task whose gradient is an estimate on purpose sets `gradient_is_estimated = True`)"
        )


def hessian(probe: Probe) -> None:
    """Refuse a Hessian that is not symmetric, or not the derivative of the gradient along random directions."""
    declared = getattr(probe.task, "hessian", None)
    if declared is None:
        raise NotApplicable("it has no `hessian`")
    start, state, _, _ = probe.first
    dtype, rng = str(probe.task.dtype), np.random.default_rng(7)
    x = start.numpy() + 0.1 * rng.standard_normal(start.shape).astype(dtype)
    n, lanes = x.shape
    matrix = _matrix(declared, x)
    if matrix.shape != (n, n, lanes):
        raise PromiseError(
            f"`hessian` is an array [{n}, {n}], or a method that returns [{n}, {n}, {lanes}]. Received: shape"
            f" {list(matrix.shape)}"
        )
    largest = np.abs(matrix).max()
    if not np.allclose(matrix, matrix.swapaxes(0, 1), rtol=0, atol=HESSIAN_TOLERANCE[dtype] * largest):
        raise PromiseError("`hessian` is symmetric. Received: one that is not")
    h = HESSIAN_STEPS[dtype] * max(1.0, float(np.sqrt((x**2).mean())))
    for _ in range(3):
        direction = rng.standard_normal(x.shape)
        ahead, behind = (probe.evaluate(x + sign * h * direction, state)[1] for sign in (1, -1))
        differences = (ahead - behind) / (2 * h)
        product = np.einsum("ijp,jp->ip", matrix, direction)
        scale = max(np.abs(product).max(), np.abs(differences).max())
        if np.abs(product - differences).max() > HESSIAN_TOLERANCE[dtype] * scale:
            at = np.unravel_index(np.abs(product - differences).argmax(), product.shape)
            raise PromiseError(
                f"`hessian` is the derivative of the gradient. Received: one that changes entry {at[0]} along"
                f" a random direction by {product[at]:.6g}, where central differences give {differences[at]:.6g}"
            )


def _matrix(declared: Any, x: Array) -> Array:
    """Return the Hessian at x [n, P] as [n, n, P] float64, from the array or the method."""
    with naming("hessian"):
        if callable(declared):
            return np.asarray(declared(tf.constant(x)), np.float64)
        constant = np.asarray(declared, np.float64)
        return np.repeat(constant[..., np.newaxis], x.shape[1], axis=-1)

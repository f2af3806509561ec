"""Comparison of a gradient with central differences of the loss.

The comparison is robust against kinks and rounding. If gradient and difference quotient disagree, a second, smaller
step is taken. The difference between both quotients measures their reliability: across a kink (an absolute value, a
ReLU), or where rounding dominates, they disagree, and nothing is reported. A slope is wrong if its distance from the
nearer quotient exceeds ten times that difference plus a tolerance. The gradient is evaluated near the start and not at
it, because a start may lie exactly on kinks (an x of zeros), and a wrong slope counts only if it occurs at a second
point as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuner.checks.probe import Array, Probe

POINTS = 2
SHIFT = 0.1  # relative to the size of x: further than a step, but still near the start
SHIFTS = (SHIFT, SHIFT / 10, SHIFT / 100, 0.0)  # the first at which all values are finite is used
STEPS = {
    "float64": (1e-4, 1e-5),
    "float32": (3e-2, 1e-2),
}  # relative to the size of x
TOLERANCE = {"float64": 1e-6, "float32": 1e-2}  # relative to the largest slope
RELATIVE = {"float64": 1e-4, "float32": 5e-2}  # relative to the slope along a direction, which sums over coordinates
TRUST = 10.0  # times the difference between the quotients of two step sizes
ROUNDINGS = 10.0  # rounding errors of the loss that are tolerated


@dataclass(frozen=True, slots=True)
class Point:
    """A point at which the gradient is evaluated."""

    x: Array  # [n, P]
    state: Any
    gradient: Array  # [n, P]
    size: Array  # [P], root mean square of x, or 1 where that is 0


@dataclass(frozen=True, slots=True)
class Slope:
    """The slope along one direction of one lane, from the gradient and from differences of the loss."""

    where: str
    claimed: float
    measured: float

    def __str__(self) -> str:
        """Return the slope as text."""
        differences = f"central differences of the loss give {self.measured:.6g}"
        return f"its slope {self.where} is {self.claimed:.6g}, and {differences}"


def wrong_slope(probe: Probe, coordinates: int) -> Slope | None:
    """Return a wrong slope at the first of `POINTS` points; None if one of them has none.

    Args:
        probe: A task that passes the checks of form, with a finite start.
        coordinates: Number of random coordinates, in addition to the gradient's own direction, a random direction and
            the coordinate of the largest slope in each lane; 0 leaves out all coordinates.
    """
    rng = np.random.default_rng(5)
    first = None
    for _ in range(POINTS):
        point = _point(probe, rng)
        slope = next(_wrong_slopes(probe, point, _directions(point, rng, coordinates)), None)
        if slope is None:
            return None
        first = first or slope
    return first


def _point(probe: Probe, rng: np.random.Generator) -> Point:
    x, state, _, _ = probe.first
    start = x.numpy().astype(np.float64)
    size = np.sqrt((start**2).mean(axis=0))
    size = np.where(size > 0, size, 1.0)
    noise = rng.standard_normal(start.shape)
    for shift in SHIFTS:
        x_shifted = (start + shift * size * noise).astype(probe.task.dtype)
        loss, gradient = probe.evaluate(x_shifted, state)
        if np.isfinite(loss).all() and np.isfinite(gradient).all():
            break
    return Point(x_shifted, state, gradient, size)


def _directions(point: Point, rng: np.random.Generator, coordinates: int) -> Iterator[tuple[str, Array, bool]]:
    """Yield directions [n, P], each with its name and whether it is a coordinate; others have a mean square of 1."""
    n, lanes = point.x.shape
    length = np.sqrt((point.gradient**2).mean(axis=0))
    if (length > 0).all():  # the steepest direction, which exceeds rounding errors even in a large network
        yield "along itself", point.gradient / length, False
    yield "along a random direction", rng.standard_normal((n, lanes)), False
    if coordinates:
        largest = np.abs(point.gradient).argmax(axis=0).tolist()
        for i in dict.fromkeys([*largest, *rng.choice(n, min(coordinates, n), replace=False).tolist()]):
            unit = np.zeros((n, lanes))
            unit[i] = 1.0
            yield f"along x[{i}]", unit, True


def _wrong_slopes(probe: Probe, point: Point, directions: Iterator[tuple[str, Array, bool]]) -> Iterator[Slope]:
    """Yield the wrong slopes along some directions."""
    large, small = STEPS[str(probe.task.dtype)]
    for where, direction, is_coordinate in directions:
        difference, slope, noise = _measure(probe, point, direction, large)
        error = difference - slope
        if not (np.abs(error) > _allowed(probe, point, direction, is_coordinate, slope, difference) + noise).any():
            continue  # they agree, the usual case
        difference, slope, noise = _measure(probe, point, direction, small)
        errors = np.abs([error, difference - slope])
        trusted = TRUST * np.abs(error - (difference - slope)) + noise
        allowed = _allowed(probe, point, direction, is_coordinate, slope, difference) + trusted
        for lane in np.flatnonzero(errors.min(axis=0) > allowed):
            if difference[lane] != 0 or not _changes_in_large_steps(probe, point, direction, int(lane)):
                yield Slope(where, float(slope[lane]), float(difference[lane]))


def _allowed(
    probe: Probe, point: Point, direction: Array, is_coordinate: bool, slope: Array, difference: Array
) -> Array:
    """Return the tolerance of a slope [P], apart from rounding and kinks."""
    dtype = str(probe.task.dtype)
    scale = np.maximum(np.abs(slope), np.abs(difference))
    if is_coordinate:
        return TOLERANCE[dtype] * np.maximum(scale, np.abs(point.gradient).max(axis=0))
    whole = np.linalg.norm(point.gradient, axis=0) * np.linalg.norm(direction, axis=0)
    return RELATIVE[dtype] * scale + 1e-3 * TOLERANCE[dtype] * whole


def _measure(probe: Probe, point: Point, direction: Array, h: float) -> tuple[Array, Array, Array]:
    """Return the loss's difference quotient, the gradient's slope over the same step, and the rounding, [P] each."""
    step = h * point.size
    ahead, behind = (
        (point.x + sign * step * direction).astype(probe.task.dtype).astype(np.float64) for sign in (1, -1)
    )
    up, down = (probe.loss(x, point.state) for x in (ahead, behind))
    slope = (point.gradient * (ahead - behind)).sum(axis=0)  # over the actual step, after rounding
    largest = np.maximum(np.abs(up), np.abs(down))
    rounding = ROUNDINGS * np.finfo(probe.task.dtype).eps * largest
    return (up - down) / (2 * step), slope / (2 * step), rounding / step


def _changes_in_large_steps(probe: Probe, point: Point, direction: Array, lane: int) -> bool:
    """Return whether a loss that did not change over a small step changes over one as large as x.

    This is the case for a loss computed in half precision, whose derivative small steps cannot measure.
    """
    return bool(_measure(probe, point, direction, 1.0)[0][lane] != 0)

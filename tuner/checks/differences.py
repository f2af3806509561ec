"""A gradient against central differences of the loss, so that kinks and rounding are not taken for a mistake.

Where the two do not agree, a second, smaller step is taken, and the disagreement of both differences measures how far
they can be trusted: across a kink (an absolute value, a ReLU), or where rounding decides, they disagree, and nothing is
said. A gradient is off where it is further from the nearer one than ten times that and a tolerance. It is looked at
beside the start, where a kink that the start stands on exactly (an x of zeros) is as good as never met, and a point
that is off does not count unless a second one is off as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuner.checks.probe import Array, Probe

POINTS = 2
SHIFT = 0.1  # of x's own size: further than a step, not as far as another problem
SHIFTS = (SHIFT, SHIFT / 10, SHIFT / 100, 0.0)  # the first at which everything is finite
STEPS = {"float64": (1e-4, 1e-5), "float32": (3e-2, 1e-2)}  # of x's own size; truncation and rounding balanced
TOLERANCE = {"float64": 1e-6, "float32": 1e-2}  # of the largest slope
RELATIVE = {"float64": 1e-4, "float32": 5e-2}  # of the slope along a direction, which many coordinates make up
TRUST = 10.0  # times the disagreement of two step sizes
ROUNDINGS = 10.0  # of the loss


@dataclass(frozen=True, slots=True)
class Point:
    """Where the gradient is looked at."""

    x: Array  # [n, P]
    state: Any
    gradient: Array  # [n, P]
    size: Array  # [P], root mean square of x, or 1 where that is 0


@dataclass(frozen=True, slots=True)
class Slope:
    """The slope along one direction of one lane, as the gradient has it and as the loss has it."""

    where: str
    told: float
    found: float

    def __str__(self) -> str:
        """Return the sentence for people."""
        return f"its slope {self.where} is {self.told:.6g}, and central differences of the loss give {self.found:.6g}"


def slope_that_is_off(probe: Probe, coordinates: int) -> Slope | None:
    """Return a slope that the gradient has wrong at the first of `POINTS` points; None if at one of them it has none.

    Args:
        probe: A task whose form is right, with a finite start.
        coordinates: How many coordinates to look at, beside the gradient's own direction and a random one: the one of
            the largest slope in each lane, and random ones. 0 is none.
    """
    rng = np.random.default_rng(5)
    first = None
    for _ in range(POINTS):
        point = _point(probe, rng)
        off = next(_off(probe, point, _directions(point, rng, coordinates)), None)
        if off is None:
            return None
        first = first or off
    return first


def _point(probe: Probe, rng: np.random.Generator) -> Point:
    x, state, _, _ = probe.first
    start = x.numpy().astype(np.float64)
    size = np.sqrt((start**2).mean(axis=0))
    size = np.where(size > 0, size, 1.0)
    noise = rng.standard_normal(start.shape)
    for shift in SHIFTS:
        here = (start + shift * size * noise).astype(probe.task.dtype)
        loss, gradient = probe.evaluate(here, state)
        if np.isfinite(loss).all() and np.isfinite(gradient).all():
            break
    return Point(here, state, gradient, size)


def _directions(point: Point, rng: np.random.Generator, coordinates: int) -> Iterator[tuple[str, Array, bool]]:
    """Yield directions [n, P] of root mean square 1 or along a coordinate, how to call each, and whether it is one."""
    n, lanes = point.x.shape
    length = np.sqrt((point.gradient**2).mean(axis=0))
    if (length > 0).all():  # the loudest: rounding cannot hide it in a large network
        yield "along itself", point.gradient / length, False
    yield "along a random direction", rng.standard_normal((n, lanes)), False
    if coordinates:
        largest = np.abs(point.gradient).argmax(axis=0).tolist()
        for i in dict.fromkeys([*largest, *rng.choice(n, min(coordinates, n), replace=False).tolist()]):
            unit = np.zeros((n, lanes))
            unit[i] = 1.0
            yield f"along x[{i}]", unit, True


def _off(probe: Probe, point: Point, directions: Iterator[tuple[str, Array, bool]]) -> Iterator[Slope]:
    """Yield the slopes that are off."""
    large, small = STEPS[str(probe.task.dtype)]
    for where, direction, is_coordinate in directions:
        difference, slope, noise = _measure(probe, point, direction, large)
        error = difference - slope
        if not (np.abs(error) > _allowed(probe, point, direction, is_coordinate, slope, difference) + noise).any():
            continue  # as good as always: nothing to ask twice about
        difference, slope, noise = _measure(probe, point, direction, small)
        errors = np.abs([error, difference - slope])
        trusted = TRUST * np.abs(error - (difference - slope)) + noise
        allowed = _allowed(probe, point, direction, is_coordinate, slope, difference) + trusted
        for lane in np.flatnonzero(errors.min(axis=0) > allowed):
            if difference[lane] != 0 or not _stands_still(probe, point, direction, int(lane)):
                yield Slope(where, float(slope[lane]), float(difference[lane]))


def _allowed(
    probe: Probe, point: Point, direction: Array, is_coordinate: bool, slope: Array, difference: Array
) -> Array:
    """Return by how much a slope may be off [P], rounding and kinks aside."""
    dtype = str(probe.task.dtype)
    scale = np.maximum(np.abs(slope), np.abs(difference))
    if is_coordinate:
        return TOLERANCE[dtype] * np.maximum(scale, np.abs(point.gradient).max(axis=0))
    whole = np.linalg.norm(point.gradient, axis=0) * np.linalg.norm(direction, axis=0)
    return RELATIVE[dtype] * scale + 1e-3 * TOLERANCE[dtype] * whole


def _measure(probe: Probe, point: Point, direction: Array, h: float) -> tuple[Array, Array, Array]:
    """Return the difference quotient of the loss, the gradient's slope over the same stretch, and rounding [P] each."""
    step = h * point.size
    ahead, behind = (
        (point.x + sign * step * direction).astype(probe.task.dtype).astype(np.float64) for sign in (1, -1)
    )
    up, down = (probe.loss(x, point.state) for x in (ahead, behind))
    slope = (point.gradient * (ahead - behind)).sum(axis=0)  # over the stretch that rounding has left
    largest = np.maximum(np.abs(up), np.abs(down))
    rounding = ROUNDINGS * np.finfo(probe.task.dtype).eps * largest
    return (up - down) / (2 * step), slope / (2 * step), rounding / step


def _stands_still(probe: Probe, point: Point, direction: Array, lane: int) -> bool:
    """Return whether a loss that did not move at all over a small step does over one of x's own size.

    So does one that is computed in half precision, whose derivative small steps cannot see.
    """
    return bool(_measure(probe, point, direction, 1.0)[0][lane] != 0)

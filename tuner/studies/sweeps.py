"""LODO's sweeps over one parameter at its tuned values: momentum, depth and block size (arXiv 2210.06171)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tuner.core.study import Point

OPTIMIZER = "LODO"
POINTS = 8  # momentum and depth have so many, and block size, too
BLOCK_LAYERS = 64  # rows of blocks times layers, which the block-size sweep holds as nearly as whole numbers can


def _momentum(values: Mapping[str, float]) -> tuple[Point, ...]:
    """From no momentum to the tuned one β, evenly in ln(1 - β)."""
    left = 1 - values["momentum"]
    momenta = [1 - left ** (number / (POINTS - 1)) for number in range(POINTS - 1)] + [values["momentum"]]
    return tuple(Point({**values, "momentum": momentum}, value=momentum) for momentum in momenta)


def _depth(values: Mapping[str, float]) -> tuple[Point, ...]:
    """0, 4, …, 28 layers. Without a layer G is α_0 I whatever is learned: gradient descent with momentum.

    In its form v ← βv - α_0 (1-β) g that is Momentum's, with which it is trained.
    """
    rate = values["initial_learning_rate"] * (1 - values["momentum"])
    none = Point({"learning_rate": rate, "momentum": values["momentum"]}, optimizer="Momentum", value=0.0)
    depths = [4 * number for number in range(1, POINTS)]
    return (none, *(Point(values, {"depth": depth}, value=float(depth)) for depth in depths))


def _block_size(values: Mapping[str, float]) -> tuple[Point, ...]:
    """Blocks of 2 to 9 rows, and as many layers as keep their product near 64."""
    sizes = range(2, 2 + POINTS)
    return tuple(
        Point(values, {"block_size": size, "depth": BLOCK_LAYERS // size}, value=float(size)) for size in sizes
    )


SWEEPS: Mapping[str, Callable[[Mapping[str, float]], tuple[Point, ...]]] = MappingProxyType(
    {"momentum": _momentum, "depth": _depth, "block-size": _block_size}
)

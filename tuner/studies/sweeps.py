"""LODO's sweeps over momentum, depth or block size (arXiv 2210.06171).

The other parameters keep their tuned values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tuner.core.study import Point

OPTIMIZER = "LODO"
POINTS = 8  # of each sweep
BLOCK_LAYERS = 64  # rows of blocks times layers, approximately constant in the block-size sweep


def _momentum(values: Mapping[str, float]) -> tuple[Point, ...]:
    """Return points from no momentum to the tuned one β, evenly in ln(1 - β)."""
    complement = 1 - values["momentum"]
    momenta = [1 - complement ** (number / (POINTS - 1)) for number in range(POINTS - 1)] + [values["momentum"]]
    return tuple(Point({**values, "momentum": momentum}, value=momentum) for momentum in momenta)


def _depth(values: Mapping[str, float]) -> tuple[Point, ...]:
    """Return points with 0, 4, …, 28 layers.

    Without layers, G is always α_0 I, which is gradient descent with momentum, v ← βv - α_0 (1-β) g. This point is
    therefore trained with the optimizer Momentum.
    """
    rate = values["initial_learning_rate"] * (1 - values["momentum"])
    none = Point({"learning_rate": rate, "momentum": values["momentum"]}, optimizer="Momentum", value=0.0)
    depths = [4 * number for number in range(1, POINTS)]
    return (none, *(Point(values, {"depth": depth}, value=float(depth)) for depth in depths))


def _block_size(values: Mapping[str, float]) -> tuple[Point, ...]:
    """Return points with blocks of 2 to 9 rows, and so many layers that the product is near 64."""
    sizes = range(2, 2 + POINTS)
    return tuple(
        Point(values, {"block_size": size, "depth": BLOCK_LAYERS // size}, value=float(size)) for size in sizes
    )


SWEEPS: Mapping[str, Callable[[Mapping[str, float]], tuple[Point, ...]]] = MappingProxyType(
    {"momentum": _momentum, "depth": _depth, "block-size": _block_size}
)

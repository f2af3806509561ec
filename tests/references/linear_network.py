"""Dense matrices of LODO's linear network, and derivatives of what it preconditions (paper, LODO).

Conventions, for an inner vector v [width]:
    permutations: (P v)[j] = v[permutation[j]];
    blocks: block b acts on the consecutive entries b k .. b k + k - 1 of the permuted vector, out = B_b @ in;
    layers: the first one acts first.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from tests.references import Array


def padded_width(n: int, block_size: int) -> int:
    """ñ: 2n rounded up to a multiple of the block size."""
    return -(-2 * n // block_size) * block_size


def permutation_matrix(permutation: ArrayLike) -> Array:
    """P [width, width] with (P v)[j] = v[permutation[j]]."""
    order = [int(source) for source in np.asarray(permutation)]
    matrix = np.zeros((len(order), len(order)))
    for row, source in enumerate(order):
        matrix[row, source] = 1.0
    return matrix


def block_diagonal_matrix(blocks: ArrayLike) -> Array:
    """B [n_blocks k, n_blocks k] with blocks [n_blocks, k, k] along its diagonal."""
    values = np.asarray(blocks, dtype=np.float64)
    count, size, _ = values.shape
    matrix = np.zeros((count * size, count * size))
    for block in range(count):
        matrix[block * size : (block + 1) * size, block * size : (block + 1) * size] = values[block]
    return matrix


def product(layers: Sequence[Array], width: int) -> Array:
    """The matrix [width, width] of layers of which the first acts first; I for no layer."""
    total = np.eye(width)
    for layer in layers:
        total = layer @ total
    return total


def meta_gradient_by_differences(
    preconditioner: Callable[[Array], Array], theta: Array, gradient: Array, average: Array, step: float = 0.5
) -> Array:
    """Takes the derivative by θ of -gᵀ G(θ) m by central differences.

    G is at most quadratic in any one entry of θ, in every variant, so the difference is exact for a step of any size
    and a large one keeps the rounding small.

    Args:
        preconditioner: θ [p] to G [n, n].
        theta: θ [p].
        gradient: g [n].
        average: m [n].
        step: half the distance between the two points.

    Returns:
        The derivative [p].
    """
    derivative = np.zeros_like(theta)
    for entry in range(len(theta)):
        shift = np.zeros_like(theta)
        shift[entry] = step
        above = -gradient @ preconditioner(theta + shift) @ average
        below = -gradient @ preconditioner(theta - shift) @ average
        derivative[entry] = (above - below) / (2 * step)
    return derivative

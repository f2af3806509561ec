"""The fixed random permutations between the layers of a preconditioner's network."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SEED = 2210_06171  # any fixed number would do; this is the paper's on arXiv

Permutations = NDArray[np.int32]


@lru_cache(maxsize=4)  # an optimizer asks several times while it is traced, and large ones take a second
def fixed_permutations(depth: int, width: int, *, architecture: tuple[int, ...]) -> tuple[Permutations, Permutations]:
    """Return permutations and their inverses, the same at every call.

    They are part of the architecture, not of θ: lanes and seeds share them.

    Args:
        depth: How many.
        width: Of how many entries.
        architecture: Numbers that tell one network from another; those of different networks are unrelated.

    Returns:
        int32 [depth, width] twice, not to be written to; (P v)[j] = v[permutation[j]].
    """
    draws = np.random.Generator(np.random.PCG64([SEED, *architecture]))
    permutations = np.stack([draws.permutation(width) for _ in range(depth)]).astype(np.int32)
    inverses = np.argsort(permutations, axis=1).astype(np.int32)
    for array in (permutations, inverses):
        array.flags.writeable = False
    return permutations, inverses

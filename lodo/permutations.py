"""Fixed random permutations between the layers of a preconditioner's network."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SEED = 2210_06171  # any constant would do; this is the number of the paper on arXiv

Permutations = NDArray[np.int32]


@lru_cache(maxsize=4)  # tracing calls this several times, and large permutations take a second
def fixed_permutations(depth: int, width: int, *, architecture: tuple[int, ...]) -> tuple[Permutations, Permutations]:
    """Return permutations and their inverses, which depend on the arguments alone.

    They are part of the architecture, not of θ: all lanes and seeds share them.

    Args:
        depth: Number of permutations.
        width: Entries of each permutation.
        architecture: Numbers that identify the network; different networks have unrelated permutations.

    Returns:
        Two read-only arrays, int32 [depth, width]; (P v)[j] = v[permutation[j]].
    """
    draws = np.random.Generator(np.random.PCG64([SEED, *architecture]))
    permutations = np.stack([draws.permutation(width) for _ in range(depth)]).astype(np.int32)
    inverses = np.argsort(permutations, axis=1).astype(np.int32)
    for array in (permutations, inverses):
        array.flags.writeable = False
    return permutations, inverses

"""Reference implementations of every optimizer: slow, obvious, in NumPy float64, one vector at a time.

They are what the fast optimizers are judged by, so they share no code with them and are written from the published
formulas alone. Every class is used alike:

    reference = Adam(x0, learning_rate=0.001)
    x, losses = reference.step(f)

`f(x) -> (loss, gradient)` is the minibatch of that step. A step evaluates it where it stands and then moves, so the
`x` it returns is the point at which the next step evaluates. `losses` holds one number an evaluation, in their order:
one, or two for L-BFGS and O-LBFGS, both on that same minibatch.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Minibatch = Callable[[Array], tuple[float, Array]]


def vector(values: ArrayLike) -> Array:
    """Copies values into one flat vector.

    Args:
        values: n numbers.

    Returns:
        A fresh array [n], float64.

    Raises:
        ValueError: if values are not one flat vector.
    """
    x = np.array(values, dtype=np.float64)
    if x.ndim != 1:
        raise ValueError(f"a reference acts on one flat vector [n]. Received: an array of shape {x.shape}")
    return x

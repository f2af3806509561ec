"""LODO and its ablations on dense matrices, with the meta-gradient entry by entry (paper, LODO and its ablations).

Permutations and blocks follow the conventions that linear_network states. Layer 1 acts first in both products,
U = B_N P_N ··· B_1 P_1 and V = (I + diag(w_N) P_N) ··· (I + diag(w_1) P_1). θ is one flat vector: the arrays that each
class names, one after the other, each in C order.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from tests.references import Array, Minibatch, vector
from tests.references.first_order import Adam, Momentum
from tests.references.linear_network import block_diagonal_matrix, padded_width, permutation_matrix, product


class _LearnedPreconditioner:
    """A preconditioner that is learned while it is used; subclasses say what G(θ) is.

    A step evaluates g at x; moves θ by its tuner along -gᵀ ∂(G(θ) m)/∂θ with the m of the last move; then
    m ← β m + (1-β) g; then x ← x - G(θ) m. The first step has m = 0: its meta-gradient is 0, and the tuner counts it.
    """

    def __init__(self, x0: ArrayLike, tuner: Adam | Momentum, *, initial_learning_rate: float, momentum: float) -> None:
        self.x = vector(x0)
        self.tuner = tuner
        self.initial_learning_rate, self.momentum = initial_learning_rate, momentum
        self.average = np.zeros_like(self.x)

    @property
    def theta(self) -> Array:
        """θ [p], as it is now."""
        return self.tuner.x

    def preconditioner(self, theta: Array) -> Array:
        """G(θ) [n, n]."""
        raise NotImplementedError

    def derivatives(self, theta: Array) -> Iterator[Array]:
        """∂G/∂θ_j [n, n], for every entry j of θ in order."""
        raise NotImplementedError

    def meta_gradient(self, gradient: Array) -> Array:
        """The derivative [p] by θ of -gᵀ G(θ) m at the θ and m of the last move."""
        return np.array([-gradient @ derivative @ self.average for derivative in self.derivatives(self.theta)])

    def step(self, f: Minibatch) -> tuple[Array, Array]:
        """Evaluates once, moves once; returns x [n] and the loss [1]."""
        loss, g = f(self.x)
        slope = self.meta_gradient(g)
        self.tuner.step(lambda theta: (0.0, slope))
        self.average = self.momentum * self.average + (1 - self.momentum) * g
        self.x = self.x - self.preconditioner(self.theta) @ self.average
        return self.x, np.array([loss])


class LODO(_LearnedPreconditioner):
    """LODO: G = α_0 [I 0] UᵀU [I 0]ᵀ, θ the blocks.

    Args:
        x0: the start [n].
        blocks: θ_0 [N, n_blocks, k, k], n_blocks k = ñ.
        permutations: [N, ñ].
        initial_learning_rate: α_0.
        meta_learning_rate: α, of Adam on θ.
        momentum: β.
    """

    def __init__(
        self,
        x0: ArrayLike,
        blocks: ArrayLike,
        permutations: ArrayLike,
        *,
        initial_learning_rate: float = 1.0,
        meta_learning_rate: float = 0.001,
        momentum: float = 0.9,
    ) -> None:
        values = np.array(blocks, dtype=np.float64)
        self.shape = values.shape
        self.width = self.shape[1] * self.shape[2]
        if self.width != padded_width(len(vector(x0)), self.shape[2]):
            raise ValueError(f"blocks must cover 2n rounded up to a multiple of k. Received: width {self.width}")
        self.permutations = [permutation_matrix(permutation) for permutation in np.asarray(permutations)]
        tuner = self.new_tuner(values.ravel(), meta_learning_rate)
        super().__init__(x0, tuner, initial_learning_rate=initial_learning_rate, momentum=momentum)

    def new_tuner(self, theta: Array, learning_rate: float) -> Adam | Momentum:
        """The optimizer of θ."""
        return Adam(theta, learning_rate=learning_rate)

    def blocks(self, theta: Array) -> Array:
        """θ as blocks [N, n_blocks, k, k]."""
        return theta.reshape(self.shape)

    def layers(self, theta: Array) -> list[Array]:
        """B_1 P_1, ..., B_N P_N, each [ñ, ñ]."""
        matrices = [block_diagonal_matrix(layer) for layer in self.blocks(theta)]
        return [matrix @ permutation for matrix, permutation in zip(matrices, self.permutations, strict=True)]

    def preconditioner(self, theta: Array) -> Array:
        n = len(self.x)
        network = product(self.layers(theta), self.width)
        return self.initial_learning_rate * (network.T @ network)[:n, :n]

    def derivatives(self, theta: Array) -> Iterator[Array]:
        n, (depth, count, size, _) = len(self.x), self.shape
        layers = self.layers(theta)
        network = product(layers, self.width)
        for i in range(depth):
            above = product(layers[i + 1 :], self.width)  # B_N P_N ··· B_{i+1} P_{i+1}
            below = self.permutations[i] @ product(layers[:i], self.width)  # P_i B_{i-1} P_{i-1} ··· B_1 P_1
            for block in range(count):
                for row in range(block * size, (block + 1) * size):
                    for column in range(block * size, (block + 1) * size):
                        # U = above B_i below and ∂B_i has a single 1, at (row, column).
                        d_network = np.outer(above[:, row], below[column, :])
                        d_square = d_network.T @ network + network.T @ d_network
                        yield self.initial_learning_rate * d_square[:n, :n]


class LODONoMomentum(LODO):
    """LODO-No-Momentum: LODO with β = 0, and no such hyperparameter."""

    def __init__(
        self,
        x0: ArrayLike,
        blocks: ArrayLike,
        permutations: ArrayLike,
        *,
        initial_learning_rate: float = 1.0,
        meta_learning_rate: float = 0.001,
    ) -> None:
        rates = {"initial_learning_rate": initial_learning_rate, "meta_learning_rate": meta_learning_rate}
        super().__init__(x0, blocks, permutations, momentum=0.0, **rates)


class LODOSGD(LODO):
    """LODO-SGD: LODO with plain gradient descent of size α on θ in place of Adam."""

    def new_tuner(self, theta: Array, learning_rate: float) -> Adam | Momentum:
        return Momentum(theta, learning_rate=learning_rate, momentum=0.0)


class LODODiagonal(_LearnedPreconditioner):
    """LODO-Diagonal: G = α_0 diag(θ), θ_0 = 1 [n]."""

    def __init__(
        self,
        x0: ArrayLike,
        *,
        initial_learning_rate: float = 1.0,
        meta_learning_rate: float = 0.001,
        momentum: float = 0.9,
    ) -> None:
        tuner = Adam(np.ones(len(vector(x0))), learning_rate=meta_learning_rate)
        super().__init__(x0, tuner, initial_learning_rate=initial_learning_rate, momentum=momentum)

    def preconditioner(self, theta: Array) -> Array:
        return self.initial_learning_rate * np.diag(theta)

    def derivatives(self, theta: Array) -> Iterator[Array]:
        for j in range(len(theta)):
            single = np.zeros((len(theta), len(theta)))
            single[j, j] = 1.0
            yield self.initial_learning_rate * single


class LODOGlobal(_LearnedPreconditioner):
    """LODO-Global: G = α_0 θ I, one scalar θ_0 = 1."""

    def __init__(
        self,
        x0: ArrayLike,
        *,
        initial_learning_rate: float = 1.0,
        meta_learning_rate: float = 0.001,
        momentum: float = 0.9,
    ) -> None:
        tuner = Adam([1.0], learning_rate=meta_learning_rate)
        super().__init__(x0, tuner, initial_learning_rate=initial_learning_rate, momentum=momentum)

    def preconditioner(self, theta: Array) -> Array:
        return self.initial_learning_rate * theta[0] * np.eye(len(self.x))

    def derivatives(self, theta: Array) -> Iterator[Array]:
        yield self.initial_learning_rate * np.eye(len(self.x))


class LODOResiduals(_LearnedPreconditioner):
    """LODO-Residuals: G = α_0 [I 0] Vᵀ D V [I 0]ᵀ with V = ∏ (I + diag(w_i) P_i), θ the weights, then D.

    Args:
        x0: the start [n].
        weights: w at the start [N, width]; the paper has N = 64 and width = 2n.
        diagonal: D at the start [width]; the paper has ones.
        permutations: [N, width].
        initial_learning_rate: α_0.
        meta_learning_rate: α, of Adam on θ.
        momentum: β.
    """

    def __init__(
        self,
        x0: ArrayLike,
        weights: ArrayLike,
        diagonal: ArrayLike,
        permutations: ArrayLike,
        *,
        initial_learning_rate: float = 1.0,
        meta_learning_rate: float = 0.001,
        momentum: float = 0.9,
    ) -> None:
        values, scales = np.array(weights, dtype=np.float64), vector(diagonal)
        self.depth, self.width = values.shape
        self.permutations = [permutation_matrix(permutation) for permutation in np.asarray(permutations)]
        tuner = Adam(np.concatenate([values.ravel(), scales]), learning_rate=meta_learning_rate)
        super().__init__(x0, tuner, initial_learning_rate=initial_learning_rate, momentum=momentum)

    def weights(self, theta: Array) -> Array:
        """The weights w [N, width]."""
        return theta[: self.depth * self.width].reshape(self.depth, self.width)

    def diagonal(self, theta: Array) -> Array:
        """The diagonal of D [width]."""
        return theta[self.depth * self.width :]

    def layers(self, theta: Array) -> list[Array]:
        """I + diag(w_i) P_i, for every layer i, each [width, width]."""
        pairs = zip(self.weights(theta), self.permutations, strict=True)
        return [np.eye(self.width) + np.diag(weights) @ permutation for weights, permutation in pairs]

    def preconditioner(self, theta: Array) -> Array:
        n = len(self.x)
        network = product(self.layers(theta), self.width)
        return self.initial_learning_rate * (network.T @ np.diag(self.diagonal(theta)) @ network)[:n, :n]

    def derivatives(self, theta: Array) -> Iterator[Array]:
        n, scales = len(self.x), np.diag(self.diagonal(theta))
        layers = self.layers(theta)
        network = product(layers, self.width)
        for i in range(self.depth):
            above = product(layers[i + 1 :], self.width)
            below = self.permutations[i] @ product(layers[:i], self.width)
            for j in range(self.width):
                d_network = np.outer(above[:, j], below[j, :])  # ∂ diag(w_i) has a single 1, at (j, j)
                d_form = d_network.T @ scales @ network + network.T @ scales @ d_network
                yield self.initial_learning_rate * d_form[:n, :n]
        for j in range(self.width):
            yield self.initial_learning_rate * np.outer(network[j], network[j])[:n, :n]

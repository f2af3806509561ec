"""The step shared by LODO and its ablations.

The hypergradient needs no tape through the loss: with g = ∇f(x_{t+1}) it is -∂(gᵀ G(θ_t) m_t)/∂θ (arXiv 2210.06171,
algorithm 1). So a step needs one gradient, and updates θ with the momentum m of the previous step before it updates x.
Subclasses define G and the gradient of wᵀ G v with respect to θ.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from lodo.meta_optimizers import MetaAdam, MetaOptimizer, Parameters
from lodo.optimizer import GradientOptimizer, Hyperparameters, State, Tensor
from lodo.ordering import after


class LearnedState(NamedTuple):
    """State of a learned preconditioner."""

    momentum: Tensor  # m [n, P]
    theta: Parameters  # θ
    meta_state: State  # of the meta-optimizer
    passes: State  # intermediate results of G(θ) m, for the next hypergradient
    rates: Tensor  # α, repeated to the length of θ's last axis


class LearnedPreconditioner(GradientOptimizer):
    """Preconditioned gradient descent with momentum that learns its preconditioner during optimization.

        θ ← θ + a step with learning rate α along ∂(gᵀ G(θ) m)/∂θ
        m ← β m + (1-β) g
        x ← x - G(θ) m

    The first step does not change θ, because m = 0, but counts as a step of the meta-optimizer.

    Hyperparameters: initial_learning_rate (α_0 > 0), meta_learning_rate (α >= 0), momentum (β in [0, 1)).

    Attributes:
        meta_optimizer: Steps θ. Default: Adam.
    """

    hyperparameters: tuple[str, ...] = ("initial_learning_rate", "meta_learning_rate", "momentum")
    meta_optimizer: MetaOptimizer = MetaAdam()

    def initial_theta(self, x: Tensor, seeds: Tensor) -> Parameters:
        """Return θ_0 for x [n, P] and seeds [P, 2]; the last axes have one length, a multiple of P."""
        raise TypeError(f"{type(self).__name__} does not define `initial_theta`.")

    def precondition(self, theta: Parameters, vector: Tensor) -> tuple[Tensor, State]:
        """Return G(θ) v / α_0 [n, P] for v [n, P], and the intermediate results for `theta_gradient`."""
        raise TypeError(f"{type(self).__name__} does not define `precondition`.")

    def passes_of_zero(self, theta: Parameters, zeros: Tensor) -> State:
        """Return the intermediate results of `precondition` for a θ of finite numbers and v = 0 [n, P].

        Signs of zeros do not matter, because they do not change θ.
        """
        return self.precondition(theta, zeros)[1]

    def theta_gradient(self, theta: Parameters, passes: State, other: Tensor) -> Parameters:
        """Return the gradient of wᵀ G(θ) v / α_0 with respect to θ.

        Args:
            theta: θ.
            passes: As `precondition` returned them for θ and v.
            other: w [n, P].
        """
        raise TypeError(f"{type(self).__name__} does not define `theta_gradient`.")

    def average(self, momentum: Tensor, gradient: Tensor, hyperparameters: Hyperparameters) -> Tensor:
        """Return the exponential average of the gradient [n, P]."""
        beta = hyperparameters["momentum"]
        return beta * momentum + (1 - beta) * gradient

    def begin(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> LearnedState:
        """Return the state with m = 0, θ_0, and the passes of m."""
        theta = self.initial_theta(x, seeds)
        momentum = tf.zeros_like(x)
        passes = self.passes_of_zero(theta, momentum)
        rates = tf.tile(hyperparameters["meta_learning_rate"], [theta[0].shape[-1] // x.shape[1]])
        return LearnedState(momentum, theta, self.meta_optimizer.begin(theta), passes, rates)

    def update(
        self, gradient: Tensor, x: Tensor, state: State, hyperparameters: Hyperparameters, t: Tensor
    ) -> tuple[Tensor, LearnedState]:
        """Update θ by the hypergradient, then m, then x, with this gradient [n, P]."""
        state = LearnedState(*state)
        initial_learning_rate = hyperparameters["initial_learning_rate"]
        # The hypergradient is that of -gᵀ G(θ) m: of wᵀ (G/α_0) m with w = -α_0 g.
        hypergradient = self.theta_gradient(state.theta, state.passes, -initial_learning_rate * gradient)
        # All that reads the old θ comes before the new θ, and all that reads the old passes before the new ones, so
        # that a compiled loop updates them in place.
        rates = after(state.rates, *hypergradient)
        theta, meta_state = self.meta_optimizer.step(state.theta, hypergradient, state.meta_state, rates, t)
        momentum = self.average(state.momentum, gradient, hyperparameters)
        preconditioned, passes = self.precondition(theta, after(momentum, *theta))
        state = LearnedState(momentum, theta, meta_state, passes, state.rates)
        return x - initial_learning_rate * preconditioned, state

    def preconditioned(self, state: State, hyperparameters: Hyperparameters, vector: Tensor) -> Tensor:
        """Return G(θ) v [n, P] for v [n, P], with the θ of this state."""
        product, _ = self.precondition(LearnedState(*state).theta, vector)
        return hyperparameters["initial_learning_rate"] * product

    def frozen(self, state: State) -> LearnedState:
        """Return the initial state of a run that starts with the θ of this state and never updates it."""
        state = LearnedState(*state)
        momentum = tf.zeros_like(state.momentum)
        _, passes = self.precondition(state.theta, momentum)
        return state._replace(momentum=momentum, passes=passes, rates=tf.zeros_like(state.rates))

"""The step that LODO and its ablations share: learn the preconditioner G(θ), average the gradient, move x.

The hypergradient needs no tape through the loss: with g = ∇f(x_{t+1}) it is -∂(gᵀ G(θ_t) m_t)/∂θ (arXiv 2210.06171,
algorithm 1). So these ask for what any optimizer asks for, one gradient a step, and move θ with the m of the last step
before they move x. A subclass says what G is, and gives the slope of wᵀ G v by θ.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from lodo.optimizer import GradientOptimizer, Hyperparameters, State, Tensor
from lodo.tuners import AdamTuner, Parameters, Tuner


class LearnedState(NamedTuple):
    """What is carried from step to step."""

    momentum: Tensor  # m [n, P]
    theta: Parameters  # θ
    tuning: State  # of the rule by which θ moves
    passes: State  # what applying G to m left behind for the next step's slope
    rates: Tensor  # α, repeated once to the length of θ's last axis, since it multiplies every entry of θ


class LearnedPreconditioner(GradientOptimizer):
    """Preconditioned gradient descent with momentum that learns its preconditioner while it runs.

        θ ← θ + a step of size α along ∂(gᵀ G(θ) m)/∂θ
        m ← β m + (1-β) g
        x ← x - G(θ) m

    The first step leaves θ where it is (m = 0), but a tuner that counts its steps counts it.

    Hyperparameters: initial_learning_rate (α_0 > 0), meta_learning_rate (α >= 0), momentum (β in [0, 1)).

    Attributes:
        tuner: How θ moves. Default: Adam.
    """

    hyperparameters: tuple[str, ...] = ("initial_learning_rate", "meta_learning_rate", "momentum")
    tuner: Tuner = AdamTuner()

    def initial_theta(self, x: Tensor, seeds: Tensor) -> Parameters:
        """Return θ_0 for x [n, P], one seed [2] a lane; all of it has a last axis of one length, a multiple of P."""
        raise TypeError(f"{type(self).__name__} does not say where its preconditioner starts.")

    def precondition(self, theta: Parameters, vector: Tensor) -> tuple[Tensor, State]:
        """Return G(θ) v / α_0 [n, P] for v [n, P], and what `slopes` needs to know of v and θ."""
        raise TypeError(f"{type(self).__name__} does not say what its preconditioner is.")

    def slopes(self, theta: Parameters, passes: State, other: Tensor) -> Parameters:
        """Return the gradient of wᵀ G(θ) v / α_0 by θ for w [n, P], and the v and θ that left these passes."""
        raise TypeError(f"{type(self).__name__} does not say how its preconditioner is learned.")

    def average(self, momentum: Tensor, gradient: Tensor, hyperparameters: Hyperparameters) -> Tensor:
        """Return the exponential average of the gradient [n, P]."""
        beta = hyperparameters["momentum"]
        return beta * momentum + (1 - beta) * gradient

    def begin(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> LearnedState:
        """Return m at zero, θ_0, and the passes of m = 0, which are zero as well."""
        theta = self.initial_theta(x, seeds)
        momentum = tf.zeros_like(x)
        _, passes = self.precondition(theta, momentum)
        rates = tf.tile(hyperparameters["meta_learning_rate"], [theta[0].shape[-1] // x.shape[1]])
        return LearnedState(momentum, theta, self.tuner.begin(theta), passes, rates)

    def update(
        self, gradient: Tensor, x: Tensor, state: State, hyperparameters: Hyperparameters, t: Tensor
    ) -> tuple[Tensor, LearnedState]:
        """Move θ by the hypergradient, then m, then x, with this gradient [n, P]."""
        state = LearnedState(*state)
        initial_learning_rate = hyperparameters["initial_learning_rate"]
        # The slope of the loss by θ is that of -gᵀ G(θ) m: of wᵀ (G/α_0) m with w = -α_0 g.
        slopes = self.slopes(state.theta, state.passes, -initial_learning_rate * gradient)
        theta, tuning = self.tuner.move(state.theta, slopes, state.tuning, state.rates, t)
        momentum = self.average(state.momentum, gradient, hyperparameters)
        preconditioned, passes = self.precondition(theta, momentum)
        return x - initial_learning_rate * preconditioned, LearnedState(momentum, theta, tuning, passes, state.rates)

    def preconditioned(self, state: State, hyperparameters: Hyperparameters, vector: Tensor) -> Tensor:
        """Return G(θ) v [n, P] for v [n, P], with the θ of this state."""
        product, _ = self.precondition(LearnedState(*state).theta, vector)
        return hyperparameters["initial_learning_rate"] * product

    def frozen(self, state: State) -> LearnedState:
        """Return the state of a run that begins with the θ of this state and never moves it."""
        state = LearnedState(*state)
        momentum = tf.zeros_like(state.momentum)
        _, passes = self.precondition(state.theta, momentum)
        return state._replace(momentum=momentum, passes=passes, rates=tf.zeros_like(state.rates))

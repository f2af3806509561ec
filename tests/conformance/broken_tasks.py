"""A sound task, a sound one with an evaluation, and tasks that each fail one check of the suite."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf


class Sound:
    """A sound task: half the squared distance to a centre that is drawn anew at each step."""

    name = "sound"
    dtype = "float64"
    cohort_size = 16
    jit_compile = False
    layers: tuple[tuple[int, int], ...] = ((0, 2), (2, 5))

    def __init__(self, *, dtype: str | None = None) -> None:
        if dtype not in (None, "float64"):
            raise ValueError(f"`dtype` is float64. Received: {dtype!r}")

    def initial(self, seeds: Any) -> tuple[Any, Any]:
        zeros = tf.zeros([5, seeds.shape[0]], tf.float64)
        return zeros + 1, zeros

    def advance(self, state: Any, seeds: Any, t: Any) -> Any:
        return tf.stack([self.centre(seed, t) for seed in tf.unstack(seeds)], axis=1)

    def centre(self, seed: Any, t: Any) -> Any:
        seed = tf.random.experimental.stateless_fold_in(seed, t)
        return tf.random.stateless_normal([5], seed, dtype=tf.float64)

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        return tf.reduce_sum((x - state) ** 2, axis=0) / 2, x - state, state


class WrongGradient(Sound):
    """Its gradient is too large by a factor of 1.001."""

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        loss, gradient, state = super().loss_and_gradient(x, state)
        return loss, gradient * 1.001, state


class MeanOverLanes(Sound):
    """Every lane gets the mean over the cohort."""

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        loss, gradient, state = super().loss_and_gradient(x, state)
        return tf.zeros_like(loss) + tf.reduce_mean(loss), gradient, state


class OneSeedForAllLanes(Sound):
    """All lanes draw from the first lane's seed."""

    def advance(self, state: Any, seeds: Any, t: Any) -> Any:
        seed = tf.random.experimental.stateless_fold_in(seeds[0], t)
        return tf.random.stateless_normal([5, seeds.shape[0]], seed, dtype=tf.float64)


class NotSeeded(Sound):
    """Draws from TensorFlow's global generator."""

    def centre(self, seed: Any, t: Any) -> Any:
        return tf.random.normal([5], dtype=tf.float64)


class ReadsTheClock(Sound):
    """Its centre depends on the time of day."""

    def centre(self, seed: Any, t: Any) -> Any:
        return super().centre(seed, t) * tf.cast(tf.timestamp(), tf.float64) * 1e-9


class IgnoresHalfTheSeed(Sound):
    """Uses the first half of a seed only."""

    def centre(self, seed: Any, t: Any) -> Any:
        return super().centre(tf.stack([seed[0], 0]), t)


class SameAtEveryStep(Sound):
    """Draws the same at every step."""

    def centre(self, seed: Any, t: Any) -> Any:
        return super().centre(seed, 0 * t)


class DrawsInTheLoss(Sound):
    """Its loss differs each time it is computed."""

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        return super().loss_and_gradient(x, state + tf.random.normal([5, 1], dtype=tf.float64))


class StartsAtInfinity(Sound):
    """Starts where no loss is finite."""

    def initial(self, seeds: Any) -> tuple[Any, Any]:
        x, state = super().initial(seeds)
        return x * np.inf, state


class ScalarLoss(Sound):
    """Its loss is one number for the whole cohort."""

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        loss, gradient, state = super().loss_and_gradient(x, state)
        return tf.reduce_sum(loss), gradient, state


class SinglePrecision(Sound):
    """Its loss has another dtype than the task."""

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        loss, gradient, state = super().loss_and_gradient(x, state)
        return tf.cast(loss, tf.float32), gradient, state


class GapBetweenLayers(Sound):
    """A coordinate belongs to no layer."""

    layers = ((0, 2), (3, 5))


class LayersTooShort(Sound):
    """The last coordinate belongs to no layer."""

    layers = ((0, 2), (2, 4))


class NameWithASpace(Sound):
    """Its name cannot be typed as one word."""

    name = "not sound"


class StateChangesItsShape(Sound):
    """Its first state is of another shape than the later ones."""

    def initial(self, seeds: Any) -> tuple[Any, Any]:
        x, state = super().initial(seeds)
        return x, state[:1]


class StateOfUnknownShape(Sound):
    """The size of its state is known only when the graph runs, which a loop cannot carry."""

    def advance(self, state: Any, seeds: Any, t: Any) -> Any:
        centre = super().advance(state, seeds, t)
        return tf.boolean_mask(centre, tf.range(5) + t > -1)


class StateWithoutATensor(Sound):
    """Has None for a state."""

    def initial(self, seeds: Any) -> tuple[Any, Any]:
        return super().initial(seeds)[0], None

    def advance(self, state: Any, seeds: Any, t: Any) -> Any:
        return None

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        return tf.reduce_sum(x * x, axis=0) / 2, x, state


class WithoutJitCompile(Sound):
    """Lacks `jit_compile`."""

    jit_compile: Any = None


class HalfPrecision(Sound):
    """Has a dtype that training does not accept."""

    dtype = "float16"


class WithHessian(Sound):
    """A sound task with a Hessian that is the same everywhere."""

    hessian: Any = np.eye(5)


class WrongHessian(WithHessian):
    """Its Hessian is another task's."""

    hessian = np.diag([1.0, 1, 1, 1, 2])


class AsymmetricHessian(WithHessian):
    """Its Hessian is not symmetric."""

    hessian = np.eye(5) + np.diag([1.0, 0, 0, 0], 1)


class HessianOfOneLane(WithHessian):
    """Its method returns one lane's Hessian for all."""

    def hessian(self, x: Any) -> Any:
        return tf.eye(5, dtype=tf.float64)


class Evaluated(Sound):
    """A sound task that is also evaluated, by its distance to points of a validation and a test set."""

    metrics: tuple[str, ...] = ("loss", "accuracy")
    evaluation_batch = 4

    def __init__(self, *, dtype: str | None = None) -> None:
        super().__init__(dtype=dtype)
        self.points = {"validation": np.linspace(-1, 1, 35).reshape(7, 5), "test": np.ones([3, 5])}

    def examples(self, split: str) -> int:
        return len(self.points[split])

    def evaluate(self, x: Any, state: Any, split: str, chosen: Any) -> Any:
        points = tf.gather(tf.constant(self.points[split]), chosen)  # [E, 5]
        losses = tf.reduce_sum((x - points[..., tf.newaxis]) ** 2, axis=1) / 2  # [E, P]
        return tf.stack([losses, tf.cast(losses < 1, tf.float64)], axis=1)


class CountsInAVariable(Sound):
    """Its loss grows with every evaluation, whoever asks for it."""

    def __init__(self, *, dtype: str | None = None) -> None:
        super().__init__(dtype=dtype)
        self.count = tf.Variable(0.0, dtype=tf.float64)

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        loss, gradient, state = super().loss_and_gradient(x, state)
        return loss + self.count.assign_add(1.0), gradient, state


class StartsAnywhere(Sound):
    """Each call of `initial` draws another start."""

    eager_initial = True

    def initial(self, seeds: Any) -> tuple[Any, Any]:
        x, state = super().initial(seeds)
        return x + np.random.default_rng().normal(), state


class DrawnByEachProcess(Sound):
    """Its data are drawn without a seed where the module is imported."""

    target = np.random.default_rng().normal(size=[5, 1])

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        return super().loss_and_gradient(x - self.target, state)


class NoExamples(Evaluated):
    """Has neither a validation nor a test set."""

    def examples(self, split: str) -> int:
        del split
        return 0


class AccuracyFirst(Evaluated):
    """Its first metric is not the loss."""

    metrics = ("accuracy", "loss")


class NotMeasured(Evaluated):
    """Lacks `metrics`."""

    def __getattribute__(self, name: str) -> Any:
        if name == "metrics":
            raise AttributeError(name)
        return super().__getattribute__(name)


class MetricsOfAllExamples(Evaluated):
    """Returns one mean for all examples."""

    def evaluate(self, x: Any, state: Any, split: str, chosen: Any) -> Any:
        return tf.reduce_mean(super().evaluate(x, state, split, chosen), axis=0)


class MetricsOfNoNumber(Evaluated):
    """Its test metrics are NaN."""

    def evaluate(self, x: Any, state: Any, split: str, chosen: Any) -> Any:
        return super().evaluate(x, state, split, chosen) * (np.nan if split == "test" else 1)


class EvaluatesWithDropout(Evaluated):
    """Its metrics differ each time they are computed."""

    def evaluate(self, x: Any, state: Any, split: str, chosen: Any) -> Any:
        return super().evaluate(x, state, split, chosen) * tf.random.uniform([], dtype=tf.float64)


class NormalisesByTheBatch(Evaluated):
    """Its metrics of an example depend on the rest of the batch."""

    def evaluate(self, x: Any, state: Any, split: str, chosen: Any) -> Any:
        metrics = super().evaluate(x, state, split, chosen)
        return metrics - tf.reduce_mean(metrics, axis=0)


class EvaluationChangesTraining(Evaluated):
    """Its training loss depends on how often it was evaluated."""

    def __init__(self, *, dtype: str | None = None) -> None:
        super().__init__(dtype=dtype)
        self.times = tf.Variable(0.0, dtype=tf.float64)

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        loss, gradient, state = super().loss_and_gradient(x, state)
        return loss + self.times, gradient, state

    def evaluate(self, x: Any, state: Any, split: str, chosen: Any) -> Any:
        self.times.assign_add(1.0)
        return super().evaluate(x, state, split, chosen)


class ValidatesOnTest(Evaluated):
    """Its validation reads the test set."""

    def evaluate(self, x: Any, state: Any, split: str, chosen: Any) -> Any:
        if split == "validation":
            return self.evaluate(x, state, "test", chosen % self.examples("test"))
        return super().evaluate(x, state, split, chosen)


class TrainsOnTest(Evaluated):
    """Its training loss depends on the test set."""

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        loss, gradient, state = super().loss_and_gradient(x, state)
        return loss + 0 * self.evaluate(x, state, "test", tf.constant([0]))[0, 0], gradient, state


BROKEN: tuple[tuple[type, str], ...] = (
    (NameWithASpace, "name"),
    (WithoutJitCompile, "attributes"),
    (HalfPrecision, "attributes"),
    (ScalarLoss, "shapes-and-dtypes"),
    (SinglePrecision, "shapes-and-dtypes"),
    (StateChangesItsShape, "state"),
    (StateOfUnknownShape, "state"),
    (StateWithoutATensor, "state"),
    (GapBetweenLayers, "layers"),
    (LayersTooShort, "layers"),
    (StartsAtInfinity, "finite-start"),
    (WrongGradient, "gradient"),
    (WrongHessian, "hessian"),
    (AsymmetricHessian, "hessian"),
    (HessianOfOneLane, "hessian"),
    (CountsInAVariable, "no-variables"),
    (ReadsTheClock, "nothing-from-outside"),
    (StartsAnywhere, "same-start"),
    (NotSeeded, "same-seed"),
    (IgnoresHalfTheSeed, "another-seed"),
    (SameAtEveryStep, "each-step"),
    (DrawsInTheLoss, "same-loss-twice"),
    (MeanOverLanes, "cohort"),
    (OneSeedForAllLanes, "cohort"),
    (MeanOverLanes, "lane-of-nan"),
    (DrawnByEachProcess, "same-everywhere"),
    (StateChangesItsShape, "one-trace"),
    (StateOfUnknownShape, "one-trace"),
    (NoExamples, "examples"),
    (AccuracyFirst, "examples"),
    (NotMeasured, "examples"),
    (MetricsOfAllExamples, "metrics"),
    (MetricsOfNoNumber, "metrics"),
    (EvaluatesWithDropout, "metrics"),
    (NormalisesByTheBatch, "metrics"),
    (EvaluationChangesTraining, "evaluation-changes-nothing"),
    (ValidatesOnTest, "test-set-stays-unread"),
    (TrainsOnTest, "test-set-stays-unread"),
)

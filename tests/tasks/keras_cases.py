"""Models for each thing that Keras' `fit` and `evaluate` know: those of `tasks.keras_features.FEATURES`, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(70, 3)).astype("float32")  # 70 examples: the last batch of 16 has 6
Y = (X[:, :1] > 0).astype("float32")
CLASSES = RANDOM.integers(0, 3, 70)
WEIGHTS = RANDOM.uniform(0.1, 3, 70).astype("float32")
WORDS = np.where(np.arange(10) < RANDOM.integers(1, 5, (70, 1)), RANDOM.integers(1, 9, (70, 10)), 0)  # 0 is padding
TAGS = (WORDS % 2)[..., np.newaxis].astype("float32")


@dataclass(frozen=True)
class Case:
    """A model with its data, and what `keras_task` is given beside them."""

    build: Callable[[], Any]
    train: Any = (X, Y)
    loss: Any = "mse"
    given: dict[str, Any] = field(default_factory=dict)  # further arguments of keras_task
    evaluated: bool = True
    tolerance: float = 1e-5
    refused: str = ""  # of a refusal: what is received, a regular expression


def net(*middle: Any, units: int = 1, activation: str | None = None, **options: Any) -> Any:
    return keras.Sequential([keras.Input([3]), *middle, layers.Dense(units, activation, **options)])


def changed(setter: Callable[[Any], None], value: Any) -> Callable[[], Any]:
    """Return a function that builds a model and changes a default of Keras, which a test restores."""

    def build() -> Any:
        setter(value)
        return net()

    return build


def wide(**options: Any) -> Any:
    return layers.Dense(4, "tanh", **options)


class Added(layers.Layer):
    """Adds a loss of its inputs."""

    def call(self, inputs: Any) -> Any:
        self.add_loss(0.3 * ops.mean(inputs**2))
        return inputs


class OwnLoss(keras.Model):
    """100 times the squared error, and what layers add; it keeps a metric of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.dense, self.tracker = layers.Dense(1, kernel_regularizer="l2"), keras.metrics.Mean(name="mine")

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None) -> Any:
        loss = 100 * ops.mean((y - y_pred) ** 2) + ops.sum(self.losses)
        self.tracker.update_state(loss)
        return loss


class OwnStep(OwnLoss):
    """A training step that descends another loss."""

    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


class OwnTest(OwnLoss):
    """An evaluation of its own."""

    def test_step(self, data: Any) -> Any:
        return super().test_step(data)


class InBatch(layers.Layer):
    """Subtracts the batch's mean, in inference as well."""

    def call(self, inputs: Any) -> Any:
        return inputs - ops.mean(inputs, axis=0)


class Counter(layers.Layer):
    """Counts its calls, in inference as well."""

    def build(self, shape: Any) -> None:
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, inputs: Any) -> Any:
        self.calls.assign_add(1.0)
        return inputs * self.calls


class AlwaysNoisy(layers.Dropout):
    """Draws in inference as well, as Monte Carlo dropout does."""

    def __init__(self) -> None:
        super().__init__(0.5)

    def call(self, inputs: Any, training: bool = False) -> Any:
        return super().call(inputs, training=True)


class Noise(layers.Layer):
    """Draws without a seed."""

    def call(self, inputs: Any) -> Any:
        return inputs + tf.random.normal([3])


class Positive(layers.Layer):
    """Returns its very input, and masks positions that are not positive."""

    def __init__(self) -> None:
        super().__init__()
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return ops.any(inputs > 0, axis=-1)


def masked_by_itself() -> Any:
    return keras.Sequential([keras.Input([3, 1]), Positive(), layers.Dense(1)])


def flat() -> Any:
    """One number per example, without an axis for it."""
    inputs = keras.Input([3])
    return keras.Model(inputs, ops.squeeze(layers.Dense(1, "sigmoid")(inputs), axis=-1))


def tagger() -> Any:
    return keras.Sequential(
        [layers.Embedding(9, 4, mask_zero=True), layers.LSTM(5, return_sequences=True), layers.Dense(1, "sigmoid")]
    )


def two(kind: str, *widths: int) -> Callable[[], Any]:
    """A model with two outputs of these widths, as a tuple, a list or a dictionary."""

    def build() -> Any:
        inputs = keras.Input([3])
        first, second = (
            layers.Dense(width, name=name)(inputs) for name, width in zip("ab", widths or (1, 3), strict=True)
        )
        outputs = {"a": first, "b": second} if kind == "dict" else (list if kind == "list" else tuple)((first, second))
        return keras.Model(inputs, outputs)

    return build


BOTH = (Y, X)  # targets of widths 1 and 3


def frozen() -> Any:
    model = net(wide(name="kept"), layers.BatchNormalization(), wide())
    model.layers[0].trainable = model.layers[1].trainable = False
    return model


def with_lora() -> Any:
    model = net(wide())
    model.layers[0].enable_lora(2)
    return model


def applied_twice() -> Any:
    inputs, layer = keras.Input([3]), layers.Dense(3, kernel_constraint="non_neg")
    return keras.Model(inputs, layers.Dense(1)(layer(layer(inputs))))


def recurrent() -> Any:
    """A layer that draws in inference as well, and does not use what it draws."""
    return keras.Sequential([keras.Input([3, 1]), layers.GRU(3, dropout=0.2), layers.Dense(1)])


def attention() -> Any:
    words = keras.Input([10], dtype="int32")
    embedded = layers.Embedding(9, 4, mask_zero=True)(words)
    return keras.Model(words, layers.Dense(1)(layers.MultiHeadAttention(1, 4)(embedded, embedded)))


def compiled(**options: Any) -> Callable[[], Any]:
    def build() -> Any:
        model = net()
        model.compile(**options)
        return model

    return build


def half(policy: str) -> Callable[[], Any]:
    return lambda: net(wide(dtype=policy), dtype=policy)


def quantized() -> Any:
    model = net(wide())
    model.layers[0].kernel.overwrite_with_gradient = True
    return model


def of_a_strategy() -> Any:
    with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
        return net()


def of_keras_2() -> Any:
    return type("Sequential", (), {"__module__": "tf_keras.src.engine.sequential"})()


def root_of_mean(y: Any, p: Any) -> Any:
    return ops.sqrt(ops.mean((y - p) ** 2))


def of_example(y: Any, p: Any) -> Any:
    return ops.mean(ops.abs(y - p), axis=-1)


class Ranked(keras.losses.Loss):
    """The loss of an example depends on the mean of its batch."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return ops.mean((y_pred - ops.mean(y_pred) - y_true) ** 2, axis=-1)


LOSSES = keras.losses
SUM = LOSSES.MeanSquaredError(reduction="sum")
WEIGHTED = LOSSES.MeanSquaredError(reduction="mean_with_sample_weight")
ACCURACY = {"metrics": ["accuracy"]}
CASES: dict[str, list[Case]] = {
    "layers, `trainable = False`": [
        Case(net),
        Case(frozen),
        Case(lambda: net(wide(), layers.LayerNormalization())),
        Case(with_lora),
        Case(applied_twice),
        Case(attention, (WORDS, TAGS)),
        Case(recurrent, (X[..., np.newaxis], Y)),
    ],
    "running statistics": [
        Case(lambda: net(layers.BatchNormalization(momentum=0.5), wide())),
        Case(lambda: net(Counter()), evaluated=False),
    ],
    "dropout, noise, random augmentation": [
        Case(lambda: net(layers.Dropout(0.5), layers.GaussianNoise(0.3), wide(), layers.Dropout(0.5, seed=7)))
    ],
    "`keras.constraints`": [
        Case(lambda: net(kernel_constraint="non_neg")),
        Case(lambda: net(wide(kernel_constraint=keras.constraints.MaxNorm(0.3), bias_constraint="unit_norm"))),
    ],
    "regularizers of weights": [
        Case(lambda: net(wide(kernel_regularizer="l2"), kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2)))
    ],
    "`add_loss`, activity regularizers": [
        Case(lambda: net(Added(), wide()), evaluated=False),
        Case(lambda: net(wide(activity_regularizer="l2")), evaluated=False),
    ],
    "`compute_loss` of your own": [Case(OwnLoss, loss=None, evaluated=False), Case(OwnLoss, evaluated=False)],
    "masks": [
        Case(tagger, (WORDS, TAGS), "binary_crossentropy"),
        Case(tagger, (WORDS, TAGS), LOSSES.BinaryCrossentropy(reduction="sum")),
        Case(tagger, (WORDS, TAGS), LOSSES.BinaryCrossentropy(reduction="mean_with_sample_weight")),
        Case(tagger, (WORDS, TAGS, WEIGHTS[:, np.newaxis] * np.ones((1, 10), "float32")), "binary_crossentropy"),
        Case(masked_by_itself, (X[:, :, np.newaxis], X[:, :, np.newaxis])),
        Case(
            lambda: keras.Sequential([*tagger().layers[:-1], layers.Dense(3, "softmax")]),
            (WORDS, WORDS % 3),
            "sparse_categorical_crossentropy",
            ACCURACY,
        ),
    ],
    "policy `mixed_bfloat16`": [Case(half("mixed_bfloat16"), tolerance=2e-2)],
    "`loss`: name, object, function": [
        Case(net, loss="huber"),
        Case(net, loss=LOSSES.LogCosh()),
        Case(net, loss=of_example),
        Case(net, loss=lambda y, p: ops.mean(ops.abs(y - p))),
        Case(net, loss=keras.losses.mean_absolute_error),
        Case(net, (X, Y[:, 0]), loss="mse"),
        Case(net, (X, Y[:, 0]), loss=lambda y, p: ops.mean((y - p) ** 2, axis=-1)),
    ],
    "`loss` of several outputs, `loss_weights`": [
        Case(two("tuple"), (X, BOTH)),
        Case(two("list"), (X, list(BOTH)), ["mse", "mae"], {"loss_weights": [0.5, 2.0]}),
        Case(two("dict"), (X, {"a": Y, "b": X}), {"a": "mse", "b": SUM}, {"loss_weights": {"a": 3.0, "b": 0.1}}),
        Case(two("tuple"), (X, BOTH), {"a": "mse", "b": of_example}),
        Case(two("dict"), (X, {"a": Y, "b": X}), {"b": "mae", "a": None}),
    ],
    "`loss=None`": [Case(lambda: net(wide(), Added()), (X, None), None, evaluated=False)],
    "reduction `sum`, `mean_with_sample_weight`": [
        Case(net, loss=SUM),
        Case(net, (X, Y, WEIGHTS), SUM),
        Case(net, (X, Y, WEIGHTS), WEIGHTED),
        Case(net, (X, Y), WEIGHTED),
    ],
    '`metrics=["accuracy"]`': [
        Case(lambda: net(activation="sigmoid"), loss="binary_crossentropy", given=ACCURACY),
        Case(lambda: net(units=3, activation="softmax"), (X, CLASSES), "sparse_categorical_crossentropy", ACCURACY),
        Case(lambda: net(units=3), (X, np.eye(3)[CLASSES]), "mse", ACCURACY),
        Case(lambda: net(activation="sigmoid"), (X, Y, WEIGHTS), "binary_crossentropy", ACCURACY),
    ],
    "sample weights": [Case(net, (X, Y, WEIGHTS)), Case(net, (X, Y, (WEIGHTS > 1).astype("int32")), of_example)],
    "targets of several outputs": [
        Case(two("tuple", 1, 1), (X, (Y, 1 - Y), (WEIGHTS, 1 / WEIGHTS))),
        Case(two("dict"), (X, {"b": X, "a": Y}, {"b": 1 / WEIGHTS, "a": WEIGHTS})),
    ],
    "`optimizer`, and what it sets": [Case(compiled(optimizer=keras.optimizers.Adam(1.0, clipnorm=1e-3), loss="mse"))],
    "other `metrics`, `weighted_metrics`": [Case(compiled(loss="mean_squared_error", metrics=["mae"]))],
    "`jit_compile`, `steps_per_execution`, `auto_scale_loss`": [
        Case(compiled(loss=LOSSES.MeanSquaredError(), steps_per_execution=4, jit_compile=True, auto_scale_loss=False))
    ],
    "a training step of the model's own": [Case(OwnStep, loss=None, evaluated=False, refused=r"OwnStep\.train_step$")],
    "an evaluation of the model's own": [Case(OwnTest, loss=None, refused=r"OwnTest\.test_step$")],
    "a `compute_loss` of the model's own, with validation or test": [
        Case(OwnLoss, loss=None, refused=r"OwnLoss\.compute_loss$")
    ],
    "`add_loss` or an activity regularizer, with validation or test": [
        Case(lambda: net(Added(), wide()), refused="1 of them$"),
        Case(lambda: net(wide(activity_regularizer="l2")), refused="1 of them$"),
    ],
    "layers that assign weights which are trained (SpectralNormalization)": [
        Case(lambda: net(layers.SpectralNormalization(layers.Dense(4))), refused="kernel$")
    ],
    "layers whose state moves in inference (random numbers, counters), with validation or test": [
        Case(lambda: net(Counter()), refused="Received: .*calls$"),
        Case(lambda: net(AlwaysNoisy()), refused="depends on the seeds of layers$"),
        Case(lambda: net(AlwaysNoisy(), kernel_initializer="zeros"), refused="depends on the seeds of layers$"),
    ],
    "a loss or model that mixes the examples of a batch, with validation or test": [
        Case(lambda: net(activation="sigmoid"), loss=LOSSES.Dice(), refused="examples together, and alone"),
        Case(net, loss=root_of_mean, refused="examples together, and alone"),
        Case(net, loss=Ranked(), refused="among others$"),
        Case(lambda: net(InBatch()), refused="among others$"),
        Case(lambda: net(InBatch(), kernel_initializer="zeros"), refused="among others$"),
    ],
    "`ignore_class`, with validation or test": [
        Case(
            lambda: net(units=3),
            (X, CLASSES),
            LOSSES.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1),
            refused=r"SparseCategoricalCrossentropy\(ignore_class=1\)$",
        )
    ],
    "defaults of Keras that keras.json or a module has changed": [
        Case(changed(keras.config.set_epsilon, 0.05), refused="epsilon 0.05$"),
        Case(
            changed(keras.config.set_image_data_format, "channels_first"), refused="image_data_format channels_first$"
        ),
    ],
    "reduction `none`": [Case(net, loss=LOSSES.MeanSquaredError(reduction=None), refused="reduction=None")],
    '`"accuracy"` of one column of logits': [
        Case(net, loss=LOSSES.BinaryCrossentropy(from_logits=True), given=ACCURACY, refused="from_logits=True$")
    ],
    '`"accuracy"` of an output without a last axis': [
        Case(flat, (X, Y[:, 0]), "binary_crossentropy", ACCURACY, refused=r"an output of shape \(\d+,\)$")
    ],
    "layers in float16, which need loss scaling": [
        Case(half("mixed_float16"), refused=r"dtype policy mixed_float16$"),
        Case(half("float16"), refused=r"dtype policy float16$"),
    ],
    "weights in another precision than the task": [
        Case(half("bfloat16"), refused=r"kernel of bfloat16 in a task of float32$"),
        Case(half("float64"), refused=r"kernel of float64 in a task of float32$"),
        Case(half("mixed_bfloat16"), given={"dtype": "float64"}, refused=r"of float32 in a task of float64$"),
    ],
    "weights that are overwritten by their gradient (float8)": [Case(quantized, refused="kernel$")],
    "stateful layers": [
        Case(
            lambda: keras.Sequential(
                [keras.Input(batch_shape=(16, 10, 1)), layers.LSTM(3, stateful=True, name="chained"), layers.Dense(1)]
            ),
            (WORDS[..., np.newaxis], Y),
            refused="Received: chained$",
        )
    ],
    "a model compiled to run eagerly": [Case(compiled(loss="mse", run_eagerly=True), refused="run_eagerly=True$")],
    "a model compiled with another loss": [
        Case(compiled(loss="mae"), refused=r"compile\(loss='mae'\) and keras_task\(loss='mse'\)$")
    ],
    "a model compiled with other loss weights": [
        Case(compiled(loss="mse", loss_weights=[2.0]), refused=r"compile\(loss_weights=\[2\.0\]\)")
    ],
    "a model of a distribution strategy": [Case(of_a_strategy, refused="OneDeviceStrategy$")],
    "random numbers without a seed": [Case(lambda: net(Noise()), refused=r"RandomStandardNormal")],
    "models of Keras 2 (tf_keras)": [Case(of_keras_2, refused=r"of Keras 2 \(tf_keras\)")],
}

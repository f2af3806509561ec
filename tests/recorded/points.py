"""A Keras task of a user's own: a small network that classifies points, with noise from all that Keras draws."""

import keras
import numpy as np
from keras import layers

from tasks.keras_task import keras_task
from tasks.preset import Preset


def points(seed):
    """Return 300 points in four dimensions, of class 1 where the signs of the first two agree."""
    x = np.random.default_rng(seed).normal(size=(300, 4))
    return x, x[:, 0] * x[:, 1] > 0


def build():
    """Classify points by a small network."""
    return keras.Sequential(
        [
            keras.Input([4]),
            layers.Dense(8, kernel_regularizer=keras.regularizers.L2(1e-4)),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Dropout(0.1),
            layers.Dense(1, "sigmoid"),
        ]
    )


class Points(
    keras_task(
        build,
        train=points(0),
        validation=points(1),
        test=points(2),
        loss="binary_crossentropy",
        metrics=["accuracy"],
        batch_size=16,
        name="points",
    )
):
    """Classifies points by a small network."""

    presets = {  # noqa: RUF012
        "paper": Preset(
            generations=3,
            population=5,
            sigmas=(3.0, 2.0, 0.6),
            steps=(20, 30, 30),
            fresh_seeds=2,
            optimizers=("Adam", "Momentum"),
        )
    }

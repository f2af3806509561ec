"""A network of Keras on the digits of scikit-learn, as a task of search_quality.py.

A hidden layer of 32 on 8 by 8 pixels, trained on minibatches of 32 of all 1,797 digits. Unlike the toy problems it has
minibatch noise, 2,410 weights that start at random, and no known optimum.
"""

from __future__ import annotations

import keras
from digits_network import digits

from tasks.keras_task import keras_task


def build() -> keras.Model:
    """Return the network."""
    return keras.Sequential([keras.Input((64,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(10)])


Digits = keras_task(
    build, train=digits(), loss=keras.losses.SparseCategoricalCrossentropy(True), batch_size=32, jit_compile=True
)

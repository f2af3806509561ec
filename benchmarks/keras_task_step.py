"""Microseconds a training step of a Keras model: as a task in the compiled loop, beside `model.fit`, in one run.

    python benchmarks/keras_task_step.py                         # both models, batch 32, one thread
    python benchmarks/keras_task_step.py --threads 2 --batch-size 128
    python benchmarks/keras_task_step.py --xla --steps 50        # the loop also with jit_compile=True

The same model, data and batch size for all, with Adam: Keras' own in `fit`, by XLA, as `fit` chooses, and without; in
the loop our Adam and `keras:Adam`. They take turns. A turn of `fit` is an epoch of as many batches as the loop takes
steps; the first, which compiles, is not counted. `fit` shuffles, and the loop draws with replacement.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import Any

from setting import machine, prepare, timed

RATE = 0.001


def models() -> dict[str, tuple[Callable[[], Any], tuple[int, ...]]]:
    """Return the functions that build the models, and the shapes of an input."""
    import keras
    from keras import layers

    def convolutions() -> Any:
        return keras.Sequential(
            [
                keras.Input([28, 28, 1]),
                layers.Conv2D(16, 3, strides=2),
                layers.BatchNormalization(),
                layers.Activation("relu"),
                layers.Conv2D(32, 3, strides=2),
                layers.BatchNormalization(),
                layers.Activation("relu"),
                layers.Flatten(),
                layers.Dropout(0.3),
                layers.Dense(10),
            ]
        )

    def perceptron() -> Any:
        return keras.Sequential(
            [keras.Input([64]), layers.Dense(128, "relu"), layers.Dense(128, "relu"), layers.Dense(10)]
        )

    return {"convolutions": (convolutions, (28, 28, 1)), "perceptron": (perceptron, (64,))}


def contestants(
    build: Callable[[], Any], shape: tuple[int, ...], batch_size: int, steps: int, *, xla: bool
) -> dict[str, Callable[[], Any]]:
    """Return functions without arguments that take so many steps; with `xla` also of loops that XLA compiles."""
    import keras
    import numpy as np
    import tensorflow as tf

    from tasks.keras_task import keras_task
    from tuner.training.loop import Loop, build_optimizer

    random = np.random.default_rng(0)
    inputs = random.standard_normal((steps * batch_size, *shape), np.float32)
    labels = random.integers(0, 10, steps * batch_size)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def fitted(jit_compile: Any) -> Callable[[], Any]:
        model = build()
        model.compile(keras.optimizers.Adam(RATE), loss, jit_compile=jit_compile)
        return lambda: model.fit(inputs, labels, batch_size=batch_size, epochs=1, verbose=0)

    def looped(optimizer: str, jit_compile: bool) -> Callable[[], Any]:
        values = {"learning_rate": RATE, "beta_1": 0.9, "beta_2": 0.999}
        task = keras_task(build, train=(inputs, labels), loss=loss, batch_size=batch_size, jit_compile=jit_compile)()
        loop = Loop(task, build_optimizer(optimizer, task, list(values)), 1)
        tensors = {name: tf.constant([value], tf.float32) for name, value in values.items()}
        seeds = tf.constant([[1, 2]])
        carry = loop.begin(tensors, seeds, seeds)
        return lambda: loop.run(carry, tensors, seeds, 1, steps, steps)

    ways = [("loop", False), *[("loop by XLA", True)] * xla]
    loops = {f"{way}, {name}": looped(name, compile) for way, compile in ways for name in ("Adam", "keras:Adam")}
    return {"fit": fitted("auto"), "fit, no XLA": fitted(False), **loops}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1, help="TensorFlow's threads")
    parser.add_argument("--batch-size", type=int, default=32, help="examples a step")
    parser.add_argument("--steps", type=int, default=200, help="steps a turn, at most 500")
    parser.add_argument("--rounds", type=int, default=7, help="timed turns of each")
    parser.add_argument("--xla", action="store_true", help="also the loop with jit_compile=True")
    arguments = parser.parse_args()
    prepare(arguments.threads)
    print(f"{machine()}; {arguments.threads} threads, batch {arguments.batch_size}")
    print(f"{'model':<14} {'how':<24} {'µs/step':>8} {'least':>8} {'fit = 1':>8}")
    for name, (build, shape) in models().items():
        turns = contestants(build, shape, arguments.batch_size, arguments.steps, xla=arguments.xla)
        taken: dict[str, list[float]] = {how: [] for how in turns}
        for number in range(arguments.rounds + 1):
            for how, turn in turns.items():
                seconds, _ = timed(turn)
                if number:
                    taken[how].append(seconds / arguments.steps * 1e6)
        base = statistics.median(taken["fit"])
        for how, found in taken.items():
            median = statistics.median(found)
            print(f"{name:<14} {how:<24} {median:>8.0f} {min(found):>8.0f} {median / base:>8.2f}", flush=True)


if __name__ == "__main__":
    main()

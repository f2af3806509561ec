"""Seconds a ResNet-18 step (minibatch, loss and gradient), beside the same network of Keras' layers, and its memory.

    python benchmarks/resnet_step.py                              # batch 32, on 2 threads, float32 and bfloat16
    python benchmarks/resnet_step.py --batch-size 128 --threads 1 --rounds 3

    ours        the task, in float32 and with its convolutions in bfloat16
    Keras       a model of keras.layers of the same shapes in float32, on the same minibatch, its optimizer left out;
                compiled as ours is

All take turns, so that whatever else the machine does falls on all of them alike. `--only` runs
one alone, so that the most memory that the process held is its own. Images are noise, which costs what
photographs cost.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import setting

SEED = [[1, 2]]
NAMES = ("float32", "bfloat16", "Keras")


def write_noise(folder: str) -> None:
    """Write cifar10.npz with as many images of noise as are drawn from without repeating too many."""
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for part, count in (("train", 2_000), ("test", 10)):
        arrays[f"x_{part}"] = rng.integers(0, 256, (count, 32, 32, 3), np.uint8)
        arrays[f"y_{part}"] = rng.integers(0, 10, (count, 1), np.uint8)
    np.savez(Path(folder) / "cifar10.npz", **arrays)


def ours(dtype: str, batch_size: int, folder: str) -> Callable[[int], Any]:
    """Return a function of t that takes a step of the task and waits for its gradient."""
    import tensorflow as tf

    from tasks.resnet18 import ResNet18

    task = ResNet18(dtype=dtype, batch_size=batch_size, data_dir=folder)
    seeds = tf.constant(SEED, tf.int32)
    x, state = task.initial(seeds)

    @tf.function(autograph=False, jit_compile=task.jit_compile)
    def step(t: Any) -> Any:
        return task.loss_and_gradient(x, task.advance(state, seeds, t))

    return lambda t: [result.numpy() for result in step(tf.constant(t))[:2]]


def keras_step(batch_size: int, folder: str) -> Callable[[int], Any]:
    """Return a function of t that takes the same step with a model of Keras' layers."""
    import tensorflow as tf

    from tasks.resnet18 import ResNet18

    task = ResNet18(batch_size=batch_size, data_dir=folder)
    seeds = tf.constant(SEED, tf.int32)
    _, state = task.initial(seeds)
    model = keras_model()
    assert sum(np.prod(variable.shape) for variable in model.trainable_variables) == task.network.parameters

    @tf.function(autograph=False, jit_compile=task.jit_compile)
    def step(t: Any) -> Any:
        drawn = task.advance(state, seeds, t)
        weights = [variable.value for variable in model.trainable_variables]
        with tf.GradientTape() as tape:
            logits = model(drawn.images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(drawn.labels, logits)
            squares = tf.add_n([tf.nn.l2_loss(weight) for weight in weights])
            loss = tf.reduce_mean(losses) + task.regularisation * squares
        return loss, tape.gradient(loss, weights)

    def take(t: int) -> Any:
        loss, slopes = step(tf.constant(t))
        return loss.numpy(), [slope.numpy() for slope in slopes]

    return take


def keras_model() -> Any:
    """Return ResNet-18 of Keras' layers."""
    import keras

    def unit(features: Any, filters: int, size: int, stride: int) -> Any:
        features = keras.layers.Conv2D(filters, size, stride, padding="same", use_bias=False)(features)
        return keras.layers.BatchNormalization()(features)

    inputs = keras.Input([32, 32, 3])
    features = keras.layers.ReLU()(unit(inputs, 64, 3, 1))
    for filters in (64, 128, 256, 512):
        for block in range(2):
            stride = 2 if filters > 64 and block == 0 else 1
            inner = keras.layers.ReLU()(unit(features, filters, 3, stride))
            inner = unit(inner, filters, 3, 1)
            if stride == 2:
                features = unit(features, filters, 1, 2)
            features = keras.layers.ReLU()(keras.layers.Add()([inner, features]))
    return keras.Model(inputs, keras.layers.Dense(10)(keras.layers.GlobalAveragePooling2D()(features)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-size", type=int, default=32, help="images a step; 2,048 is the paper's")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="timed steps of each")
    parser.add_argument("--only", choices=NAMES, help="one of them alone")
    asked = parser.parse_args()
    names = NAMES if asked.only is None else (asked.only,)
    setting.prepare(asked.threads)
    with tempfile.TemporaryDirectory() as folder:
        write_noise(folder)
        steps = {
            name: keras_step(asked.batch_size, folder) if name == "Keras" else ours(name, asked.batch_size, folder)
            for name in names
        }
        seconds: dict[str, list[float]] = {name: [] for name in names}
        for t in range(asked.rounds + 1):
            for name, step in steps.items():
                started = time.perf_counter()
                step(t + 1)
                if t:  # the first step traces
                    seconds[name].append(time.perf_counter() - started)
    print(f"{setting.machine()}; {asked.threads} thread(s), batch {asked.batch_size}, {asked.rounds} rounds")
    base = statistics.median(seconds[names[-1]])
    for name, taken in seconds.items():
        median = statistics.median(taken)
        ratio = "" if asked.only else f"  {base / median:5.2f}× Keras' speed"
        print(f"{name:9} {median:8.3f} s/step  least {min(taken):8.3f}{ratio}")
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


if __name__ == "__main__":
    main()

"""Milliseconds of LODO's update of a network, beside the memory that it must move, and beside autodiff; in one run.

    python benchmarks/lodo_step.py                                # pixelcnn's 94,696 weights, on one thread
    python benchmarks/lodo_step.py --threads 2 --batch-size 256   # and a training step of pixelcnn, with LODO and Adam

    floor       reading θ, its slope and Adam's two averages once and writing all but the slope: seven streams of 128 n
                numbers of float32, at the pace at which NumPy adds one such array to another, on as many threads
    LODO        `lodo.lodo.LODO`, compiled: the preconditioner, the momentum and x move
    autodiff    the same update with the slope from a tape through the same layers, compiled; checked to move θ alike.
                Its permutations are scatters, whose gradients are gathers
    einsum      the same with the layers' products as einsums, which suits a tape best of what was tried
    a step      minibatch, loss, gradient and update, in the loop that trains candidates

All take turns, so that whatever else the machine does falls on all of them alike.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

PARAMETERS = 94_696  # pixelcnn's
STREAMS = 7
CHECKED_STEPS = 3
SEED = [[1, 2]]
VALUES = {"initial_learning_rate": 0.1, "meta_learning_rate": 1e-3, "momentum": 0.9}

Turn = Callable[[], float]  # returns the seconds of one step


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=PARAMETERS, help="n. Default: pixelcnn's")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--batch-size", type=int, help="also time a step of pixelcnn; 256 is the paper's")
    asked = parser.parse_args()

    import setting

    setting.prepare(asked.threads)
    turns: dict[str, Turn] = {"floor": floor(asked.size, asked.threads), **updates(asked.size)}
    print(f"{setting.machine()}; {asked.threads} thread(s), n = {asked.size:,}, float32, {asked.rounds} rounds; ms")
    report(turns, asked.rounds, base="floor", word="× the floor")
    if asked.batch_size is not None:
        print(f"a training step of pixelcnn, batch {asked.batch_size}; ms")
        with tempfile.TemporaryDirectory() as folder:
            report(training_steps(asked.batch_size, folder), asked.rounds, base="Adam", word="× Adam's")


def report(turns: dict[str, Turn], rounds: int, *, base: str, word: str) -> None:
    """Take turns, and print each one's median and least time, and the median's ratio to the base's."""
    seconds: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(rounds):
        for name, turn in turns.items():
            seconds[name].append(turn())
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    for name, found in seconds.items():
        ratio = medians[name] / medians[base]
        print(f"{name:10} {medians[name] * 1e3:9.1f}  least {min(found) * 1e3:9.1f}  {ratio:6.2f} {word}", flush=True)


def floor(size: int, threads: int) -> Turn:
    """Return what times the traffic that no update can do without."""
    count = 128 * size // threads
    pairs = [(np.zeros(count, np.float32), np.ones(count, np.float32)) for _ in range(threads)]
    pool = ThreadPoolExecutor(threads)

    def turn() -> float:
        started = time.perf_counter()
        list(pool.map(lambda pair: np.add(*pair, out=pair[0]), pairs))  # two streams in, one out
        return (time.perf_counter() - started) * STREAMS / 3

    return turn


def updates(size: int) -> dict[str, Turn]:
    """Return what times LODO's update and those by autodiff, once all were seen to move θ alike."""
    import tensorflow as tf

    from lodo import block_network
    from lodo.lodo import LODO

    def scattered(flow: Any, permutation: Any, inverse: Any, *, fused: bool) -> Any:
        del permutation, fused
        return tf.tensor_scatter_nd_update(tf.zeros_like(flow), inverse[:, np.newaxis], flow)

    def sums(block: Any, vector: Any, *, fused: bool) -> Any:
        del fused
        return sum(block[:, j] * vector[j] for j in range(vector.shape[0]))

    def einsum(block: Any, vector: Any, *, fused: bool) -> Any:
        del fused
        return tf.einsum("ijb,jb->ib", block, vector)

    def by_tape(product: Any) -> Any:
        def update(*arguments: Any) -> Any:
            with mock.patch.multiple(block_network, _permuted=scattered, _product=product):
                return autodiff_update(rule, *arguments)

        return tf.function(update, jit_compile=True, autograph=False)

    gradient = tf.random.stateless_normal([size, 1], SEED[0])
    values = {name: tf.constant([value], tf.float32) for name, value in VALUES.items()}
    rule = LODO()

    def turn(update: Callable[..., Any], carried: list[Any]) -> Turn:
        def take() -> float:
            started = time.perf_counter()
            carried[1], carried[2] = update(gradient, carried[1], carried[2], values, tf.constant(carried[0]))
            carried[1].numpy()
            carried[0] += 1
            return time.perf_counter() - started

        return take

    start = tf.zeros([size, 1])
    made = {"LODO": rule._update, "autodiff": by_tape(sums), "einsum": by_tape(einsum)}
    turns, moved = {}, {}
    for name, update in made.items():
        carried: list[Any] = [1, start, rule.initial_state(start, values, tf.constant(SEED))]
        turns[name] = turn(update, carried)
        for _ in range(CHECKED_STEPS):
            turns[name]()
        moved[name] = np.concatenate([np.ravel(part) for part in carried[2].theta])
    for name, theta in moved.items():
        # Adam turns a slope's rounding into a step of its own where the slope is nearly nothing: compare what adds up.
        apart = np.linalg.norm(theta - moved["LODO"]) / (VALUES["meta_learning_rate"] * np.sqrt(theta.size))
        if not apart < 0.01:
            sys.exit(f"{name} moves θ otherwise than LODO: apart by {apart:.3g} steps of Adam")
    return turns


def autodiff_update(optimizer: Any, gradient: Any, x: Any, state: Any, values: Any, t: Any) -> Any:
    """Move x by the stored momentum, θ by a tape through that step, and then the momentum."""
    import tensorflow as tf

    theta = state.theta
    with tf.GradientTape() as tape:
        tape.watch(theta)
        product, _ = optimizer.precondition(theta, state.momentum)
        step = -values["initial_learning_rate"] * product
    slopes = tape.gradient(step, theta, output_gradients=gradient)
    theta, meta_state = optimizer.meta_optimizer.step(theta, slopes, state.meta_state, state.rates, t)
    momentum = optimizer.average(state.momentum, gradient, values)
    return x + step, state._replace(theta=theta, meta_state=meta_state, momentum=momentum)


def training_steps(batch_size: int, folder: str) -> dict[str, Turn]:
    """Return what times a training step of pixelcnn with Adam and with LODO, on noise in the place of digits."""
    import tensorflow as tf

    from search_spaces import loader
    from tasks.pixelcnn import PixelCNN
    from tuner.training.loop import Loop, build_optimizer

    images = np.random.default_rng(0).integers(0, 256, (2_000, 28, 28), np.uint8)
    np.savez(Path(folder) / "mnist.npz", x_train=images, x_test=images[:100])
    task, seeds = PixelCNN(batch_size=batch_size, data_dir=folder), tf.constant(SEED)
    turns: dict[str, Turn] = {}
    for name in ("Adam", "LODO"):
        loop = Loop(task, build_optimizer(name, task), 1)
        values = loader.builtin(name).defaults() if name == "Adam" else VALUES
        given = {key: tf.constant([value], tf.float32) for key, value in values.items()}
        carried = [0, loop.begin(given, seeds, seeds)]

        def turn(loop: Any = loop, given: Any = given, carried: list[Any] = carried) -> float:
            started = time.perf_counter()
            carried[1], _ = loop.run(carried[1], given, seeds, carried[0] + 1, 1, 10_000)
            carried[0] += 1
            return time.perf_counter() - started

        turn()
        turns[name] = turn
    return turns


if __name__ == "__main__":
    main()

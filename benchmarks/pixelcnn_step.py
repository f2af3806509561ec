"""Seconds a pixelcnn step (minibatch, loss and gradient), beside TensorFlow's plain formulation, in one run.

    python benchmarks/pixelcnn_step.py                            # batch 256 and 32, on 1 and 2 threads
    python benchmarks/pixelcnn_step.py --batch-size 32 --threads 1 --rounds 20

Each number of threads is measured in a process of its own, because TensorFlow takes it once. The formulations take
turns, so that whatever else the machine does falls on all of them alike; compare the ratios, then the seconds. Images
are noise, which costs what digits cost.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SEED = [[1, 2]]


def plain_logits(weights: Any, inputs: Any, *, repeat: bool) -> Any:
    """The network as a textbook has it; with `repeat`, depthwise multiplier 3 as repeated channels."""
    import tensorflow as tf

    taken = 0

    def take(*shape: int) -> Any:
        nonlocal taken
        taken += math.prod(shape)
        return tf.reshape(weights[taken - math.prod(shape) : taken], shape)

    def convolution(features: Any, ins: int, outs: int) -> Any:
        return tf.nn.conv2d(features, take(1, 1, ins, outs), 1, "SAME") + take(outs)

    features = convolution(inputs, 5, 20)
    for _pool in range(5):
        for _block in range(4):
            inner = tf.atan(convolution(features, 20, 40))
            kernel = take(3, 3, 40, 3)
            if repeat:
                inner, kernel = tf.repeat(inner, 3, axis=3), tf.reshape(kernel, [3, 3, 120, 1])
            inner = tf.nn.depthwise_conv2d(inner, kernel, [1, 1, 1, 1], "SAME") + take(120)
            features += convolution(tf.atan(inner), 120, 20)
        features = tf.nn.avg_pool2d(features, 2, 2, "SAME")
    return tf.reshape(features, [-1, 20]) @ take(20, 256) + take(256)


def formulations(batch_size: int, folder: str, *, eager: bool) -> dict[str, Callable[[int], Any]]:
    """Return functions of t that take a step and wait for its gradient."""
    import tensorflow as tf

    from tasks import pixelcnn

    task = pixelcnn.PixelCNN(batch_size=batch_size, data_dir=folder)
    double = pixelcnn.PixelCNN(batch_size=batch_size, data_dir=folder, dtype="float64")
    seeds = tf.constant(SEED, tf.int32)
    ours = pixelcnn.logits

    def stepper(logits: Callable[..., Any], of: Any, *, compiled: bool) -> Callable[[int], Any]:
        x, state = of.initial(seeds)

        def step(t: Any) -> Any:
            pixelcnn.logits = logits  # the task's own step around each formulation of the network
            return of.loss_and_gradient(x, of.advance(state, seeds, t))[:2]

        function = tf.function(step) if compiled else step
        return lambda t: [result.numpy() for result in function(tf.constant(t))]

    found = {
        "plain": stepper(lambda w, i: plain_logits(w, i, repeat=False), task, compiled=True),
        "channels repeated": stepper(lambda w, i: plain_logits(w, i, repeat=True), task, compiled=True),
        "ours": stepper(ours, task, compiled=True),
    }
    if eager:
        found["plain, float64, eager"] = stepper(lambda w, i: plain_logits(w, i, repeat=False), double, compiled=False)
    return found


def measure(threads: int, batch_sizes: list[int], rounds: int, *, eager: bool) -> list[dict[str, Any]]:
    """Return a row a batch size and formulation: median and least seconds a step."""
    import numpy as np
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        images = np.random.default_rng(0).integers(0, 256, (2_000, 28, 28), np.uint8)
        np.savez(Path(folder) / "mnist.npz", x_train=images, x_test=images[:100])
        for batch_size in batch_sizes:
            steps = formulations(batch_size, folder, eager=eager)
            for step in steps.values():
                step(1)  # traces
            seconds: dict[str, list[float]] = {name: [] for name in steps}
            for t in range(2, 2 + rounds):
                for name, step in steps.items():
                    started = time.perf_counter()
                    step(t)
                    seconds[name].append(time.perf_counter() - started)
            plain = statistics.median(seconds["plain"])
            rows += [
                {
                    "threads": threads,
                    "batch": batch_size,
                    "formulation": name,
                    "median": statistics.median(taken),
                    "least": min(taken),
                    "ratio": plain / statistics.median(taken),
                }
                for name, taken in seconds.items()
            ]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-size", type=int, nargs="+", default=[256, 32], help="images a step")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="TensorFlow's threads")
    parser.add_argument("--rounds", type=int, default=8, help="timed steps of each formulation")
    parser.add_argument("--eager", action="store_true", help="also the plain formulation, float64, not compiled")
    parser.add_argument("--json", action="store_true", help="rows as JSON, one list a line for each number of threads")
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.in_this_process:
        print(json.dumps(measure(arguments.threads[0], arguments.batch_size, arguments.rounds, eager=arguments.eager)))
        return
    if not arguments.json:
        print(f"{'threads':>7} {'batch':>6}  {'formulation':<22} {'s/step':>8} {'least':>8} {'speed':>6}")
    for threads in arguments.threads:
        command = [sys.executable, __file__, "--in-this-process", "--json", "--threads", str(threads)]
        command += ["--rounds", str(arguments.rounds), "--batch-size", *map(str, arguments.batch_size)]
        command += ["--eager"] * arguments.eager
        root = str(Path(__file__).resolve().parent.parent)
        surroundings = {**os.environ, "PYTHONPATH": root, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        done = subprocess.run(command, env=surroundings, stdout=subprocess.PIPE, text=True, check=True)
        if arguments.json:
            print(done.stdout.strip())
            continue
        for row in json.loads(done.stdout):
            print(
                f"{row['threads']:>7} {row['batch']:>6}  {row['formulation']:<22} {row['median']:>8.3f}"
                f" {row['least']:>8.3f} {row['ratio']:>5.2f}×"
            )


if __name__ == "__main__":
    main()

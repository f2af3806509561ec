"""Seconds a pixelcnn step (minibatch, loss and gradient), beside TensorFlow's plain formulation, in one run.

    python benchmarks/pixelcnn_step.py                            # batch 256 and 32, on 1 and 2 threads
    python benchmarks/pixelcnn_step.py --batch-size 32 --threads 1 --rounds 20

Each with the kernels that TensorFlow chooses by itself and with oneDNN's, which `tuner` asks for. Threads and kernels
are settled when a process starts, so there is one for each; they and the formulations in them take turns, so that
whatever else the machine does falls on all of them alike. Compare the ratios, then the seconds. Images are noise, which
costs what digits cost.

The table's "speed" is against the compiled plain formulation in float32 with TensorFlow's kernels. A line a batch size
beneath it gives ours against plain in float32, compiled, and in float64 with an eager tape (`--no-eager`
leaves that out), medians all, each with those kernels of the two with which it is faster.
"""

from __future__ import annotations

import argparse
import contextlib
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
SETTING = "TF_ENABLE_ONEDNN_OPTS"
EAGER = "plain, float64, eager"


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
        found[EAGER] = stepper(lambda w, i: plain_logits(w, i, repeat=False), double, compiled=False)
    return found


def answer(threads: int, batch_sizes: list[int], *, eager: bool) -> None:
    """Take a step of each formulation for each line of standard input, and print the seconds as JSON."""
    import numpy as np
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # it takes the formulations for one function that is traced again and again
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        images = np.random.default_rng(0).integers(0, 256, (2_000, 28, 28), np.uint8)
        np.savez(Path(folder) / "mnist.npz", x_train=images, x_test=images[:100])
        steps = {
            (batch_size, name): step
            for batch_size in batch_sizes
            for name, step in formulations(batch_size, folder, eager=eager).items()
        }
        for t, _ in enumerate(sys.stdin, start=1):  # the first line's step traces
            seconds = []
            for step in steps.values():
                started = time.perf_counter()
                step(t)
                seconds.append(time.perf_counter() - started)
            print(json.dumps([[*case, taken] for case, taken in zip(steps, seconds, strict=True)]), flush=True)


def measure(threads: int, batch_sizes: list[int], rounds: int, *, eager: bool) -> list[dict[str, Any]]:
    """Return a row a batch size, formulation and setting: median and least seconds a step, and how much faster."""
    command = [sys.executable, __file__, "--answer", "--threads", str(threads)]
    command += ["--batch-size", *map(str, batch_sizes), "--eager" if eager else "--no-eager"]
    root = str(Path(__file__).resolve().parent.parent)
    of_all = {**os.environ, "PYTHONPATH": root, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    of_all.pop(SETTING, None)
    taken: dict[tuple[int, str, str], list[float]] = {}
    with contextlib.ExitStack() as ended:
        children = {
            name: ended.enter_context(
                subprocess.Popen(command, env=of_all | own, stdin=-1, stdout=-1, text=True, bufsize=1)
            )
            for name, own in (("TensorFlow's", {}), ("oneDNN", {SETTING: "1"}))
        }
        for number in range(rounds + 1):
            for name, child in children.items():
                assert child.stdin is not None
                assert child.stdout is not None
                child.stdin.write("\n")
                for batch_size, formulation, seconds in json.loads(child.stdout.readline()):
                    if number:
                        taken.setdefault((batch_size, formulation, name), []).append(seconds)
    return [
        {
            "threads": threads,
            "batch": batch_size,
            "formulation": formulation,
            "kernels": name,
            "median": statistics.median(seconds),
            "least": min(seconds),
            "ratio": statistics.median(taken[batch_size, "plain", "TensorFlow's"]) / statistics.median(seconds),
        }
        for (batch_size, formulation, name), seconds in sorted(taken.items())
    ]


def ratios(rows: list[dict[str, Any]], batch_size: int) -> str:
    """Return in words how much faster ours is than the plain formulations, each with the kernels that suit it best."""
    best: dict[str, float] = {}
    for row in rows:
        if row["batch"] == batch_size:
            best[row["formulation"]] = min(row["median"], best.get(row["formulation"], math.inf))
    named = {"plain": "plain, float32, compiled", EAGER: EAGER}
    found = [f"{best[key] / best['ours']:.2f}× as fast as {name}" for key, name in named.items() if key in best]
    return f"batch {batch_size}, {rows[0]['threads']} thread(s): ours is {' and '.join(found)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-size", type=int, nargs="+", default=[256, 32], help="images a step")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="TensorFlow's threads")
    parser.add_argument("--rounds", type=int, default=8, help="timed steps of each formulation")
    parser.add_argument(
        "--eager",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="also the plain formulation in float64, not compiled; it takes most of the time. Default: yes",
    )
    parser.add_argument("--json", action="store_true", help="rows as JSON, one list a line for each number of threads")
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.answer:
        answer(arguments.threads[0], arguments.batch_size, eager=arguments.eager)
        return
    if not arguments.json:
        print(
            f"{'threads':>7} {'batch':>6}  {'formulation':<22} {'kernels':<12} {'s/step':>8} {'least':>8} {'speed':>6}"
        )
    for threads in arguments.threads:
        rows = measure(threads, arguments.batch_size, arguments.rounds, eager=arguments.eager)
        if arguments.json:
            print(json.dumps(rows))
            continue
        for row in rows:
            print(
                f"{row['threads']:>7} {row['batch']:>6}  {row['formulation']:<22} {row['kernels']:<12}"
                f" {row['median']:>8.3f} {row['least']:>8.3f} {row['ratio']:>5.2f}×",
                flush=True,
            )
        for batch_size in arguments.batch_size:
            print(ratios(rows, batch_size), flush=True)


if __name__ == "__main__":
    main()

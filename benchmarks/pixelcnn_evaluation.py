"""Seconds that pixelcnn's loss over all 784 pixels of an image takes, and a grid of generated digits; in one run.

    python benchmarks/pixelcnn_evaluation.py                      # 16 images and 16 digits, on two threads
    python benchmarks/pixelcnn_evaluation.py --images 32 --at-once 1 2 4 8 16 --rounds 5

    ours        `PixelCNN.evaluate`, with as many images in work at a time as it says after "ours"
    plain       a pass through the whole network for every query, 224 at a time; checked to find the same losses
    digits      `PixelCNN.generate`, 784 passes of all digits

The evaluations take turns, so that whatever else the machine does falls on all of them alike. Compilation is outside
the clocks. The hours are of MNIST's 10,000 test images, at the median's pace. Images are noise and the weights those of
a start, which cost what digits and trained weights cost.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

TEST_IMAGES = 10_000  # MNIST's
QUERIES = 224  # of plain's passes, a divisor of 784 · 2
SEED = [[1, 2]]


def plain_losses(weights: Any, images: Any, dtype: str) -> Any:
    """Return the mean losses [E] of images from a pass of the network for every query; E is even."""
    import tensorflow as tf

    from tasks.pixelcnn_network import SIDE, input_channels, logits

    def losses_of(first: Any) -> Any:
        queries = first + tf.range(QUERIES)
        chosen, pixels = tf.gather(images, queries // SIDE**2), queries % SIDE**2
        greys = tf.gather(tf.reshape(chosen, [QUERIES, SIDE**2]), pixels, batch_dims=1)
        found = logits(weights, input_channels(chosen, pixels, dtype))
        return tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(greys, tf.int32), found)

    firsts = tf.range(0, images.shape[0] * SIDE**2, QUERIES)
    shape = tf.TensorSpec([QUERIES], dtype)
    losses = tf.map_fn(losses_of, firsts, fn_output_signature=shape, parallel_iterations=1)
    return tf.reduce_mean(tf.reshape(losses, [-1, SIDE**2]), axis=1)


def evaluations(task: Any, x: Any, images: int, at_once: list[int]) -> dict[str, Callable[[], np.ndarray]]:
    """Return functions that evaluate the first test images and return their losses; compiled, and checked."""
    import tensorflow as tf

    chosen = tf.range(images)

    def compiled(losses: Callable[..., Any] | None, together: int) -> Callable[[], np.ndarray]:
        function = tf.function(lambda x: task.evaluate(x, (), "test", chosen), autograph=False)
        with mock.patch("tasks.pixelcnn_evaluation.IMAGES_AT_ONCE", together):
            if losses is None:
                function.get_concrete_function(x)
            else:
                with mock.patch("tasks.pixelcnn.mean_losses", losses):
                    function.get_concrete_function(x)
        return lambda: function(x).numpy()[:, 0, 0]

    found = {f"ours {together}": compiled(None, together) for together in at_once}
    found["plain"] = compiled(plain_losses, 1)
    expected = found["plain"]()
    for name in found.keys() - {"plain"}:
        np.testing.assert_allclose(found[name](), expected, rtol=1e-4, err_msg=name)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=16, help="how many are evaluated, an even number. Default: 16")
    parser.add_argument("--at-once", type=int, nargs="+", default=[8], help="images in work at a time. Default: 8")
    parser.add_argument("--digits", type=int, default=16, help="how many are generated. Default: 16")
    parser.add_argument("--threads", type=int, default=2, help="TensorFlow's threads. Default: 2")
    parser.add_argument("--rounds", type=int, default=3, help="timed evaluations of each. Default: 3")
    asked = parser.parse_args()
    if asked.images < 2 or asked.images % 2:
        parser.error(f"--images is an even number from 2. Received: {asked.images}")

    import setting

    setting.prepare(asked.threads)
    import tensorflow as tf

    from tasks.pixelcnn import PixelCNN

    with tempfile.TemporaryDirectory() as folder:
        images = np.random.default_rng(0).integers(0, 256, (65 + asked.images, 28, 28), np.uint8)
        np.savez(Path(folder) / "mnist.npz", x_train=images[:65], x_test=images[65:])
        task = PixelCNN(batch_size=1, data_dir=folder)
    x = task.initial(tf.constant(SEED, tf.int32))[0]
    print(f"{setting.machine()}; {asked.threads} thread(s), float32, {asked.images} images, {asked.rounds} rounds")
    cases = evaluations(task, x, asked.images, asked.at_once)
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(asked.rounds):
        for name, case in cases.items():
            taken[name].append(setting.timed(case)[0] / asked.images)
    print(f"{'evaluation':<10} {'s/image':>8} {'least':>8} {'h of 10,000':>12} {'speed':>6}")
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        print(
            f"{name:<10} {median:>8.3f} {min(seconds):>8.3f} {median * TEST_IMAGES / 3600:>12.2f}"
            f" {statistics.median(taken['plain']) / median:>5.2f}×"
        )
    task.generate(x, asked.digits, 0)
    seconds = [setting.timed(lambda: task.generate(x, asked.digits, 1).numpy())[0] for _ in range(asked.rounds)]
    print(f"{asked.digits} digits: {statistics.median(seconds):.1f} s, at least {min(seconds):.1f} s")


if __name__ == "__main__":
    main()

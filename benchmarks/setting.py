"""What the benchmarks share: TensorFlow on one thread and no graphics card, clocks, and the machine's description."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def find_project() -> None:
    """Find the project, for a benchmark without TensorFlow."""
    sys.path.insert(0, str(ROOT))


def prepare(threads: int = 1) -> None:
    """Find the project, quieten TensorFlow, hide graphics cards and make our settings; before anything imports it."""
    find_project()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    import tensorflow as tf

    from tuner.training.tensorflow import configure

    configure(threads)
    tf.get_logger().setLevel("ERROR")  # it warns of many loops in one process, which is what a benchmark has


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that a call takes, and what it returns."""
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def machine() -> str:
    """Return the machine in a line: processor, cores, and how busy it is now."""
    from tuner.studies.machine import hardware

    known = hardware()
    return f"{known['processor']}, {known['cores']} cores, load {os.getloadavg()[0]:.1f}"

"""Measurement of the seconds of a step, the objective `seconds-per-step`.

A candidate's own training is no measure of it: it runs beside others, and its first chunks are short. A calibration
takes the same first steps of a candidate again and again, alone, and keeps the fastest block. What slows a
machine down for a moment only makes a block longer, so that the least one repeats best.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from tuner.core.trial import Evaluation, Status, Trial, Workload
from tuner.training.cohort import Cohort
from tuner.training.cores import own_cores

BLOCKS = 5
BLOCK_SECONDS = 0.2
"""Least duration of a block, in which the dispatch of the compiled loop hardly counts."""

DIGITS = 2
"""Significant digits of the result: measurements agree no further on a machine that does other things as well.

Candidates whose steps take equally long, as far as can be told, then tie, and no front has points that only noise made.
"""


def calibrate(workload: Workload, lanes: Sequence[Trial]) -> Iterator[Evaluation]:
    """Measure the seconds of a step with a candidate's arguments of the task; its numbers hardly matter.

    Args:
        workload: The workload; on CPUs the measurement has exclusive use of its cores.
        lanes: One trial.

    Yields:
        The evaluation, whose fitness are the seconds of a step.
    """
    cohort = Cohort(workload, lanes)
    carry = cohort.begin()
    on_cpu = "GPU" not in carry[0].device
    started = time.perf_counter()
    with own_cores(workload.threads) if on_cpu else contextlib.nullcontext():
        seconds = least_seconds(lambda steps: cohort.take_first(carry, steps))
    spent = time.perf_counter() - started
    yield Evaluation(lanes[0].key, Status.FINISHED, seconds, (), 0, spent, device="CPU:0" if on_cpu else "GPU:0")


def least_seconds(take: Callable[[int], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the seconds of a step by the fastest of several blocks of steps.

    Args:
        take: Takes a number of steps, and returns once they are done.
        clock: Returns seconds.
    """

    def block(steps: int) -> float:
        began = clock()
        take(steps)
        return clock() - began

    block(1)  # compiles, and does the set-up of the first call
    steps = 1
    while block(steps) < BLOCK_SECONDS:
        steps *= 2
    least = min(block(steps) for _ in range(BLOCKS)) / steps
    return float(f"{least:.{DIGITS - 1}e}")

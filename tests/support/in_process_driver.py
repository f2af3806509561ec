"""A driver that a service starts, without Ray: `python -m tests.support.in_process_driver`.

It trains in its own process, as one worker, with a substitute for training that needs no TensorFlow. A cohort
takes COHORT_SECONDS of the environment. With DIE_AT it kills itself at the start of its n-th poll, if it is a driver
whose epoch is at most DIE_UNTIL.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from unittest import mock

import numpy as np

from tuner.core.events import TrainingProgress
from tuner.core.trial import Evaluation, Status, Trial, Workload
from tuner.execution.in_process import InProcessExecutor

SECONDS = float(os.environ.get("COHORT_SECONDS", "0"))
DIE_AT = int(os.environ.get("DIE_AT", "0"))
DIE_UNTIL = int(os.environ.get("DIE_UNTIL", "1"))


TRAIN = "tests.support.in_process_driver:train"


def train(workload: Workload, trials: Sequence[Trial]) -> Iterator[TrainingProgress | Evaluation]:
    """Yield losses that depend only on the candidate."""
    del workload
    curves = [_losses(trial) for trial in trials]
    yield TrainingProgress(trials[0].steps, np.stack(curves, axis=1))
    for trial, losses in {trial.key: (trial, losses) for trial, losses in zip(trials, curves, strict=True)}.values():
        yield Evaluation(trial.key, Status.FINISHED, float(losses[-1]), losses, trial.steps, 0.01)


def _losses(trial: Trial) -> np.ndarray:
    distance = sum(np.log(abs(value) + 1e-9) ** 2 for value in trial.hyperparameters.values())
    return distance + np.random.default_rng(trial.seed).uniform(0, 1e-3, trial.steps)


class _Slow(InProcessExecutor):
    """An executor whose cohorts take a time."""

    polls = 0
    epoch = 0

    def poll(self) -> None:
        """Train, unless the process is to die."""
        type(self).polls += 1
        if self.polls == DIE_AT and self.epoch <= DIE_UNTIL:
            os.kill(os.getpid(), signal.SIGKILL)
        before = self.busy
        super().poll()
        if self.busy > before:
            time.sleep(SECONDS)


@contextlib.contextmanager
def _executor(resources, specs, progress, checkpoints):
    del specs, progress, checkpoints
    with _Slow(timeout=resources.timeout, train=TRAIN) as executor:
        yield executor, 1


def main() -> None:
    """Drive."""
    text = sys.stdin.read()
    _Slow.epoch = json.loads(text)["epoch"]
    sys.stdin = io.StringIO(text)
    from tuner.cli import drive

    with mock.patch("tuner.api.running._executor", _executor):
        sys.exit(drive.main())


if __name__ == "__main__":
    main()

"""Runs of the API without Ray, by an executor in this process."""

import contextlib
from unittest import mock

from tuner.execution.executor import DEFAULT_TRAIN, FUNCTION_TRAIN
from tuner.execution.in_process import InProcessExecutor


@contextlib.contextmanager
def without_ray():
    """Replace the executor on Ray by one in this process."""

    @contextlib.contextmanager
    def executor(resources, specs, progress, checkpoints):
        del progress, checkpoints
        train = FUNCTION_TRAIN if specs[0].workload.is_function else DEFAULT_TRAIN
        with InProcessExecutor(timeout=resources.timeout, train=train) as in_process:
            yield in_process, 1

    with mock.patch("tuner.api.running._executor", executor):
        yield

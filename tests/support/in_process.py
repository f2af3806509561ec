"""Runs of the API without Ray, by an executor in this process."""

import contextlib
from unittest import mock

from tuner.execution.in_process import InProcessExecutor


@contextlib.contextmanager
def without_ray():
    """Replace the executor on Ray by one in this process."""

    @contextlib.contextmanager
    def executor(resources, specs, progress):
        del specs, progress
        with InProcessExecutor(timeout=resources.timeout) as in_process:
            yield in_process, 1

    with mock.patch("tuner.api.running._executor", executor):
        yield

"""Runs of the API without Ray: an executor in this process in the place of one on Ray."""

import contextlib
from unittest import mock

from tuner.execution.in_process import InProcessExecutor


@contextlib.contextmanager
def without_ray():
    """Train in this process what would be trained on Ray."""

    @contextlib.contextmanager
    def executor(resources, specs, progress):
        del specs, progress
        with InProcessExecutor(timeout=resources.timeout) as found:
            yield found, 1

    with mock.patch("tuner.api.running._executor", executor):
        yield

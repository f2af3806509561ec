"""What holds for all tests: no clock decides whether one passes, and Ray is started by one process at a time."""

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

STARTS_RAY = {
    "test_compare",
    "test_executors",
    "test_gpu",
    "test_keras_names",
    "test_metrics",
    "test_ray_clusters",
    "test_ray_faults",
    "test_ray_session",
    "test_readme",
    "test_runs",
    "test_submit",
}
"""Files whose tests start a Ray, or commands that do: side by side they would have half a core each."""


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items):
    """Keep each file to one process, and all that starts Ray to the same one, which begins with it."""
    for item in items:
        group = "ray" if item.path.stem in STARTS_RAY else item.path.stem
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.path.stem not in STARTS_RAY)

"""Variables of Ray in the environment: a local Ray starts without all but a documented few."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.ray_sessions import ROOT
from tuner.execution.ray_variables import unset_for_a_cluster, unset_for_a_local_ray, unused_by_a_local_ray

FOREIGN = {
    "RAY_CLIENT_MODE": "1",
    "RAY_memory_usage_threshold": "abc",
    "RAY_DEFAULT_OBJECT_STORE_MAX_MEMORY_BYTES": "1",
    "RAY_USE_TLS": "1",
}
OF_A_CLUSTER = {"RAY_ADDRESS": "10.0.0.5:6379", "RAY_AUTH_TOKEN": "secret", "RAY_AUTH_MODE": "token"}


def test_a_local_ray_starts_without_variables_for_others_and_says_so_by_name():
    given = FOREIGN | OF_A_CLUSTER | {"PATH": "/bin", "RAY_worker_niceness": "0"}
    unset = unset_for_a_local_ray(given)
    assert unset.keys() >= FOREIGN.keys() | OF_A_CLUSTER.keys()
    assert not {"PATH", "RAY_worker_niceness"} & unset.keys()
    remark = unused_by_a_local_ray(given)
    assert "secret" not in remark
    assert re.findall(r"RAY_\w+", remark.partition(";")[0]) == sorted(FOREIGN)


def test_nothing_is_said_of_what_is_meant_for_clusters_or_set_by_ray_itself():
    assert unused_by_a_local_ray(OF_A_CLUSTER | {"RAY_CLIENT_MODE": "0", "RAY_USAGE_STATS_ENABLED": "0"}) is None


@pytest.mark.parametrize(
    ("name", "value", "is_used"),
    [
        ("RAY_worker_niceness", "-20", True),
        ("RAY_worker_niceness", "19", True),
        ("RAY_worker_niceness", "20", False),
        ("RAY_worker_niceness", "abc", False),
        ("RAY_metrics_report_interval_ms", "1000", True),
        ("RAY_metrics_report_interval_ms", "0", False),
        ("RAY_metrics_report_interval_ms", "1s", False),
        ("RAY_gcs_rpc_server_reconnect_timeout_s", "5", True),
        ("RAY_gcs_rpc_server_reconnect_timeout_s", "-1", False),
    ],
)
def test_the_few_that_are_used_must_have_values_that_ray_accepts(name, value, is_used):
    assert (name not in unset_for_a_local_ray({name: value})) is is_used
    assert (unused_by_a_local_ray({name: value}) is None) is is_used


def test_a_cluster_is_joined_with_its_variables_and_without_those_of_other_kinds_of_drivers():
    unset = unset_for_a_cluster(FOREIGN | OF_A_CLUSTER)
    assert {"RAY_CLIENT_MODE", "RAY_memory_usage_threshold"} <= unset.keys()
    assert not {"RAY_USE_TLS", *OF_A_CLUSTER} & unset.keys()


def test_ray_is_imported_without_them_and_the_environment_is_left_as_it_was(tmp_path):
    code = "import os; before = dict(os.environ); import tuner.execution.ray; print(before == dict(os.environ))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | FOREIGN | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr  # -11: Ray ends the process for "abc"


def test_the_documentation_lists_those_that_are_used():
    page = Path(ROOT / "docs/reference/environment.md").read_text(encoding="utf-8")
    remark = unused_by_a_local_ray({"RAY_x": ""})
    for name in re.findall(r"RAY_\w+", remark.partition("it uses ")[2]):
        assert f"| `{name}` |" in page

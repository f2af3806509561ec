"""Limits of containers, as Linux writes them: control groups of version 1 and 2, from the kernel's documentation."""

import pytest

from tuner.execution.quota import cpu_quota, memory_limit
from tuner.execution.resources import usable_cores

V2_IN_A_CONTAINER = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}
V2_BELOW_A_SLICE = {
    "proc/self/cgroup": "0::/user.slice/job\n",
    "sys/fs/cgroup/user.slice/cpu.max": "200000 100000\n",  # of the group above: the lower limit holds
    "sys/fs/cgroup/user.slice/job/cpu.max": "max 100000\n",
    "sys/fs/cgroup/user.slice/job/memory.max": "2147483648\n",
    "sys/fs/cgroup/user.slice/memory.max": "max\n",
}
V1 = {
    "proc/self/cgroup": "11:memory:/docker/4f\n4:cpu,cpuacct:/docker/4f\n1:name=systemd:/docker/4f\n0::/\n",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",  # a container sees its own group as the root
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824\n",
}
V1_UNLIMITED = {
    "proc/self/cgroup": "11:memory:/\n4:cpu,cpuacct:/\n",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
}


@pytest.mark.parametrize(
    ("files", "cores", "memory"),
    [
        (V2_IN_A_CONTAINER, 1.5, None),
        (V2_BELOW_A_SLICE, 2.0, 2 * 2**30),
        (V1, 0.5, 2**30),
        (V1_UNLIMITED, None, None),
        ({}, None, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "nonsense"}, None, None),
    ],
)
def test_limits_of_a_container_are_read(files, cores, memory, tmp_path):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert cpu_quota(tmp_path) == cores
    assert memory_limit(tmp_path) == memory


@pytest.mark.parametrize(("quota", "cores"), [(1.5, 1), (0.5, 1), (2.0, 2), (1e9, None)])
def test_no_more_workers_are_started_than_the_quota_has_cores(quota, cores, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr("tuner.execution.resources.cpu_quota", lambda: quota)
    assert usable_cores() == (cores or 8)

"""Nodes that die or hang: their candidates continue on others, or the study ends and can be resumed."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from tests.conformance.executor_conformance import FAKE, run
from tests.support.fake_training import Act, trial, workload
from tests.support.ray_sessions import ROOT, local_session, processes_naming, ray_executor, wait_until
from tuner.core.events import AttemptStarted
from tuner.core.trial import Status
from tuner.execution import ray_variables
from tuner.execution.executor import ClusterUnavailable

pytestmark = [pytest.mark.slow, pytest.mark.faults]

# A process of its own: the head has to be started with token authentication on before Ray is imported.
CLUSTER = """
    import os, signal, sys, threading, time
    from pathlib import Path
    from ray.cluster_utils import Cluster
    from tests.support.fake_training import Act, trial, workload
    from tuner.core.events import AttemptEnded, AttemptStarted
    from tuner.core.trial import Evaluation
    from tests.support.ray_sessions import ray_executor
    from tuner.execution.ray.session import RaySession

    fault = sys.argv[1]
    health = {"health_check_period_ms": 500, "health_check_timeout_ms": 500, "health_check_failure_threshold": 2}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "_system_config": health})
    raylets = {}
    for _ in range(2):
        node = cluster.add_node(num_cpus=1)
        raylets[node.node_id] = node.all_processes["raylet"][0].process
    session = RaySession.join(cluster.address)
    options = {"timeout": 4, "grace": 2} if fault == "hangs" else {}
    executor = ray_executor(session, train="tests.support.fake_training:slowly", **options)

    def inject(pid):
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        raylet = next(process for process in raylets.values() if process.pid == parent)
        if fault == "dies":
            raylet.kill()
            raylet.wait()
            return
        children = Path(f"/proc/{raylet.pid}/task").glob("*/children")
        group = [raylet.pid, *(int(child) for task in children for child in task.read_text().split())]
        for member in group:
            os.kill(member, signal.SIGSTOP)
        threading.Timer(9, lambda: [os.kill(member, signal.SIGCONT) for member in group]).start()

    injected, start, pids = False, time.monotonic(), []
    try:
        for event in executor.evaluate(workload(), [trial(slot) for slot in range(6)], label="fake/Adam/g03"):
            if isinstance(event, AttemptStarted):
                pids.append((event.keys[0].slot, event.attempt))
                if not injected:
                    injected = True
                    inject(event.pid)
            elif isinstance(event, AttemptEnded):
                print("ended", event.attempt, event.reason, flush=True)
            elif isinstance(event, Evaluation):
                print("evaluation", event.status, event.attempt, flush=True)
        print("seconds", round(time.monotonic() - start, 1), file=sys.stderr)
        print("stale", executor.stale)
    finally:
        session.close()
        cluster.shutdown()
"""


@pytest.mark.parametrize(
    ("fault", "reason"), [("dies", r"(worker or its )?node died"), ("hangs", "node (died|does not answer)")]
)
def test_a_lost_node_costs_its_candidates_one_attempt(fault, reason):
    folder = tempfile.mkdtemp(prefix="lodo-test-", dir="/tmp")
    environment = {"PYTHONPATH": str(ROOT), "RAY_AUTH_MODE": "token", "RAY_TMPDIR": folder}
    try:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(CLUSTER), fault],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        evaluations = [line for line in lines if line.startswith("evaluation")]
        assert len(evaluations) == 6, done.stdout + done.stderr
        assert all(line.startswith("evaluation finished") for line in evaluations)
        (ended,) = [line for line in lines if line.startswith("ended")]
        assert re.fullmatch(f"ended 1 {reason}", ended)
        assert "evaluation finished 2" in evaluations
        # A worker that is just starting when its cluster is shut down asks its dead control store for a minute.
        assert wait_until(lambda: not processes_naming(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


JOINING = """
    import sys
    from ray.cluster_utils import Cluster
    from tests.support.fake_training import trial, workload
    from tuner.core.events import AttemptStarted
    from tests.support.ray_sessions import ray_executor
    from tuner.execution.ray.session import RaySession

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    cluster.add_node(num_cpus=1)
    session = RaySession.join(cluster.address)
    processes = set()
    try:
        with ray_executor(session, train="tests.support.fake_training:slowly", max_attempts=1) as executor:
            for event in executor.evaluate(workload(), [trial(slot) for slot in range(16)], label="fake/Adam/g03"):
                if isinstance(event, AttemptStarted):
                    if not processes:
                        cluster.add_node(num_cpus=1)
                    processes.add(event.pid)
        print(len(processes))
    finally:
        session.close()
        cluster.shutdown()
"""


def test_a_node_that_joins_late_is_used():
    folder = tempfile.mkdtemp(prefix="lodo-test-", dir="/tmp")
    environment = {"PYTHONPATH": str(ROOT), "RAY_AUTH_MODE": "token", "RAY_TMPDIR": folder}
    try:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(JOINING)],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert (done.returncode, done.stdout.strip()) == (0, "2"), done.stdout + done.stderr
    finally:
        shutil.rmtree(folder, ignore_errors=True)


SEARCH = ["--task", "rosenbrock", "--optimizers", "Momentum", "--generations", "6", "--population", "32", "--seed", "3"]


def lodo_tune(folder, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "tuner.cli", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_search_resumes_to_the_same_table_after_rays_control_store_died(tmp_path):
    steps = ["--steps", "200000", "--no-dashboard"]
    driver = lodo_tune(tmp_path, *SEARCH, *steps, RAY_gcs_rpc_server_reconnect_timeout_s="5")
    try:
        for line in driver.stderr:
            if "generation 1" in line:
                break
        parent = str(driver.pid)
        stores = [line for line in processes_naming("/lodo-ray-") if "gcs_server" in line]
        (store,) = [line for line in stores if _is_child(int(line.split()[0]), parent)]
        os.kill(int(store.split()[0]), signal.SIGKILL)
        driver.communicate(timeout=300)
        assert driver.returncode != 0
    finally:
        driver.kill()
    resumed = lodo_tune(tmp_path, "resume", "rosenbrock", "--no-dashboard", "--wait")
    out, err = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, err
    undisturbed = lodo_tune(tmp_path, *SEARCH, *steps, "--database", "undisturbed.db")
    expected, err = undisturbed.communicate(timeout=300)
    assert undisturbed.returncode == 0, err
    assert _without_seconds(out) == _without_seconds(expected)


def _is_child(pid, parent):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1] == parent


def _without_seconds(table):
    return re.sub("; .* of training", "", table.partition("Individuals of the search")[0])


def test_a_study_on_a_local_ray_that_died_ends_and_can_be_resumed():
    with local_session() as session:
        executor = ray_executor(session, train=FAKE + "train")
        trials = [trial(slot, Act.SLEEP) for slot in range(4)]
        (raylet,) = (line for line in processes_naming(str(session.folder)) if "/raylet/raylet" in line)
        iterator = executor.evaluate(workload(), trials, label="fake/Adam/g03")
        next(iterator)
        os.kill(int(raylet.split()[0]), signal.SIGKILL)
        with pytest.raises(ClusterUnavailable, match="resume the study"):
            list(iterator)


def test_a_local_ray_that_died_while_idle_is_reported():
    with local_session() as session:
        executor = ray_executor(session, train=FAKE + "train")
        events = list(executor.evaluate(workload(), [trial(0), trial(1)], label="fake/Adam/g03"))
        workers = {event.pid for event in events if isinstance(event, AttemptStarted)}
        (raylet,) = (line for line in processes_naming(str(session.folder)) if "/raylet/raylet" in line)
        for pid in (int(raylet.split()[0]), *workers):  # the workers too, so that nothing reports the loss
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(ClusterUnavailable, match="resume the study"):
            list(executor.evaluate(workload(), [trial(slot) for slot in range(4)], label="fake/Adam/g04"))


def memory():
    return {line.split(":")[0]: int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines()}


@pytest.mark.skipif(memory()["MemAvailable"] < 8_000_000, reason="needs 8 GB of free memory")
def test_a_candidate_out_of_memory_fails_alone(monkeypatch):
    now = memory()
    limit = (now["MemTotal"] - now["MemAvailable"] + 1_500_000) / now["MemTotal"]  # 1.5 GB more than is used
    for name, value in {"usage_threshold": f"{limit:.3f}", "monitor_refresh_ms": "100"}.items():
        monkeypatch.setenv(f"RAY_memory_{name}", value)
        monkeypatch.setitem(ray_variables.KEPT, f"RAY_memory_{name}", re.compile(re.escape(value)))
    with local_session() as session:
        executor = ray_executor(session, train=FAKE + "hog")
        events, evaluations = run(executor, workload(cohort_size=2), [trial(0), trial(1, Act.RAISE)])
    # The cohort is lost twice, since another program could have taken the memory; then each runs alone.
    assert (evaluations[0].status, evaluations[0].attempt) == (Status.FINISHED, 3)
    assert (evaluations[1].status, evaluations[1].attempt) == (Status.FAILED, 3)
    assert evaluations[1].reason.startswith("out of memory")
    assert sum(isinstance(event, AttemptStarted) for event in events) == 4

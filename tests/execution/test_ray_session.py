"""Local Ray sessions: privacy and cleanup; joining a cluster, and how that can fail."""

import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.ray_sessions import ROOT, local_session, processes_naming
from tuner.core.errors import InvalidRequest
from tuner.execution.executor import ClusterUnavailable
from tuner.execution.ray.executor import RayExecutor
from tuner.execution.ray.session import RaySession
from tuner.execution.resources import Resources


@pytest.fixture(scope="module")
def session():
    with local_session(dashboard=True) as session:
        yield session


def mode(path):
    return stat.S_IMODE(Path(path).stat().st_mode)


def test_the_folder_and_the_token_are_accessible_to_their_owner_only(session):
    assert mode(session.folder) == 0o700
    assert mode(Path.home() / ".ray" / "auth_token") == 0o600


def test_a_local_ray_starts_no_monitors_that_a_search_does_not_use(session):
    commands = processes_naming(str(session.folder))
    assert any("gcs_server" in command for command in commands)
    assert not any("monitor.py" in command for command in commands)


INTERRUPTED_WHILE_RAY_STOPS = """
    import os, ray, shutil, signal
    from pathlib import Path
    from tests.support.ray_sessions import local_session
    from tuner.execution.ray.session import RaySession
    from tuner.execution.resources import Resources

    def interrupted(function):
        def call(*arguments, **options):
            print("Ctrl-C before", function.__name__)
            os.kill(os.getpid(), signal.SIGINT)
            return function(*arguments, **options)
        return call

    def interrupt_cleanup():
        ray.shutdown, shutil.rmtree = interrupted(ray.shutdown), interrupted(shutil.rmtree)

    def interrupted_start(*, _temp_dir, **_):
        global folder
        folder = Path(_temp_dir).parent
        interrupt_cleanup()
        raise KeyboardInterrupt

    def stop_a_session():
        with local_session(workers=1) as session:  # it checks afterwards that no process is left
            interrupt_cleanup()
            session.close()
        print("exists" if session.folder.exists() else "removed")

    def start_a_session():
        ray.init = interrupted_start
        try:
            RaySession.start(Resources(workers=1))
        except KeyboardInterrupt:
            print("exists" if folder.exists() else "removed")
"""


@pytest.mark.parametrize("stopped", ["stop_a_session", "start_a_session"])
def test_a_second_ctrl_c_while_ray_stops_leaves_no_process_or_folder(stopped):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(INTERRUPTED_WHILE_RAY_STOPS) + f"\n{stopped}()"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.splitlines()) == {"Ctrl-C before shutdown", "Ctrl-C before rmtree", "removed"}


def test_the_folder_name_is_short_enough_for_socket_paths(session):
    assert len(str(session.folder)) <= 43


def test_the_dashboard_listens_on_loopback_and_requires_the_token(session):
    assert session.dashboard_url.startswith("http://127.0.0.1:")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(session.dashboard_url + "/api/jobs/", timeout=300)
    caught.value.close()
    assert caught.value.code == 401


def test_starting_ray_keeps_the_handler_of_sigterm(session):
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_ray_sends_no_usage_statistics(session):
    processes = [line.split()[0] for line in processes_naming(str(session.folder))]
    environments = [Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") for pid in processes]
    assert environments
    assert all(b"RAY_USAGE_STATS_ENABLED=0" in environment for environment in environments)


def test_starting_ray_restores_the_environment(session):
    assert not {"RAY_USAGE_STATS_ENABLED", "RAY_AUTH_MODE"} & set(os.environ)


def test_a_second_session_in_the_same_process_is_refused_and_the_first_stays_usable(session):
    with pytest.raises(ClusterUnavailable, match="already connected to Ray"):
        RaySession.start(Resources(workers=1))
    assert session.nodes()


def test_gpus_are_refused_on_a_ray_without_gpus(session):
    with pytest.raises(InvalidRequest, match=r"^gpus_per_candidate is at most 0, .* Received: 2$"):
        RayExecutor(session, Resources(gpus_per_candidate=2))


@pytest.mark.parametrize(("name", "value"), [("workers", 0), ("cpus_per_candidate", 0), ("workers", -3)])
def test_fewer_than_one_worker_or_core_is_refused(name, value):
    with pytest.raises(InvalidRequest, match=rf"^{name} is at least 1. Received: {value}$"):
        RaySession.start(Resources(**{name: value}))


@pytest.mark.parametrize("address", ["", "nowhere", ":6379", "host:", "host:port", "host:0", "host:70000", "ray://a:1"])
def test_an_invalid_address_is_refused(address):
    with pytest.raises(InvalidRequest, match=r"^address ") as caught:
        RaySession.join(address)
    assert caught.value.exit_code == 2


def test_the_address_auto_requires_ray_address_in_the_environment(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(InvalidRequest, match=r"^address: auto stands for RAY_ADDRESS"):
        RaySession.join("auto")


def test_joining_a_missing_cluster_fails_with_its_address():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(ClusterUnavailable, match=f"no Ray cluster answers at {address}") as caught:
            RaySession.join(address)
    assert caught.value.exit_code == 75


JOINER = """
    import sys
    from tests.support.fake_training import trial, workload
    from tuner.core.errors import LodoTuneError
    from tuner.core.trial import Evaluation
    from tuner.execution.ray.executor import RayExecutor
    from tuner.execution.ray.session import RaySession

    try:
        with (
            RaySession.join(sys.argv[1]) as session,
            RayExecutor(session, train="tests.support.fake_training:train") as ray,
        ):
            for event in ray.evaluate(workload(), [trial(0)], label="fake/Adam/g03"):
                if isinstance(event, Evaluation):
                    print(event.status)
    except LodoTuneError as error:
        print(error)
        sys.exit(error.exit_code)
"""


def join(address, **environment):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(JOINER), address],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_a_cluster_can_be_joined_and_continues_after_the_session(session):
    joined = join(session.address)
    assert (joined.returncode, joined.stdout) == (0, "finished\n"), joined.stderr
    assert session.nodes()


def test_the_address_auto_joins_the_cluster_of_the_environment(session):
    joined = join("auto", RAY_ADDRESS=session.address)
    assert (joined.returncode, joined.stdout) == (0, "finished\n"), joined.stderr


def check_refusal(joined):
    assert joined.returncode == 75
    assert "refuses the connection" in joined.stdout
    assert joined.stdout.count("\n") == 1
    assert "Traceback" not in joined.stderr


@pytest.mark.slow
@pytest.mark.parametrize("token", ["0" * 64, "no token at all"])
def test_a_wrong_token_is_reported(session, token):
    joined = join(session.address, RAY_AUTH_TOKEN=token, RAY_AUTH_MODE="token")
    check_refusal(joined)


@pytest.mark.slow
def test_a_missing_token_is_reported(session, tmp_path):
    joined = join(session.address, HOME=str(tmp_path), RAY_AUTH_MODE="disabled")
    check_refusal(joined)
    assert "does it require a token?" in joined.stdout


SCRIPT = """
    import signal

    from tests.support.fake_training import trial, workload
    from tuner.core.trial import Evaluation
    from tuner.execution.ray.executor import open_executor
    from tuner.execution.resources import Resources

    signal.signal(signal.SIGTERM, signal.default_int_handler)


    class Mine:
        answer = 42.0

        def initial(self, seeds): ...
        def advance(self, state, seeds, t): ...
        def loss_and_gradient(self, x, state): ...


    one = workload(task="session:Mine")
    with open_executor(
        Resources(workers=1, dashboard=False),
        train="tests.support.fake_training:by_name",
        objects={"session:Mine": Mine},
    ) as (executor, slots):
        for event in executor.evaluate(one, [trial(0), trial(1)], label="fake/Adam/g03"):
            if isinstance(event, Evaluation):
                print(slots, event.status, event.fitness, event.reason)
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
"""


@pytest.mark.slow
def test_a_script_without_a_main_guard_can_train_its_own_task(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stdout) == (0, "1 finished 42.0 \n" * 2), done.stderr

"""A driver sent to a cluster: what is refused, what is sent along, and a search that runs there."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ray_sessions import ROOT, local_session
from tuner.commands.submit import check, submit
from tuner.commands.usage import UsageError
from tuner.execution.executor import ClusterUnavailable, ResourceError
from tuner.execution.shipped import gather

TASK = """
from beside import scale

from tasks.function_task import function_task


def loss(x):
    return scale * (x[0] ** 2)


Mine = function_task(loss, start=[1.0])
"""


@pytest.fixture
def mine(tmp_path):
    """Returns a folder with a task of the user's own that imports what stands beside it."""
    folder = tmp_path / "mine"
    (folder / "package").mkdir(parents=True)
    (folder / "task.py").write_text(TASK)
    (folder / "beside.py").write_text("scale = 3.0\n")
    (folder / "package" / "__init__.py").write_text("")
    (folder / "notes.txt").write_text("not code")
    (folder / "data.py.npz").write_text("not code")
    return folder


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "submit takes a search"),
        (["table"], "submit takes a search"),
        (["--task", "rosenbrock"], "needs --database"),
        (["--task", "rosenbrock", "--database", "here.db"], "needs --database"),
        (["--task", "rosenbrock", "--database", "postgresql://me:secret@server/studies"], "holds a password"),
        (["--task", "rosenbrock", "--database=postgresql://server/studies?password=secret"], "holds a password"),
        (["--task", "rosenbrock", "--database", "/data/a.db", "--address", "auto"], "before --"),
        (["--task", "rosenbrock", "--database", "/data/a.db", "--output", "results"], "--output"),
    ],
)
def test_what_would_be_lost_or_shown_to_others_is_refused(arguments, words):
    with pytest.raises(UsageError, match=words) as caught:
        check(arguments)
    assert "secret" not in str(caught.value)


def test_a_cluster_that_does_not_answer_is_one_line():
    with pytest.raises(ClusterUnavailable, match=r"^no Ray dashboard lets us in at http://127\.0\.0\.1:9: "):
        submit("http://127.0.0.1:9", ["--task", "rosenbrock", "--database", "/data/a.db"], detach=True)


def test_the_code_beside_a_task_is_gathered_and_nothing_else(mine, tmp_path):
    target = tmp_path / "sent"
    assert gather([f"{mine}/task.py:Mine", "rosenbrock"], target) == mine
    sent = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
    assert sent == ["beside.py", "package/__init__.py", "task.py"]


def test_a_task_that_ships_or_is_installed_needs_nothing(tmp_path):
    assert gather(["rosenbrock", "keras.layers:Dense", "json:Mine"], tmp_path / "sent") is None
    assert not (tmp_path / "sent").exists()


def test_more_than_code_can_be_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tuner.execution.shipped.MOST_BYTES", 10)
    (tmp_path / "task.py").write_text("# more than ten bytes")
    with pytest.raises(ResourceError, match="a folder of its own"):
        gather([f"{tmp_path}/task.py:Mine"], tmp_path / "sent")


SEARCH = (
    *("--optimizers", "Momentum", "--generations", "2", "--population", "4", "--steps", "10", "--name", "mine"),
    *("--no-dashboard", "--json"),
)


def lodo_tune(*arguments, folder, **environment):
    return subprocess.run(
        [sys.executable, "-m", "tuner.cli", *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "RAY_AUTH_MODE": "token"} | environment,
        capture_output=True,
        text=True,
        timeout=200,
    )


def jobs_port_is_free():
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", 52365)) != 0


@pytest.mark.slow
@pytest.mark.skipif(not jobs_port_is_free(), reason="another Ray on this machine has the port at which jobs arrive")
def test_a_task_of_ones_own_trains_on_a_cluster_that_does_not_have_its_file(mine, tmp_path):
    with local_session(dashboard=True) as session:
        (mine / "task.py").rename(mine / "moved.py")  # a path that no worker has ever seen
        ran = lodo_tune("--task", "moved.py:Mine", "--address", session.address, *SEARCH, folder=mine)
        assert ran.returncode == 0, ran.stderr
        submitted = lodo_tune(
            "submit", "--address", session.dashboard_url, "--", "--task", mine / "moved.py:Mine",
            "--database", tmp_path / "there.db", *SEARCH, folder=tmp_path,
            PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        )  # fmt: skip
        assert submitted.returncode == 0, submitted.stdout + submitted.stderr
        assert "submitted as raysubmit_" in submitted.stderr
    tables = [lodo_tune("table", "--json", "--database", path, folder=tmp_path).stdout for path in
              (mine / "lodo-tune.db", tmp_path / "there.db")]  # fmt: skip
    assert '"status": "complete"' in tables[0]
    assert '"status": "complete"' in tables[1]

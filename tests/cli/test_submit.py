"""A driver sent to a cluster: what is refused, what is sent along, and a search that runs there."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tasks.importing import task_class
from tests.support.ray_sessions import ROOT, local_session
from tuner.cli.submit import check, submit_job
from tuner.core.errors import InvalidRequest
from tuner.execution.executor import ClusterUnavailable
from tuner.execution.user_code import collect_code

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
        (["--task", "rosenbrock", "--database", "sqlite:///here.db"], "needs --database"),
        (["--task", "rosenbrock", "--database", "sqlite://"], "needs --database"),
        (["--task", "rosenbrock", "--database", "postgresql://me:secret@server/studies"], "contains a password"),
        (["--task", "rosenbrock", "--database=postgresql://server/studies?password=secret"], "contains a password"),
        (["--task", "rosenbrock", "--database", "/data/a.db", "--address", "auto"], "before --"),
        (["--task", "rosenbrock", "--database", "/data/a.db", "--output", "results"], "--output"),
    ],
)
def test_what_would_be_lost_or_shown_to_others_is_refused(arguments, words):
    with pytest.raises(click.UsageError, match=words) as caught:
        check(arguments)
    assert "secret" not in str(caught.value)


def test_a_cluster_that_does_not_answer_is_one_line():
    with pytest.raises(ClusterUnavailable, match=r"^no Ray dashboard answers at http://127\.0\.0\.1:9: "):
        submit_job("http://127.0.0.1:9", ["--task", "rosenbrock", "--database", "/data/a.db"], detach=True)


def test_an_address_of_another_kind_is_refused_at_once():
    with pytest.raises(
        click.UsageError,
        match=r"^--address of submit is the URL of a dashboard, such as http://HOST:8265. Received: '10",
    ):
        submit_job("10.0.0.5:6379", ["--task", "rosenbrock", "--database", "/data/a.db"], detach=True)


class Taken(BaseException):  # nothing on its way may take it for an error
    """What would have been submitted: the command, the files sent along, and the variables."""


@pytest.fixture
def sent(monkeypatch):
    """Returns a function that submits, and returns the command, the names of the files sent along, and variables."""

    class Jobs:
        def __init__(self, address):
            pass

        def submit(self, command, folder, variables):
            files = sorted(path.name for path in folder.rglob("*.py")) if folder else []
            raise Taken(command, files, variables)

    monkeypatch.setattr("tuner.execution.ray.jobs.Jobs", Jobs)

    def submitted(*arguments, **options):
        with pytest.raises(Taken) as caught:
            submit_job("http://head:8265", arguments, detach=True, **options)
        return caught.value.args

    return submitted


def test_a_task_of_ones_own_keeps_its_name_so_that_another_cluster_can_go_on_with_it(sent, mine, monkeypatch):
    monkeypatch.chdir(mine)
    command, files, variables = sent("--task", "task.py:Mine", "--database", "/data/a.db")
    assert command[:3] == ["lodo-tune", "--task", f"{mine}/task.py:Mine"]
    again, same, others = sent("resume", "mine", "--database", "/data/a.db", code="task.py:Mine")
    assert again[:3] == ["lodo-tune", "resume", "mine"]
    assert files == same == ["__init__.py", "beside.py", "task.py"]
    assert variables["LODO_TASK_FOLDER"] == others["LODO_TASK_FOLDER"] == str(mine)


def test_optimizers_of_ones_own_are_sent_with_their_search_spaces_and_keep_their_places(
    sent, mine, tmp_path, monkeypatch
):
    other = tmp_path / "other"
    other.mkdir()
    (other / "sign.py").write_text("")
    (other / "signm.yaml").write_text("")
    monkeypatch.chdir(other)
    optimizers = "Adam,keras:Lion,S=sign.py:SignM"
    command, files, _ = sent("--task", f"{mine}/task.py:Mine", "--optimizers", optimizers, "--database", "/data/a.db")
    assert command[4] == f"Adam,keras:Lion,S={other}/sign.py:SignM"
    assert files == ["__init__.py", "beside.py", "sign.py", "task.py"]
    code = f"{mine}/task.py:Mine,sign.py:SignM"
    assert sent("resume", "mine", "--database", "/data/a.db", code=code)[1] == files
    collect_code([f"{other}/sign.py:SignM"], tmp_path / "sent")
    assert (tmp_path / "sent" / "signm.yaml").is_file()


def test_two_files_of_one_name_that_differ_are_not_sent(mine, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "beside.py").write_text("scale = 4.0")
    with pytest.raises(InvalidRequest, match=r"two files to be sent are called beside.py, one in .*; rename one"):
        collect_code([f"{mine}/task.py:Mine", f"{other}/beside.py:Mine"], tmp_path / "sent")


def test_code_that_is_not_there_is_refused(sent):
    with pytest.raises(click.UsageError, match=r"^--code: there is no file nowhere.py"):
        submit_job("http://head:8265", ["resume", "mine", "--database", "/a.db"], detach=True, code="nowhere.py:Mine")


def test_code_that_was_sent_is_found_by_its_name_also_where_it_came_from_another_folder(mine, monkeypatch):
    monkeypatch.chdir(mine)
    monkeypatch.setenv("LODO_TASK_FOLDER", "/home/me/moved")
    assert task_class("/home/somebody/once/task.py:Mine") is task_class(f"{mine}/task.py:Mine")


def test_the_code_beside_a_task_is_gathered_and_nothing_else(mine, tmp_path):
    target = tmp_path / "sent"
    assert collect_code([f"{mine}/task.py:Mine", "rosenbrock"], target) == mine
    sent = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
    assert sent == ["beside.py", "package/__init__.py", "task.py"]


def test_a_task_that_ships_or_is_installed_needs_nothing(tmp_path):
    assert collect_code(["rosenbrock", "keras.layers:Dense", "json:Mine"], tmp_path / "sent") is None
    assert not (tmp_path / "sent").exists()


def test_more_than_code_can_be_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tuner.execution.user_code.MAX_BYTES", 10)
    (tmp_path / "task.py").write_text("# more than ten bytes")
    with pytest.raises(InvalidRequest, match=r"^task: .* a folder of its own"):
        collect_code([f"{tmp_path}/task.py:Mine"], tmp_path / "sent")


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
        timeout=300,
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

"""A whole search on Ray where nothing is as it should be: the same rows as elsewhere, and every file."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.command_line import run
from tuner.storage import Store

TASK = """
from tasks.function_task import function_task

print("printed on import")


def loss(x):
    return (x[0] - 1.0) ** 2 + 10.0 * (x[1] - 2.0) ** 2


任务 = function_task(loss, start=[0.0, 0.0])
"""
SEARCH = ("--optimizers", "Adam", "--generations", "2", "--population", "4", "--steps", "20", "--name", "hunt",
          "--workers", "1", "--no-dashboard", "--json", "--output", "found")  # fmt: skip
WITHOUT_USER = """
import pwd

def none(*_):
    raise KeyError("this user has no entry")

pwd.getpwuid = pwd.getpwnam = none
from tuner.cli import main
main()
"""


def rows(folder):
    with Store.open(str(folder / "lodo-tune.db"), read_only=True) as store:
        (study,) = store.find("hunt")
        return study.tuned, [
            (row.key, row.status, repr(row.fitness), store.curve(study.id, row.key).tobytes())
            for row in store.candidates(study.id)
        ]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What the search finds where all is well, and the files that it writes."""
    folder = tmp_path_factory.mktemp("well") / "modèle"
    folder.mkdir()
    (folder / "modèle.py").write_text(TASK, encoding="utf-8")
    outcome = run("--task", "modèle.py:任务", *SEARCH, folder=folder)
    assert outcome.code == 0, outcome.err
    assert "Glyph" not in outcome.err
    assert json.loads(outcome.out)["studies"]
    return rows(folder), {path.name: path.read_bytes() for path in (folder / "found").iterdir()}


@pytest.mark.parametrize("home", ["missing", "no entry of the user"])
def test_a_search_finds_and_writes_the_same(home, expected, tmp_path):
    (tmp_path / "modèle.py").write_text(TASK, encoding="utf-8")
    (tmp_path / "matplotlibrc").write_bytes("font.family: Café\n".encode("latin-1"))
    surroundings = {name: value for name, value in os.environ.items() if name not in ("HOME", "KERAS_HOME")} | {
        "CUDA_VISIBLE_DEVICES": "",
        "COLUMNS": "1",
        "KERAS_BACKEND": "torch",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "NO_COLOR": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "123",
        "PYTHONIOENCODING": "latin-1",
        "PYTHONOPTIMIZE": "2",
        "PYTHONWARNINGS": "error",
        "PYTHONPYCACHEPREFIX": "/proc/nowhere",
        "RAY_ADDRESS": "10.255.255.1:6379",
        "RAY_BACKEND_LOG_LEVEL": "debug",
        "RAY_CLIENT_MODE": "1",
        "RAY_DEFAULT_OBJECT_STORE_MAX_MEMORY_BYTES": "1",
        "RAY_LOG_TO_STDERR": "1",
        "RAY_USE_TLS": "1",
        "RAY_memory_monitor_refresh_ms": "abc",
        "RAY_memory_usage_threshold": "abc",
        "TF_XLA_FLAGS": "--tf_xla_auto_jit=2",
        "TMPDIR": "/nowhere",
        "XLA_FLAGS": "--xla_flag_of_another_program=1",
        "http_proxy": "http://127.0.0.1:1",
        "https_proxy": "http://127.0.0.1:1",
    }
    command = [sys.executable, "-c", WITHOUT_USER]
    if home == "missing":
        surroundings["HOME"] = "/proc/nowhere"
        command = [sys.executable, "-m", "tuner.cli"]
    done = subprocess.run(
        [*command, "--task", "modèle.py:任务", *SEARCH], cwd=tmp_path, env=surroundings, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["studies"]
    assert not (tmp_path / "~").exists()
    found_rows, found_files = rows(tmp_path), {path.name: path.read_bytes() for path in (tmp_path / "found").iterdir()}
    assert found_rows == expected[0]
    assert found_files.keys() == expected[1].keys()
    for name, content in found_files.items():
        if name.endswith((".png", ".pdf")):  # the others name the path of the task
            assert content == expected[1][name], name

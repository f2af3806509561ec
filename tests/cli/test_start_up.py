"""What the command line loads: next to nothing, until it is asked to work."""

import os
import subprocess
import sys

import pytest

from tests.support.store_values import driven, evaluation, keys
from tuner.storage import Store

HEAVY = {"tensorflow", "keras", "ray", "deap", "sqlalchemy", "alembic", "matplotlib", "pydantic", "numpy"}


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["train", "--help"], ["compare", "--help"], ["resume", "--help"], ["tasks"], ["--version"]],
)
def test_help_is_answered_without_loading_anything_heavy(arguments):
    program = (
        "import sys; from tuner import cli\n"
        f"sys.argv = ['lodo-tune', *{arguments!r}]\n"
        "try:\n    cli.main()\n"
        "except SystemExit as end:\n"
        f"    print('code', end.code, sorted({HEAVY!r} & set(sys.modules)), file=sys.__stdout__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "code 0 []"


def test_studies_are_listed_without_numpy_and_without_analyses(tmp_path):
    path = str(tmp_path / "studies.db")
    with Store.open(path) as store:
        study, epoch = driven(store, "first", add=keys())
        store.record(study, epoch, [evaluation(each) for each in keys()])
    program = (
        "import sys; from tuner import cli\n"
        f"sys.argv = ['lodo-tune', 'studies', '--database', {path!r}]\n"
        "try:\n    cli.main()\n"
        "except SystemExit:\n"
        "    loaded = {'numpy', 'tuner.results.analysis.summary', 'tuner.strategies'} & set(sys.modules)\n"
        "    print(sorted(loaded), file=sys.__stdout__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "first/Adam" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(("said", "kernels"), [(None, "True"), pytest.param("0", "False", marks=pytest.mark.slow)])
def test_tensorflow_takes_onednns_kernels_in_every_process_of_ours_unless_the_user_says_otherwise(said, kernels):
    program = (
        "import tuner.training.train\n"
        "from tensorflow.python.util import _pywrap_util_port\n"
        "print(_pywrap_util_port.IsMklEnabled())"
    )
    surroundings = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    surroundings |= {} if said is None else {"TF_ENABLE_ONEDNN_OPTS": said}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=surroundings)
    assert done.stdout.split() == [kernels]


def test_importing_tuner_changes_nothing_in_the_environment():
    program = "import os; before = dict(os.environ); import tuner; print(before == dict(os.environ))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


@pytest.mark.parametrize(
    "verb", ["resume", "train", "compare", "paper", "report", "table", "figures", "studies", "show", "export", "tasks"]
)
def test_every_verb_has_an_example_in_its_help(verb):
    done = subprocess.run(
        [sys.executable, "-m", "tuner.cli", verb, "--help"], capture_output=True, text=True, check=True
    )
    assert f"Example: lodo-tune {verb}" in done.stdout

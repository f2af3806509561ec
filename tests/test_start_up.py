"""What the command line loads: next to nothing, until it is asked to work."""

import subprocess
import sys

import pytest

HEAVY = {"tensorflow", "keras", "ray", "deap", "sqlalchemy", "alembic", "matplotlib", "pydantic", "numpy"}


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["resume", "--help"], ["tasks"], ["--version"]])
def test_help_is_answered_without_loading_anything_heavy(arguments):
    program = (
        "import sys; from tuner import cli\n"
        f"sys.argv = ['lodo-tune', *{arguments!r}]\n"
        "try:\n    cli.main()\n"
        f"except SystemExit as end:\n    print('code', end.code, sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "code 0 []"


@pytest.mark.parametrize("verb", ["resume", "train", "table", "studies", "show", "export", "tasks"])
def test_every_verb_has_an_example_in_its_help(verb):
    done = subprocess.run(
        [sys.executable, "-m", "tuner.cli", verb, "--help"], capture_output=True, text=True, check=True
    )
    assert f"Example: lodo-tune {verb}" in done.stdout

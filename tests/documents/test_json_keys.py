"""Keys of JSON output: the page that lists them has those that the verbs print, and no others."""

import json
import re
import shutil
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.results.test_profile import TABLE as TABLE_OF_PROFILES
from tests.results.test_searches import ADAMS, LODOS
from tests.support.command_line import call
from tuner.api.remote.following import SubmittedRun
from tuner.cli.remote import print_submitted
from tuner.results.tables.table import Table

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/json.md").read_text(encoding="utf-8")
FROZEN = max((ROOT / "tests/frozen").glob("*.db"))
SECTION = re.compile(r"<!-- keys of: ([a-z ]+) -->\n(.*?)<!-- end of keys -->", re.DOTALL)
DOCUMENTED = {
    verb: [
        key
        for row in rows.splitlines()
        for key in re.findall(r"`([a-z_*.\[\]]+)`", row.split("|")[1] if "|" in row else "")
    ]
    for verb, rows in SECTION.findall(PAGE)
}


def paths(value, path=""):
    """Every key of a document, as the page writes it."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from paths(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for inner in value:
            yield from paths(inner, f"{path}[]")
    else:
        yield path + "[]" if isinstance(value, list) else path


def stands_for(pattern, path):
    """Whether a documented key stands for one that was printed; an empty object or list stands for what it may hold."""
    quoted = pattern.replace("[]", "()")
    printed = path.replace("[]", "()")
    return fnmatchcase(printed, quoted) or quoted.startswith(printed + ".") or quoted.startswith(printed + "()")


def check(verb, printed, *, documented=()):
    """Asserts that all that was printed is documented, and that all that is documented was printed, or may be."""
    keys = [*DOCUMENTED[verb], *documented]
    found = set(paths(printed))
    assert not [path for path in found if not any(stands_for(key, path) for key in keys)]
    unseen = [key for key in DOCUMENTED[verb] if not any(stands_for(key, path) for path in found)]
    optional = re.findall(r"^\| (.*?) \| only", PAGE, re.MULTILINE)
    assert not [key for key in unseen if not any(f"`{key}`" in row for row in optional)]


def entries_of(verb, kind):
    """The documented keys of an entry of `studies` or `comparisons`."""
    return [key.removeprefix(f"{kind}[].") for key in DOCUMENTED[verb] if key.startswith(f"{kind}[].")]


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("frozen") / "studies.db"
    shutil.copy(FROZEN, path)
    return path


def printed(*arguments):
    outcome = call(*arguments, "--json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_keys_of_table(database):
    check("table", printed("table", "--database", database))


def test_keys_of_a_run_with_several_searches_are_documented():
    document = json.loads(Table((*ADAMS, *LODOS)).to_json())
    found = set(paths(document))
    assert "searches[].fitness.gain.relative.low" in found
    assert not [path for path in found if not any(stands_for(key, path) for key in DOCUMENTED["table"])]


def test_keys_of_table_with_details(database):
    document = printed("table", "--details", "--database", database)
    check("table", document)
    rows = document["studies"][0]["hyperparameters"]
    assert all("tolerance" in row for row in rows)


def test_keys_of_table_by_budget(database):
    check("table by budget", printed("table", "--by-budget", "--database", database))


def test_keys_of_table_of_profiles():
    check("table of profiles", json.loads(TABLE_OF_PROFILES.to_json()))


def test_keys_of_studies(database):
    check("studies", printed("studies", "--database", database))


def test_keys_of_show(database):
    kinds = {study["study"]: study["kind"] for study in printed("studies", "--database", database)["studies"]}
    for name, kind in kinds.items():
        document = printed("show", name, "--database", database)
        if kind == "search":
            check("show", document, documented=entries_of("table", "studies"))
        else:
            check("show comparison", document, documented=entries_of("table", "comparisons"))
    assert set(kinds.values()) == {"search", "comparison"}


def test_keys_of_trials(database):
    check("trials", printed("trials", "--database", database))


def test_keys_of_tasks():
    check("tasks", printed("tasks"))


def test_keys_of_optimizers():
    check("optimizers", printed("optimizers"))


@pytest.mark.slow
def test_keys_of_optimizers_check():
    check("optimizers check", printed("optimizers", "check", "Momentum"))


def test_keys_of_queue(capsys):
    run = SubmittedRun("run", "ann", "run", "queued", "waits", None, 0, 0, "")
    print_submitted([run], as_json=True)
    check("queue", json.loads(capsys.readouterr().out))


def test_keys_of_doctor():
    check("doctor", printed("doctor", "--database", "missing.db"))


TASK = """
import keras
import numpy as np

from tasks.keras_task import keras_task

x = np.linspace(-1.0, 1.0, 32)[:, None]
Sign = keras_task(
    lambda: keras.Sequential([keras.Input([1]), keras.layers.Dense(1, "sigmoid")]),
    train=(x, x > 0),
    validation=(x, x > 0),
    loss="binary_crossentropy",
    metrics=["accuracy"],
)
"""


@pytest.mark.slow
def test_keys_of_train_and_evaluate(tmp_path):
    (tmp_path / "sign.py").write_text(TASK)
    folder = tmp_path / "run"
    options = ("--task", f"{tmp_path / 'sign.py'}:Sign", "--optimizer", "Adam", "--steps", "4", "--validate-every", "4")
    check("train", printed("train", *options, "--curve", "--output", folder))
    check("evaluate", printed("evaluate", folder, "--split", "validation"))


@pytest.mark.slow
def test_keys_of_train_that_is_tracked():
    options = ("--task", "noisy-quadratic-bowl", "--optimizer", "LODO", "--steps", "20", "--track", "hessian-error")
    check("train", printed("train", *options))


@pytest.mark.slow
def test_keys_of_tasks_check():
    check("tasks check", printed("tasks", "check", "rosenbrock"))

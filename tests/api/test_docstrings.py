"""The examples of docstrings are true; what would start Ray trains in this process."""

import doctest
import importlib

import pytest

import tuner
from tests.support.in_process import without_ray
from tests.support.report_values import database

MODULES = [
    "tuner",
    "search_spaces.build",
    *sorted({module for module in tuner._MODULES.values() if module.startswith("tuner.api.")}),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with what the examples find: a database with two runs, and a trained network."""
    monkeypatch.chdir(tmp_path)
    database(tmp_path / "lodo-tune.db")
    with without_ray():
        yield tmp_path


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_print_what_they_show(module, folder):
    if module == "tuner.api.evaluation":
        tuner.train("tests.support.regression:Line", "Adam", steps=5, output="line")
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in doctest.DocTestFinder().find(importlib.import_module(module), extraglobs={"tuner": tuner}):
        runner.run(test)
    assert runner.failures == 0


def test_every_function_of_the_api_has_an_example():
    for name in tuner.__all__:
        found = getattr(tuner, name)
        if callable(found) and not isinstance(found, type):
            assert ">>> " in found.__doc__, name

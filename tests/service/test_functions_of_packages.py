"""Training functions of installed packages, which an operator lists in the catalogue, with a limit of memory."""

from unittest import mock

import pytest

from tasks.registry import declares_function
from tests.support.supervised import supervised
from tuner.api import request_driver
from tuner.api.progress import Progress
from tuner.api.submission import Catalogue, planned
from tuner.core.requests import Outcome, State
from tuner.service.forms import RunForm
from tuner.service.pages.commands import tune_call, tune_command

FUNCTION = """import tuner

def train(hyperparameters, *, report):
    report(1, loss=hyperparameters["rate"])

train.search_space = tuner.space(rate=tuner.log(1e-3, low=1e-6, high=10.0))
"""
BODY = {"task": "offered-function", "preset": "quick", "steps": 1, "memory_per_candidate": 2}


@pytest.fixture
def catalogue(tmp_path, monkeypatch):
    """Return a catalogue with the function of a package that is installed for the test."""
    (tmp_path / "offers_function.py").write_text(FUNCTION)
    information = tmp_path / "offers_function-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: offers_function\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[lodo_tune.tasks]\noffered-function = offers_function:train\n")
    monkeypatch.syspath_prepend(tmp_path)
    return Catalogue.of(["offered-function"])


def test_a_function_is_submitted_by_its_name_and_found_by_its_place(catalogue):
    assert declares_function("offered-function")  # so that nothing loads TensorFlow for it
    fields = RunForm.model_validate(BODY).fields()
    plan = planned("run", fields, catalogue)
    (spec,) = plan.specs
    assert (spec.workload.task, spec.workload.is_function) == ("offers_function:train", True)
    assert plan.base == "offered-function"
    assert "--memory-per-candidate 2.0" in tune_command("run", fields)
    assert "memory_per_candidate=2.0" in tune_call("run", fields)


def test_a_driver_limits_the_memory_of_its_candidates(catalogue, tmp_path):
    with supervised(tmp_path / "runs.db") as service:
        fields, cost = RunForm.model_validate(BODY).fields(), service.submit("other").cost
        request, _ = service.store.submit("run", by="ann", fields=fields, cost=cost)
        epoch = service.store.start_driver(request.id, request.epoch, 1)
        assigned = request_driver.Assigned(
            database=service.database,
            request=request.id,
            epoch=epoch,
            workers=1,
            address=None,
            cpus_per_candidate=1,
            gpus_per_candidate=0.0,
            catalogue={"tasks": catalogue.tasks, "optimizers": catalogue.optimizers, "strategies": ()},
        )
        with mock.patch.object(request_driver, "begin") as begin:
            assert request_driver.drive(assigned, Progress(print)) is Outcome.COMPLETE
        (call,) = begin.call_args_list
        assert call.args[2].memory_per_candidate == 2.0
        assert service.request("run").state is State.COMPLETE


def test_a_request_without_a_limit_is_as_it_was_stored_before_there_was_one():
    body = {name: value for name, value in BODY.items() if name != "memory_per_candidate"}
    assert RunForm.model_validate(body).fields().keys().isdisjoint({"memory_per_candidate"})

"""On a machine with a graphics card: lanes that share it, candidates that must not see it, and the same losses.

    pytest -m gpu

The same code runs everywhere else with Ray's logical graphics cards (`tests/execution/test_executors.py`).
"""

import shutil

import numpy as np
import pytest

from tests.conformance.executor_conformance import run
from tests.support.ray_sessions import local_session, ray_executor
from tuner.core.trial import Key, Role, Status, Trial, Workload

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="needs an NVIDIA graphics card and its driver"),
]

ADAM = {"learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999}


def trials(count, steps=20):
    return [Trial(Key(Role.SEARCH, 0, slot), ADAM, seed=slot, steps=steps) for slot in range(count)]


@pytest.fixture(scope="module")
def session():
    with local_session(workers=4, gpus=1) as session:
        yield session


def trained(session, task, count, **options):
    workload = Workload(task=task, optimizer="Adam", cohort_size=1)
    with ray_executor(session, **options) as executor:
        _, evaluations = run(executor, workload, trials(count))
    assert {evaluation.status for evaluation in evaluations.values()} == {Status.FINISHED}
    return evaluations


def test_four_lanes_share_a_card_and_take_its_memory_only_as_they_need_it(session):
    evaluations = trained(session, "rosenbrock", 8, gpus_per_candidate=0.25)
    assert all("GPU" in evaluation.device for evaluation in evaluations.values())


def test_a_candidate_that_asked_for_no_card_trains_on_the_processor(session):
    assert "CPU" in trained(session, "rosenbrock", 1)[0].device


def test_a_card_finds_what_the_processor_finds(session):
    on_card = trained(session, "rosenbrock", 1, gpus_per_candidate=1)[0]
    np.testing.assert_allclose(on_card.losses, trained(session, "rosenbrock", 1)[0].losses, rtol=1e-9)

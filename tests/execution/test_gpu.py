"""Tests on a machine with a GPU: workers that share it, candidates without it, and equal losses.

    pytest -m gpu

Elsewhere the same code is tested with Ray's logical GPUs (`tests/execution/test_executors.py`).
"""

import shutil

import numpy as np
import pytest

from tests.conformance.executor_conformance import run
from tests.support.ray_sessions import local_session, ray_executor
from tuner.core.trial import Key, Role, Status, Trial, Workload

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="needs an NVIDIA GPU and its driver"),
]

ADAM = {"learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999}


def trials(count, steps=20):
    return [Trial(Key(Role.SEARCH, 0, slot), ADAM, seed=slot, steps=steps) for slot in range(count)]


@pytest.fixture(scope="module")
def session():
    with local_session(workers=4, gpus=1) as session:
        yield session


def train(session, task, count, **options):
    workload = Workload(task=task, optimizer="Adam", cohort_size=1)
    with ray_executor(session, **options) as executor:
        _, evaluations = run(executor, workload, trials(count))
    assert {evaluation.status for evaluation in evaluations.values()} == {Status.FINISHED}
    return evaluations


def test_four_workers_share_a_gpu_by_allocating_memory_on_demand(session):
    evaluations = train(session, "rosenbrock", 8, gpus_per_candidate=0.25)
    assert all("GPU" in evaluation.device for evaluation in evaluations.values())


def test_a_candidate_without_gpus_trains_on_the_cpu(session):
    assert "CPU" in train(session, "rosenbrock", 1)[0].device


def test_losses_on_the_gpu_agree_with_those_on_the_cpu(session):
    on_gpu = train(session, "rosenbrock", 1, gpus_per_candidate=1)[0]
    np.testing.assert_allclose(on_gpu.losses, train(session, "rosenbrock", 1)[0].losses, rtol=1e-9)

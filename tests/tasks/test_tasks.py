"""Every task of the registry passes the conformance suite, and the suite fails tasks that are broken on purpose."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.registry import TASKS, load
from tasks.task import Task
from tests.conformance.broken_tasks import BROKEN, Evaluated, Sound, WithHessian
from tests.support.narrow_resnet import NarrowResNet, write_noise
from tuner.checks.check import Check, NotApplicable, PromiseError
from tuner.checks.probe import SEEDS, Probe
from tuner.checks.suite import CHECKS, named
from tuner.core.trial import Workload

NOT_RANDOM = {"rosenbrock"}
SMALLER = {"resnet18-cifar10": NarrowResNet}  # what stands in where a task's own class would take too long


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Options that make a task small enough for a test; images are noise."""
    folder: Path = tmp_path_factory.mktemp("data")
    images = np.random.default_rng(0).integers(0, 256, (200, 28, 28), np.uint8)
    np.savez(folder / "mnist.npz", x_train=images[:150], x_test=images[150:])
    write_noise(folder)
    return {name: {"batch_size": 2, "data_dir": folder} for name in ("pixelcnn", "resnet18-cifar10")}


@pytest.fixture(scope="module")
def probe(request: pytest.FixtureRequest, options: dict[str, dict[str, Any]]) -> Probe:
    found = SMALLER.get(request.param) or load(request.param)
    task = found(dtype="float64", **options.get(request.param, {}))
    return Probe(task, is_random=request.param not in NOT_RANDOM)


NETWORKS = ("pixelcnn", "resnet18-cifar10")  # which take seconds per check
SOON = ("attributes", "shapes-and-dtypes", "finite-start", "gradient", "same-seed", "examples")
ALL = [
    pytest.param(
        name,
        check,
        id=f"{name}-{check.name}",
        marks=pytest.mark.slow if name in NETWORKS and check.name not in SOON else (),
    )
    for name in TASKS
    for check in CHECKS
]


@pytest.mark.parametrize(("probe", "check"), ALL, indirect=["probe"])
def test_every_task_passes(probe: Probe, check: Check) -> None:
    with contextlib.suppress(NotApplicable):
        check.run(probe)


@pytest.mark.parametrize("name", TASKS)
def test_the_registry_says_what_the_class_says(name: str) -> None:
    found = load(name)
    assert found.name == name
    assert found.cohort_size == TASKS[name].cohort_size


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_a_task_and_refuses_dtypes_that_are_not_floats(
    name: str, options: dict[str, dict[str, Any]]
) -> None:
    assert isinstance(load(name)(**options.get(name, {})), Task)
    with pytest.raises(ValueError, match=r"float32, float64.*Received: 'int32'"):
        load(name)(dtype="int32", **options.get(name, {}))


@pytest.mark.parametrize("name", TASKS)
def test_every_preset_takes_options_that_the_task_accepts(name: str, options: dict[str, dict[str, Any]]) -> None:
    for preset in TASKS[name].presets.values():
        task = load(name)(**{**options.get(name, {}), **preset.options})
        for option, value in preset.options.items():
            assert getattr(task, option) == value


def workload_of(kind: type) -> Workload:
    return Workload(f"{kind.__module__}:{kind.__name__}", "Momentum", 16)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_sound_task_passes(check: Check) -> None:
    task = WithHessian() if check.name == "hessian" else Evaluated()
    check.run(Probe(task, is_random=True, workload=workload_of(type(task))))


@pytest.mark.parametrize(("broken", "name"), BROKEN, ids=lambda each: getattr(each, "__name__", each))
def test_the_suite_fails_a_broken_task(broken: type, name: str) -> None:
    with pytest.raises(PromiseError):
        named(name).run(Probe(broken(), is_random=True, workload=workload_of(broken)))


def test_every_check_is_failed_by_some_task() -> None:
    assert {name for _, name in BROKEN} == {check.name for check in CHECKS}


def test_the_suite_fails_a_random_task_that_is_said_not_to_be() -> None:
    with pytest.raises(PromiseError):
        named("each-step").run(Probe(Sound(), is_random=False))


@pytest.mark.parametrize("name", TASKS)
def test_the_registry_knows_the_number_of_weights_of_a_task_and_their_dtype(
    name: str, options: dict[str, dict[str, Any]]
) -> None:
    given = options.get(name, {})
    task = load(name)(**given)
    x, _ = task.initial(SEEDS[:1])
    assert TASKS[name].weights(given) == x.shape[0]
    assert (TASKS[name].dtype, task.dtype) == (task.dtype, x.dtype.name)


def test_the_registry_knows_the_number_of_weights_of_a_task_whose_size_is_an_option() -> None:
    x, _ = load("noisy-quadratic-bowl")(n=7).initial(SEEDS)
    assert TASKS["noisy-quadratic-bowl"].weights({"n": 7}) == x.shape[0] == 7

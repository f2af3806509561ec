"""Every task of the registry passes the conformance suite, and the suite fails tasks that are broken on purpose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tasks.registry import TASKS, load
from tasks.task import Task
from tests import task_conformance
from tests.narrow_resnet import NarrowResNet, write_noise
from tests.task_conformance import CHECKS, Probe

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


@pytest.fixture(scope="module", params=TASKS)
def probe(request: pytest.FixtureRequest, options: dict[str, dict[str, Any]]) -> Probe:
    found = SMALLER.get(request.param) or load(request.param)
    task = found(dtype="float64", **options.get(request.param, {}))
    return Probe(task, is_random=request.param not in NOT_RANDOM)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_task_passes(probe: Probe, check: Any) -> None:
    check(probe)


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


class Sound:
    """A sound task: half the squared distance to a centre that is drawn anew at each step."""

    name = "sound"
    dtype = "float64"
    cohort_size = 16
    jit_compile = False
    layers: tuple[tuple[int, int], ...] = ((0, 2), (2, 5))

    def initial(self, seeds: Any) -> tuple[Any, Any]:
        zeros = tf.zeros([5, seeds.shape[0]], tf.float64)
        return zeros + 1, zeros

    def advance(self, state: Any, seeds: Any, t: Any) -> Any:
        return tf.stack([self.centre(seed, t) for seed in tf.unstack(seeds)], axis=1)

    def centre(self, seed: Any, t: Any) -> Any:
        seed = tf.random.experimental.stateless_fold_in(seed, t)
        return tf.random.stateless_normal([5], seed, dtype=tf.float64)

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        return tf.reduce_sum((x - state) ** 2, axis=0) / 2, x - state, state


class WrongGradient(Sound):
    """Its gradient is a thousandth too long."""

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        loss, gradient, state = super().loss_and_gradient(x, state)
        return loss, gradient * 1.001, state


class MeanOverLanes(Sound):
    """Every lane is told the mean over the cohort."""

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        loss, gradient, state = super().loss_and_gradient(x, state)
        return tf.zeros_like(loss) + tf.reduce_mean(loss), gradient, state


class OneStreamForAll(Sound):
    """All lanes draw from the first lane's seed."""

    def advance(self, state: Any, seeds: Any, t: Any) -> Any:
        seed = tf.random.experimental.stateless_fold_in(seeds[0], t)
        return tf.random.stateless_normal([5, seeds.shape[0]], seed, dtype=tf.float64)


class NotSeeded(Sound):
    """Draws from TensorFlow's global generator."""

    def centre(self, seed: Any, t: Any) -> Any:
        return tf.random.normal([5], dtype=tf.float64)


class DeafToHalfTheSeed(Sound):
    """Uses the first half of a seed only."""

    def centre(self, seed: Any, t: Any) -> Any:
        return super().centre(tf.stack([seed[0], 0]), t)


class SameAtEveryStep(Sound):
    """Draws the same at every step."""

    def centre(self, seed: Any, t: Any) -> Any:
        return super().centre(seed, 0 * t)


class DrawsInTheLoss(Sound):
    """Its loss differs each time it is asked for."""

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        return super().loss_and_gradient(x, state + tf.random.normal([5, 1], dtype=tf.float64))


class StartsAtInfinity(Sound):
    """Starts where no loss is finite."""

    def initial(self, seeds: Any) -> tuple[Any, Any]:
        x, state = super().initial(seeds)
        return x * np.inf, state


class ScalarLoss(Sound):
    """Its loss is one number for the whole cohort."""

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        loss, gradient, state = super().loss_and_gradient(x, state)
        return tf.reduce_sum(loss), gradient, state


class SinglePrecision(Sound):
    """Its loss is in another dtype than it says."""

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        loss, gradient, state = super().loss_and_gradient(x, state)
        return tf.cast(loss, tf.float32), gradient, state


class GapBetweenLayers(Sound):
    """A coordinate belongs to no layer."""

    layers = ((0, 2), (3, 5))


class LayersTooShort(Sound):
    """The last coordinate belongs to no layer."""

    layers = ((0, 2), (2, 4))


class NameWithASpace(Sound):
    """Its name cannot be typed as one word."""

    name = "not sound"


class StateChangesItsShape(Sound):
    """Its first state is of another shape than the later ones."""

    def initial(self, seeds: Any) -> tuple[Any, Any]:
        x, state = super().initial(seeds)
        return x, state[:1]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_sound_task_passes(check: Any) -> None:
    check(Probe(Sound(), is_random=True))


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (WrongGradient, "gradient_equals_central_differences"),
        (MeanOverLanes, "a_lane_of_nan_leaves_the_others_alone"),
        (MeanOverLanes, "cohort_equals_single_runs"),
        (OneStreamForAll, "cohort_equals_single_runs"),
        (NotSeeded, "same_seed_gives_the_same_run"),
        (DeafToHalfTheSeed, "another_seed_gives_another_run_where_the_task_is_random"),
        (SameAtEveryStep, "each_step_draws_anew_where_the_task_is_random"),
        (DrawsInTheLoss, "evaluating_twice_gives_the_same_loss"),
        (StartsAtInfinity, "loss_and_gradient_are_finite_at_the_start"),
        (ScalarLoss, "shapes_and_dtypes_are_as_promised"),
        (SinglePrecision, "shapes_and_dtypes_are_as_promised"),
        (GapBetweenLayers, "layers_cover_x_without_overlap"),
        (LayersTooShort, "layers_cover_x_without_overlap"),
        (StateChangesItsShape, "a_run_is_traced_once"),
        (StateChangesItsShape, "shapes_and_dtypes_are_as_promised"),
        (NameWithASpace, "names_and_settings_are_as_promised"),
    ],
)
def test_the_suite_fails_a_broken_task(broken: type, check: str) -> None:
    with pytest.raises(AssertionError):
        getattr(task_conformance, check)(Probe(broken(), is_random=True))


def test_the_suite_fails_a_random_task_that_is_said_not_to_be() -> None:
    with pytest.raises(AssertionError):
        task_conformance.each_step_draws_anew_where_the_task_is_random(Probe(Sound(), is_random=False))

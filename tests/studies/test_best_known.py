"""The best values that tasks say are known, in the specifications of searches."""

from dataclasses import replace

import pytest

import lodo.registry
from tasks.errors import TaskError
from tasks.noisy_quadratic_bowl import NoisyQuadraticBowl
from tests.conformance.broken_tasks import Sound
from tests.support.builders import spec
from tuner.storage import Store
from tuner.studies.planner import SearchRequest, plan_search


class Floored(Sound):
    """A task with a floor."""

    def floor(self, evaluations_per_step):
        return 2.5 / evaluations_per_step


class Known(Floored):
    """A task whose best value is known as well."""

    best_known = 2.75


class Unknown(Sound):
    """A task that says nothing that can be used."""

    best_known = "low"


def known(task, *optimizers, **fields):
    specs = plan_search(SearchRequest(task=task, optimizers=optimizers or ("Adam",), **fields)).specs
    return [one.best_known for one in specs]


@pytest.mark.parametrize("n", [100, 7])
def test_that_of_the_bowl_is_the_floor_of_its_class(n):
    bowl = NoisyQuadraticBowl(n=n)
    (adam,), (twice,) = known("noisy-quadratic-bowl", "Adam", "L-BFGS", options={"n": n})
    assert (adam, twice) == (pytest.approx(bowl.floor(1), rel=1e-12), pytest.approx(bowl.floor(2), rel=1e-12))


def test_the_registry_knows_how_often_a_step_evaluates():
    for name in lodo.registry.OPTIMIZERS:
        kind = lodo.registry.load(name)
        assert lodo.registry.EVALUATIONS_PER_STEP.get(name, 1) == kind.evaluations_per_step, name


def test_each_task_of_a_search_has_its_own():
    assert known("rosenbrock") == [(0.0,)]
    ((both, bowl),) = known("rosenbrock,noisy-quadratic-bowl")
    assert (both, bowl) == (0.0, pytest.approx(7.412, abs=5e-4))  # shared with the paper, which gives ½ tr(H)


def test_a_task_of_a_user_says_it_by_an_attribute_or_by_its_floor():
    assert known(f"{__name__}:Sound") == [()]
    assert known(f"{__name__}:Floored") == [(2.5,)]
    assert known(f"{__name__}:Known") == [(2.75,)]
    with pytest.raises(TaskError, match=r"Unknown: best_known is a finite number. Received: 'low'"):
        known(f"{__name__}:Unknown")


def test_of_other_objectives_than_the_training_loss_nothing_is_known():
    assert known("rosenbrock", objective="evaluations-to:training-loss<=0.1") == [()]


def test_it_is_stored_with_the_study_and_read_for_each_task():
    with Store.open("sqlite://") as store:
        found = store.create_study(spec(best_known=(0.0,))).search
    assert (found.best_known, found.parameters) == ((0.0,), spec().parameters)
    assert [one.best_known for one in replace(found, best_known=()).each_task] == [()]
    assert [one.best_known for one in found.each_task] == [(0.0,)]

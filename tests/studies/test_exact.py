"""Searches in which nothing depends on a seed train the defaults and the tuned point once."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

import lodo.registry
from search_spaces import loader
from tests.conformance.broken_tasks import Sound
from tests.studies.test_study import executor, run, spec
from tests.support.builders import ADAM, LODO, fresh, search, study
from tests.support.builders import spec as search_spec
from tuner.checks.check import PromiseError
from tuner.checks.optimizer_form import randomness
from tuner.checks.optimizer_probe import OptimizerProbe
from tuner.checks.users_task import check_users_task
from tuner.core.seeds import trial_seed
from tuner.core.trial import Role
from tuner.results.analysis.landscape import at_last_budget
from tuner.results.analysis.standing import lead, standing
from tuner.results.analysis.summary import summarise, summarise_in_detail
from tuner.results.tables.table import Table
from tuner.storage import Store
from tuner.studies.callbacks import NoCallback
from tuner.studies.driver import run_study
from tuner.studies.planner import SearchRequest, plan_search
from tuner.training.loop import build_optimizer


class NoisyButExact(Sound):
    """A random task that says that it is not."""

    is_random = False


class NotSeeded:
    """Plain gradient descent that says so."""

    is_random = False
    hyperparameters = ("learning_rate",)

    def initial_state(self, x, hyperparameters, seeds):
        return self.start(x, seeds)

    def start(self, x, seeds):
        return tf.zeros_like(x)

    def step(self, loss_and_gradient, x, state, hyperparameters, t, horizon):
        loss, gradient = loss_and_gradient(x)
        return x - hyperparameters["learning_rate"] * (gradient + state), state, loss[tf.newaxis]


class Seeded(NotSeeded):
    """The same from a random state, which it says it is not."""

    def start(self, x, seeds):
        drawn = [tf.random.stateless_normal(x.shape[:1], seed, dtype=x.dtype) for seed in tf.unstack(seeds)]
        return tf.stack(drawn, axis=1)


def planned(task, *optimizers, **fields):
    specs = plan_search(SearchRequest(task=task, optimizers=optimizers or None, **fields)).specs
    return {one.workload.optimizer: one.is_exact for one in specs}


def test_a_search_is_exact_where_neither_the_task_nor_the_optimizer_draws_from_the_seed():
    drawing = {"LODO", "LODO-No-Momentum", "LODO-Residuals", "LODO-SGD"}  # their initial networks
    found = planned("rosenbrock", *lodo.registry.OPTIMIZERS, "keras:Lion")
    assert {name for name, is_exact in found.items() if not is_exact} == drawing
    assert set(planned("noisy-quadratic-bowl").values()) == {False}
    assert set(planned("rosenbrock,noisy-quadratic-bowl", "Adam").values()) == {False}


@pytest.mark.parametrize("name", lodo.registry.OPTIMIZERS)
def test_an_optimizer_begins_alike_on_every_seed_unless_the_registry_says_that_it_draws(name):
    probe = OptimizerProbe(name, None, loader.builtin(name).defaults())
    x = tf.ones([8, 2], tf.float64)
    optimizer = build_optimizer(name, probe.task, list(probe.defaults))
    state = optimizer.initial_state(x, probe.values((probe.defaults,) * 2), tf.constant([[1, 2], [3, 4]]))
    alike = all(np.array_equal(leaf[..., 0], leaf[..., 1]) for leaf in tf.nest.flatten(state) if leaf.shape.rank)
    assert alike == (name not in lodo.registry.RANDOM)


def test_a_task_that_says_in_error_that_nothing_is_random_is_refused_before_a_search():
    with pytest.raises(PromiseError, match="is_random is False: no run depends on its seed"):
        check_users_task(f"{__name__}:NoisyButExact", {}, None)


def test_an_optimizer_that_says_in_error_that_it_draws_nothing_is_refused_before_a_search():
    randomness(OptimizerProbe("Own", f"{__name__}:NotSeeded", {"learning_rate": 0.1}))
    with pytest.raises(PromiseError, match="is_random is False: no step depends on the seeds"):
        randomness(OptimizerProbe("Own", f"{__name__}:Seeded", {"learning_rate": 0.1}))


def test_an_exact_search_trains_each_point_once_and_finds_the_same_after_it_was_stored():
    with Store.open("sqlite://") as store:
        usual, once = run(store), store.create_study(replace(spec(), run="once", is_exact=True))
        assert once.search.is_exact
        assert once.search.parameters == spec().parameters
        with executor() as workers:
            run_study(store, once, workers, NoCallback(), owner="here:1")
        (once,) = store.find("once")
        rows = store.candidates(once.id)
        assert [row.key.slot for row in rows if row.key.role is Role.TUNED] == [0]
        searched = [
            [(row.key, row.genome, row.seed, row.fitness) for row in store.candidates(each.id, role=Role.SEARCH)]
            for each in (usual, once)
        ]
        assert searched[0] == searched[1]
        assert once.tuned == usual.tuned
        assert once.search.total_budget == usual.search.total_budget - 4 * 10  # two runs of two points
        assert not store.check().faults


def test_the_one_run_stands_for_each_seed_and_costs_once():
    of = search_spec(fresh_seeds=8)
    every = summarise(study(of), fresh([4.0] * 8, [1.0] * 8))
    once = summarise(study(replace(of, is_exact=True)), fresh([4.0], [1.0]))
    assert (once.verdict, once.gain) == (every.verdict, every.gain)
    assert replace(once.tuned, is_exact=False) == every.tuned
    assert once.fresh_cost.evaluations == 2 * 200
    assert every.fresh_cost.evaluations == 16 * 200


def test_an_exact_point_is_compared_with_the_runs_of_another_optimizer_seed_by_seed():
    from tuner.core.aggregates import StudyTotals

    exact = standing(
        StudyTotals(study(replace(search_spec(ADAM), is_exact=True)), 1, (), tuple(fresh([9.0], [5.0])), None)
    )
    drawn = standing(StudyTotals(study(search_spec(LODO)), 2, (), tuple(fresh([9.0] * 3, [1.0, 1.1, 1.2])), None))
    found = lead([exact, drawn])
    assert found.first is drawn
    assert found.gain.mean == pytest.approx(5 - 1.1)


def test_tables_call_it_exact_everywhere_and_never_give_a_spread_of_zero():
    of = replace(search_spec(fresh_seeds=8), is_exact=True)
    exact = summarise_in_detail(study(of), [*search(of, (4.0, 3.0, 2.0, 1.0)), *fresh([4.0], [1.0])])
    text = " ".join(Table((exact,)).to_text().split())
    assert "best Adam: 1.000 (exact, one run)" in text
    assert "Adam 4.000 exact" in text
    assert "Adam 3.000 exact 75.0 %" in text  # the gain, among the details
    assert "exact: nothing in the training depends on the seed, so that each point is trained once." in text
    assert "± 0" not in text.replace("± 0.750 %", "")  # but for the margin
    (found,) = json.loads(Table((exact,)).to_json())["studies"]
    assert found["fitness"]["tuned"]["is_exact"]
    assert (found["fitness"]["tuned"]["seeds"], found["cost"]["fresh_seeds"]["evaluations"]) == (8, 400)


def test_the_model_of_a_search_has_the_one_run_once_per_fresh_seed():
    of = search_spec(fresh_seeds=3, steps=(200,))
    found = [
        [(one.key, one.seed, one.fitness) for one in at_last_budget(study(each), [*fresh([4.0] * n, [1.0] * n)])]
        for each, n in ((of, 3), (replace(of, is_exact=True), 1))
    ]
    seeds = [trial_seed(of.seed, key) for key, _, _ in found[0]]
    assert [(key, fitness) for key, _, fitness in found[0]] == [(key, fitness) for key, _, fitness in found[1]]
    assert [seed for _, seed, _ in found[1]] == seeds

"""Several searches for each optimizer in one run: planned, run side by side, named, resumed and stored."""

from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy

from tests.studies.test_side_by_side import OWNER, fitness, results, search_spec
from tests.support.simulated_workers import SimulatedPool
from tuner.core.errors import InvalidRequest
from tuner.core.seeds import MAX_SEED
from tuner.core.study import StudyStatus
from tuner.execution.pool_executor import PoolExecutor
from tuner.storage import BadName, Damaged, Store, UnknownStudy
from tuner.storage.validation import check_study_label
from tuner.studies.callbacks import NoCallback
from tuner.studies.driver import run_studies
from tuner.studies.planner import SearchRequest, plan_search
from tuner.studies.search_seeds import MAX_SEARCHES, repeated
from tuner.studies.tuned_points import searched

THREE = repeated([replace(search_spec(name), seed=0) for name in ("Adam", "LODO")], 3)


def pool(workers, seed=0):
    draw = np.random.default_rng(seed)
    return SimulatedPool(workers, lambda *_: float(draw.lognormal()), fitness=fitness)


def run(store, specs, workers=3, *, interrupt=None):
    studies = [store.create_study(one) for one in specs]
    drive(store, studies, workers, interrupt=interrupt)


def drive(store, studies, workers=3, *, interrupt=None):
    class Interrupts(NoCallback):
        def on_batch_begin(self, name, budget, keys):
            if interrupt is not None and name.startswith(interrupt):
                raise KeyboardInterrupt

    machines = pool(workers)
    with PoolExecutor(machines, clock=lambda: machines.now) as executor:
        run_studies(store, studies, executor, Interrupts, owner=OWNER)


@pytest.fixture
def store():
    with Store.open("sqlite://") as opened:
        yield opened


def test_a_plan_has_all_optimizers_with_one_seed_before_the_next_and_each_study_has_a_name():
    plan = plan_search(
        SearchRequest(
            task="rosenbrock", optimizers=("Adam", "Momentum"), preset="quick", seed=7, search_seeds=3, name="r"
        )
    )
    assert [one.name for one in plan.specs] == [
        "r/Adam@7", "r/Momentum@7", "r/Adam@8", "r/Momentum@8", "r/Adam@9", "r/Momentum@9",
    ]  # fmt: skip
    assert [one.seed for one in plan.specs] == [7, 7, 8, 8, 9, 9]


def test_each_search_is_the_one_that_its_seed_alone_gives():
    request = SearchRequest(task="rosenbrock", optimizers=("Adam",), preset="quick", seed=3, search_seeds=2)
    for one in plan_search(request).specs:
        alone = plan_search(replace(request, seed=one.seed, search_seeds=1)).specs[0]
        assert replace(one, is_repeated=False) == alone


def test_more_fresh_seeds_change_nothing_else_of_a_search():
    request = SearchRequest(task="rosenbrock", optimizers=("Adam",), preset="quick")
    (few,), (many,) = (plan_search(each).specs for each in (request, replace(request, fresh_seeds=16)))
    assert (few.fresh_seeds, many.fresh_seeds) == (8, 16)
    assert replace(many, fresh_seeds=8) == few


def test_one_search_is_named_as_ever():
    (one,) = plan_search(SearchRequest(task="rosenbrock", optimizers=("Adam",), search_seeds=1, name="r")).specs
    assert (one.name, one.is_repeated) == ("r/Adam", False)


@pytest.mark.parametrize("count", [0, -1, MAX_SEARCHES + 1])
def test_a_number_of_searches_out_of_range_is_refused(count):
    with pytest.raises(InvalidRequest, match=rf"from 1 to 1,000\. Received: {count}"):
        plan_search(SearchRequest(task="rosenbrock", optimizers=("Adam",), search_seeds=count))


def test_seeds_beyond_the_greatest_are_refused():
    plan_search(SearchRequest(task="rosenbrock", optimizers=("Adam",), seed=MAX_SEED - 1, search_seeds=2))
    with pytest.raises(InvalidRequest, match="the last seed"):
        plan_search(SearchRequest(task="rosenbrock", optimizers=("Adam",), seed=MAX_SEED - 1, search_seeds=3))


def test_an_optimizer_s_name_that_leaves_no_room_for_a_seed_is_refused():
    long = replace(search_spec("A" * 62), seed=0)
    assert len(repeated([long], 10)) == 10  # seeds of one digit
    with pytest.raises(InvalidRequest, match="at most 64 characters"):
        repeated([long], 11)


def test_searches_side_by_side_have_the_results_of_one_after_the_other(store):
    run(store, THREE, workers=5)
    with Store.open("sqlite://") as alone:
        for one in THREE:
            run(alone, [one], workers=1)
        assert results(store) == results(alone)
    assert len(results(store)) == 6


def test_searches_differ_and_so_do_their_fresh_seeds(store):
    run(store, THREE)
    adam = [study for study in store.studies() if study.spec.workload.optimizer == "Adam"]
    assert len({study.tuned_genome for study in adam}) == 3
    seeds = [{row.seed for row in store.candidates(study.id) if not row.key.role.is_due} for study in adam]
    assert not seeds[0] & seeds[1]
    lodo = next(study for study in store.studies() if study.spec.label == "LODO@0")
    assert seeds[0] == {row.seed for row in store.candidates(lodo.id) if not row.key.role.is_due}


def test_an_interrupted_run_resumes_to_the_same_rows(store):
    with pytest.raises(KeyboardInterrupt):
        run(store, THREE, interrupt="generation 2")
    assert {study.status for study in store.studies()} != {StudyStatus.COMPLETE}
    drive(store, [study for study in store.studies() if study.status != StudyStatus.COMPLETE], workers=2)
    with Store.open("sqlite://") as whole:
        run(whole, THREE)
        assert results(store) == results(whole)


def test_a_search_is_read_as_it_was_stored_and_found_by_its_name_and_its_optimizer_s(store):
    for one in THREE:
        store.create_study(one)
    assert [study.spec for study in store.studies()] == list(THREE)
    run_name = THREE[0].run
    assert [study.spec.label for study in store.find(f"{run_name}/Adam@1")] == ["Adam@1"]
    assert [study.spec.label for study in store.find(f"{run_name}/Adam")] == ["Adam@0", "Adam@1", "Adam@2"]
    for name in ("Adam@9", "Ada", "adam", "Adam@", "Adam%"):
        with pytest.raises(UnknownStudy):
            store.find(f"{run_name}/{name}")


def test_a_stored_name_with_another_seed_than_the_study_s_is_damage(tmp_path):
    file = tmp_path / "studies.db"
    with Store.open(str(file)) as store:
        store.create_study(THREE[0])
    engine = sqlalchemy.create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE studies SET optimizer = 'Adam@5'"))
    engine.dispose()
    with Store.open(str(file), read_only=True) as store, pytest.raises(Damaged, match="another seed"):
        store.studies()


@pytest.mark.parametrize("label", ["Adam@", "Adam@x", "Adam@-1", "Adam@1@2", "@1", "Adam@١", "A" * 63 + "@1"])
def test_what_is_no_name_of_a_search_is_refused(label):
    with pytest.raises(BadName):
        check_study_label(label)


def test_a_comparison_takes_the_search_with_the_first_seed(tmp_path):
    file = str(tmp_path / "studies.db")
    with Store.open(file) as store:
        run(store, THREE)
        first = {study.spec.label: study for study in store.studies()}
    found = searched(file, THREE[0].workload.task, THREE[0].run, None)
    assert [study.spec.label for study, _ in found] == ["Adam@0", "LODO@0"]
    assert found[0][1].hyperparameters == first["Adam@0"].tuned
    assert found[0][1].source.startswith(f"tuned by {THREE[0].run} with seed 0 at ")
    one = searched(file, THREE[0].workload.task, f"{THREE[0].run}/Adam@2", None)
    assert [study.spec.label for study, _ in one] == ["Adam@2"]

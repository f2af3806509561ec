"""Studies with a substitute for training: numbers of candidates, resumption, and failures."""

import math
from dataclasses import replace

import numpy as np
import pytest

from search_spaces.space import SearchSpace
from tuner.core.events import TrainingProgress
from tuner.core.study import SearchSpec, StudyStatus
from tuner.core.trial import Evaluation, Key, Role, Status, Workload
from tuner.execution.in_process import InProcessExecutor
from tuner.storage import Store, StudyComplete, StudyOwned
from tuner.strategies.genetic import Genetic
from tuner.studies.batch import EveryCandidateFailed
from tuner.studies.callbacks import NoCallback
from tuner.studies.driver import run_study
from tuner.studies.search import OtherGenome

SPACE = {
    "optimizer": "Adam",
    "hyperparameters": {
        "rate": {"scale": "log", "default": 0.5},
        "act": {"scale": "log", "default": 1.0},
    },
}
OWNER = "elsewhere:1"
INTERRUPTED = []  # not empty once the interruption that the options request has happened


def quadratic(workload, trials):
    """Yield a fitness with its minimum at rate 2 and noise from the seed; options request errors or divergence."""
    if workload.options.get("raise"):
        raise ValueError(workload.options["raise"])
    yield TrainingProgress(trials[0].steps, np.ones([trials[0].steps, len(trials)]))
    for key in dict.fromkeys(trial.key for trial in trials):
        trial = next(trial for trial in trials if trial.key == key)
        if workload.options.get("interrupt") == [key.generation, key.slot] and not INTERRUPTED:
            raise KeyboardInterrupt
        diverges = workload.options.get("diverge") == key.generation and key.role is Role.SEARCH
        fitness = (math.log(trial.hyperparameters["rate"]) - math.log(2)) ** 2 + trial.seed % 10 * 1e-6
        status = Status.DIVERGED if diverges else Status.FINISHED
        yield Evaluation(key, status, math.inf if diverges else fitness, (), trial.steps, 0.01)


def spec(*, cohort_size=4, generations=6, population=10, **options):
    return SearchSpec(
        run="run",
        workload=Workload(task="fake", optimizer="Adam", cohort_size=cohort_size, options=options),
        strategy="paper",
        seed=1,
        generations=generations,
        population=population,
        parameters={"sigmas": list((1.0, 0.8, 0.6, 0.4, 0.2, 0.1)[:generations])},
        steps=(10,) * generations,
        fresh_seeds=3,
        space=SPACE,
    )


def executor():
    return InProcessExecutor(train=f"{__name__}:quadratic")


def rows(store):
    (study,) = store.find("run")
    return rows_of(store, study)


def rows_of(store, study):
    kept = ("key", "genome", "hyperparameters", "seed", "steps", "status", "fitness", "steps_done")
    return [tuple(repr(getattr(row, name)) for name in kept) for row in store.candidates(study.id)]


def run(store, study=None, callback=None, **options):
    study = study or store.create_study(spec(**options))
    with executor() as workers:
        run_study(store, study, workers, callback or NoCallback(), owner=OWNER)
    return store.find("run")[0]


@pytest.fixture
def store():
    with Store.open("sqlite://") as opened:
        yield opened


def test_a_study_has_exactly_generations_times_population_candidates_and_the_fresh_seeds(store):
    study = run(store)
    candidates = store.candidates(study.id)
    search = [row.key for row in candidates if row.key.role is Role.SEARCH]
    assert search == [Key(Role.SEARCH, generation, slot) for generation in range(6) for slot in range(10)]
    assert all(row.status is Status.FINISHED for row in candidates)
    assert len(candidates) == 60 + 2 * 3
    assert study.status == StudyStatus.COMPLETE


def test_the_tuned_point_is_near_the_smallest_fitness(store):
    assert run(store).tuned["rate"] == pytest.approx(2, rel=0.3)


def test_the_defaults_are_trained_unchanged_on_the_seeds_of_the_tuned_point(store):
    study = run(store)
    default = store.candidates(study.id, role=Role.DEFAULT)
    tuned = store.candidates(study.id, role=Role.TUNED)
    assert [dict(row.hyperparameters) for row in default] == [{"rate": 0.5, "act": 1.0}] * 3
    assert [row.seed for row in default] == [row.seed for row in tuned]
    assert [dict(row.hyperparameters) for row in tuned] == [dict(study.tuned)] * 3


def test_a_generation_in_which_all_candidates_diverge_keeps_its_mean_and_is_noted(store):
    study = run(store, diverge=2)
    assert study.status == StudyStatus.COMPLETE
    assert study.notes == ("generation 2: none of 10 finished; its mean is kept",)
    assert study.counts[Status.DIVERGED] == 10


def test_a_study_stops_after_a_generation_in_which_all_candidates_raise_the_same_error(store):
    with pytest.raises(
        EveryCandidateFailed,
        match="all 10 candidates of run/Adam, generation 0, raised the same error: ValueError: no way",
    ):
        run(store, **{"raise": "no way"})
    (study,) = store.find("run")
    assert study.status == StudyStatus.STOPPED
    assert study.counts[Status.FAILED] == 10
    assert EveryCandidateFailed.exit_code == 3


class InterruptAfter(NoCallback):
    """Interrupt the driver after a number of evaluations, like Ctrl-C."""

    def __init__(self, evaluations):
        self.left = evaluations

    def on_event(self, event):
        self.left -= isinstance(event, Evaluation)
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("evaluations", [1, 7, 10, 33, 60, 63, 66])
def test_an_interrupted_study_resumes_to_the_same_rows(evaluations):
    with Store.open("sqlite://") as uninterrupted:
        run(uninterrupted)
        expected = rows(uninterrupted)
        tuned = uninterrupted.find("run")[0].tuned
    with Store.open("sqlite://") as store:
        study = store.create_study(spec())
        with pytest.raises(KeyboardInterrupt):
            run(store, study, InterruptAfter(evaluations))
        assert store.find("run")[0].status == StudyStatus.INTERRUPTED
        resumed = run(store, study)
        assert rows(store) == expected
        assert resumed.tuned == tuned


def test_resuming_trains_only_cohorts_with_missing_results(store):
    study = store.create_study(spec(interrupt=[0, 6]))  # cohorts of 4: one whole, and half the second
    with pytest.raises(KeyboardInterrupt):
        run(store, study)
    finished = [row.key.slot for row in store.candidates(study.id) if row.status is Status.FINISHED]
    assert finished == [0, 1, 2, 3, 4, 5]
    slots = []

    class RecordsSlots(NoCallback):
        def on_event(self, event):
            if isinstance(event, Evaluation) and event.key.generation == 0 and event.key.role is Role.SEARCH:
                slots.append(event.key.slot)

    INTERRUPTED.clear()
    INTERRUPTED.append("done")
    run(store, study, RecordsSlots())
    assert sorted(slots) == [4, 5, 6, 7, 8, 9]


def test_a_study_stops_if_a_replayed_genome_differs_from_the_recorded_one(store, monkeypatch):
    study = store.create_study(spec())
    with pytest.raises(KeyboardInterrupt):
        run(store, study, InterruptAfter(15))
    decoded = SearchSpace.default_genome
    monkeypatch.setattr(SearchSpace, "default_genome", lambda self: decoded(self) + 1e-12)
    with pytest.raises(OtherGenome, match="run/Adam: search 0/0 was"):
        run(store, study)


def genetic(**changes):
    return replace(spec(**changes), strategy="genetic", steps=(5, 5, 10, 10, 10, 10))


def test_a_strategy_with_a_model_continues_from_other_genomes_than_those_on_record(store, monkeypatch):
    whole = rows_of(store, run(store, store.create_study(genetic())))
    with Store.open("sqlite://") as other:
        study = other.create_study(genetic())
        with pytest.raises(KeyboardInterrupt):
            run(other, study, InterruptAfter(45))
        drawn = Genetic._chosen
        monkeypatch.setattr(Genetic, "_chosen", lambda self, known: drawn(self, known) + 1e-13)
        resumed = run(other, study)
        found = rows_of(other, resumed)
        notes = resumed.notes
    assert resumed.status == StudyStatus.COMPLETE
    assert notes == ("generation 3: this machine computes other genomes; those on record are used",)
    assert found[:40] == whole[:40]  # generations 0 to 3 were on record
    assert len(found) == len(whole) == 66


def test_candidates_of_a_generation_of_genetic_share_their_seed(store):
    study = run(store, store.create_study(genetic()))
    seeds = {}
    for candidate in store.candidates(study.id):
        if candidate.key.role is Role.SEARCH:
            seeds.setdefault(candidate.key.generation, set()).add(candidate.seed)
    assert [len(seeds[generation]) for generation in range(6)] == [1, 1, 1, 1, 1, 2]  # the finalists meet on two
    assert seeds[0] == seeds[1]  # one rung
    assert len(set().union(*seeds.values())) == 6


def test_a_second_driver_is_refused_while_the_first_is_running(store):
    study = store.create_study(spec())

    class SecondDriver(NoCallback):
        def on_batch_begin(self, name, budget, keys):
            with executor() as workers, pytest.raises(StudyOwned, match="elsewhere:1"):
                run_study(store, study, workers, NoCallback(), owner="elsewhere:2")

    run(store, study, SecondDriver())
    assert store.find("run")[0].status == StudyStatus.COMPLETE


def test_a_complete_study_is_not_run_again(store):
    study = run(store)
    with pytest.raises(StudyComplete):
        run(store, study)

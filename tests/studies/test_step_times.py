"""The time of a step as an objective: each kind of candidate is measured once, and the record repeats it."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest

import tuner
from tuner.core.events import AttemptEnded, AttemptStarted
from tuner.core.objective import SECONDS_PER_STEP
from tuner.core.objective_text import parse_several
from tuner.core.study import SearchSpec, StudyStatus
from tuner.core.trial import Evaluation, Status, Workload, of_objectives
from tuner.execution.executor import Batch, Executor
from tuner.storage import Store
from tuner.studies.callbacks import NoCallback
from tuner.studies.driver import run_studies
from tuner.studies.step_times import moved, on_machine
from tuner.studies.study_run import StudyRun, Work
from tuner.training.step_time import BLOCK_SECONDS, least_seconds

SPACE = {
    "optimizer": "Adam",
    "hyperparameters": {
        "rate": {"scale": "log", "default": 0.5},
        "depth": {"scale": "integer", "default": 1, "low": 1, "high": 2},
        "task.units": {"scale": "choice", "default": 8, "values": [2, 8], "ordered": True},
        "task.dropout": {"scale": "linear", "default": 0.1, "low": 0.1, "high": 0.1},
    },
}
MACHINE = {"processor": "fast", "cores": 2, "memory_gib": 8.0, "gpus_per_candidate": 0.0}


def spec(run="run", **changes):
    objective = parse_several("training-loss,seconds-per-step,parameters")
    fields = {
        "run": run,
        "workload": Workload(task="stand-in", optimizer="Adam", cohort_size=1, objective=objective),
        "strategy": "nsga2",
        "seed": 1,
        "generations": 3,
        "population": 8,
        "parameters": {"sigmas": [3.0] * 3},
        "steps": (10,) * 3,
        "fresh_seeds": 2,
        "space": SPACE,
        "hardware": {"node": "here", **MACHINE},
        "versions": {"tensorflow": "2.21.0"},
    }
    return SearchSpec(**{**fields, **changes})


class Machine:
    """Trains at once; each calibration takes another time, as clocks do."""

    def __init__(self, first=1.0, fails=()):
        self.clock = itertools.count(first)
        self.fails = fails
        self.measured = []  # hyperparameters
        self.ends_at = None  # calibrations until an interruption

    def events(self, work):
        is_calibration = work.workload.objective.metric == SECONDS_PER_STEP
        for trial in work.trials:
            yield AttemptStarted((trial.key,), 1, "node", 1)
            if not is_calibration:
                loss = math.log(trial.hyperparameters["rate"]) ** 2 + 1 / trial.hyperparameters["task.units"]
                further = of_objectives(10, [math.nan, float(trial.hyperparameters["task.units"])])
                yield Evaluation(trial.key, Status.FINISHED, loss, (), 10, 0.01, observations=(further,))
                continue
            assert len(work.trials) == 1
            self.measured.append(dict(trial.hyperparameters))
            if len(self.measured) == self.ends_at:
                raise KeyboardInterrupt
            if trial.hyperparameters["task.units"] in self.fails:
                yield AttemptEnded((trial.key,), 1, "worker crashed")
                yield Evaluation(trial.key, Status.FAILED, math.inf, (), 0, 0.0, reason="worker crashed")
            else:
                yield Evaluation(trial.key, Status.FINISHED, float(next(self.clock)), (), 0, 0.1)


class Remarks(NoCallback):
    """Keeps remarks."""

    def __init__(self):
        self.texts = []

    def on_remark(self, text):
        self.texts.append(text)


def drive(store, study, machine, callback=None):
    run = StudyRun(store, study, callback or NoCallback(), owner="host:1", lease_seconds=60.0)
    try:
        while (work := run.ask()) is not None:
            for event in machine.events(work):
                assert run.ask() is None  # nothing else begins before the last event
                run.tell(event)
            run.tick()
    finally:
        run.close()
    return rows(store, study.spec.run)


def rows(store, name="run"):
    (study,) = store.find(name)
    further = store.further_fitnesses(study.id)
    return [(row.key, row.status, row.genome, row.fitness, further.get(row.key)) for row in store.candidates(study.id)]


def kind(record):
    return record.hyperparameters["depth"], record.hyperparameters["task.units"]


@pytest.fixture
def store():
    with Store.open("sqlite://") as opened:
        yield opened


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    url = str(tmp_path_factory.mktemp("times") / "studies.db")
    machine = Machine()
    with Store.open(url) as opened:
        drive(opened, opened.create_study(spec()), machine)
    return url, machine


def test_each_kind_of_candidate_is_measured_once_and_all_of_a_kind_have_its_value(searched):
    url, machine = searched
    with Store.open(url, read_only=True) as store:
        (study,) = store.find("run")
        further, candidates = store.further_fitnesses(study.id), store.candidates(study.id)
    assert len(candidates) == 3 * 8 + 2 * 2  # a calibration is no candidate
    assert all(row.status is Status.FINISHED for row in candidates)
    measured = [(values["depth"], values["task.units"]) for values in machine.measured]
    assert len(set(measured)) == len(measured) == len({kind(row) for row in candidates}) > 2
    expected = {each: float(number) for number, each in enumerate(measured, 1)}  # the clock of Machine
    for row in candidates:
        assert further[row.key] == (expected[kind(row)], row.hyperparameters["task.units"])


def test_before_it_measures_a_search_says_how_many_kinds_there_are(store):
    machine, remarks = Machine(), Remarks()
    drive(store, store.create_study(spec()), machine, remarks)
    assert all(text.startswith("measuring the seconds of a step") for text in remarks.texts)
    kinds = [int(text.rpartition(" ")[2]) for text in remarks.texts]
    assert len(kinds) < sum(kinds) == len(machine.measured)


def test_tables_json_and_figures_name_the_unit(searched):
    url, _ = searched
    run = tuner.open_database(url).run("run")
    text = str(run.table())
    assert "s/step" in text
    assert "seconds per step, the lower the better" in " ".join(text.split())
    (layout,) = json.loads(run.table().to_json())["studies"]
    assert layout["front"]["objectives"] == ["training-loss", "seconds-per-step", "parameters"]
    assert run.figure("search-front").axes[0].get_ylabel() == "seconds per step"


@pytest.mark.parametrize("calibration", [1, 2, 3])
def test_an_interrupted_calibration_leaves_nothing_and_the_search_goes_on(store, calibration):
    study, machine = store.create_study(spec()), Machine()
    machine.ends_at = calibration
    with pytest.raises(KeyboardInterrupt):
        drive(store, study, machine)
    before = rows(store)
    assert store.find("run")[0].status == StudyStatus.INTERRUPTED
    assert all(further is None for _, status, _, _, further in before if not status.is_final)
    after = drive(store, store.find("run")[0], Machine(first=101.0))
    assert {status for _, status, *_ in after} == {Status.FINISHED}
    known = {row[0]: row for row in after}
    assert all(known[row[0]] == row for row in before if row[1].is_final)
    assert len({further[0] for *_, further in after}) == len({kind(one) for one in store.candidates(study.id)})


def test_a_search_repeats_what_the_database_has_whatever_the_clock_says(store):
    first = drive(store, store.create_study(spec()), Machine())
    later = Machine(first=101.0)
    assert drive(store, store.create_study(spec("again")), later) == first
    assert later.measured == []
    for name, changes in {
        "moved": {"hardware": {"node": "here", **MACHINE, "processor": "slow"}},
        "newer": {"versions": {"tensorflow": "2.22.0"}},
        "other": {"workload": replace(spec().workload, threads=2)},
    }.items():
        own = Machine(first=101.0)
        assert all(further[0] > 100 for *_, further in drive(store, store.create_study(spec(name, **changes)), own))
        assert own.measured


def test_candidates_of_a_kind_that_cannot_be_measured_fail_with_the_reason_and_others_go_on(store):
    study, machine = store.create_study(spec()), Machine(fails=(8,))
    drive(store, study, machine)
    candidates = store.candidates(study.id)
    lost = [row for row in candidates if row.hyperparameters["task.units"] == 8]
    assert {row.reason for row in lost} == {"the seconds of its step could not be measured: worker crashed"}
    assert {row.status for row in lost} == {Status.FAILED}
    assert {row.status for row in candidates if row not in lost} == {Status.FINISHED}
    assert not {row.key for row in lost} & store.further_fitnesses(study.id).keys()
    defaults = [one for one in machine.measured if (one["depth"], one["task.units"]) == (1, 8)]
    assert len(defaults) >= 2  # of the first generation and of the fresh seeds: each batch tries again


def test_searches_with_the_time_of_a_step_run_one_after_the_other(store):
    order = []

    class Roomy(Executor):
        """Has room for everything, and trains what was submitted at the next poll."""

        has_room, busy, workers = True, 0, 9

        def __init__(self):
            self.open = []

        def submit(self, workload, trials, *, label, remaining=0):
            batch = Batch()
            self.open.append((batch, workload, trials, label))
            return batch

        def poll(self):
            order.append({label.split("/")[1] for *_, label in self.open})
            for batch, workload, trials, _ in self.open:
                batch.add(machine.events(Work(workload, tuple(trials), "", 0)))
            self.open.clear()

        def limit(self, workers):
            """Has no limit."""

        def withdraw(self, batch):
            """Has nothing to end."""

        def cancel(self):
            """Has nothing to end."""

        def close(self):
            """Has nothing to end."""

    machine = Machine()
    names = ("Adam", "Yogi")
    specs = [spec(workload=replace(spec().workload, optimizer=one), space={**SPACE, "optimizer": one}) for one in names]
    run_studies(store, store.create_run(specs), Roomy(), NoCallback, owner="host:1")
    assert [sorted(each) for each, _ in itertools.groupby(order)] == [["Adam"], ["Yogi"]]


def test_going_on_elsewhere_is_said():
    here = on_machine(spec(hardware={}), 0.5)
    assert here.hardware == {"gpus_per_candidate": 0.5}
    assert "gpus_per_candidate 0.5 → 1.0" in moved(here, 1.0)
    plain = replace(here, workload=replace(here.workload, objective=parse_several("training-loss")))
    assert moved(plain, 1.0) is None
    assert on_machine(replace(plain, hardware={}), 1.0).hardware == {}


def test_the_seconds_of_a_step_are_those_of_the_fastest_block():
    now, blocks = 0.0, []
    delays = iter([9.0, *itertools.repeat(0.0, 6), *(0.3, 0.1, 0.0, 0.2, 0.5)])  # compilation first; others disturb

    def take(steps):
        nonlocal now
        blocks.append(steps)
        now += 0.00812345 * steps + next(delays)

    assert least_seconds(take, lambda: now) == 0.0081  # two digits
    assert blocks[0] == 1
    assert len(set(blocks[-5:])) == 1
    assert blocks[-1] * 0.00812345 >= BLOCK_SECONDS
    assert np.isclose(blocks[-1], 32)  # 16 steps take 0.13 s

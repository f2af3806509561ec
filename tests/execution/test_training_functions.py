"""Training functions: whatever one does ends as one status with one clear reason, and the search goes on."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.hostile_functions import BUDGET, ENDS, WORKLOAD, Act, loss_of, trial
from tests.support.ray_sessions import PATIENCE, local_session, ray_executor
from tuner.core.environment import environment
from tuner.core.events import AttemptStarted, Progress
from tuner.core.objective import Objective
from tuner.core.process_memory import MEMORY
from tuner.core.trial import Evaluation, Status
from tuner.execution.executor import FUNCTION_TRAIN
from tuner.execution.in_process import InProcessExecutor
from tuner.execution.messages import bundled
from tuner.execution.worker import train_cohort
from tuner.training import own_function


def evaluated(executor, *trials):
    """Train trials; return their evaluations by slot, and all events."""
    events = list(executor.evaluate(WORKLOAD, trials, label="hostile/train/g00"))
    return {event.key.slot: event for event in events if isinstance(event, Evaluation)}, events


@pytest.fixture
def in_process(tmp_path):
    with environment({"LODO_TUNE_CHECKPOINTS": str(tmp_path)}), InProcessExecutor(train=FUNCTION_TRAIN) as executor:
        yield executor


@pytest.mark.parametrize("act", ENDS)
def test_whatever_it_does_ends_as_one_status_with_one_reason_and_the_next_candidate_is_trained(
    in_process, act, tmp_path
):
    folder, own = Path.cwd(), (os.fstat(1).st_ino, os.fstat(2).st_ino)
    found, events = evaluated(in_process, trial(0, act), trial(1))
    status, reason, output = ENDS[act]
    assert (found[0].status, reason in found[0].reason) == (status, True), found[0].reason
    assert act is not Act.STOP_ITERATION or found[0].reason == "StopIteration"
    assert output in found[0].output
    assert found[1].status is Status.FINISHED
    assert found[1].fitness == loss_of(trial(1))
    assert "this is train" in found[1].output
    assert found[1].output.count("this is") == 1  # and nothing of the candidate before
    assert len([event for event in events if isinstance(event, Evaluation)]) == 2
    assert Path.cwd() == folder
    assert (os.fstat(1).st_ino, os.fstat(2).st_ino) == own
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []  # no folder of a checkpoint is left


def test_a_run_that_finishes_has_the_fitness_of_the_objective_its_reports_and_its_steps(in_process):
    (evaluation,) = evaluated(in_process, trial(0, seed=2**40 + 5))[0].values()
    assert evaluation.fitness == (2**40 + 5) % 2**31 % 7 + 1 / BUDGET
    assert [one.evaluations for one in evaluation.observations] == [1, 2, 3, 4]
    assert [one.metrics["loss"] for one in evaluation.observations][:2] == [5 % 7 + 1.0, 5 % 7 + 0.5]
    assert (evaluation.steps_done, list(evaluation.losses)) == (BUDGET, [])


def test_a_failed_run_keeps_its_reports_and_the_traceback_of_the_function(in_process):
    found, events = evaluated(in_process, trial(0, Act.RAISE), trial(1, Act.EARLY))
    assert "ZeroDivisionError" in found[0].error
    assert [one.evaluations for one in found[1].observations] == [1, 2]
    assert (found[1].fitness, found[1].steps_done) == (math.inf, 2)
    assert [event.steps_done for event in events if isinstance(event, Progress)] == [2]


def test_a_report_after_the_end_raises_stop_training_and_changes_nothing(in_process, tmp_path):
    found, _ = evaluated(in_process, trial(0, Act.LATE))
    end = time.monotonic() + PATIENCE
    while not (tmp_path / "late-was-stopped").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    assert found[0].fitness == loss_of(trial(0))


def test_a_run_that_goes_on_from_its_checkpoint_has_the_reports_of_the_lost_attempt(in_process, tmp_path):
    mean = replace(WORKLOAD, objective=Objective(metric="validation.loss", reduction="mean", window=1.0))
    program = (
        "from dataclasses import replace; from tests.support.hostile_functions import *;"
        "from tuner.training.own_function import train as run;"
        f"list(run(replace(WORKLOAD, objective={mean.objective!r}), (trial(0, Act.RESUME),)))"
    )
    variables = {**os.environ, "LODO_TUNE_CHECKPOINTS": str(tmp_path)}
    lost = subprocess.run([sys.executable, "-c", program], capture_output=True, env=variables, timeout=300)
    assert lost.returncode == 1
    assert len(list(tmp_path.iterdir())) == 3  # the checkpoints, what was reported, and what was printed
    events = in_process.evaluate(mean, [trial(0, Act.RESUME), trial(1)], label="")
    resumed, whole = [event for event in events if isinstance(event, Evaluation)]
    assert [one.evaluations for one in resumed.observations] == [1, 2, 3, 4]
    assert [one.metrics for one in resumed.observations] == [one.metrics for one in whole.observations]
    assert resumed.fitness == whole.fitness != loss_of(trial(1))
    assert not list(tmp_path.iterdir())


def test_a_run_whose_checkpoint_was_cut_off_is_trained_anew(in_process, tmp_path):
    (folder := tmp_path / "train-search-0-0-3-4").mkdir()
    (folder / "step.txt").write_text("")  # the worker was lost while it wrote it
    reported = '[1, 0.5, {"loss": 99.0}]\n[2, 0.6, {"loss": 99.0}]'  # by the lost worker, on another machine
    folder.with_name(f"{folder.name}.reports").write_text(reported)
    found, _ = evaluated(in_process, trial(0, Act.CUT_OFF), trial(1))
    assert found[0].fitness == found[1].fitness
    assert [one.metrics for one in found[0].observations] == [one.metrics for one in found[1].observations]
    assert "without its checkpoint, after ValueError: invalid literal" in found[0].output
    assert not list(tmp_path.iterdir())


def test_a_run_that_raises_without_a_checkpoint_is_not_repeated(in_process):
    found, _ = evaluated(in_process, trial(0, Act.RAISE))
    assert found[0].output == "this is raise\n"


def test_much_output_is_cut_to_its_beginning_and_its_end(in_process):
    (evaluation,) = evaluated(in_process, trial(0, Act.PRINT))[0].values()
    assert evaluation.output.startswith("this is print megabytes\nxxx")
    assert evaluation.output.endswith("xxx\n")
    assert len(evaluation.output) < 50_000


def test_a_run_that_has_nothing_new_sends_nothing(monkeypatch):
    monkeypatch.setattr(own_function, "SEND_SECONDS", 0.01)
    busy = trial(0, Act.PAUSE)
    updates = list(bundled(train_cohort(FUNCTION_TRAIN, WORKLOAD, (busy,)), (busy,)))
    kinds = [type(message).__name__ for update in updates for message in update.messages]
    # What it prints before it pauses for twenty such moments, its four reports, and the last message.
    assert 1 <= kinds.count("Reported") <= 6


def test_no_candidate_finds_the_environment_or_the_generators_of_another(in_process):
    found, _ = evaluated(in_process, *map(trial, range(4), [Act.SHOW, Act.ENVIRON, Act.SEEDS, Act.SHOW]))
    assert "PATH" in found[0].output
    assert found[3].output == found[0].output


def test_a_candidate_that_takes_more_memory_than_it_may_fails_and_its_worker_is_to_be_replaced():
    greedy = trial(0, Act.GREED, steps=10_000)
    with environment({MEMORY: "100000000"}):
        updates = list(bundled(train_cohort(FUNCTION_TRAIN, WORKLOAD, (greedy,)), (greedy,)))
    last = [message for update in updates for message in update.messages][-1]
    assert re.fullmatch(r"out of memory: it took 0\.\d+ GB, and a candidate may take 0\.1 GB", last.reason)
    assert (updates[-1].is_over, updates[-1].is_spent) == (True, True)


def test_memory_that_a_candidate_takes_for_a_moment_counts_and_what_it_printed_is_kept():
    spike, small = trial(0, Act.SPIKE), trial(1)
    list(train_cohort(FUNCTION_TRAIN, WORKLOAD, (spike,)))  # without a limit: this process has held as much before
    with environment({MEMORY: "200000000"}):
        within = list(train_cohort(FUNCTION_TRAIN, WORKLOAD, (small,)))
        beyond = list(train_cohort(FUNCTION_TRAIN, WORKLOAD, (spike,)))
    assert within[-1].fitness == loss_of(small)
    assert re.fullmatch(r"out of memory: it took 0\.[23]\d* GB, and a candidate may take 0\.2 GB", beyond[-1].reason)
    assert beyond[-2].output == f"this is {Act.SPIKE}\n"


def test_a_candidate_within_its_memory_is_trained_as_without_a_limit():
    with environment({MEMORY: "1000000000"}):
        updates = list(bundled(train_cohort(FUNCTION_TRAIN, WORKLOAD, (trial(0),)), (trial(0),)))
    assert updates[-1].messages[-1].fitness == loss_of(trial(0))
    assert not updates[-1].is_spent


def test_threads_and_gpus_are_set_before_the_module_is_imported_and_tensorflow_never_is():
    program = (
        "import sys; from tests.support.hostile_functions import *;"
        "from tuner.training.own_function import train as run;"
        "del sys.modules['tests.support.hostile_functions'];"
        "list(run(WORKLOAD, (trial(0),))); import tests.support.hostile_functions as again;"
        "print(again.AT_IMPORT, sorted({'tensorflow', 'keras', 'ray', 'matplotlib', 'deap'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    expected = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1"}
    assert done.stdout == f"{expected} []\n"


@pytest.fixture(scope="module")
def session():
    with local_session() as session:
        yield session


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.faults
def test_on_ray_a_function_that_hangs_or_kills_its_worker_fails_alone_and_keeps_what_it_printed(session, tmp_path):
    acts = [Act.HANG, Act.TRAIN, Act.KILL, Act.RAISE, Act.RESUME, Act.TRAIN]
    with ray_executor(session, train=FUNCTION_TRAIN, timeout=4.0, checkpoints=tmp_path) as executor:
        found, _ = evaluated(executor, *[trial(slot, act) for slot, act in enumerate(acts)])
    ended = [(found[slot].status.value, found[slot].reason) for slot in range(len(acts))]
    assert ended == [
        ("timed out", "timed out after 4 s"),
        ("finished", ""),
        ("failed", "worker crashed"),
        ("failed", "ZeroDivisionError: on purpose"),
        ("finished", ""),
        ("finished", ""),
    ]
    assert [found[slot].output for slot in (0, 2)] == ["this is hang\n", "this is kill itself\n"]
    resumed = found[4]
    assert resumed.attempt == 2
    assert [one.evaluations for one in resumed.observations] == [1, 2, 3, 4]  # it went on from its checkpoint
    assert not list(tmp_path.glob("*-4-*"))  # which is gone


@pytest.mark.ray
@pytest.mark.slow
def test_on_ray_each_act_ends_as_in_this_process(session, tmp_path):
    with ray_executor(session, train=FUNCTION_TRAIN, timeout=60.0, checkpoints=tmp_path) as executor:
        found, _ = evaluated(executor, *[trial(slot, act) for slot, act in enumerate(ENDS)])
    for slot, act in enumerate(ENDS):
        status, reason, output = ENDS[act]
        assert (found[slot].status, reason in found[slot].reason) == (status, True), (act, found[slot].reason)
        assert output in found[slot].output


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.faults
def test_on_ray_one_that_takes_too_much_memory_fails_alone_and_what_is_left_behind_ends_the_worker(session, tmp_path):
    acts = [Act.TRAIN, Act.GREED, *[Act.LEAK] * 4, Act.TRAIN]
    options = {"memory_per_candidate": 0.2, "workers": 1, "timeout": 60.0, "checkpoints": tmp_path}
    with ray_executor(session, train=FUNCTION_TRAIN, **options) as executor:
        trials = [trial(slot, act, steps=10_000 if act is Act.GREED else BUDGET) for slot, act in enumerate(acts)]
        found, events = evaluated(executor, *trials)
    assert found[1].status is Status.FAILED
    assert found[1].reason.startswith("out of memory: it took 0.")
    assert (found[1].attempt, found[1].output) == (1, f"this is {Act.GREED}\n")
    assert [found[slot].status for slot in (0, *range(2, 7))] == [Status.FINISHED] * 6
    assert len({event.pid for event in events if isinstance(event, AttemptStarted)}) > 2

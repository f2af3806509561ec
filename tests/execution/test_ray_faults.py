"""Workers that die, hang and go mad: each costs its own candidate, and nothing else."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from tests.conformance.executor_conformance import FAKE, run
from tests.support.fake_training import CHUNK, Act, expected_fitness, expected_losses, trial, workload
from tests.support.ray_sessions import ROOT, is_alive, local_session, processes_naming, ray_executor, wait_until
from tuner.core.events import AttemptEnded, AttemptStarted
from tuner.core.trial import Evaluation, Status

pytestmark = pytest.mark.faults

LIMIT = 2.0


@pytest.fixture(scope="module")
def session():
    with local_session() as session:
        yield session


@pytest.mark.parametrize("deadly", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_a_worker_killed_from_outside_gives_the_same_result_at_the_second_attempt(session, deadly, tmp_path):
    executor = ray_executor(session, train=FAKE + "train")
    trials = [trial(0, Act.SLEEP_ONCE), trial(1)]
    events = []
    for event in executor.evaluate(workload(folder=str(tmp_path)), trials, label="fake/Adam/g03"):
        if isinstance(event, AttemptStarted) and event.keys[0].slot == 0 and event.attempt == 1:
            assert wait_until((tmp_path / "trained-0").exists, 60)
            os.kill(event.pid, deadly)
        events.append(event)
    first, second = sorted((e for e in events if isinstance(e, Evaluation)), key=lambda e: e.key)
    assert (first.status, first.attempt, first.fitness) == (Status.FINISHED, 2, expected_fitness(trials[0]))
    assert tuple(first.losses) == tuple(expected_losses(trials[0]))
    assert (second.status, second.attempt) == (Status.FINISHED, 1)
    assert [(e.attempt, e.reason) for e in events if isinstance(e, AttemptEnded)] == [(1, "worker crashed")]


def test_a_cohort_whose_worker_crashes_once_is_repeated_whole(session, tmp_path):
    trials = [trial(0), trial(1, Act.KILL_ONCE), trial(2)]
    executor = ray_executor(session, train=FAKE + "train")
    events, evaluations = run(executor, workload(cohort_size=3, folder=str(tmp_path)), trials)
    assert {(e.status, e.attempt) for e in evaluations.values()} == {(Status.FINISHED, 2)}
    assert all(tuple(evaluations[t.key.slot].losses) == tuple(expected_losses(t)) for t in trials)
    assert sum(isinstance(event, AttemptStarted) for event in events) == 2


def test_a_candidate_that_always_kills_its_worker_costs_only_itself(session):
    trials = [trial(0), trial(1, Act.KILL), trial(2), trial(3)]
    events, evaluations = run(ray_executor(session, train=FAKE + "train"), workload(cohort_size=4), trials)
    poison = evaluations.pop(1)
    assert (poison.status, poison.attempt, poison.reason) == (Status.FAILED, 3, "worker crashed")
    assert tuple(poison.losses) == tuple(expected_losses(trials[1])[:CHUNK])
    assert {(e.status, e.attempt) for e in evaluations.values()} == {(Status.FINISHED, 3)}
    assert all(e.fitness == expected_fitness(trials[slot]) for slot, e in evaluations.items())
    assert [e.reason for e in events if isinstance(e, AttemptEnded)] == [
        "worker crashed",
        "split after: worker crashed",
        "worker crashed",
    ]


@pytest.mark.parametrize("act", [Act.EXIT, Act.SEGV, Act.ABORT], ids=lambda act: act.name.lower())
def test_however_a_worker_dies_its_candidate_fails_and_its_neighbours_do_not(session, act):
    trials = [trial(0), trial(1, act), trial(2)]
    _, evaluations = run(ray_executor(session, train=FAKE + "train", max_attempts=2), workload(), trials)
    assert (evaluations[1].status, evaluations[1].attempt) == (Status.FAILED, 2)
    assert evaluations[1].reason == "worker crashed"
    assert evaluations[0].status is evaluations[2].status is Status.FINISHED
    assert evaluations[0].attempt == evaluations[2].attempt == 1


def test_a_worker_that_dies_after_its_evaluations_arrived_loses_none(session):
    _, evaluations = run(ray_executor(session, train=FAKE + "train"), workload(), [trial(0, Act.ENCORE)])
    assert (evaluations[0].status, evaluations[0].attempt) == (Status.FINISHED, 1)


HANGS = (Act.SLEEP, Act.GIL, Act.BLOCK, Act.SWALLOW)


def test_hanging_candidates_of_every_kind_are_ended_with_their_traceback_and_the_others_go_on(session):
    trials = [trial(slot, act) for slot, act in enumerate(HANGS)] + [trial(slot) for slot in range(4, 8)]
    executor = ray_executor(session, train=FAKE + "train", timeout=LIMIT)
    begun, ended = {}, {}
    for event in executor.evaluate(workload(), trials, label="fake/Adam/g03"):
        if isinstance(event, AttemptStarted):
            begun[event.keys[0].slot] = time.monotonic()
        elif isinstance(event, Evaluation):
            ended[event.key.slot] = (time.monotonic(), event)
    assert len(ended) == len(trials)
    for slot, act in enumerate(HANGS):
        moment, evaluation = ended[slot]
        assert LIMIT - 0.5 < moment - begun[slot] < LIMIT + 3, act.name
        assert (evaluation.status, evaluation.attempt) == (Status.TIMED_OUT, 1), act.name
        assert evaluation.reason == "timed out after 2 s"
        assert "misbehave" in evaluation.error, act.name
        assert tuple(evaluation.losses) == tuple(expected_losses(trials[slot])[:CHUNK])
    assert {ended[slot][1].status for slot in range(4, 8)} == {Status.FINISHED}
    assert list(session.folder.glob("traceback-*")) == []


def test_a_cohort_that_hangs_is_timed_out_as_a_whole(session):
    trials = [trial(0), trial(1, Act.SLEEP), trial(2)]
    executor = ray_executor(session, train=FAKE + "train", timeout=1)
    _, evaluations = run(executor, workload(cohort_size=3), trials)
    assert {(e.status, e.attempt) for e in evaluations.values()} == {(Status.TIMED_OUT, 1)}
    assert tuple(evaluations[0].losses) == tuple(expected_losses(trials[0])[:CHUNK])


def test_a_candidate_that_waits_for_a_worker_never_times_out(session):
    # Each takes a quarter of a second; the last of twelve waits for 1.25 s on two workers, beyond the limit of 1 s.
    executor = ray_executor(session, train=FAKE + "train", timeout=1)
    _, evaluations = run(executor, workload(), [trial(slot, Act.WAIT) for slot in range(12)])
    assert {e.status for e in evaluations.values()} == {Status.FINISHED}


@pytest.mark.slow
def test_a_stopped_worker_times_out_and_changes_nothing_when_it_wakes(session):
    executor = ray_executor(session, train=FAKE + "train", timeout=LIMIT)
    start, pid = time.monotonic(), 0
    for event in executor.evaluate(workload(), [trial(0, Act.STOP)], label="fake/Adam/g03"):
        pid = event.pid if isinstance(event, AttemptStarted) else pid
    assert isinstance(event, Evaluation)
    assert event.status is Status.TIMED_OUT
    assert time.monotonic() - start < LIMIT + 9  # Ray needs 5 s to kill a process that is stopped
    assert wait_until(lambda: not is_alive(pid), 5)
    assert executor.stale == 0


def test_a_lane_that_is_stopped_between_two_candidates_is_ended_and_the_next_is_tried_on_another(session):
    with ray_executor(session, train=FAKE + "train", timeout=LIMIT) as executor:
        begun = [e for e in executor.evaluate(workload(), [trial(0)], label="fake/Adam/g03") if hasattr(e, "pid")]
        os.kill(begun[0].pid, signal.SIGSTOP)
        start = time.monotonic()
        _, evaluations = run(executor, workload(), [trial(1)])
        assert (evaluations[1].status, evaluations[1].attempt) == (Status.FINISHED, 1)
        assert time.monotonic() - start < LIMIT + 10
        assert wait_until(lambda: not is_alive(begun[0].pid), 5)


def test_a_task_that_cannot_be_ended_is_given_up_and_what_it_says_later_is_counted_not_used(session, monkeypatch):
    # An end that does not get through stands for a node that hangs; the task wakes after it was given up.
    wake = os.kill
    monkeypatch.setattr("tuner.execution.ray.pool.os.kill", lambda pid, number: None)
    monkeypatch.setattr("tuner.execution.ray.pool.ray.kill", lambda actor, no_restart: None)
    executor = ray_executor(session, train=FAKE + "stop_and_go", timeout=1, grace=0.0)
    trials = [trial(0, Act.STOP), *(trial(slot, Act.WAIT) for slot in range(1, 17))]
    events = []
    for event in executor.evaluate(workload(), trials, label="fake/Adam/g03"):
        events.append(event)
        if isinstance(event, AttemptStarted) and event.keys[0].slot == 0:
            threading.Timer(2.5, wake, (event.pid, signal.SIGCONT)).start()
    statuses = [event.status for event in events if isinstance(event, Evaluation) and event.key.slot == 0]
    assert statuses == [Status.TIMED_OUT]
    assert sum(isinstance(event, Evaluation) for event in events) == len(trials)
    assert executor.stale == 1


DRIVER = """
    import os, signal, sys, time
    from tests.support.fake_training import Act, trial, workload
    from tests.support.ray_sessions import ray_executor
    from tuner.execution.ray.session import RaySession
    from tuner.execution.resources import Resources

    with RaySession.start(Resources(workers=3, dashboard=False)) as session:
        print(session.folder, flush=True)
        with ray_executor(session, train="tests.support.fake_training:train") as executor:
            trials = [trial(slot, Act.KILL if slot == 0 else Act.SLEEP) for slot in range(3)]
            try:
                for event in executor.evaluate(workload(), trials, label="fake/Adam/g03"):
                    print(type(event).__name__, getattr(event, "pid", ""), flush=True)
            except KeyboardInterrupt:
                print("interrupted", flush=True)
    sys.exit(130)
"""


@pytest.mark.slow
def test_ctrl_c_on_the_whole_process_group_lets_the_driver_end_in_order_and_leaves_nothing():
    environment = os.environ | {"PYTHONPATH": str(ROOT), "RAY_ADDRESS": "192.0.2.1:6379"}  # a dead cluster: no matter
    driver = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(DRIVER)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    alarm = threading.Timer(60, driver.kill)
    alarm.start()
    try:
        lines = [driver.stdout.readline().strip()]
        folder = lines[0]
        while lines.count("AttemptEnded") < 3:  # the killer was lost for the third time, the sleepers sleep
            lines.append(driver.stdout.readline().strip())
            assert lines[-1], driver.stderr.read()
        os.killpg(driver.pid, signal.SIGINT)  # as a terminal does
        start = time.monotonic()
        out, err = driver.communicate(timeout=20)
    finally:
        alarm.cancel()
        driver.kill()
    assert driver.returncode == 130
    assert time.monotonic() - start < 8
    assert out.splitlines()[-1] == "interrupted"
    words = {line.split()[0] for line in lines[1:] + out.splitlines()}
    # Nothing of Ray's own on stdout, though three workers died.
    assert words <= {"AttemptStarted", "AttemptEnded", "Progress", "Evaluation", "interrupted"}
    assert err == ""
    assert folder.startswith("/tmp/lodo-ray-")
    assert not os.path.exists(folder)
    assert wait_until(lambda: not processes_naming(folder), 15)
    sleepers = [int(line.split()[1]) for line in lines if line.startswith("AttemptStarted")]
    assert wait_until(lambda: not any(map(is_alive, sleepers)), 5)

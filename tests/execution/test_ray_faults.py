"""Workers that die or hang: each fails its own candidate, and no other."""

import contextlib
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
from tests.support.ray_sessions import (
    ROOT,
    is_alive,
    local_session,
    processes_naming,
    ray_executor,
    wait_until,
)
from tuner.core.events import AttemptEnded, AttemptStarted
from tuner.core.trial import Evaluation, Status

pytestmark = pytest.mark.faults

LIMIT = 2.0


@pytest.fixture(scope="module")
def session():
    with local_session() as session:
        yield session


@pytest.fixture
def executor_with(session):
    """Return a function that makes an executor; at the end it gives its cores back to the session."""
    with contextlib.ExitStack() as executors:
        yield lambda **options: executors.enter_context(ray_executor(session, train=FAKE + "train", **options))


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_the_second_attempt_after_a_killed_worker_gives_the_same_result(executor_with, signal_number, tmp_path):
    executor = executor_with()
    trials = [trial(0, Act.SLEEP_ONCE), trial(1)]
    events = []
    for event in executor.evaluate(workload(folder=str(tmp_path)), trials, label="fake/Adam/g03"):
        if isinstance(event, AttemptStarted) and event.keys[0].slot == 0 and event.attempt == 1:
            assert wait_until((tmp_path / "trained-0").exists)
            os.kill(event.pid, signal_number)
        events.append(event)
    first, second = sorted((e for e in events if isinstance(e, Evaluation)), key=lambda e: e.key)
    assert (first.status, first.attempt, first.fitness) == (Status.FINISHED, 2, expected_fitness(trials[0]))
    assert tuple(first.losses) == tuple(expected_losses(trials[0]))
    assert (second.status, second.attempt) == (Status.FINISHED, 1)
    assert [(e.attempt, e.reason) for e in events if isinstance(e, AttemptEnded)] == [(1, "worker crashed")]


def test_a_cohort_whose_worker_crashes_once_is_repeated_as_a_whole(executor_with, tmp_path):
    trials = [trial(0), trial(1, Act.KILL_ONCE), trial(2)]
    executor = executor_with()
    events, evaluations = run(executor, workload(cohort_size=3, folder=str(tmp_path)), trials)
    assert {(e.status, e.attempt) for e in evaluations.values()} == {(Status.FINISHED, 2)}
    assert all(tuple(evaluations[t.key.slot].losses) == tuple(expected_losses(t)) for t in trials)
    assert sum(isinstance(event, AttemptStarted) for event in events) == 2


def test_a_candidate_that_always_kills_its_worker_fails_alone(executor_with):
    trials = [trial(0), trial(1, Act.KILL), trial(2), trial(3)]
    events, evaluations = run(executor_with(), workload(cohort_size=4), trials)
    killer = evaluations.pop(1)
    assert (killer.status, killer.attempt, killer.reason) == (Status.FAILED, 3, "worker crashed")
    first_chunk = tuple(expected_losses(trials[1])[:CHUNK])
    assert tuple(killer.losses) in {first_chunk, ()}  # the kill may come before Ray has sent the last message
    assert {(e.status, e.attempt) for e in evaluations.values()} == {(Status.FINISHED, 3)}
    assert all(e.fitness == expected_fitness(trials[slot]) for slot, e in evaluations.items())
    assert [e.reason for e in events if isinstance(e, AttemptEnded)] == [
        "worker crashed",
        "split after: worker crashed",
        "worker crashed",
    ]


@pytest.mark.parametrize("act", [Act.EXIT, Act.SEGV, Act.ABORT], ids=lambda act: act.name.lower())
def test_a_crash_of_a_worker_fails_only_its_own_candidate(executor_with, act):
    trials = [trial(0), trial(1, act), trial(2)]
    _, evaluations = run(executor_with(max_attempts=2), workload(), trials)
    assert (evaluations[1].status, evaluations[1].attempt) == (Status.FAILED, 2)
    assert evaluations[1].reason == "worker crashed"
    assert evaluations[0].status is evaluations[2].status is Status.FINISHED
    assert evaluations[0].attempt == evaluations[2].attempt == 1


def test_evaluations_sent_before_a_worker_died_are_kept(executor_with):
    _, evaluations = run(executor_with(), workload(), [trial(0, Act.ENCORE)])
    assert (evaluations[0].status, evaluations[0].attempt) == (Status.FINISHED, 1)


HANGING = (Act.SLEEP, Act.GIL, Act.BLOCK, Act.SWALLOW)


def test_hanging_candidates_time_out_with_their_traceback_and_the_others_finish(session, executor_with):
    trials = [trial(slot, act) for slot, act in enumerate(HANGING)] + [trial(slot) for slot in range(4, 8)]
    executor = executor_with(timeout=LIMIT)
    started, ended = {}, {}
    for event in executor.evaluate(workload(), trials, label="fake/Adam/g03"):
        if isinstance(event, AttemptStarted):
            started[event.keys[0].slot] = time.monotonic()
        elif isinstance(event, Evaluation):
            ended[event.key.slot] = (time.monotonic(), event)
    assert len(ended) == len(trials)
    for slot, act in enumerate(HANGING):
        moment, evaluation = ended[slot]
        assert moment - started[slot] > LIMIT - 0.5, act.name
        assert (evaluation.status, evaluation.attempt) == (Status.TIMED_OUT, 1), act.name
        assert evaluation.reason == "timed out after 2 s"
        assert "misbehave" in evaluation.error, act.name
        assert tuple(evaluation.losses) == tuple(expected_losses(trials[slot])[:CHUNK])
    assert {ended[slot][1].status for slot in range(4, 8)} == {Status.FINISHED}
    assert list(session.folder.glob("traceback-*")) == []


def test_a_cohort_that_hangs_times_out_as_a_whole(executor_with):
    trials = [trial(0), trial(1, Act.SLEEP), trial(2)]
    executor = executor_with(timeout=1)
    _, evaluations = run(executor, workload(cohort_size=3), trials)
    assert {(e.status, e.attempt) for e in evaluations.values()} == {(Status.TIMED_OUT, 1)}
    assert tuple(evaluations[0].losses) == tuple(expected_losses(trials[0])[:CHUNK])


def test_waiting_for_a_worker_does_not_count_towards_the_timeout(executor_with):
    # Each takes a quarter of a second; the last of twelve waits for 1.25 s on two workers, beyond the limit of 1 s.
    executor = executor_with(timeout=1)
    _, evaluations = run(executor, workload(), [trial(slot, Act.WAIT) for slot in range(12)])
    assert {e.status for e in evaluations.values()} == {Status.FINISHED}


@pytest.mark.slow
def test_a_suspended_worker_times_out_and_is_ended(executor_with):
    executor = executor_with(timeout=LIMIT)
    pid = 0
    for event in executor.evaluate(workload(), [trial(0, Act.STOP)], label="fake/Adam/g03"):
        pid = event.pid if isinstance(event, AttemptStarted) else pid
    assert isinstance(event, Evaluation)
    assert event.status is Status.TIMED_OUT
    assert wait_until(lambda: not is_alive(pid))
    assert executor.stale == 0


def test_a_worker_suspended_between_two_candidates_is_replaced(executor_with):
    executor = executor_with(timeout=LIMIT)
    started = [e for e in executor.evaluate(workload(), [trial(0)], label="fake/Adam/g03") if hasattr(e, "pid")]
    os.kill(started[0].pid, signal.SIGSTOP)
    _, evaluations = run(executor, workload(), [trial(1)])
    assert (evaluations[1].status, evaluations[1].attempt) == (Status.FINISHED, 1)
    assert wait_until(lambda: not is_alive(started[0].pid))


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
def test_ctrl_c_ends_the_driver_in_order_and_leaves_no_process_or_folder():
    environment = os.environ | {"PYTHONPATH": str(ROOT), "RAY_ADDRESS": "192.0.2.1:6379"}  # no cluster; must not matter
    driver = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(DRIVER)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    alarm = threading.Timer(300, driver.kill)
    alarm.start()
    try:
        lines = [driver.stdout.readline().strip()]
        folder = lines[0]
        while lines.count("AttemptEnded") < 3:  # until the killing candidate was lost for the third time
            lines.append(driver.stdout.readline().strip())
            assert lines[-1], driver.stderr.read()
        os.killpg(driver.pid, signal.SIGINT)  # as a terminal does
        out, err = driver.communicate(timeout=300)
    finally:
        alarm.cancel()
        driver.kill()
    assert driver.returncode == 130
    assert out.splitlines()[-1] == "interrupted"
    words = {line.split()[0] for line in lines[1:] + out.splitlines()}
    # Ray itself prints nothing to stdout, although three workers died.
    assert words <= {"AttemptStarted", "AttemptEnded", "Progress", "Evaluation", "interrupted"}
    assert err == ""
    assert folder.startswith("/tmp/lodo-ray-")
    assert not os.path.exists(folder)
    assert wait_until(lambda: not processes_naming(folder))
    workers = [int(line.split()[1]) for line in lines if line.startswith("AttemptStarted")]
    assert wait_until(lambda: not any(map(is_alive, workers)))

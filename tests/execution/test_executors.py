"""Both executors against the one suite, the suite against broken executors, and what Ray alone can do."""

import os
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tasks.task import METHODS
from tests.conformance.executor_conformance import CHECKS, FAKE, run
from tests.support.fake_training import Act, trial, workload
from tests.support.ray_sessions import is_alive, local_session, ray_executor, wait_until
from tuner.core.errors import InvalidRequest
from tuner.core.events import AttemptEnded, AttemptStarted, Event, Progress
from tuner.core.trial import Evaluation, Status
from tuner.execution.executor import cohorts, task_name
from tuner.execution.in_process import InProcessExecutor
from tuner.execution.messages import Raised
from tuner.execution.worker import train_cohort

CHECK = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)


@pytest.fixture(scope="module")
def session():
    with local_session(dashboard=True, gpus=2) as session:
        yield session


@CHECK
def test_the_in_process_executor_keeps_the_protocol(check):
    check(InProcessExecutor)


@pytest.fixture(scope="module")
def executors(session):
    """Return a maker that returns the last executor again for the same options: workers take a second to start."""
    last = {}

    def make(**options):
        key = tuple(sorted((name, str(value)) for name, value in options.items()))
        if key not in last:
            close()
            last[key] = ray_executor(session, **options)
        return last[key]

    def close():
        for executor in last.values():
            executor.close()  # otherwise its workers would keep the session's cores
        last.clear()

    yield make
    close()


@CHECK
def test_the_ray_executor_keeps_the_protocol(check, executors):
    check(executors)


class Broken(InProcessExecutor):
    """An executor whose events are tampered with."""

    def evaluate(self, workload, trials, *, label) -> Iterator[Event]:
        return self.tampered(super().evaluate(workload, trials, label=label))

    def tampered(self, events):
        yield from events


class ForgetsOne(Broken):
    """Keeps one evaluation to itself."""

    def tampered(self, events):
        yield from (event for event in events if not (isinstance(event, Evaluation) and event.key.slot == 0))


class SaysItTwice(Broken):
    """Gives each evaluation twice."""

    def tampered(self, events):
        for event in events:
            yield from [event] * (1 + isinstance(event, Evaluation))


class LosesTheCurve(Broken):
    """Gives no losses."""

    def tampered(self, events):
        yield from (replace(event, losses=()) if isinstance(event, Evaluation) else event for event in events)


class LosesWhatWasMeasured(Broken):
    """Gives losses alone."""

    def tampered(self, events):
        yield from (replace(event, observations=()) if isinstance(event, Evaluation) else event for event in events)


class ForgetsToSayThatItBegins(Broken):
    """Starts attempts in silence."""

    def tampered(self, events):
        yield from (event for event in events if not isinstance(event, AttemptStarted))


class ForgetsToSayThatItEnds(Broken):
    """Fails attempts in silence."""

    def tampered(self, events):
        yield from (event for event in events if not isinstance(event, AttemptEnded))


class IsSilentOnTheWay(Broken):
    """Tells no progress."""

    def tampered(self, events):
        yield from (event for event in events if not isinstance(event, Progress))


class MixesUpTheLanes(Broken):
    """Gives the first two candidates each other's results."""

    def tampered(self, events):
        for event in events:
            if isinstance(event, Evaluation) and event.key.slot < 2 and event.status is Status.FINISHED:
                event = replace(event, key=replace(event.key, slot=1 - event.key.slot))
            yield event


class BlamesTheWholeCohort(Broken):
    """Fails all of a cohort for one."""

    def tampered(self, events):
        parted = False
        for event in events:
            parted = parted or (isinstance(event, AttemptEnded) and "split" in event.reason)
            if parted and isinstance(event, Evaluation):
                event = replace(event, status=Status.FAILED, fitness=float("inf"))
            yield event


class GivesNanAway(Broken):
    """Lets a fitness that is not finite pass as finished."""

    def tampered(self, events):
        for event in events:
            if isinstance(event, Evaluation) and event.status is Status.DIVERGED:
                event = replace(event, fitness=float("nan"), status=Status.FINISHED)
            yield event


class Raises(Broken):
    """Raises for a candidate's sake."""

    def tampered(self, events):
        for event in events:
            if isinstance(event, Evaluation) and event.status is Status.FAILED:
                raise RuntimeError(event.reason)
            yield event


class CannotBeCancelled(Broken):
    """Goes on when it is cancelled."""

    def cancel(self):
        pass


class NeverTimesOut(Broken):
    """Knows no time limit."""

    def __init__(self, *, timeout=None, train):
        super().__init__(train=train)


@pytest.mark.parametrize("broken", [*Broken.__subclasses__(), Broken], ids=lambda broken: broken.__name__)
def test_the_suite_fails_on_every_broken_executor_and_on_no_other(broken):
    failed = []
    for check in CHECKS:
        try:
            check(broken)
        except (AssertionError, RuntimeError, pytest.fail.Exception):
            failed.append(check.__name__)
    assert bool(failed) == (broken is not Broken), failed


def test_training_in_process_leaves_the_environment_as_it_was(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    _, evaluations = run(InProcessExecutor(train=FAKE + "environment"), workload(), [trial(0)])
    assert evaluations[0].device.split()[1] == "-1"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"


def defined_here(name="Mine", **attributes):
    """Return a class that no module holds, with the methods of a Task."""
    methods = {method: lambda *_: None for method in METHODS}
    return type(name, (), {"__module__": "__main__", **methods, **attributes})


def session_task(executor, of, *slots):
    """Return the evaluations of trials whose task is registered by value."""
    return run(executor, workload(task=of), [trial(slot) for slot in slots])[1]


def test_a_task_that_no_module_holds_is_trained_in_process():
    objects = {"session:Mine": defined_here(answer=3.0)}
    executor = InProcessExecutor(train=FAKE + "by_name", objects=objects)
    assert session_task(executor, "session:Mine", 0)[0].fitness == 3.0


def test_a_task_that_no_module_holds_is_sent_to_each_worker(executors):
    objects = {"session:Mine": defined_here(answer=3.0), "session:Other": defined_here(answer=4.0)}
    executor = executors(train=FAKE + "by_name", objects=objects)
    assert {one.fitness for one in session_task(executor, "session:Mine", 0, 1, 2).values()} == {3.0}
    assert session_task(executor, "session:Other", 0)[0].fitness == 4.0


def test_a_task_that_cannot_be_sent_to_workers_is_refused_by_name(session):
    unpicklable = defined_here(lock=threading.Lock())
    with pytest.raises(
        InvalidRequest, match=r"^task: Mine cannot be sent to the workers: .*lock.*; define it in a mod"
    ):
        ray_executor(session, objects={"session:Mine": unpicklable})


def test_a_task_that_cannot_be_registered_in_a_worker_fails_its_candidates(executors):
    executor = executors(train=FAKE + "by_name", objects={"session:Mine": type("Mine", (), {"__module__": "__main__"})})
    evaluation = session_task(executor, "session:Mine", 0)[0]
    assert evaluation.status is Status.FAILED
    assert evaluation.reason.startswith("TaskError: session:Mine is not a Task")


def test_data_is_looked_for_in_the_folder_that_the_executor_names(executors, tmp_path):
    for executor in (
        InProcessExecutor(train=FAKE + "data_folder", data_dir=tmp_path),
        executors(train=FAKE + "data_folder", data_dir=tmp_path),
    ):
        assert run(executor, workload(), [trial(0)])[1][0].device == str(tmp_path)
    assert "LODO_DATA_DIR" not in os.environ


def test_ctrl_c_in_a_candidate_of_the_in_process_executor_is_the_callers():
    executor = InProcessExecutor(train=FAKE + "interrupted")
    with pytest.raises(KeyboardInterrupt):
        list(executor.evaluate(workload(), [trial(0)], label="fake/Adam/g03"))


def test_cohorts_are_cut_in_order_and_named_after_their_slots():
    parts = cohorts([trial(slot) for slot in range(5)], 2)
    assert [task_name("rosenbrock/LODO/g03", part) for part in parts] == [
        "rosenbrock/LODO/g03/s00-01",
        "rosenbrock/LODO/g03/s02-03",
        "rosenbrock/LODO/g03/s04",
    ]


def test_a_cohort_of_none_is_refused():
    with pytest.raises(ValueError, match="cohort_size=0"):
        cohorts([trial(0)], 0)


def processes(evaluations):
    return {evaluation.device.split()[0] for evaluation in evaluations.values()}


def test_workers_are_used_again_from_task_to_task_and_from_study_to_study(executors):
    seen = set()
    executor = executors(train=FAKE + "environment")
    for _ in range(3):
        seen |= processes(run(executor, workload(), [trial(slot) for slot in range(10)])[1])
    assert 1 <= len(seen) <= 2  # workers


def test_a_candidate_without_a_graphics_card_sees_none_and_has_the_threads_it_was_given(executors):
    _, evaluations = run(executors(train=FAKE + "environment"), workload(), [trial(0)])
    assert evaluations[0].device.split()[1:] == ["-1", "1"]


def test_a_worker_on_a_graphics_card_is_a_process_that_sees_only_its_card(executors):
    executor = executors(gpus_per_candidate=1, train=FAKE + "environment")
    _, evaluations = run(executor, workload(), [trial(slot) for slot in range(8)])
    views = {tuple(evaluation.device.split()[:2]) for evaluation in evaluations.values()}
    assert {card for _, card in views} <= {"0", "1"}
    assert len({process for process, _ in views}) == len(views)  # no process has ever seen two


def test_memory_that_is_out_on_a_graphics_card_is_a_result_with_advice_and_ends_the_worker(executors):
    executor = executors(gpus_per_candidate=0.5, train=FAKE + "out_of_memory")
    events, evaluations = run(executor, workload(), [trial(slot) for slot in range(3)])
    assert {e.status for e in evaluations.values()} == {Status.FAILED}
    assert {e.reason for e in evaluations.values()} == {
        "out of GPU memory with 0.5 GPUs per candidate; advice: 1, or smaller batches"
    }
    assert "OOM when allocating" in evaluations[0].error
    pids = [event.pid for event in events if isinstance(event, AttemptStarted)]
    assert len(set(pids)) == 3  # what it holds may be in pieces: a fresh process each


@pytest.mark.parametrize(
    "says", ["No algorithm worked! CUDNN_STATUS_ALLOC_FAILED", "CUDA_ERROR_OUT_OF_MEMORY", "shape"]
)
def test_libraries_of_the_card_that_find_no_room_are_out_of_memory_too(says):
    last = list(train_cohort(FAKE + "internal_error", workload(says=says), [trial(0)], gpus=0.5))[-1]
    assert isinstance(last, Raised)
    assert last.reason.startswith("InternalError: shape" if says == "shape" else "out of GPU memory with")


def test_memory_that_is_out_elsewhere_is_told_as_it_is(executors):
    _, evaluations = run(executors(train=FAKE + "out_of_memory"), workload(), [trial(0)])
    assert evaluations[0].reason.startswith("ResourceExhaustedError: OOM when allocating tensor")


def test_tasks_bear_the_names_of_their_candidates(executors, session):
    from ray.util.state import list_tasks

    executor = executors(train=FAKE + "train")
    list(executor.evaluate(workload(cohort_size=3), [trial(slot) for slot in range(4)], label="names/Adam/g03"))
    wanted = {"names/Adam/g03/s00-02", "names/Adam/g03/s03"}
    address = session.address
    assert wait_until(lambda: wanted <= {task.name for task in list_tasks(address=address, limit=10_000)}, 10)


def test_more_graphics_cards_than_there_are_is_refused_in_one_line(session):
    with pytest.raises(
        InvalidRequest, match=r"^gpus_per_candidate is at most 2, the most GPUs of a node of this Ray. Received: 3$"
    ) as caught:
        ray_executor(session, gpus_per_candidate=3)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("gpus", [-1, 1.5, float("nan")])
def test_a_number_of_graphics_cards_that_cannot_be_is_refused(session, gpus):
    with pytest.raises(InvalidRequest, match=r"^gpus_per_candidate is "):
        ray_executor(session, gpus_per_candidate=gpus)


@pytest.mark.parametrize("cpus", [0, 3])
def test_cores_that_there_are_not_are_refused(session, cpus):
    with pytest.raises(InvalidRequest, match=rf"^cpus_per_candidate is at .*Received: {cpus}$"):
        ray_executor(session, cpus_per_candidate=cpus)


def test_a_workload_with_other_threads_than_the_executor_gives_is_refused(session):
    executor = ray_executor(session, train=FAKE + "train")
    with pytest.raises(InvalidRequest, match="Received: 2"):
        executor.evaluate(replace(workload(), threads=2), [trial(0)], label="fake/Adam/g03")


def test_no_attempts_at_all_are_refused(session):
    with pytest.raises(ValueError, match="max_attempts"):
        ray_executor(session, max_attempts=0)


def test_cancelling_leaves_no_candidate_running(executors):
    executor = executors(train=FAKE + "train")
    pids = []
    for event in executor.evaluate(workload(), [trial(slot, Act.SLEEP) for slot in range(4)], label="fake/Adam/g03"):
        if isinstance(event, AttemptStarted):
            pids.append(event.pid)
        if len(pids) == 2:
            executor.cancel()
    assert wait_until(lambda: not any(map(is_alive, pids)), 5)


def test_leaving_an_iterator_early_leaves_no_candidate_running(executors):
    iterator = executors(train=FAKE + "train").evaluate(workload(), [trial(0, Act.SLEEP)], label="fake/Adam/g03")
    pid = next(iterator).pid
    iterator.close()
    assert wait_until(lambda: not is_alive(pid), 5)


def test_many_more_candidates_than_workers_each_get_one_evaluation(executors):
    executor = executors(train=FAKE + "nothing")
    trials = [trial(slot) for slot in range(300)]
    events = list(executor.evaluate(workload(), trials, label="fake/Adam/g03"))
    found = sorted(event.key for event in events if isinstance(event, Evaluation))
    assert found == [one.key for one in trials]

"""Conformance of both executors, the suite on broken executors, and what is specific to Ray."""

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
def test_the_in_process_executor_conforms_to_the_protocol(check):
    check(InProcessExecutor)


@pytest.fixture(scope="module")
def executors(session):
    """Return a factory that reuses the last executor for the same options, because workers take a second to start."""
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
def test_the_ray_executor_conforms_to_the_protocol(check, executors):
    check(executors)


class Broken(InProcessExecutor):
    """An executor whose events are altered; as it stands, it alters nothing."""

    def evaluate(self, workload, trials, *, label) -> Iterator[Event]:
        return self.altered(super().evaluate(workload, trials, label=label))

    def altered(self, events):
        yield from events


class OmitsAnEvaluation(Broken):
    """Omit the evaluation of slot 0."""

    def altered(self, events):
        yield from (event for event in events if not (isinstance(event, Evaluation) and event.key.slot == 0))


class RepeatsEvaluations(Broken):
    """Yield each evaluation twice."""

    def altered(self, events):
        for event in events:
            yield from [event] * (1 + isinstance(event, Evaluation))


class OmitsLosses(Broken):
    """Drop the losses of evaluations."""

    def altered(self, events):
        yield from (replace(event, losses=()) if isinstance(event, Evaluation) else event for event in events)


class OmitsObservations(Broken):
    """Drop the observations of evaluations."""

    def altered(self, events):
        yield from (replace(event, observations=()) if isinstance(event, Evaluation) else event for event in events)


class OmitsMilestones(Broken):
    """Train candidates without their milestones."""

    def evaluate(self, workload, trials, *, label) -> Iterator[Event]:
        return super().evaluate(workload, [replace(one, milestones=()) for one in trials], label=label)


class FailsPrunedCandidates(Broken):
    """Report candidates that were ended early as failed."""

    def altered(self, events):
        for event in events:
            is_pruned = isinstance(event, Evaluation) and event.status is Status.PRUNED
            yield replace(event, status=Status.FAILED) if is_pruned else event


class OmitsAttemptStarts(Broken):
    """Omit the events of attempts that start."""

    def altered(self, events):
        yield from (event for event in events if not isinstance(event, AttemptStarted))


class OmitsAttemptEnds(Broken):
    """Omit the events of attempts that end."""

    def altered(self, events):
        yield from (event for event in events if not isinstance(event, AttemptEnded))


class OmitsProgress(Broken):
    """Omit the events of progress."""

    def altered(self, events):
        yield from (event for event in events if not isinstance(event, Progress))


class SwapsLanes(Broken):
    """Exchange the results of the first two candidates."""

    def altered(self, events):
        for event in events:
            if isinstance(event, Evaluation) and event.key.slot < 2 and event.status is Status.FINISHED:
                event = replace(event, key=replace(event.key, slot=1 - event.key.slot))
            yield event


class FailsTheWholeCohort(Broken):
    """Fail all candidates of a cohort in which one raised."""

    def altered(self, events):
        split = False
        for event in events:
            split = split or (isinstance(event, AttemptEnded) and "split" in event.reason)
            if split and isinstance(event, Evaluation):
                event = replace(event, status=Status.FAILED, fitness=float("inf"))
            yield event


class ReturnsNan(Broken):
    """Report a candidate with a fitness of NaN as finished."""

    def altered(self, events):
        for event in events:
            if isinstance(event, Evaluation) and event.status is Status.DIVERGED:
                event = replace(event, fitness=float("nan"), status=Status.FINISHED)
            yield event


class RaisesForACandidate(Broken):
    """Raise if a candidate failed."""

    def altered(self, events):
        for event in events:
            if isinstance(event, Evaluation) and event.status is Status.FAILED:
                raise RuntimeError(event.reason)
            yield event


class IgnoresCancel(Broken):
    """Continue after cancel."""

    def cancel(self):
        pass


class IgnoresLimit(Broken):
    """Begin further cohorts despite a limit of 0."""

    def limit(self, workers):
        pass


class IgnoresTimeout(Broken):
    """Ignore the timeout."""

    def __init__(self, *, timeout=None, train):
        super().__init__(train=train)


@pytest.mark.parametrize("broken", [*Broken.__subclasses__(), Broken], ids=lambda broken: broken.__name__)
def test_the_conformance_suite_fails_only_on_broken_executors(broken):
    failed = []
    for check in CHECKS:
        try:
            check(broken)
        except (AssertionError, RuntimeError, pytest.fail.Exception):
            failed.append(check.__name__)
    assert bool(failed) == (broken is not Broken), failed


def test_training_in_process_restores_the_environment(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    _, evaluations = run(InProcessExecutor(train=FAKE + "environment"), workload(), [trial(0)])
    assert evaluations[0].device.split()[1] == "-1"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"


def class_without_module(name="Mine", **attributes):
    """Return a class with the methods of a Task that cannot be imported from a module."""
    methods = {method: lambda *_: None for method in METHODS}
    return type(name, (), {"__module__": "__main__", **methods, **attributes})


def evaluate_task(executor, task, *slots):
    """Return the evaluations of trials whose task is registered by value."""
    return run(executor, workload(task=task), [trial(slot) for slot in slots])[1]


def test_a_task_without_a_module_is_trained_in_process():
    objects = {"session:Mine": class_without_module(answer=3.0)}
    executor = InProcessExecutor(train=FAKE + "by_name", objects=objects)
    assert evaluate_task(executor, "session:Mine", 0)[0].fitness == 3.0


def test_a_task_without_a_module_is_sent_to_each_worker(executors):
    objects = {"session:Mine": class_without_module(answer=3.0), "session:Other": class_without_module(answer=4.0)}
    executor = executors(train=FAKE + "by_name", objects=objects)
    assert {one.fitness for one in evaluate_task(executor, "session:Mine", 0, 1, 2).values()} == {3.0}
    assert evaluate_task(executor, "session:Other", 0)[0].fitness == 4.0


def test_a_task_that_cannot_be_pickled_is_refused_by_name(session):
    unpicklable = class_without_module(lock=threading.Lock())
    with pytest.raises(
        InvalidRequest, match=r"^task: Mine cannot be sent to the workers: .*lock.*; define it in a mod"
    ):
        ray_executor(session, objects={"session:Mine": unpicklable})


def test_a_task_that_cannot_be_registered_in_a_worker_fails_its_candidates(executors):
    executor = executors(train=FAKE + "by_name", objects={"session:Mine": type("Mine", (), {"__module__": "__main__"})})
    evaluation = evaluate_task(executor, "session:Mine", 0)[0]
    assert evaluation.status is Status.FAILED
    assert evaluation.reason.startswith("TaskError: session:Mine is not a Task")


def test_data_are_read_from_the_folder_of_the_executor(executors, tmp_path):
    for executor in (
        InProcessExecutor(train=FAKE + "data_folder", data_dir=tmp_path),
        executors(train=FAKE + "data_folder", data_dir=tmp_path),
    ):
        assert run(executor, workload(), [trial(0)])[1][0].device == str(tmp_path)
    assert "LODO_DATA_DIR" not in os.environ


def test_ctrl_c_during_training_in_process_is_raised_to_the_caller():
    executor = InProcessExecutor(train=FAKE + "interrupted")
    with pytest.raises(KeyboardInterrupt):
        list(executor.evaluate(workload(), [trial(0)], label="fake/Adam/g03"))


def test_cohorts_are_formed_in_order_and_named_after_their_slots():
    parts = cohorts([trial(slot) for slot in range(5)], 2)
    assert [task_name("rosenbrock/LODO/g03", part) for part in parts] == [
        "rosenbrock/LODO/g03/s00-01",
        "rosenbrock/LODO/g03/s02-03",
        "rosenbrock/LODO/g03/s04",
    ]


def test_a_cohort_size_of_zero_is_refused():
    with pytest.raises(ValueError, match="cohort_size=0"):
        cohorts([trial(0)], 0)


def processes(evaluations):
    return {evaluation.device.split()[0] for evaluation in evaluations.values()}


def test_workers_are_reused_across_calls(executors):
    used = set()
    executor = executors(train=FAKE + "environment")
    for _ in range(3):
        used |= processes(run(executor, workload(), [trial(slot) for slot in range(10)])[1])
    assert 1 <= len(used) <= 2  # workers


def test_a_candidate_without_gpus_sees_none_and_has_the_configured_threads(executors):
    _, evaluations = run(executors(train=FAKE + "environment"), workload(), [trial(0)])
    assert evaluations[0].device.split()[1:] == ["-1", "1"]


def test_a_worker_with_a_gpu_sees_only_its_own_gpu(executors):
    executor = executors(gpus_per_candidate=1, train=FAKE + "environment")
    _, evaluations = run(executor, workload(), [trial(slot) for slot in range(8)])
    views = {tuple(evaluation.device.split()[:2]) for evaluation in evaluations.values()}
    assert {card for _, card in views} <= {"0", "1"}
    assert len({process for process, _ in views}) == len(views)  # each process has exactly one GPU


def test_running_out_of_gpu_memory_fails_the_candidate_with_advice_and_ends_the_worker(executors):
    executor = executors(gpus_per_candidate=0.5, train=FAKE + "out_of_memory")
    events, evaluations = run(executor, workload(), [trial(slot) for slot in range(3)])
    assert {e.status for e in evaluations.values()} == {Status.FAILED}
    assert {e.reason for e in evaluations.values()} == {
        "out of GPU memory with 0.5 GPUs per candidate; advice: 1, or smaller batches"
    }
    assert "OOM when allocating" in evaluations[0].error
    pids = [event.pid for event in events if isinstance(event, AttemptStarted)]
    assert len(set(pids)) == 3  # its memory may be fragmented: each attempt has a new process


@pytest.mark.parametrize(
    "message", ["No algorithm worked! CUDNN_STATUS_ALLOC_FAILED", "CUDA_ERROR_OUT_OF_MEMORY", "shape"]
)
def test_allocation_errors_of_cuda_libraries_count_as_out_of_gpu_memory(message):
    last = list(train_cohort(FAKE + "internal_error", workload(message=message), [trial(0)], gpus=0.5))[-1]
    assert isinstance(last, Raised)
    assert last.reason.startswith("InternalError: shape" if message == "shape" else "out of GPU memory with")


@pytest.mark.parametrize(
    ("library", "name", "message", "is_memory"),
    [
        ("torch", "OutOfMemoryError", "CUDA out of memory. Tried to allocate 4.00 GiB.", True),
        ("elsewhere", "OutOfMemoryError", "of another kind", False),
        ("jaxlib._jax", "XlaRuntimeError", "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 4 bytes.", True),
        ("jaxlib._jax", "XlaRuntimeError", "INVALID_ARGUMENT: shape", False),
    ],
)
def test_errors_of_pytorch_and_jax_on_gpu_memory_are_known(library, name, message, is_memory):
    raised = type(name, (RuntimeError,), {"__module__": library})(message)

    def prepare():
        raise raised

    last = list(train_cohort(FAKE + "out_of_memory", workload(), [trial(0)], gpus=0.5, prepare=prepare))[-1]
    advice = "out of GPU memory with 0.5 GPUs per candidate; advice: 1, or smaller batches"
    assert last.reason == (advice if is_memory else f"{name}: {message}")


def test_running_out_of_memory_without_a_gpu_is_reported_unchanged(executors):
    _, evaluations = run(executors(train=FAKE + "out_of_memory"), workload(), [trial(0)])
    assert evaluations[0].reason.startswith("ResourceExhaustedError: OOM when allocating tensor")


def test_ray_tasks_are_named_after_their_candidates(executors, session):
    from ray.util.state import list_tasks

    executor = executors(train=FAKE + "train")
    list(executor.evaluate(workload(cohort_size=3), [trial(slot) for slot in range(4)], label="names/Adam/g03"))
    expected = {"names/Adam/g03/s00-02", "names/Adam/g03/s03"}
    address = session.address
    assert wait_until(lambda: expected <= {task.name for task in list_tasks(address=address, limit=10_000)})


def test_more_gpus_than_a_node_has_are_refused_in_one_line(session):
    with pytest.raises(
        InvalidRequest, match=r"^gpus_per_candidate is at most 2, the most GPUs of a node of this Ray. Received: 3$"
    ) as caught:
        ray_executor(session, gpus_per_candidate=3)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("gpus", [-1, 1.5, float("nan")])
def test_an_invalid_number_of_gpus_is_refused(session, gpus):
    with pytest.raises(InvalidRequest, match=r"^gpus_per_candidate is "):
        ray_executor(session, gpus_per_candidate=gpus)


@pytest.mark.parametrize("cpus", [0, 3])
def test_an_invalid_number_of_cores_is_refused(session, cpus):
    with pytest.raises(InvalidRequest, match=rf"^cpus_per_candidate is at .*Received: {cpus}$"):
        ray_executor(session, cpus_per_candidate=cpus)


def test_a_workload_whose_threads_differ_from_the_executors_is_refused(session):
    executor = ray_executor(session, train=FAKE + "train")
    with pytest.raises(InvalidRequest, match="Received: 2"):
        executor.evaluate(replace(workload(), threads=2), [trial(0)], label="fake/Adam/g03")


def test_a_maximum_of_zero_attempts_is_refused(session):
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
    assert wait_until(lambda: not any(map(is_alive, pids)))


def test_closing_an_iterator_early_leaves_no_candidate_running(executors):
    iterator = executors(train=FAKE + "train").evaluate(workload(), [trial(0, Act.SLEEP)], label="fake/Adam/g03")
    pid = next(iterator).pid
    iterator.close()
    assert wait_until(lambda: not is_alive(pid))


def test_each_of_three_hundred_candidates_has_exactly_one_evaluation(executors):
    executor = executors(train=FAKE + "nothing")
    trials = [trial(slot) for slot in range(300)]
    events = list(executor.evaluate(workload(), trials, label="fake/Adam/g03"))
    keys = sorted(event.key for event in events if isinstance(event, Evaluation))
    assert keys == [one.key for one in trials]

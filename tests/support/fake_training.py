"""Substitutes for the training function: deterministic losses, and all kinds of faults.

The hyperparameter `act` says what a candidate does, so that it is sent to workers like any other value.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from enum import IntEnum, auto
from pathlib import Path
from typing import Any

import numpy as np

import tasks.data_folder
import tasks.registry
from tuner.core.events import LaneObservations, TrainingProgress
from tuner.core.trial import MILESTONES, RUNNING, Evaluation, Key, Observation, Role, Status, Trial, Workload

CHUNK = 5


class Act(IntEnum):
    """What a candidate does after its first chunk of losses."""

    NOTHING = 0
    KILL = auto()  # SIGKILL, as the kernel does when memory is out
    KILL_ONCE = auto()  # the same, but only the first time; leaves a file in options["folder"]
    EXIT = auto()
    SEGV = auto()
    ABORT = auto()
    SYS_EXIT = auto()
    RAISE = auto()
    UNPICKLABLE = auto()
    HUGE = auto()
    CYCLIC = auto()
    MUTE = auto()  # an exception whose message cannot be computed
    BASE = auto()
    DEEP = auto()  # endless recursion
    SLEEP = auto()
    GIL = auto()  # one C call that holds the interpreter's lock
    BLOCK = auto()  # all signals blocked
    SWALLOW = auto()  # catches every exception
    STOP = auto()  # SIGSTOP
    NAN = auto()  # a loss is nan, training continues
    SLEEP_ONCE = auto()  # sleeps until it is killed, but only the first time; leaves a file in options["folder"]
    WAIT = auto()  # takes a quarter of a second, and finishes
    ENCORE = auto()  # finishes, but its worker dies after the evaluations were sent


class UnpicklableError(Exception):
    """An exception that cannot be unpickled: its constructor has two arguments, and it holds a stream."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)
        self.lock = sys.stdout
        self.second = second


class MuteError(Exception):
    """An exception whose message cannot be computed."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class Drastic(BaseException):
    """An exception that is not an `Exception`."""


def workload(cohort_size: int = 1, task: str = "fake", **options: Any) -> Workload:
    return Workload(task=task, optimizer="Adam", cohort_size=cohort_size, options=options)


def trial(slot: int, act: Act = Act.NOTHING, steps: int = 20, generation: int = 3) -> Trial:
    hyperparameters = {"rate": 0.9 + slot / 1000, "act": float(act)}
    return Trial(Key(Role.SEARCH, generation, slot), hyperparameters, seed=1000 + slot, steps=steps)


def expected_losses(one: Trial) -> np.ndarray:
    """Return the curve of a candidate, which does not depend on its cohort: [steps]."""
    noise = np.random.default_rng(one.seed).uniform(0.9, 1.1, one.steps)
    losses = one.hyperparameters["rate"] ** np.arange(one.steps) * noise
    if one.hyperparameters["act"] == Act.NAN:
        losses[CHUNK + 2] = np.nan
    return losses


def expected_fitness(one: Trial) -> float:
    return float(np.mean(expected_losses(one)[-one.steps // 10 :]))


def milestone(one: Trial, done: int) -> LaneObservations:
    """Return the observation of the milestone that a candidate has reached."""
    value = float(expected_losses(one)[done - 1])
    return LaneObservations(MILESTONES, done, math.nan, math.nan, {RUNNING: (value,)})


def pruned(workload: Workload, trials: Sequence[Trial]) -> Iterator[TrainingProgress | LaneObservations | Evaluation]:
    """Train as `train` does, and end a candidate at the first of its milestones whose ceiling its loss exceeds."""
    (one,) = trials
    ceilings = {each.step: each.ceiling for each in one.milestones}
    for value in train(workload, trials):
        yield value
        done = value.steps_done
        if isinstance(value, TrainingProgress) and done in ceilings:
            yield milestone(one, done)
            if expected_losses(one)[done - 1] > ceilings[done]:
                yield Evaluation(one.key, Status.PRUNED, math.inf, (), done, 0.001, device="fake", reason="no use")
                return


def train(workload: Workload, trials: Sequence[Trial]) -> Iterator[TrainingProgress | Evaluation]:
    """Yield progress and evaluations as the real function does, and perform each candidate's act."""
    if len(trials) != workload.cohort_size:
        raise ValueError(f"{len(trials)} lanes for a cohort of {workload.cohort_size}")
    curves = np.stack([expected_losses(one) for one in trials], axis=1)
    for start in range(0, len(curves), CHUNK):
        part = curves[start : start + CHUNK]
        yield TrainingProgress(start + len(part), part)
        if start == 0:
            for one in dict.fromkeys(one.key for one in trials):
                misbehave(Act(int(next(t for t in trials if t.key == one).hyperparameters["act"])), workload, one)
    evaluated: set[Key] = set()
    for one in trials:
        if one.key not in evaluated:
            evaluated.add(one.key)
            diverged = one.hyperparameters["act"] == Act.NAN
            status = Status.DIVERGED if diverged else Status.FINISHED
            fitness = float("inf") if diverged else expected_fitness(one)
            yield Evaluation(one.key, status, fitness, (), one.steps, 0.001, device="fake")
    if any(one.hyperparameters["act"] == Act.ENCORE for one in trials):
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)


def expected_observations(one: Trial) -> list[Observation]:
    """Return the observations of a candidate by `measured`, which do not depend on its cohort."""
    losses = expected_losses(one)
    points = [("validation", done, 0.25) for done in range(CHUNK, one.steps + 1, CHUNK)]
    return [
        Observation(split, done, seconds, 2 * seconds, {"loss": losses[done - 1], "worst": losses[:done].max()})
        for split, done, seconds in [*points, ("test", one.steps, 0.5)]
    ]


def measured(workload: Workload, trials: Sequence[Trial]) -> Iterator[TrainingProgress | LaneObservations | Evaluation]:
    """Train as `train` does, with observations after every chunk and at the end."""

    def observe(number: int) -> LaneObservations:
        of_lanes = [expected_observations(one)[number] for one in trials]
        metrics = {name: np.array([one.metrics[name] for one in of_lanes]) for name in of_lanes[0].metrics}
        first = of_lanes[0]
        return LaneObservations(first.split, first.evaluations, first.seconds, first.elapsed, metrics)

    last = trials[0].steps // CHUNK
    for value in train(workload, trials):
        if isinstance(value, TrainingProgress):
            yield observe(value.steps_done // CHUNK - 1)
            if value.steps_done == trials[0].steps:
                yield observe(last)
        yield value


def misbehave(act: Act, workload: Workload, key: Key) -> None:
    match act:
        case Act.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        case Act.KILL_ONCE:
            if is_first_time(workload, key):
                os.kill(os.getpid(), signal.SIGKILL)
        case Act.EXIT:
            os._exit(7)
        case Act.SEGV:
            os.kill(os.getpid(), signal.SIGSEGV)
        case Act.ABORT:
            os.abort()
        case Act.SYS_EXIT:
            sys.exit(3)
        case Act.RAISE:
            raise ValueError(f"slot {key.slot} failed\nsecond line")
        case Act.UNPICKLABLE:
            raise UnpicklableError("one", "two")
        case Act.HUGE:
            raise ValueError("x" * 20_000_000)
        case Act.CYCLIC:
            first, second = ValueError("first"), ValueError("second")
            first.__cause__, second.__cause__ = second, first
            raise first
        case Act.MUTE:
            raise MuteError
        case Act.BASE:
            raise Drastic("not an Exception\x00\ud800")
        case Act.DEEP:
            misbehave(act, workload, key)
        case Act.SLEEP:
            time.sleep(600)
        case Act.GIL:
            ctypes.PyDLL(None).usleep(600_000_000)  # PyDLL keeps the interpreter's lock while it calls
        case Act.BLOCK:
            signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
            time.sleep(600)
        case Act.SWALLOW:
            while True:
                with contextlib.suppress(BaseException):
                    time.sleep(600)
        case Act.STOP:
            os.kill(os.getpid(), signal.SIGSTOP)
        case Act.SLEEP_ONCE:
            if is_first_time(workload, key):
                time.sleep(600)
        case Act.WAIT:
            time.sleep(0.25)
        case _:
            pass


def is_first_time(workload: Workload, key: Key) -> bool:
    """Return whether this candidate was never trained with this folder in the options, and create a file."""
    mark = Path(workload.options["folder"]) / f"trained-{key.slot}"
    known = mark.exists()
    mark.touch()
    return not known


def nothing(workload: Workload, trials: Sequence[Trial]) -> Iterator[Evaluation]:
    """Finish at once, so that only the cost of the executor remains."""
    yield Evaluation(trials[0].key, Status.FINISHED, 1.0, (), 0, 0.0)


def silent(workload: Workload, trials: Sequence[Trial]) -> Iterator[TrainingProgress]:
    """End without an evaluation."""
    yield TrainingProgress(1, np.ones([1, len(trials)]))


def odd_fitness(workload: Workload, trials: Sequence[Trial]) -> Iterator[Evaluation]:
    """Finish with a fitness that depends on the slot, some of them invalid."""
    values = (
        *(float("nan"), float("inf"), float("-inf"), 1e308, "0.5", None, 1j),
        *(np.float32(0.5), np.array([0.5]), True, WithoutRepr()),
    )
    yield Evaluation(trials[0].key, Status.FINISHED, values[trials[0].key.slot], (), 1, 0.0)  # type: ignore[arg-type]


class WithoutRepr:
    """A value whose repr raises."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


def odd_values(workload: Workload, trials: Sequence[Trial]) -> Iterator[Any]:
    """Yield an invalid value that depends on the slot."""
    key = trials[0].key
    yield (
        "done",
        TrainingProgress(1, np.ones([1, len(trials) + 1])),
        TrainingProgress(1, np.array([["a"] * len(trials)])),
        Evaluation(Key(Role.TUNED, 0, 99), Status.FINISHED, 1.0, (), 1, 0.0),
        Evaluation(key, "marvellous", 1.0, (), 1, 0.0),  # type: ignore[arg-type]
        Evaluation(key, Status.RUNNING, 1.0, (), 1, 0.0),
        Evaluation(key, Status.FINISHED, 1.0, (), "many", 0.0),  # type: ignore[arg-type]
    )[key.slot]


def long_curve(workload: Workload, trials: Sequence[Trial]) -> Iterator[TrainingProgress | Evaluation]:
    """Yield all losses in one piece."""
    losses = np.arange(trials[0].steps * len(trials), dtype=np.float64).reshape([-1, len(trials)])
    yield TrainingProgress(trials[0].steps, losses)
    for key in dict.fromkeys(one.key for one in trials):
        yield Evaluation(key, Status.FINISHED, 1.0, (), trials[0].steps, 0.0)


def environment(workload: Workload, trials: Sequence[Trial]) -> Iterator[Evaluation]:
    """Report the process id, the GPUs and the threads, as the device."""
    text = f"{os.getpid()} {os.environ.get('CUDA_VISIBLE_DEVICES')} {os.environ.get('OMP_NUM_THREADS')}"
    yield Evaluation(trials[0].key, Status.FINISHED, 1.0, (), 0, 0.0, device=text)


def data_folder(workload: Workload, trials: Sequence[Trial]) -> Iterator[Evaluation]:
    """Report the folder of data sets, as the device."""
    folder = tasks.data_folder.data_folder()
    yield Evaluation(trials[0].key, Status.FINISHED, 1.0, (), 0, 0.0, device=str(folder))


def by_name(workload: Workload, trials: Sequence[Trial]) -> Iterator[Evaluation]:
    """Load the task of the workload, and report its attribute `answer` as the fitness."""
    answer: Any = tasks.registry.load(workload.task)
    yield Evaluation(trials[0].key, Status.FINISHED, answer.answer, (), 0, 0.0)


def interrupted(workload: Workload, trials: Sequence[Trial]) -> Iterator[TrainingProgress]:
    """Raise KeyboardInterrupt during training, like Ctrl-C."""
    yield TrainingProgress(1, np.ones([1, len(trials)]))
    raise KeyboardInterrupt


def slowly(workload: Workload, trials: Sequence[Trial]) -> Iterator[TrainingProgress | Evaluation]:
    """Train as `train` does, half a second per chunk."""
    for value in train(workload, trials):
        if isinstance(value, TrainingProgress):
            time.sleep(0.5)
        yield value


def pausing(workload: Workload, trials: Sequence[Trial]) -> Iterator[TrainingProgress | Evaluation]:
    """Train as `train` does, and pause for a second after each chunk."""
    for value in train(workload, trials):
        yield value
        if isinstance(value, TrainingProgress):
            time.sleep(1.0)


def hog(workload: Workload, trials: Sequence[Trial]) -> Iterator[Evaluation]:
    """Allocate up to 3 GB in blocks of 100 MB if any candidate has the act RAISE; then finish."""
    blocks = []
    if any(one.hyperparameters["act"] == Act.RAISE for one in trials):
        for _ in range(30):
            blocks.append(np.ones(12_500_000))
            time.sleep(0.05)
    for key in dict.fromkeys(one.key for one in trials):
        yield Evaluation(key, Status.FINISHED, 1.0, (), 0, 0.0)


class ResourceExhaustedError(Exception):
    """An exception with the name of TensorFlow's."""


def out_of_memory(workload: Workload, trials: Sequence[Trial]) -> Iterator[Any]:
    raise ResourceExhaustedError(f"OOM when allocating tensor with shape[{trials[0].seed}] on /device:GPU:0")
    yield


def internal_error(workload: Workload, trials: Sequence[Trial]) -> Iterator[Any]:
    from tensorflow.errors import InternalError

    raise InternalError(None, None, workload.options["message"])
    yield

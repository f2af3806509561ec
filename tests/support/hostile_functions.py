"""A training function that does what the hyperparameter `act` says."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from enum import StrEnum
from pathlib import Path

import numpy as np

import tuner
from tuner.core.objective import Objective
from tuner.core.trial import Key, Role, Trial, Workload
from tuner.training.code_fingerprint import function_code

AT_IMPORT = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES")}
BUDGET = 4
LEFT_BYTES = 80_000_000  # by each candidate that leaves memory behind
SPIKE_BYTES = 300_000_000
_LEFT = []


class Act(StrEnum):
    """What the function does."""

    TRAIN = "train"
    RAISE = "raise"
    EXIT = "exit"
    HANG = "hang"
    PRINT = "print megabytes"
    FORK = "fork"
    NAN = "report NaN"
    NOTHING = "report nothing"
    OTHER = "report another metric"
    TEXT = "report a text"
    BACK = "report an earlier step"
    BEYOND = "report beyond the budget"
    LATE = "report after its end"
    CHDIR = "change directory"
    KILL = "kill itself"
    EARLY = "return early"
    LEAVE = "leave a thread"
    SWALLOW = "swallow StopTraining"
    SUBPROCESS = "print in a subprocess"
    RESUME = "die once, then continue"
    ENVIRON = "change the environment"
    SEEDS = "seed generators"
    CLOSE = "close standard output"
    SHOW = "show the environment and draw"
    GREED = "take memory until it is stopped"
    LEAK = "leave memory behind"
    PAUSE = "pause"
    CUT_OFF = "read its checkpoint"
    SPIKE = "take memory for a moment"
    STOP_ITERATION = "raise StopIteration"


def train(hyperparameters, *, seed, budget, report, resources):
    """Do it, and train."""
    act = Act(hyperparameters["act"])
    print(f"this is {act}")
    if act is Act.RAISE:
        raise ZeroDivisionError("on purpose")
    if act is Act.EXIT:
        sys.exit(3)
    if act is Act.HANG:
        time.sleep(3600)
    if act is Act.STOP_ITERATION:
        next(iter(()))
    if act is Act.SPIKE:
        len(bytearray(SPIKE_BYTES))  # one operation, during which no other thread of Python runs
    if act is Act.PAUSE:
        time.sleep(0.2)
    if act is Act.KILL:
        os.kill(os.getpid(), signal.SIGKILL)
    if act is Act.PRINT:
        for _ in range(30):
            print("x" * 999_999)
    if act is Act.FORK and os.fork() == 0:
        return
    if act is Act.CHDIR:
        os.chdir("/")
        os.environ["PATH"] = os.environ["PATH"]
    if act is Act.NOTHING:
        return
    if act is Act.ENVIRON:
        os.environ.update(HOSTILE="1", OMP_NUM_THREADS="7")
        del os.environ["PATH"]
    if act is Act.SEEDS:
        random.seed(seed + 1)
        np.random.seed(seed + 1)  # noqa: NPY002
    if act is Act.CLOSE:
        sys.stdout.close()
        sys.stderr.close()
    if act is Act.SHOW:
        print(sorted(os.environ.items()), random.random(), np.random.random())  # noqa: NPY002
    if act is Act.LEAK:
        _LEFT.append(np.ones(LEFT_BYTES // 8))
    if act is Act.SUBPROCESS:
        subprocess.run([sys.executable, "-c", "print('from a subprocess')"], check=True)
    if act is Act.LEAVE:
        threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
    if act is Act.LATE:
        threading.Thread(target=_late, args=(report, resources.checkpoints.parent), daemon=True).start()
    start, taken = 0, []
    if act in (Act.RESUME, Act.CUT_OFF):
        kept = resources.checkpoints / "step.txt"
        start = int(kept.read_text()) if kept.exists() else 0
    for step in range(start + 1, budget + 1):
        numbers = {"loss": seed % 7 + 1 / step}
        if act is Act.NAN and step == 2:
            numbers["loss"] = float("nan")
        if act is Act.OTHER:
            numbers = {"accuracy": 0.5}
        if act is Act.TEXT:
            numbers = {"loss": "low"}
        if act is Act.EARLY and step == 3:
            return
        if act is Act.BEYOND:
            step += 2 * (step == budget)
        if act is Act.BACK:
            step = 1
        if act is Act.GREED:
            taken.append(np.ones(1_000_000))
            time.sleep(0.01)
        try:
            report(step, **numbers)
        except tuner.StopTraining:
            if act is not Act.SWALLOW:
                raise
        if act is Act.RESUME and start == 0 and step == 2:
            kept.write_text(str(step))
            os._exit(1)


def _late(report, folder: Path) -> None:
    time.sleep(0.05)
    try:
        report(99, loss=-1e9)
    except tuner.StopTraining:
        (folder / "late-was-stopped").touch()


def loss_of(trial: Trial) -> float:
    """Return the loss that a run without mischief reports at the end."""
    return trial.seed % 7 + 1 / trial.steps


WORKLOAD = Workload(
    task=f"{__name__}:train",
    optimizer="train",
    cohort_size=1,
    code=function_code(f"{__name__}:train"),
    objective=Objective(metric="validation.loss", reduction="end", window=None),
)


def trial(slot: int, act: Act = Act.TRAIN, *, seed: int = 3, steps: int = BUDGET) -> Trial:
    """Return a trial that does something."""
    return Trial(Key(Role.SEARCH, 0, slot), {"act": act.value}, seed, steps)


# What each act ends as: the status, a part of the reason, and a part of what was captured.
ENDS = {
    Act.TRAIN: ("finished", "", "this is train"),
    Act.RAISE: ("failed", "ZeroDivisionError: on purpose", "this is raise"),
    Act.STOP_ITERATION: ("failed", "StopIteration", "this is raise StopIteration"),
    Act.EXIT: ("failed", "SystemExit: 3", "this is exit"),
    Act.PRINT: ("finished", "", "bytes left out"),
    Act.FORK: ("finished", "", "this is fork"),
    Act.NAN: ("diverged", "loss was nan at step 2", ""),
    Act.NOTHING: ("failed", "it reported nothing: call report(step, loss=…)", ""),
    Act.OTHER: ("failed", "it reported accuracy, and the objective is validation.loss", ""),
    Act.TEXT: ("failed", "report: loss is a number. Received: str", ""),
    Act.BACK: ("failed", "a step is more than the last one, 1. Received: 1", ""),
    Act.BEYOND: ("failed", "it reported step 3 of a budget of 4, then 6: report(4, …)", ""),
    Act.LATE: ("finished", "", ""),
    Act.CHDIR: ("finished", "", ""),
    Act.EARLY: ("failed", "it returned after step 2 of a budget of 4: report(4, …) before it returns", ""),
    Act.LEAVE: ("finished", "", ""),
    Act.SWALLOW: ("finished", "", ""),
    Act.ENVIRON: ("finished", "", ""),
    Act.SEEDS: ("finished", "", ""),
    Act.CLOSE: ("finished", "", "this is close"),
    Act.SUBPROCESS: ("finished", "", "from a subprocess"),
}

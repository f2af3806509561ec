"""Small studies, candidates and evaluations for tests of the storage."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tuner.core.study import ComparisonSpec, Point, SearchSpec, StudySpec
from tuner.core.trial import Candidate, Evaluation, Key, Measurement, Observation, Role, Status, Trial, Workload
from tuner.storage import StorageError, Store

REMOTE_OWNER = "elsewhere:1"  # an owner on another host, whose process cannot be checked
ME = f"{socket.gethostname()}:{os.getpid()}"  # this process as an owner


def spec(
    run: str = "run", optimizer: str = "Adam", *, generations: int = 2, population: int = 3, **others: Any
) -> SearchSpec:
    """Return the specification of a search."""
    values: dict[str, Any] = {
        "run": run,
        "workload": Workload("rosenbrock", optimizer, 16, 1, "float64", {"dimensions": 2}, {"name": "none"}),
        "strategy": "paper",
        "seed": 7,
        "generations": generations,
        "population": population,
        "parameters": {"sigmas": [1.0 / (1 + generation) for generation in range(generations)]},
        "steps": (200,) * generations,
        "fresh_seeds": 3,
        "space": {"optimizer": optimizer, "hyperparameters": {"rate": {"scale": "log", "default": 0.1}}},
        "versions": {"numpy": np.__version__},
        "hardware": {"cores": 2, "gpus": []},
    }
    return SearchSpec(**(values | others))


def comparison(
    run: str = "run", optimizer: str = "Adam", *, points: int = 1, seeds: int = 3, **others: Any
) -> ComparisonSpec:
    """Return the specification of a comparison of one or more points."""
    search = spec(run, optimizer)
    values: dict[str, Any] = {
        "run": run,
        "workload": search.workload,
        "space": search.space,
        "versions": search.versions,
        "hardware": search.hardware,
        "seed": search.seed,
        "seeds": seeds,
        "steps": 200,
        "points": tuple(
            Point({"rate": 0.1 + 0.2}, {"depth": 4 * number}, "Momentum" if number else None, float(number))
            for number in range(points)
        ),
        "measurement": Measurement(validate_every=10, seconds=0.1 + 0.2, test_examples=None),
        "source": "tuned by run",
        "sweep": "depth" if points > 1 else None,
    }
    return ComparisonSpec(**(values | others))


def key(slot: int = 0, generation: int = 0, role: Role = Role.SEARCH) -> Key:
    """Return the key of a candidate."""
    return Key(role, generation, slot)


def keys(generations: int = 2, population: int = 3) -> list[Key]:
    """Return all keys of a search in order."""
    return [key(slot, generation) for generation in range(generations) for slot in range(population)]


def candidate(at: Key, rate: float = 0.1, seed: int = 5, steps: int = 200) -> Candidate:
    """Return a candidate with a key."""
    return Candidate((math.log(rate), -2.5), Trial(at, {"rate": rate}, seed, steps))


def evaluation(at: Key, status: Status = Status.FINISHED, **others: Any) -> Evaluation:
    """Return the evaluation of a candidate; its losses depend only on the key."""
    values: dict[str, Any] = {
        "fitness": 0.5 if status is Status.FINISHED else math.inf,
        "losses": losses(at),
        "steps_done": 20,
        "seconds": 0.25,
        "node": "node-1",
        "device": "CPU",
    }
    return Evaluation(at, status, **(values | others))


def losses(at: Key) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return losses that depend only on the key, [20]."""
    return np.random.default_rng([at.generation, at.slot]).normal(size=20)


def observations(at: Key) -> tuple[Observation, ...]:
    """Return observations that depend only on the key."""
    marks = np.random.default_rng([at.generation, at.slot, 1]).normal(size=(3, 2)).tolist()
    return (
        *(
            Observation("validation", 10 * number, 0.5 * number, 0.7 * number, {"loss": loss, "accuracy": accuracy})
            for number, (loss, accuracy) in enumerate(marks)
        ),
        Observation("test", 20, math.nan, math.nan, {"loss": 5e-324}),
    )


def driven(
    store: Store,
    run: str = "run",
    owner: str = REMOTE_OWNER,
    add: Iterable[Key] = (),
    make: Callable[..., StudySpec] = spec,
    **others: Any,
) -> tuple[int, int]:
    """Create a study, acquire it and add candidates with some keys; return its id and epoch."""
    study = store.create_study(make(run, **others)).id
    epoch = store.acquire(study, owner=owner)
    store.add(study, epoch, [candidate(each) for each in add])
    return study, epoch


def stored_values(store: Store, study: int) -> Any:
    """Return all stored values of a study, except the time left of its lease."""
    records = store.candidates(study)
    curves = [store.curve(study, record.key).tobytes() for record in records]
    record = next(each for each in store.studies() if each.id == study)
    return (
        dataclasses.replace(record, lease_left=None),
        records,
        curves,
        store.attempts(study),
        store.late_results(study),
    )


def start_python(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Start Python on a script in which the names of this module and of `tuner.storage` are imported."""
    start = "import sys, time, json\nfrom tests.support.store_values import *\nfrom tuner.storage import *\n"
    return subprocess.Popen(
        [sys.executable, "-c", start + script, *arguments],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )


def assert_one_line(error: StorageError) -> None:
    """Assert that a message is one line without details of SQLAlchemy."""
    assert str(error)
    assert "\n" not in str(error)
    assert "Traceback" not in str(error)
    assert "sqlalche.me" not in str(error)
    assert "[SQL" not in str(error)


def hashes(directory: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a directory by its name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir() if path.is_file()}

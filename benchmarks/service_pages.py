"""How long the service's pages take of a study with 100,000 candidates, and whether its memory stays flat.

    python benchmarks/service_pages.py [--database FILE] [--candidates 100000] [--views 1000]

The database is made through the store, with plausible fitnesses and a tenth of the candidates diverged, unless the file
exists already. The server runs in a process of its own; a page is asked for over loopback, and the time is that of the
first byte and of the whole page.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from tuner.core.study import SearchSpec
from tuner.core.trial import Candidate, Evaluation, Key, Role, Status, Trial, Workload
from tuner.storage import Store

POPULATION = 500
STEPS = 1000
SPACE = {
    "optimizer": "Adam",
    "hyperparameters": {
        "learning_rate": {"scale": "log", "default": 0.001},
        "beta_1": {"scale": "decay", "default": 0.9},
        "beta_2": {"scale": "decay", "default": 0.999},
    },
}


def make_database(path: Path, candidates: int, *, curve: int = 50) -> None:
    """Write a search of generations of POPULATION candidates, and leave it with its driver."""
    generations = candidates // POPULATION
    spec = SearchSpec(
        run="large",
        workload=Workload("rosenbrock", "Adam", 16),
        strategy="genetic",
        seed=0,
        generations=generations + 1,
        population=POPULATION,
        parameters={},
        steps=(STEPS,) * (generations + 1),
        fresh_seeds=8,
        space=SPACE,
    )
    random = np.random.default_rng(0)
    with Store.open(str(path)) as store:
        study = store.create_study(spec).id
        epoch = store.acquire(study, owner="elsewhere:1", lease_seconds=3600)
        for generation in range(generations):
            keys = [Key(Role.SEARCH, generation, slot) for slot in range(POPULATION)]
            rates = np.exp(random.normal(-5, 2, POPULATION))
            store.add(
                study,
                epoch,
                [
                    Candidate(
                        (float(np.log(rate)), 0.1, 0.2),
                        Trial(key, {"learning_rate": float(rate), "beta_1": 0.9, "beta_2": 0.999}, 7, STEPS),
                    )
                    for key, rate in zip(keys, rates, strict=True)
                ],
            )
            store.record(study, epoch, [_evaluation(key, random, generation, curve) for key in keys])


def _evaluation(key: Key, random: np.random.Generator, generation: int, curve: int) -> Evaluation:
    diverged = random.random() < 0.1
    at = int(random.integers(1, STEPS))
    return Evaluation(
        key,
        Status.DIVERGED if diverged else Status.FINISHED,
        math.inf if diverged else float(np.exp(random.normal(-generation / 50, 1))),
        random.normal(size=curve).astype(np.float32),
        at if diverged else STEPS,
        0.01,
        node="node-1",
        device="CPU",
        reason=f"loss was nan at evaluation {at}" if diverged else "",
    )

"""Records for tests: a small search of 2 generations × 4 candidates, and possible results of it."""

import math
from dataclasses import replace

from tuner.core.study import CandidateRecord, ComparisonSpec, Point, SearchSpec, StudyRecord, StudyStatus
from tuner.core.trial import Key, Measurement, Role, Status, Workload

ADAM = {
    "optimizer": "Adam",
    "hyperparameters": {
        "learning_rate": {"scale": "log", "default": 0.001},
        "beta_1": {"scale": "decay", "default": 0.9},
        "beta_2": {"scale": "decay", "default": 0.999},
    },
}
MOMENTUM = {
    "optimizer": "Momentum",
    "hyperparameters": {
        "learning_rate": {"scale": "log", "default": 0.01},
        "momentum": {"scale": "decay", "default": 0.0},
    },
}
RMSPROP = {
    "optimizer": "RMSprop",
    "hyperparameters": {
        "learning_rate": {"scale": "log", "default": 0.001},
        "rho": {"scale": "decay", "default": 0.9},
        "momentum": {"scale": "decay", "default": 0.0},
    },
}
YOGI = {**ADAM, "optimizer": "Yogi"}
LODO = {
    "optimizer": "LODO",
    "hyperparameters": {
        "initial_learning_rate": {"scale": "log", "default": 1.0},
        "meta_learning_rate": {"scale": "log", "default": 0.001},
        "momentum": {"scale": "decay", "default": 0.9},
    },
}

TUNED = {
    "Adam": {"learning_rate": 0.0123456789, "beta_1": 0.75, "beta_2": 0.99987654},
    "Momentum": {"learning_rate": 0.05, "momentum": 0.85},
    "RMSprop": {"learning_rate": 7.95e-6, "rho": 0.97, "momentum": 0.5},
    "Yogi": {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.995},
    "LODO": {"initial_learning_rate": 0.0846, "meta_learning_rate": 7.95e-6, "momentum": 0.934},
}


def spec(space=ADAM, *, steps=(100, 200), population=4, **fields):
    """Return a search's specification; one generation per budget of `steps`."""
    fields = {"run": "first", "strategy": "paper", "seed": 0, "fresh_seeds": 3, "task": "rosenbrock", **fields}
    task = fields.pop("task")
    workload = Workload(task=task, optimizer=space["optimizer"], cohort_size=16, options=fields.pop("options", {}))
    return SearchSpec(
        workload=replace(workload, data=fields.pop("data", None)),
        generations=len(steps),
        population=population,
        parameters={"sigmas": [3.0 / (number + 1) for number in range(len(steps))]},
        steps=tuple(steps),
        space=space,
        versions={"lodo-tune": "0.1.0", "tensorflow": "2.21.0"},
        hardware={"processor": "two cores", "cores": 2},
        **fields,
    )


def comparison_spec(space=ADAM, *, run="second", steps=300, seeds=4, points=None, measurement=None, **fields):
    """Return a comparison's specification; its point is the defaults unless points are given."""
    search = spec(space, run=run, **{name: fields.pop(name) for name in ("task", "options", "data") if name in fields})
    defaults = {name: entry["default"] for name, entry in space["hyperparameters"].items()}
    return ComparisonSpec(
        run=run,
        workload=search.workload,
        space=search.space,
        versions=search.versions,
        hardware=search.hardware,
        seed=0,
        seeds=seeds,
        steps=steps,
        points=points or (Point(defaults),),
        measurement=measurement or Measurement(),
        **{"source": "tuned by first", **fields},
    )


def study(of=None, *, tuned=True, **fields):
    """Return a study's record: complete, with a tuned point by default."""
    of = of or spec()
    values = {
        "id": 1,
        "status": StudyStatus.COMPLETE,
        "created_at": "2026-11-24T19:20:11.123+00:00",
        "finished_at": "2026-11-24T19:21:11.123+00:00",
        "tuned": TUNED.get(of.workload.optimizer, TUNED["Adam"]) if tuned else None,
        "tuned_genome": (0.0,) * len(of.space["hyperparameters"]) if tuned else None,
        "notes": (),
        "counts": dict.fromkeys(Status, 0) | {Status.FINISHED: of.due},
        "owner": None,
        "lease_left": None,
    }
    return StudyRecord(spec=of, **(values | fields))


def run(role, generation, slot, outcome, *, steps=200, seconds=0.5, reason=""):
    """Return a candidate with an outcome: a fitness (finished), or the status of one that did not finish."""
    fitness = outcome if isinstance(outcome, float) else None
    status = outcome if isinstance(outcome, Status) else Status.FINISHED
    if fitness is None and status.is_final:
        fitness = math.inf
    return CandidateRecord(
        key=Key(role, generation, slot),
        genome=(0.0, 0.0, 0.0),
        hyperparameters={"learning_rate": 0.01 * (slot + 1), "beta_1": 0.9, "beta_2": 0.999},
        seed=slot,
        steps=steps,
        status=status,
        attempts=1,
        fitness=fitness,
        steps_done=steps if status is Status.FINISHED else 17 if status.is_final else 0,
        seconds=seconds if status.is_final else 0.0,
        node="here",
        device="CPU:0",
        reason=reason,
        error="",
    )


def search(of, *generations):
    """Return the candidates of a search: one sequence of outcomes per generation, in slot order."""
    return [
        run(Role.SEARCH, number, slot, outcome, steps=of.steps[number])
        for number, outcomes in enumerate(generations)
        for slot, outcome in enumerate(outcomes)
    ]


def fresh(default, tuned, steps=200):
    """Return the candidates on fresh seeds from the outcomes of the defaults and the tuned point, in order of seeds."""
    return [
        run(role, 0, slot, outcome, steps=steps)
        for role, outcomes in ((Role.DEFAULT, default), (Role.TUNED, tuned))
        for slot, outcome in enumerate(outcomes)
    ]

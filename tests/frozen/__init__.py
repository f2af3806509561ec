"""Databases as each version of the schema left them, which every later version must read and bring up to date.

    python -m tests.frozen VERSION    # writes VERSION.db and VERSION.sql here, once, when a schema is released

`fill` makes what they hold; it must go on making the same of a version, but for times.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from search_spaces import build
from tests.support.store_values import (
    REMOTE_OWNER,
    candidate,
    comparison,
    driven,
    evaluation,
    key,
    keys,
    observations,
    spec,
)
from tuner.core.objective_text import parse
from tuner.core.requests import Cost, Desired
from tuner.core.study import SearchSpec, StudyStatus, TaskPart
from tuner.core.trial import MILESTONES, RUNNING, Candidate, Key, Observation, Role, Status, Trial, Workload
from tuner.storage import ServiceStore

FOLDER = Path(__file__).parent


def fill(store: ServiceStore, version: str) -> None:
    """Make one study that is complete and one that was interrupted, with every outcome and a lost attempt.

    From 0002 on also a comparison that is complete; from 0004 on a study with a fingerprint of code; from 0005 on
    a complete search on two tasks; from 0007 on a run that was submitted and paused, and a token; from 0008 on a search
    on a training function; from 0009 on one that has a pruned candidate.
    """
    study, epoch = driven(store, "complete", add=keys())
    for place in keys():
        store.start_attempt(study, epoch, [place], 1, "node-1", 17)
    store.record(study, epoch, [evaluation(place) for place in keys()])
    store.finish(study, epoch, tuned={"rate": 0.25}, tuned_genome=[-1.3862943611198906, -2.5])
    fresh = [Key(role, 0, 0) for role in (Role.DEFAULT, Role.TUNED)]
    store.add(study, epoch, [candidate(place) for place in fresh])
    store.record(study, epoch, [evaluation(place) for place in fresh])
    store.release(study, epoch, StudyStatus.COMPLETE)
    study, epoch = driven(store, "interrupted", add=keys())
    store.start_attempt(study, epoch, [key(0), key(1)], 1, "node-1", 17)
    store.end_attempt(study, epoch, [key(1)], 1, "worker crashed", "Traceback …")
    store.record(study, epoch, [evaluation(key(0)), evaluation(key(2), Status.DIVERGED, reason="loss was nan")])
    store.record(study, epoch, [evaluation(key(0, 1), Status.FAILED, losses=[], steps_done=0, error="é\n✓")])
    store.record(study, epoch, [evaluation(key(1, 1), Status.TIMED_OUT, reason="timed out after 9 s")])
    store.add_note(study, epoch, "a whole generation diverged")
    store.release(study, epoch, StudyStatus.INTERRUPTED)
    if version >= "0002":
        places = [key(slot, generation, Role.COMPARISON) for generation in range(2) for slot in range(3)]
        study, epoch = driven(store, "contest", add=places, make=comparison, points=2)
        store.record(study, epoch, [evaluation(place, observations=observations(place)) for place in places])
        store.release(study, epoch, StudyStatus.COMPLETE)
    if version >= "0004":
        code = {"task": {"files": {"(main)": "ab" * 32, "helpers": "cd" * 32}, "numbers": None}}
        workload = replace(spec().workload, task="own.py:Own", code=code)
        study, epoch = driven(store, "own", add=keys(), workload=workload)
        store.release(study, epoch, StudyStatus.INTERRUPTED)
    if version >= "0005":
        options = {"dimensions": 3}
        other = replace(spec().workload, task="noisy-quadratic-bowl", cohort_size=1, options=options, data=None)
        fresh = [key(slot, task, role) for role in (Role.DEFAULT, Role.TUNED) for task in range(2) for slot in range(3)]
        places = [*keys(generations=4), *fresh]
        study, epoch = driven(store, "both", add=places, further=(TaskPart(other, (100, 400)),))
        store.record(study, epoch, [evaluation(place) for place in places])
        store.finish(study, epoch, tuned={"rate": 0.25}, tuned_genome=[-1.3862943611198906, -2.5])
        store.release(study, epoch, StudyStatus.COMPLETE)
    if version >= "0007":
        cost = Cost(studies=1, candidates=48, evaluations=4_800, width=2, rounds={"rosenbrock/Adam": 480})
        fields = {"task": ["rosenbrock"], "optimizers": ["Adam"], "steps": [100], "seed": 3}
        store.submit("submitted", by="ann", fields=fields, cost=cost, is_private=True, weight=2.0)
        store.ask("submitted", Desired.PAUSE, by="ann")
        store.create_token(user="ann", sha256="ab" * 32, scopes=["read", "submit"], by="operator", weight=2.0)
    if version >= "0008":
        study = store.create_study(of_function()).id
        epoch = store.acquire(study, owner=REMOTE_OWNER)
        values: list[dict[str, Any]] = [
            {"rate": 0.1, "layers": 3, "act": "gelu", "bias": True, "mode": "x"},
            {"rate": 1e-5, "layers": 1, "act": "relu", "bias": None, "mode": "x"},
        ]
        tried = [Candidate((-2.3, 8.0, 9.0, 9.0), Trial(key(at), each, 5, 10)) for at, each in enumerate(values)]
        store.add(study, epoch, tried)
        printed = {"losses": [], "observations": observations(key(0)), "output": "epoch 1\n✓\n"}
        store.record(study, epoch, [evaluation(key(0), **printed), evaluation(key(1), losses=[])])
        store.finish(study, epoch, tuned=values[1], tuned_genome=[-11.5, 2.0, 3.0, 3.0])
        store.release(study, epoch, StudyStatus.INTERRUPTED)
    if version >= "0009":
        study, epoch = driven(
            store, "pruned", add=keys(), strategy="genetic", parameters={"sigmas": [1.0, 1.0], "pruning": 1.5}
        )
        reached = Observation(MILESTONES, 2, math.nan, math.nan, {RUNNING: 0.75})
        store.record(study, epoch, [replace(evaluation(key(0)), observations=(reached,))])
        ended = evaluation(key(1), Status.PRUNED, steps_done=2, losses=[1.0, 0.5], reason="loss was 0.75")
        store.record(study, epoch, [replace(ended, observations=(reached,))])
        store.release(study, epoch, StudyStatus.INTERRUPTED)


def of_function() -> SearchSpec:
    """Return the specification of a search on a training function, with hyperparameters of every kind."""
    space = build.space(
        rate=build.log(1e-3),
        layers=build.integer(2, low=1, high=3),
        act=build.choice("relu", "gelu"),
        bias=build.choice(False, True, only_when={"act": "gelu"}),
        mode="x",
    )
    code = {"function": {"files": {"(main)": "ef" * 32}}}
    workload = Workload("own.py:train", "train", 1, code=code, objective=parse("validation.loss"))
    layout = {**space.to_dict(), "optimizer": "train"}
    return replace(spec("function"), workload=workload, space=layout, strategy="genetic", population=2, steps=(10, 10))


def contents(store: ServiceStore) -> list[Any]:
    """Return all that `fill` has made, but for times."""
    found: list[Any] = []
    for study in store.studies():
        spec = replace(study.spec, versions={}, hardware={})
        found.append(store.milestones(study.id))
        found.append((spec, study.status, study.tuned, study.tuned_genome, study.notes))
        for record in store.candidates(study.id):
            tries = [(each.number, each.node, each.reason, each.error) for each in store.attempts(study.id, record.key)]
            output = store.output(study.id, record.key)
            found.append((record, store.curve(study.id, record.key).tolist(), output, tries))
        for run in store.seed_runs(study.id):
            for split, series in sorted(run.series.items()):
                clocks = [series.evaluations.tobytes(), series.seconds.tobytes(), series.elapsed.tobytes()]
                found.append((split, clocks, {name: numbers.tobytes() for name, numbers in series.metrics.items()}))
    for request in store.requests():
        reason = request.reason.replace("asked to pause", "pause requested")  # as it was worded before
        found.append(replace(request, created_at="", changed_at="", reason=reason))
    for token in store.tokens():
        found.append(replace(token, created_at=""))
    for line in store.trail():
        found.append(replace(line, at=""))
    return found

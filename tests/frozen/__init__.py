"""Databases as each version of the schema left them, which every later version must read and bring up to date.

    python -m tests.frozen VERSION    # writes VERSION.db and VERSION.sql here, once, when a schema is released

`fill` makes what they hold; it must go on making the same of a version, but for times.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support.store_values import candidate, comparison, driven, evaluation, key, keys, observations, spec
from tuner.core.requests import Cost, Desired
from tuner.core.study import StudyStatus, TaskPart
from tuner.core.trial import Key, Role, Status
from tuner.storage import ServiceStore

FOLDER = Path(__file__).parent


def fill(store: ServiceStore, version: str) -> None:
    """Make one study that is complete and one that was interrupted, with every outcome and a lost attempt.

    From 0002 on also a comparison that is complete; from 0004 on a study with a fingerprint of code; from 0005 on
    a complete search on two tasks; from 0007 on a run that was submitted and paused, and a token.
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


def contents(store: ServiceStore) -> list[Any]:
    """Return all that `fill` has made, but for times."""
    found: list[Any] = []
    for study in store.studies():
        spec = replace(study.spec, versions={}, hardware={})
        found.append((spec, study.status, study.tuned, study.tuned_genome, study.notes))
        for record in store.candidates(study.id):
            tries = [(each.number, each.node, each.reason, each.error) for each in store.attempts(study.id, record.key)]
            found.append((record, store.curve(study.id, record.key).tolist(), tries))
        for run in store.seed_runs(study.id):
            for split, series in sorted(run.series.items()):
                clocks = [series.evaluations.tobytes(), series.seconds.tobytes(), series.elapsed.tobytes()]
                found.append((split, clocks, {name: numbers.tobytes() for name, numbers in series.metrics.items()}))
    for request in store.requests():
        found.append(replace(request, created_at="", changed_at=""))
    for token in store.tokens():
        found.append(replace(token, created_at=""))
    for line in store.trail():
        found.append(replace(line, at=""))
    return found

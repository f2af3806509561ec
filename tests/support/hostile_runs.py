"""A database whose every text is hostile to a page: markup, directions of writing, 200 characters without a space."""

from __future__ import annotations

import math

from tests.support.report_values import HOSTILE
from tests.support.store_values import candidate, evaluation, key, spec
from tuner.core.trial import Observation, Role, Status, Trial, Workload
from tuner.storage import Store

LONG = "x" * 200
RTL = "\u202e\u05d0\u05d1\u05d2 \u0661\u0662\u0663"
TEXTS = (HOSTILE, LONG, RTL)
MARKERS = ("<script>hacked", "<img src=x", "\u202e", "onerror='")  # none may be in the text of a page


def fill(store: Store, run: str = "hostile") -> int:
    """Write a search that is under way; return the id of its study."""
    rate = f"rate<script>hacked=1</script>{'y' * 30}"
    space = {"optimizer": "Adam", "hyperparameters": {"learning_rate": {"scale": "log", "default": 0.1}}}
    task = f"file.py:{HOSTILE[:60]}{LONG[:120]}"
    workload = Workload(task, "Adam", 16, options={f"option {HOSTILE}": HOSTILE}, data={"name": HOSTILE})
    of = spec(run, generations=2, population=4, space=space, workload=workload)
    study = store.create_study(of).id
    epoch = store.acquire(study, owner=f"host-{LONG[:60]}:1", lease_seconds=3600)
    for slot, text in enumerate((*TEXTS, "")):
        one = candidate(key(slot))
        trial = Trial(one.key, {"learning_rate": 0.1, rate: 0.1 * (slot + 1)}, 2**63 - 1 - slot, 200)
        store.add(study, epoch, [type(one)((0.5,), trial)])
        store.start_attempt(study, epoch, [one.key], 1, f"node {text}"[:200], 7)
        ended = {
            "reason": text,
            "error": f"Traceback\n  {text}",
            "attempt": 1,
            "node": text[:200],
            "device": text[:200],
        }
        status = Status.FAILED if text else Status.FINISHED
        store.record(study, epoch, [evaluation(one.key, status, **ended)])
        store.add_note(study, epoch, f"a note {text}")
    default = key(0, role=Role.DEFAULT)
    store.add(study, epoch, [type(one)((0.5,), Trial(default, {"learning_rate": 0.1, rate: 0.1}, 1, 200))])
    observation = Observation("validation", 1, math.nan, math.nan, {"loss": 1.0})
    store.record(study, epoch, [evaluation(default, observations=(observation,))])
    return study

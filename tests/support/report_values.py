"""A database with two searches and two comparisons, for the tests of reports."""

import math

import numpy as np

from search_spaces.space import SearchSpace
from tests.support.builders import ADAM, LODO, comparison_spec, spec
from tuner.core.study import StudyStatus
from tuner.core.trial import Candidate, Evaluation, Key, Measurement, Observation, Role, Status, Trial
from tuner.storage import Store, this_process

HOSTILE = "<script>hacked=1</script><img src=x onerror='hacked=2'>\"&amp; ‮"
SEEDS = 4


def searched(store: Store, space, **fields) -> None:
    """Store a complete search of two generations; one candidate diverged, one failed with markup in its message."""
    of = spec(space, steps=(100, 200), fresh_seeds=2, **fields)
    dimensions = SearchSpace.from_dict(space)
    middle = dimensions.default_genome()
    study = store.create_study(of)
    epoch = store.acquire(study.id, owner=this_process())
    draw = np.random.default_rng(0)
    for role, generations, slots in ((Role.SEARCH, 2, 4), (Role.DEFAULT, 1, 2), (Role.TUNED, 1, 2)):
        for generation in range(generations):
            for slot in range(slots):
                genome = middle if role is not Role.SEARCH else np.minimum(middle + draw.normal(size=len(middle)), 0)
                steps = of.steps[generation if role is Role.SEARCH else -1]
                trial = Trial(Key(role, generation, slot), dimensions.decode(genome), slot, steps)
                store.add(study.id, epoch, [Candidate(tuple(genome.tolist()), trial)])
                store.record(study.id, epoch, [_outcome(trial, draw)])
    store.add_note(study.id, epoch, f"a note {HOSTILE}")
    store.finish(study.id, epoch, tuned=dimensions.decode(middle), tuned_genome=middle.tolist())
    store.release(study.id, epoch, StudyStatus.COMPLETE)


def _outcome(trial: Trial, draw: np.random.Generator) -> Evaluation:
    if trial.key == Key(Role.SEARCH, 0, 1):
        return Evaluation(trial.key, Status.DIVERGED, math.inf, [1.0, math.nan], 2, 0.1, reason="loss was nan")
    if trial.key == Key(Role.SEARCH, 1, 3):
        error = f"Traceback:\n  File {HOSTILE}\n    raise"
        return Evaluation(trial.key, Status.FAILED, math.inf, [], 0, 0.1, reason=HOSTILE, error=error)
    losses = draw.lognormal(size=trial.steps)
    return Evaluation(trial.key, Status.FINISHED, float(losses[-10:].mean()), losses, trial.steps, 0.1, node=HOSTILE)


def compared(store: Store, space, level: float) -> None:
    """Store a complete comparison of one optimizer on a few seeds."""
    dimensions = SearchSpace.from_dict(space)
    of = comparison_spec(space, seeds=SEEDS, measurement=Measurement(100, None, None))
    study = store.create_study(of)
    epoch = store.acquire(study.id, owner=this_process())
    draw = np.random.default_rng(1)
    for slot in range(SEEDS):
        trial = Trial(Key(Role.COMPARISON, 0, slot), dimensions.defaults(), slot, 300)
        losses = level * draw.lognormal(size=300)
        observations = [Observation("validation", at, math.nan, math.nan, {"loss": level}) for at in (0, 100, 200, 300)]
        observations.append(Observation("floor", 0, 0.0, 0.0, {"loss": 0.5}))
        store.add(study.id, epoch, [Candidate((), trial)])
        outcome = Evaluation(
            trial.key, Status.FINISHED, float(losses[-30:].mean()), losses, 300, 0.2, observations=tuple(observations)
        )
        store.record(study.id, epoch, [outcome])
    store.release(study.id, epoch, StudyStatus.COMPLETE)


def database(path) -> str:
    """Make a database with the search first/Adam, first/LODO and the comparison second/Adam, second/LODO."""
    with Store.open(str(path)) as store:
        searched(store, ADAM)
        searched(store, LODO)
        compared(store, ADAM, 3.0)
        compared(store, LODO, 1.0)
    return str(path)

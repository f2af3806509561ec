"""Conformance suite of executors: checks that take a factory of executors.

A check calls `make(train=..., **options)` for an open executor. The tests run all checks on each executor, and on
executors that are broken on purpose.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.support.fake_training import (
    CHUNK,
    Act,
    expected_fitness,
    expected_losses,
    expected_observations,
    trial,
    workload,
)
from tuner.core.events import AttemptEnded, AttemptStarted, Progress
from tuner.core.trial import Evaluation, Milestone, Status, Trial, Workload

Make = Callable[..., Any]
FAKE = "tests.support.fake_training:"


def run(executor: Any, one: Workload, trials: Sequence[Trial]) -> tuple[list[Any], dict[int, Evaluation]]:
    """Return all events, and the evaluations by slot; check the rules that hold for any run."""
    events = list(executor.evaluate(one, trials, label="fake/Adam/g03"))
    check_order(events, trials)
    return events, {event.key.slot: event for event in events if isinstance(event, Evaluation)}


def check_order(events: Sequence[Any], trials: Sequence[Trial]) -> None:
    evaluations = Counter(event.key for event in events if isinstance(event, Evaluation))
    assert evaluations == Counter(one.key for one in trials), "exactly one evaluation per trial"
    begun: set[tuple[Any, int]] = set()
    steps: dict[tuple[Any, int], int] = {}
    final = set()
    for event in events:
        if isinstance(event, AttemptStarted):
            started = {(key, event.attempt) for key in event.keys}
            assert not started & begun, "an attempt starts once"
            begun |= started
        elif isinstance(event, Evaluation):
            assert (event.key, event.attempt) in begun, "an evaluation follows the start of its attempt"
            assert event.status.is_final
            assert math.isfinite(event.fitness) == (event.status is Status.FINISHED)
            assert all(math.isfinite(loss) for loss in event.losses[:-1]), (
                "the curve ends with the first loss that is not finite"
            )
            assert "\n" not in event.reason
            assert len(event.reason) <= 300
            assert len(event.error.encode()) <= 4096
            final.add(event.key)
        else:
            assert isinstance(event, AttemptEnded | Progress)
            assert event.keys, "an event names its candidates"
            assert not final & set(event.keys), "no event of a candidate follows its evaluation"
            assert all((key, event.attempt) in begun for key in event.keys), "an event follows the start of its attempt"
            for key in event.keys if isinstance(event, Progress) else ():
                assert event.steps_done > steps.get((key, event.attempt), 0), "the steps of progress increase"
                steps[key, event.attempt] = event.steps_done


def each_candidate_has_its_own_fitness_and_complete_curve(make: Make) -> None:
    trials = [trial(slot) for slot in range(7)]
    events, evaluations = run(make(train=FAKE + "train"), workload(), trials)
    for one in trials:
        evaluation = evaluations[one.key.slot]
        assert evaluation.status is Status.FINISHED
        assert evaluation.fitness == expected_fitness(one)
        assert tuple(evaluation.losses) == tuple(expected_losses(one))
        assert (evaluation.steps_done, evaluation.attempt, evaluation.device) == (one.steps, 1, "fake")
        assert evaluation.node
    assert sum(isinstance(event, Progress) for event in events) == len(trials) * trials[0].steps // CHUNK


def full_and_partial_cohorts_give_the_results_of_single_runs(make: Make) -> None:
    trials = [trial(slot) for slot in range(6)]
    _, evaluations = run(make(train=FAKE + "train"), workload(cohort_size=4), trials)
    assert {slot: e.fitness for slot, e in evaluations.items()} == {t.key.slot: expected_fitness(t) for t in trials}
    assert all(tuple(evaluations[t.key.slot].losses) == tuple(expected_losses(t)) for t in trials)


def the_observations_of_a_lane_are_those_of_its_candidate(make: Make) -> None:
    trials = [trial(slot) for slot in range(4)]
    trials[2] = trial(2, Act.RAISE)
    _, evaluations = run(make(train=FAKE + "measured"), workload(cohort_size=3), trials)
    for one in trials:
        observations = evaluations[one.key.slot].observations
        assert observations == tuple(expected_observations(one)[: None if one is not trials[2] else 1])
    assert all(type(number) is float for one in evaluations.values() for number in one.observations[0].metrics.values())


def a_pruned_candidate_keeps_what_it_reached_and_is_not_tried_again(make: Make) -> None:
    ceilings = ((CHUNK, 10.0), (2 * CHUNK, 0.0), (3 * CHUNK, 0.0))
    limited, unlimited = (
        tuple(Milestone(step, max(ceiling, least)) for step, ceiling in ceilings) for least in (0.0, math.inf)
    )
    trials = [replace(trial(0), milestones=limited), replace(trial(1), milestones=unlimited)]
    events, evaluations = run(make(train=FAKE + "pruned"), workload(), trials)
    ended, other = evaluations[0], evaluations[1]
    assert (ended.status, ended.fitness, ended.attempt, ended.steps_done) == (Status.PRUNED, math.inf, 1, 2 * CHUNK)
    assert (ended.reason, ended.error) == ("no use", "")
    losses = expected_losses(trials[0])
    assert tuple(ended.losses) == tuple(losses[: 2 * CHUNK])
    assert ended.milestones == tuple((done, losses[done - 1]) for done in (CHUNK, 2 * CHUNK))
    assert (other.status, other.fitness) == (Status.FINISHED, expected_fitness(trials[1]))
    assert [done for done, _ in other.milestones] == [CHUNK, 2 * CHUNK, 3 * CHUNK]
    assert not any(isinstance(event, AttemptEnded) for event in events)


def an_exception_fails_only_its_own_candidate_of_a_cohort(make: Make) -> None:
    trials = [trial(0), trial(1, Act.RAISE), trial(2), trial(3)]
    events, evaluations = run(make(train=FAKE + "train"), workload(cohort_size=4), trials)
    assert [evaluations[slot].status for slot in range(4)] == [
        Status.FINISHED, Status.FAILED, Status.FINISHED, Status.FINISHED,
    ]  # fmt: skip
    failed = evaluations[1]
    assert failed.reason == "ValueError: slot 1 failed"
    assert "slot 1 failed" in failed.error
    assert "misbehave" in failed.error
    assert tuple(failed.losses) == tuple(expected_losses(trials[1])[:CHUNK])
    assert failed.steps_done == CHUNK
    assert evaluations[0].fitness == expected_fitness(trials[0])
    assert [evaluations[slot].attempt for slot in range(4)] == [2] * 4
    ends = [(event.keys, event.reason) for event in events if isinstance(event, AttemptEnded)]
    all_keys = tuple(one.key for one in trials)
    assert ends == [
        (all_keys, "split after: ValueError: slot 1 failed"),
        ((trials[1].key,), "ValueError: slot 1 failed"),
    ]


def a_single_candidate_that_raises_is_not_retried(make: Make) -> None:
    events, evaluations = run(make(train=FAKE + "train"), workload(), [trial(0, Act.RAISE)])
    assert evaluations[0].attempt == 1
    assert sum(isinstance(event, AttemptEnded) for event in events) == 1


def unusual_exceptions_fail_their_candidate(make: Make) -> None:
    acts = [Act.UNPICKLABLE, Act.HUGE, Act.CYCLIC, Act.MUTE, Act.BASE, Act.SYS_EXIT, Act.DEEP]
    _, evaluations = run(make(train=FAKE + "train"), workload(), [trial(i, act) for i, act in enumerate(acts)])
    assert {e.status for e in evaluations.values()} == {Status.FAILED}
    reasons = [evaluations[slot].reason for slot in range(len(acts))]
    assert reasons[0] == "UnpicklableError: one"
    assert reasons[1].startswith("ValueError: xxx")
    assert reasons[2] == "ValueError: first"
    assert reasons[3] == "MuteError: (its message cannot be shown)"
    assert reasons[4] == "Drastic: not an Exception�?"  # characters that a database cannot store are replaced
    assert reasons[5] == "SystemExit: 3"
    assert reasons[6].startswith("RecursionError: maximum recursion depth exceeded")
    assert all(e.error for e in evaluations.values())


def a_fitness_of_another_type_fails_and_one_that_is_not_finite_diverges(make: Make) -> None:
    _, evaluations = run(make(train=FAKE + "odd_fitness"), workload(), [trial(slot) for slot in range(11)])
    diverged, finished = {0, 1, 2}, {3, 7}
    for slot, evaluation in evaluations.items():
        expected = (
            Status.DIVERGED if slot in diverged else Status.FINISHED if slot in finished else Status.FAILED
        )  # fmt: skip
        assert evaluation.status is expected, f"slot {slot}"
    assert evaluations[0].reason == "fitness was nan"
    assert evaluations[3].fitness == 1e308
    assert "'0.5'" in evaluations[4].reason
    assert type(evaluations[7].fitness) is float


def invalid_values_fail_their_candidate(make: Make) -> None:
    _, evaluations = run(make(train=FAKE + "odd_values"), workload(), [trial(slot) for slot in range(7)])
    assert {evaluation.status for evaluation in evaluations.values()} == {Status.FAILED}
    assert "Received: str" in evaluations[0].reason
    assert "[evaluations, 1]" in evaluations[1].reason


def the_curve_of_a_diverged_candidate_ends_with_the_loss_that_is_not_finite(make: Make) -> None:
    trials = [trial(0), trial(1, Act.NAN)]
    _, evaluations = run(make(train=FAKE + "train"), workload(cohort_size=2), trials)
    assert evaluations[1].status is Status.DIVERGED
    assert len(evaluations[1].losses) == CHUNK + 3
    assert math.isnan(evaluations[1].losses[-1])
    assert tuple(evaluations[0].losses) == tuple(expected_losses(trials[0]))


def training_that_ends_without_an_evaluation_fails(make: Make) -> None:
    _, evaluations = run(make(train=FAKE + "silent"), workload(), [trial(0)])
    assert evaluations[0].status is Status.FAILED
    assert "without an evaluation" in evaluations[0].reason


def an_import_error_of_the_training_function_fails_every_candidate(make: Make) -> None:
    _, evaluations = run(make(train="no_such_module:train"), workload(cohort_size=2), [trial(0), trial(1)])
    assert {evaluation.status for evaluation in evaluations.values()} == {Status.FAILED}
    assert evaluations[0].reason == "ModuleNotFoundError: No module named 'no_such_module'"


def a_long_curve_is_returned_completely(make: Make) -> None:
    steps = 100_000  # 1.6 MB for the two lanes, in one piece
    _, evaluations = run(make(train=FAKE + "long_curve"), workload(cohort_size=2), [trial(0, steps=steps)])
    assert np.array_equal(evaluations[0].losses, np.arange(0, 2 * steps, 2))


def the_events_of_two_calls_can_be_read_alternately(make: Make) -> None:
    executor = make(train=FAKE + "train")
    groups = [[trial(slot, generation=generation) for slot in range(5)] for generation in (0, 1)]
    iterators = [executor.evaluate(workload(), group, label=f"fake/Adam/g{i:02d}") for i, group in enumerate(groups)]
    events: list[list[Any]] = [[], []]
    while any(iterators):
        for index, iterator in enumerate(iterators):
            event = next(iterator, None) if iterator else None
            if event is None:
                iterators[index] = None  # type: ignore[call-overload]
            else:
                events[index].append(event)
    for group, received in zip(groups, events, strict=True):
        check_order(received, group)


def cancel_ends_the_iterator_and_the_executor_stays_usable(make: Make) -> None:
    executor = make(train=FAKE + "train")
    trials = [trial(slot, Act.WAIT) for slot in range(8)]
    iterator = executor.evaluate(workload(), trials, label="fake/Adam/g03")
    events = [next(iterator)]
    executor.cancel()
    events += iterator
    assert sum(isinstance(event, Evaluation) for event in events) < len(trials)
    _, evaluations = run(executor, workload(), [trial(0)])
    assert evaluations[0].status is Status.FINISHED


def an_iterator_can_be_closed_early(make: Make) -> None:
    executor = make(train=FAKE + "train")
    iterator = executor.evaluate(workload(), [trial(0, Act.WAIT), trial(1)], label="fake/Adam/g03")
    next(iterator)
    iterator.close()
    _, evaluations = run(executor, workload(), [trial(0)])
    assert evaluations[0].fitness == expected_fitness(trial(0))


def no_trials_yield_no_events(make: Make) -> None:
    assert list(make(train=FAKE + "train").evaluate(workload(), [], label="fake/Adam/g03")) == []


def a_duplicate_key_is_refused(make: Make) -> None:
    executor = make(train=FAKE + "train")
    with pytest.raises(ValueError, match="Received twice"):
        executor.evaluate(workload(), [trial(0), trial(0)], label="fake/Adam/g03")


def a_timeout_of_zero_is_refused(make: Make) -> None:
    with pytest.raises(ValueError, match="Received: 0"):
        make(train=FAKE + "train", timeout=0)


def a_candidate_that_timed_out_keeps_its_curve_so_far(make: Make) -> None:
    trials = [trial(0), trial(1)]  # the first of four chunks is there at once, the third after two seconds
    _, evaluations = run(make(train=FAKE + "pausing", timeout=1.8), workload(cohort_size=2), trials)
    for one in trials:
        evaluation = evaluations[one.key.slot]
        assert evaluation.status is Status.TIMED_OUT
        assert evaluation.reason == "timed out after 1.8 s"
        assert tuple(evaluation.losses[:CHUNK]) == tuple(expected_losses(one)[:CHUNK])
        assert len(evaluation.losses) < one.steps


def an_executor_can_be_closed_twice(make: Make) -> None:
    with make(train=FAKE + "train") as executor:
        executor.close()


def with_a_limit_of_zero_running_cohorts_end_and_no_other_begins_until_it_is_lifted(make: Make) -> None:
    executor, trials = make(train=FAKE + "train"), [trial(slot) for slot in range(8)]
    batch, events = executor.submit(workload(), trials, label="fake/Adam/g03"), []
    while not any(isinstance(event, Evaluation) for event in events):
        executor.poll()
        events += batch.take()
    executor.limit(0)
    while executor.busy:
        executor.poll()
    for _ in range(3):
        executor.poll()
    events += batch.take()
    begun = {key for event in events if isinstance(event, AttemptStarted) for key in event.keys}
    ended = {event.key for event in events if isinstance(event, Evaluation)}
    assert begun == ended, "what was begun has ended"
    assert len(ended) < len(trials), "no further cohort was begun"
    assert executor.workers == 0, "the workers are given back"
    executor.limit(None)
    while batch.is_open:
        executor.poll()
    check_order(events + batch.take(), trials)


CHECKS: tuple[Callable[[Make], None], ...] = (
    each_candidate_has_its_own_fitness_and_complete_curve,
    full_and_partial_cohorts_give_the_results_of_single_runs,
    the_observations_of_a_lane_are_those_of_its_candidate,
    a_pruned_candidate_keeps_what_it_reached_and_is_not_tried_again,
    an_exception_fails_only_its_own_candidate_of_a_cohort,
    a_single_candidate_that_raises_is_not_retried,
    unusual_exceptions_fail_their_candidate,
    a_fitness_of_another_type_fails_and_one_that_is_not_finite_diverges,
    invalid_values_fail_their_candidate,
    the_curve_of_a_diverged_candidate_ends_with_the_loss_that_is_not_finite,
    training_that_ends_without_an_evaluation_fails,
    an_import_error_of_the_training_function_fails_every_candidate,
    a_long_curve_is_returned_completely,
    the_events_of_two_calls_can_be_read_alternately,
    cancel_ends_the_iterator_and_the_executor_stays_usable,
    an_iterator_can_be_closed_early,
    no_trials_yield_no_events,
    a_duplicate_key_is_refused,
    a_timeout_of_zero_is_refused,
    a_candidate_that_timed_out_keeps_its_curve_so_far,
    an_executor_can_be_closed_twice,
    with_a_limit_of_zero_running_cohorts_end_and_no_other_begins_until_it_is_lifted,
)

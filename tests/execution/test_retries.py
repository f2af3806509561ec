"""The retry policy, as a function of attempts and failures."""

import pytest

from tests.support.fake_training import trial
from tuner.execution.retries import Attempt, Cause, Failure, first_attempt, next_attempts

LOST = Failure(Cause.LOST, "worker crashed")
RAISED = Failure(Cause.RAISED, "ValueError: no")
TIMEOUT = Failure(Cause.TIMEOUT, "timed out after 2 s")
FOUR = tuple(trial(slot) for slot in range(4))


def slots(attempts):
    return [([t.key.slot for t in a.lanes], [t.key.slot for t in a.members], a.number) for a in attempts]


def test_a_partial_cohort_is_padded_with_its_last_trial():
    attempt = first_attempt(FOUR[:3], 5)
    assert slots([attempt]) == [([0, 1, 2, 2, 2], [0, 1, 2], 1)]


def test_a_lost_cohort_is_repeated_and_split_into_single_candidates_for_the_last_attempt():
    first = first_attempt(FOUR[:3], 4)
    second = next_attempts(first, set(), LOST, 3)
    assert slots(second) == [([0, 1, 2, 2], [0, 1, 2], 2)]
    third = next_attempts(second[0], set(), LOST, 3)
    assert slots(third) == [([slot] * 4, [slot], 3) for slot in (0, 1, 2)]
    assert [next_attempts(attempt, set(), LOST, 3) for attempt in third] == [(), (), ()]


def test_a_single_candidate_has_exactly_max_attempts_attempts():
    attempts = [first_attempt(FOUR[:1], 1)]
    while following := next_attempts(attempts[-1], set(), LOST, 5):
        attempts.extend(following)
    assert [attempt.number for attempt in attempts] == [1, 2, 3, 4, 5]


def test_members_with_an_evaluation_are_not_repeated_and_keep_their_lane():
    first = first_attempt(FOUR, 4)
    (second,) = next_attempts(first, {FOUR[1].key}, LOST, 3)
    assert slots([second]) == [([0, 1, 2, 3], [0, 2, 3], 2)]
    assert slots(next_attempts(second, {FOUR[0].key}, LOST, 3)) == [([2] * 4, [2], 3), ([3] * 4, [3], 3)]


def test_a_cohort_that_raises_is_split_at_once_and_a_single_candidate_is_not_retried():
    following = next_attempts(first_attempt(FOUR[:2], 2), set(), RAISED, 3)
    assert slots(following) == [([0, 0], [0], 2), ([1, 1], [1], 2)]
    assert next_attempts(following[0], set(), RAISED, 3) == ()


def test_a_lost_candidate_that_was_split_from_its_cohort_is_retried_until_max_attempts():
    split = next_attempts(first_attempt(FOUR[:2], 2), set(), RAISED, 3)[0]
    (repeated,) = next_attempts(split, set(), LOST, 3)
    assert slots([repeated]) == [([0, 0], [0], 3)]
    assert next_attempts(repeated, set(), LOST, 3) == ()


@pytest.mark.parametrize("failure", [LOST, RAISED])
def test_a_failed_cohort_is_split_even_if_one_attempt_is_allowed(failure):
    following = next_attempts(first_attempt(FOUR[:2], 2), set(), failure, 1)
    assert slots(following) == [([0, 0], [0], 2), ([1, 1], [1], 2)]
    assert next_attempts(following[0], set(), failure, 1) == ()


def test_a_padded_cohort_of_one_candidate_is_not_split():
    assert first_attempt(FOUR[:1], 4).has_one_candidate
    assert next_attempts(first_attempt(FOUR[:1], 4), set(), RAISED, 3) == ()


def test_a_timeout_is_final_for_the_whole_cohort():
    assert next_attempts(first_attempt(FOUR, 4), set(), TIMEOUT, 3) == ()


def test_no_attempt_follows_if_all_members_have_an_evaluation():
    assert next_attempts(first_attempt(FOUR, 4), {one.key for one in FOUR}, LOST, 3) == ()


def test_the_keys_of_an_attempt_are_those_of_its_members():
    assert Attempt(FOUR, FOUR[1:3]).keys == (FOUR[1].key, FOUR[2].key)

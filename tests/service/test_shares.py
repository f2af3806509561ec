"""Division of workers among users and runs, and what the supervisor decides from it."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.core.requests import Cost, Desired, RequestRecord, State
from tuner.service.settings import Quota
from tuner.service.supervisor.schedule import Schedule, expected_starts
from tuner.service.supervisor.shares import Claim, Division, fractions


def claims(*values):
    return [Claim(name, weight, demand) for name, weight, demand in values]


@pytest.mark.parametrize(
    ("total", "given_claims", "expected"),  # by hand
    [
        (6, claims(("a", 1, 9), ("b", 1, 9)), {"a": 3, "b": 3}),
        (6, claims(("a", 2, 9), ("b", 1, 9)), {"a": 4, "b": 2}),
        (6, claims(("a", 1, 1), ("b", 1, 9)), {"a": 1, "b": 5}),  # what one cannot use is the other's
        (6, claims(("a", 1, 1), ("b", 1, 9), ("c", 4, 9)), {"a": 1, "b": 1, "c": 4}),
        (6, claims(("a", 1, 1), ("b", 1, 2)), {"a": 1, "b": 2}),  # more than anybody can use
        (2, claims(("a", 1, 9), ("b", 1, 9), ("c", 2, 9)), {"a": 0.5, "b": 0.5, "c": 1}),
        (0, claims(("a", 1, 9)), {"a": 0}),
        (6, claims(("a", 1, 0)), {"a": 0}),
        (6, [], {}),
    ],
)
def test_fair_shares(total, given_claims, expected):
    assert fractions(total, given_claims) == pytest.approx(expected)


@given(
    st.integers(0, 40),
    st.lists(st.tuples(st.floats(0.1, 10), st.integers(0, 20)), max_size=8),
    st.lists(st.floats(0, 500), max_size=5),
)
def test_a_division_gives_whole_workers_uses_all_that_can_be_used_and_none_twice(total, wanted, times):
    some = claims(*((number, weight, demand) for number, (weight, demand) in enumerate(wanted)))
    division, shares = Division(), fractions(total, some)
    for seconds in (0.0, *times):
        division.pass_time(seconds)
        found = division.divide(total, some)
        assert sum(found.values()) == min(total, sum(demand for _, demand in wanted))
        assert all(0 <= found[claim.name] <= claim.demand for claim in some)
        assert all(abs(found[name] - share) < 1 + 1e-6 for name, share in shares.items())


@pytest.mark.parametrize("weights", [(1, 1, 1), (1, 2, 3), (5, 1, 1)])
@pytest.mark.parametrize("total", [1, 2, 4, 7])
def test_over_time_each_has_its_share_within_a_tenth_also_where_there_are_more_users_than_workers(total, weights):
    some, division = claims(*((number, weight, 100) for number, weight in enumerate(weights))), Division()
    had, seconds = dict.fromkeys(range(3), 0.0), 5.0
    for _ in range(4_000):
        for name, workers in division.divide(total, some).items():
            had[name] += workers * seconds
        division.pass_time(seconds)
    for number, weight in enumerate(weights):
        assert had[number] / sum(had.values()) == pytest.approx(weight / sum(weights), rel=0.1)


def test_one_who_comes_has_neither_credit_nor_debt_and_takes_its_share_at_once():
    division, one = Division(), claims(("a", 1, 100))
    for _ in range(100):
        division.divide(2, one)
        division.pass_time(100)
    assert division.divide(2, claims(("a", 1, 100), ("b", 1, 100))) == {"a": 1, "b": 1}


def test_all_who_come_have_a_worker_before_one_who_has_had_them_all():
    division = Division()
    division.divide(2, claims(("a", 1, 100)))
    division.pass_time(100)
    some = claims(("a", 1, 100), ("b", 1, 1), ("c", 1, 1))
    assert division.divide(2, some) == {"a": 0, "b": 1, "c": 1}
    division.pass_time(1)
    assert division.divide(2, some) == {"a": 0, "b": 1, "c": 1}  # and nobody is ended in each round


@pytest.mark.parametrize("length", [5.0, 30.0, 200.0])
def test_one_with_many_short_runs_one_after_the_other_has_no_more_than_its_share(length):
    division, had, left = Division(), dict.fromkeys("abc", 0.0), length
    for _ in range(8_000):
        comes = left > 0  # for one round after each run there is none
        given_workers = division.divide(2, claims(("a", 1, 9), ("b", 1, 9), *([("c", 1, 1)] if comes else [])))
        for name, workers in given_workers.items():
            had[name] += workers
        left = left - given_workers["c"] if comes else length
        division.pass_time(1.0)
    share = 2 / 3 * length / (length + 2)  # it asks for a worker in this part of the time at most
    assert 0.9 * share <= had["c"] / 8_000 <= 1.1 * 2 / 3


def request(number, user="ann", state=State.QUEUED, width=4, **changes):
    values = {
        "id": number, "run": f"run-{number}", "submitted_by": user, "is_private": False, "weight": 1.0, "fields": {},
        "cost": Cost(studies=1, candidates=1, evaluations=1, width=width, rounds={}), "desired": Desired.RUN,
        "state": state, "reason": "", "expected_in": None, "created_at": "", "changed_at": "", "epoch": 0,
        "failures": 0, "waits": 0.0, "last_error": "", "granted": 0, "using": 0, "driver": None, "driver_left": None,
        "driver_lives": False,
    }  # fmt: skip
    return RequestRecord(**(values | changes))


def carried_out(requests, decisions):
    """Return requests as they are once drivers have started and have read their grants."""
    starts = {one.id: workers for one, workers in decisions.starts}
    found = []
    for one in requests:
        if one.id in starts:
            one = replace(one, state=State.RUNNING, granted=starts[one.id], using=starts[one.id])
        elif one.id in decisions.granted:
            workers = decisions.granted[one.id]
            one = replace(one, granted=workers, using=workers)
            if workers == 0:
                one = replace(one, state=State.QUEUED)
        found.append(one)
    return found


def test_one_user_alone_has_all_workers_in_the_order_of_submission():
    schedule = Schedule(2, Quota())
    requests = [request(number) for number in range(1, 101)]
    decisions = schedule.decide(requests, {})
    assert [(one.id, workers) for one, workers in decisions.starts] == [(1, 1), (2, 1)]
    assert decisions.waiting[3] == "waits behind 2 of ann's runs"
    assert len(decisions.waiting) == 98  # each of those that wait has a reason
    again = schedule.decide(carried_out(requests, decisions), {}, 1_000.0)
    assert (again.starts, again.granted) == ([], {})  # nobody is ended for another run of the same user


def test_a_user_with_a_hundred_runs_gives_a_worker_back_when_another_comes():
    schedule = Schedule(2, Quota())
    requests = [request(number) for number in range(1, 101)]
    requests = carried_out(requests, schedule.decide(requests, {}))
    requests += [request(101, "bob")]
    decisions = schedule.decide(requests, {}, 0.5)
    assert decisions.granted == {2: 0}
    assert decisions.starts == []  # the worker still trains
    assert decisions.waiting[101] == "starts as soon as a worker has ended its cohort"
    requests = carried_out(requests, decisions)
    decisions = schedule.decide(requests, {}, 0.5)
    assert [(one.id, workers) for one, workers in decisions.starts] == [(101, 1)]


LONGEST = 60.0  # seconds of a cohort


class Simulated:
    """Workers that train cohorts of random lengths, as a schedule grants them; runs never end.

    Args:
        workers: Workers of the service.
        weights: Weights of the users.
        seed: Of the lengths.
    """

    def __init__(self, workers, weights, seed):
        self.workers, self.weights, self.random = workers, weights, random.Random(seed)
        self.schedule, self.requests, self.cohorts = Schedule(workers, Quota()), [], {}
        self.time, self.started, self.had = 0.0, {}, dict.fromkeys(weights, 0.0)

    def submit(self, user, runs):
        for _ in range(runs):
            self.requests.append(request(len(self.requests) + 1, user))

    def pass_time(self, seconds, step=10.0):
        """Decide again and again."""
        end = self.time + seconds
        while self.time < end:
            self.time += step
            decisions = self.schedule.decide(self.requests, self.weights, step)
            starts = {one.id: workers for one, workers in decisions.starts}
            self.requests = [self._next(one, starts, decisions.granted) for one in self.requests]
            assert sum(map(len, self.cohorts.values())) <= self.workers
            for one in self.requests:
                self.had[one.submitted_by] += step * one.using

    def _next(self, one, starts, granted):
        allowed = starts.get(one.id, granted.get(one.id, one.granted))
        if one.id in starts:
            self.started.setdefault(one.submitted_by, self.time)
        running = [end for end in self.cohorts.get(one.id, []) if end > self.time]
        running += [self.time + self.random.uniform(5.0, LONGEST) for _ in range(allowed - len(running))]
        self.cohorts[one.id] = running
        state = State.RUNNING if allowed or running else State.QUEUED
        return replace(one, granted=allowed, using=len(running), state=state)


@pytest.mark.parametrize("weights", [{"ann": 1.0, "bob": 1.0, "eve": 1.0}, {"ann": 1.0, "bob": 2.0, "eve": 3.0}])
@pytest.mark.parametrize("workers", [2, 4])
def test_users_have_their_shares_and_start_within_a_cohort_where_another_has_many_runs(workers, weights):
    simulated = Simulated(workers, weights, seed=3)
    simulated.submit("ann", 100)
    simulated.pass_time(600)
    came = simulated.time
    simulated.submit("bob", 1)
    simulated.submit("eve", 1)
    simulated.had = dict.fromkeys(weights, 0.0)
    simulated.pass_time(7_200)
    # A cohort of each worker that is given back, and the step in which it is noticed, one after the other.
    soonest = sorted(simulated.started[user] - came for user in ("bob", "eve"))
    assert soonest[0] <= LONGEST + 20
    assert soonest[1] <= LONGEST + 20  # also of two workers, of which three users take turns afterwards
    used, total = sum(simulated.had.values()), sum(weights.values())
    for user, weight in weights.items():
        assert simulated.had[user] / used == pytest.approx(weight / total, rel=0.1)
    assert used >= 0.85 * workers * 7_200  # the rest is lost between cohorts


def test_workers_are_never_used_twice_while_grants_change():
    schedule = Schedule(4, Quota())
    requests = [request(1, state=State.RUNNING, granted=4, using=4), request(2, "bob")]
    decisions = schedule.decide(requests, {})
    assert (decisions.granted, decisions.starts) == ({1: 2}, [])
    requests = [replace(requests[0], granted=2, using=3), requests[1]]  # one cohort has ended
    decisions = schedule.decide(requests, {})
    assert [(one.id, workers) for one, workers in decisions.starts] == [(2, 1)]
    requests = [replace(requests[0], using=2), replace(requests[1], state=State.RUNNING, granted=1, using=1)]
    assert schedule.decide(requests, {}).granted == {2: 2}


def test_weights_of_users_and_of_runs_count():
    schedule = Schedule(8, Quota())
    requests = [request(1), request(2, weight=3.0), request(3, "bob", width=8)]
    starts = {one.id: workers for one, workers in schedule.decide(requests, {"ann": 1.0, "bob": 3.0}).starts}
    assert starts == {1: 1, 2: 1, 3: 6}  # by hand: bob 6 of 8; ann 2, of which both of her runs have one
    starts = {one.id: workers for one, workers in Schedule(8, Quota()).decide(requests[:2], {}).starts}
    assert starts == {1: 4, 2: 4}  # run 2 should have 6, can use 4, and the rest is for run 1


@pytest.mark.parametrize(
    ("quota", "expected"), [(Quota(running=1), {1: 4}), (Quota(workers=3), {1: 1, 2: 1, 3: 1}), (Quota(), {1: 3, 2: 3})]
)
def test_quotas_limit_what_one_user_has(quota, expected):
    requests = [request(number) for number in (1, 2, 3)] if quota.workers or quota.running else [request(1), request(2)]
    starts = {one.id: workers for one, workers in Schedule(6, quota).decide(requests, {}).starts}
    assert starts == expected


def test_a_run_that_is_to_pause_keeps_its_workers_from_others_until_its_cohorts_have_ended():
    paused = request(1, state=State.RUNNING, granted=2, using=2, desired=Desired.PAUSE)
    schedule = Schedule(2, Quota())
    assert schedule.decide([paused, request(2)], {}).starts == []
    decisions = schedule.decide([replace(paused, using=1), request(2)], {})
    assert [(one.id, workers) for one, workers in decisions.starts] == [(2, 1)]


def test_a_run_that_waits_after_a_failure_takes_no_worker_from_others():
    decisions = Schedule(2, Quota()).decide([request(1, waits=4.0), request(2)], {})
    assert [one.id for one, _ in decisions.starts] == [2]
    assert 1 not in decisions.waiting  # it has a reason already


def test_expected_starts_follow_one_another():
    # Two runs end after 10 s and 30 s; three wait, of 50 s each: the third starts when the first of them has ended.
    assert expected_starts([10.0, 30.0], [50.0, 50.0, 50.0]) == [10.0, 30.0, 60.0]
    assert expected_starts([10.0, None], [None, 50.0]) == [10.0, None]
    assert expected_starts([], [5.0], free=1) == [0.0]

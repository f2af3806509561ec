"""Comparison of the store with a model after random sequences of writes."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.support.postgresql import Server, a_postgresql_server  # noqa: F401 - a fixture
from tests.support.store_values import candidate, evaluation, keys, spec
from tuner.core.study import StudyStatus
from tuner.core.trial import Key, Status
from tuner.storage import LeaseLost, Store, StudyOwned

pytestmark = pytest.mark.faults

KEYS = keys(1, 4)
SOME_KEYS = st.lists(st.sampled_from(KEYS), min_size=1, max_size=4, unique=True)
FINAL = st.sampled_from([status for status in Status if status.is_final])


class StoreModel(RuleBasedStateMachine):
    """The store and a dictionary after random writes of current and former drivers."""

    url = "sqlite://"
    runs = itertools.count()  # on a server all examples share a database

    def __init__(self) -> None:
        super().__init__()
        self.store = Store.open(self.url)
        self.results: dict[Key, tuple[Status, float]] = {}
        self.added: set[Key] = set()
        self.running: dict[Key, int] = {}  # key -> number of its open attempt
        self.last: dict[Key, int] = {}  # key -> number of its newest attempt by this driver
        self.late = 0
        self.epoch = 0
        self.held = False
        self.clock = 0.0

    def teardown(self) -> None:
        self.store.close()

    @initialize()
    def create(self) -> None:
        self.study = self.store.create_study(spec(f"run{next(self.runs)}", generations=1, population=4)).id

    @precondition(lambda self: not self.held)
    @rule()
    def acquire(self) -> None:
        self.epoch = self.store.acquire(self.study, owner="elsewhere:1", lease_seconds=3600)
        self.held, self.last = True, {}

    @precondition(lambda self: self.held)
    @rule()
    def another_driver_is_refused(self) -> None:
        with pytest.raises(StudyOwned):
            self.store.acquire(self.study, owner="elsewhere:2")

    @precondition(lambda self: self.held)
    @rule()
    def another_driver_takes_over(self) -> None:
        with self.store._writing() as connection:  # an hour passes
            connection.exec_driver_sql("UPDATE studies SET renewed_uptime = renewed_uptime - 3601, renewed_at = 0")
        self.epoch = self.store.acquire(self.study, owner="elsewhere:2", lease_seconds=3600)
        self.running, self.last = {}, {}

    @precondition(lambda self: self.held)
    @rule()
    def release(self) -> None:
        self.store.release(self.study, self.epoch, StudyStatus.INTERRUPTED)
        self.held, self.running = False, {}

    @precondition(lambda self: self.held)
    @rule(chosen=SOME_KEYS)
    def add(self, chosen: list[Key]) -> None:
        self.store.add(self.study, self.epoch, [candidate(at) for at in chosen])
        self.added |= set(chosen)

    @precondition(lambda self: self.held)
    @rule(chosen=SOME_KEYS)
    def start(self, chosen: list[Key]) -> None:
        chosen = [at for at in chosen if at in self.added]
        number = 1 + max(self.last.values(), default=0)
        self.store.start_attempt(self.study, self.epoch, chosen, number, "node", 1)
        for at in chosen:
            if at not in self.results:
                self.running[at] = self.last[at] = number

    @precondition(lambda self: self.held)
    @rule(chosen=SOME_KEYS, back=st.integers(0, 1))
    def end(self, chosen: list[Key], back: int) -> None:
        chosen = [at for at in chosen if at in self.added]
        number = max(self.last.values(), default=1) - back
        self.store.end_attempt(self.study, self.epoch, chosen, number, "worker crashed")
        for at in chosen:
            if self.running.get(at) == number:
                del self.running[at]

    @precondition(lambda self: self.held)
    @rule(
        chosen=SOME_KEYS, status=FINAL, fitness=st.floats(allow_nan=False, allow_infinity=False), back=st.integers(0, 2)
    )
    def record(self, chosen: list[Key], status: Status, fitness: float, back: int) -> None:
        chosen = [at for at in chosen if at in self.added]
        value = fitness if status is Status.FINISHED else math.inf
        numbers = {at: max(1, self.last.get(at, 1) - back) for at in chosen}
        evaluations = [evaluation(at, status, fitness=value, attempt=numbers[at]) for at in chosen]
        late = [numbers[at] < self.last.get(at, 0) for at in chosen]
        expected = [at not in self.results and not is_late for at, is_late in zip(chosen, late, strict=True)]
        assert self.store.record(self.study, self.epoch, evaluations) == expected
        self.late += sum(late)
        for at, is_new in zip(chosen, expected, strict=True):
            if is_new:
                self.results[at] = (status, value)
                self.running.pop(at, None)
                self.last.setdefault(at, numbers[at])

    @precondition(lambda self: self.epoch > 0)
    @rule(at=st.sampled_from(KEYS), age=st.integers(1, 3))
    def a_write_with_an_older_epoch_is_refused(self, at: Key, age: int) -> None:
        with pytest.raises(LeaseLost):
            self.store.record(self.study, self.epoch - age, [evaluation(at)])

    @invariant()
    def the_store_agrees_with_the_model(self) -> None:
        if not hasattr(self, "study"):
            return
        rows = {row.key: row for row in self.store.candidates(self.study)}
        assert set(rows) == self.added
        results: dict[Key, Any] = {at: (row.status, row.fitness) for at, row in rows.items() if row.status.is_final}
        assert results == self.results
        assert {at for at, row in rows.items() if row.status is Status.RUNNING} == set(self.running)
        attempts = self.store.attempts(self.study)
        assert {each.key: each.number for each in attempts if each.ended_at is None} == self.running
        assert [row.attempts for row in rows.values()] == [sum(each.key == at for each in attempts) for at in rows]
        assert [at for at in rows if self.store.curve(self.study, at).size] == [at for at in rows if at in self.results]
        assert self.store.late_results(self.study) == self.late


TestStoreModel = StoreModel.TestCase
TestStoreModel.settings = settings(max_examples=15, stateful_step_count=20)


@pytest.mark.slow
@pytest.mark.postgresql
def test_a_store_on_a_server_agrees_with_the_model(postgresql_server: Server) -> None:
    class OnAServer(StoreModel):
        url = postgresql_server.url(postgresql_server.create_database())

    run_state_machine_as_test(OnAServer, settings=settings(TestStoreModel.settings, deadline=None))

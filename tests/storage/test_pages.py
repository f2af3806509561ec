"""Pages of runs and candidates, and totals of generations, against the candidates read one by one."""

import math
import statistics

import numpy as np
import pytest

from tests.support.postgresql import a_postgresql_server  # noqa: F401 (a fixture)
from tests.support.store_values import candidate, driven, evaluation, key, keys
from tuner.core.aggregates import CandidateFilter
from tuner.core.errors import InvalidRequest
from tuner.core.trial import Role, Status
from tuner.storage import Store, UnknownCandidate, UnknownStudy

GENERATIONS, POPULATION = 4, 7


def fill(store, run="run"):
    """Record a search with ties, and candidates that diverged, failed and wait; return the id of the study."""
    random = np.random.default_rng(3)
    study, epoch = driven(store, run, add=keys(GENERATIONS, POPULATION), generations=GENERATIONS, population=POPULATION)
    ends = [Status.FINISHED] * 4 + [Status.DIVERGED, Status.FAILED]
    for number, each in enumerate(keys(GENERATIONS, POPULATION)[:-4]):
        status = ends[int(random.integers(len(ends)))]
        fitness = float(random.integers(5)) / 4 if status is Status.FINISHED else math.inf
        reason = "" if status is Status.FINISHED else f"loss was nan at evaluation {number % 2}"
        others = {"fitness": fitness, "seconds": 0.5 * (number % 3), "steps_done": number, "reason": reason}
        store.record(study, epoch, [evaluation(each, status, **others)])
    return study


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store(request, tmp_path):
    if request.param == "sqlite":
        url = str(tmp_path / "runs.db")
    else:
        server = request.getfixturevalue("postgresql_server")
        url = server.url(server.create_database())
    with Store.open(url) as opened:
        yield opened


def walked(store, study, sort, shown, limit, *, back=False):
    """Return the ids of all pages, forwards, and then, if `back`, those of all pages backwards from the last."""
    ids, cursor = [], None
    while True:
        page, total = store.candidate_page(study, sort=sort, shown=shown, cursor=cursor, limit=limit)
        ids += [row.id for row in page.rows]
        assert total == store.candidate_page(study, shown=shown, limit=1)[1]
        if page.next is None:
            break
        cursor = page.next
    if not back:
        return ids
    backwards = [row.id for row in page.rows]
    while page.previous is not None:
        page, _ = store.candidate_page(study, sort=sort, shown=shown, cursor=page.previous, limit=limit)
        backwards = [*(row.id for row in page.rows), *backwards]
    return ids, backwards


def test_pages_of_candidates_have_every_candidate_once_in_order_forwards_and_backwards(store):
    study = fill(store)
    every = {store.candidate_id(study, record.key): record for record in store.candidates(study)}
    values = {
        "id": lambda _, number: number,
        "fitness": lambda record, _: math.inf if record.fitness is None else record.fitness,
        "seconds": lambda record, _: -1.0 if record.fitness is None else record.seconds,
        "steps": lambda record, _: -1 if record.fitness is None else record.steps_done,
    }
    for name, value in values.items():
        expected = sorted(every, key=lambda number, value=value: (value(every[number], number), number))
        for limit in (1, 5, 1000):
            forwards, backwards = walked(store, study, name, CandidateFilter(), limit, back=True)
            assert forwards == backwards == expected
        assert walked(store, study, f"-{name}", CandidateFilter(), 5) == expected[::-1]


def test_a_list_has_the_candidates_of_its_role_status_and_generation_alone(store):
    study = fill(store)
    for shown in (CandidateFilter(status=Status.DIVERGED), CandidateFilter(Role.SEARCH, Status.WAITING, 3)):
        page, total = store.candidate_page(study, shown=shown)
        expected = [
            record
            for record in store.candidates(study)
            if shown.status == record.status and shown.generation in (None, record.key.generation)
        ]
        assert [row.record for row in page.rows] == expected
        assert total == len(expected) > 0


def test_candidates_that_are_added_meanwhile_neither_repeat_nor_skip_one(tmp_path):
    with Store.open(str(tmp_path / "runs.db")) as store:
        study, epoch = driven(store, add=keys(1, 4), generations=2, population=4)
        first, _ = store.candidate_page(study, limit=3)
        store.add(study, epoch, [candidate(key(slot, 1)) for slot in range(4)])
        second, _ = store.candidate_page(study, limit=3, cursor=first.next)
        assert [row.record.key for row in (*first.rows, *second.rows)] == [*keys(1, 4), key(0, 1), key(1, 1)]


def test_totals_are_those_of_the_candidates_read_one_by_one(store):
    study = fill(store)
    totals = store.study_totals(study)
    assert totals.record.id == study
    assert [one.number for one in totals.generations] == list(range(GENERATIONS))
    for one in totals.generations:
        members = store.candidates(study, generation=one.number)
        finished = [record for record in members if record.status is Status.FINISHED]
        assert one.counts == {status: sum(record.status is status for record in members) for status in Status}
        assert one.best == min(record.fitness for record in finished)
        first = next(record for record in finished if record.fitness == one.best)  # ties go to the lower slot
        assert store.candidate(one.best_id).record == first
        assert one.median == statistics.median(record.fitness for record in finished)
        assert one.upper == statistics.median_high(record.fitness for record in finished)
        assert one.evaluations == sum(record.steps_done for record in members)
        assert one.seconds == pytest.approx(sum(record.seconds for record in members), rel=1e-12)  # order of the sum


def test_reasons_are_counted_with_the_first_candidate_of_each(store):
    study = fill(store)
    ended = [r for r in store.candidates(study) if r.status in (Status.DIVERGED, Status.FAILED)]
    found = store.reasons(study)
    assert {(one.status, one.reason): one.count for one in found} == {
        (status, reason): sum((r.status, r.reason) == (status, reason) for r in ended)
        for status, reason in {(r.status, r.reason) for r in ended}
    }
    assert [one.count for one in found] == sorted((one.count for one in found), reverse=True)
    for one in found:
        assert store.candidate(one.first_id).record.reason == one.reason


def test_pages_of_runs_begin_with_the_newest_and_leave_out_hidden_ones(store):
    for number in range(5):
        driven(store, f"run-{number}", optimizer="Adam")
        driven(store, f"run-{number}", optimizer="Yogi")
    names, cursor = [], None
    while True:
        page, damaged = store.run_page(hidden={"run-3"}, cursor=cursor, limit=2)
        assert not damaged
        names += [[record.spec.name for record in run] for run in page.rows]
        cursor = page.next
        if cursor is None:
            break
    assert names == [[f"run-{number}/Adam", f"run-{number}/Yogi"] for number in (4, 2, 1, 0)]
    before, _ = store.run_page(hidden={"run-3"}, cursor=page.previous, limit=2)
    assert [run[0].spec.run for run in before.rows] == ["run-4", "run-2"]
    assert [run[0].spec.run for run in store.run_page(among={"run-1"})[0].rows] == ["run-1"]
    assert store.run_page(status="complete")[0].rows == store.run_page(task="other")[0].rows == ()
    assert len(store.run_page(status="running", task="rosenbrock")[0].rows) == 5


@pytest.mark.parametrize("cursor", ["", "x", "W10", "é", "W1swXV0", "eyJhIjoxfQ", "A" * 5000])
def test_a_cursor_of_another_list_is_refused(tmp_path, cursor):
    with Store.open(str(tmp_path / "runs.db")) as store:
        study = fill(store)
        with pytest.raises(InvalidRequest, match="cursor"):
            store.candidate_page(study, cursor=cursor)
        with pytest.raises(InvalidRequest, match="cursor"):
            store.run_page(cursor=cursor)


def test_an_order_a_limit_and_a_cursor_of_another_order_are_refused(tmp_path):
    with Store.open(str(tmp_path / "runs.db")) as store:
        study = fill(store)
        other = store.candidate_page(study, sort="fitness", limit=1)[0].next
        for values in ({"sort": "genome"}, {"limit": 0}, {"limit": 1001}, {"sort": "id", "cursor": other}):
            with pytest.raises(InvalidRequest):
                store.candidate_page(study, **values)


def test_what_does_not_exist_is_named(tmp_path):
    with Store.open(str(tmp_path / "runs.db")) as store:
        with pytest.raises(UnknownStudy):
            store.study_totals(7)
        with pytest.raises(UnknownCandidate):
            store.candidate(7)
        assert store.candidate_page(7)[0].rows == ()

"""The count of a study's changes: raised by what changes its rows, in the same transaction."""

import pytest

from tests.support.store_values import ME, candidate, driven, evaluation, key, spec
from tuner.core.trial import Status
from tuner.storage import LeaseLost, Store


@pytest.fixture
def store(tmp_path):
    with Store.open(str(tmp_path / "runs.db")) as opened:
        yield opened


def test_every_write_of_a_driver_counts_and_a_renewed_lease_does_not(store):
    study = store.create_study(spec(generations=1, population=1)).id
    assert store.changes() == {study: 0}
    epoch = store.acquire(study, owner=ME)
    writes = [
        lambda: store.add(study, epoch, [candidate(key())]),
        lambda: store.start_attempt(study, epoch, [key()], 1, "node", 1),
        lambda: store.end_attempt(study, epoch, [key()], 1, "lost"),
        lambda: store.record(study, epoch, [evaluation(key(), attempt=2)]),
        lambda: store.finish(study, epoch, tuned={"rate": 0.1}, tuned_genome=[0.0]),
        lambda: store.add_note(study, epoch, "a remark"),
        lambda: store.release(study, epoch, "complete"),
    ]
    for number, write in enumerate(writes, 1):
        assert store.changes() == {study: number}
        write()
    assert store.changes() == {study: len(writes) + 1}
    assert store.study_totals(study).changes == len(writes) + 1

    other, epoch = driven(store, "other")
    before = store.changes()
    store.renew(other, epoch)
    assert store.changes() == before


def test_a_write_that_is_refused_does_not_count(store):
    study, epoch = driven(store, add=[key()])
    before = store.changes()
    with pytest.raises(LeaseLost):
        store.record(study, epoch + 1, [evaluation(key(), Status.DIVERGED)])
    assert store.changes() == before


def test_a_deleted_study_has_no_count_and_a_copied_one_counts_from_zero(store, tmp_path):
    study, epoch = driven(store, add=[key()])
    store.release(study, epoch, "interrupted")
    with Store.open(str(tmp_path / "copy.db")) as other:
        assert store.copy_to(other, study)
        assert list(other.changes().values()) == [0]
    store.delete(study)
    assert store.changes() == {}

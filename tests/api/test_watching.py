"""What is shown of a run while it is followed."""

import json
from dataclasses import asdict

import pytest

from tests.support.report_values import database
from tests.support.store_values import ME, driven, evaluation, key, keys
from tuner.api.watching import WatchedStudy
from tuner.core.study import StudyStatus
from tuner.core.trial import Status
from tuner.storage import Store


@pytest.fixture(params=["complete", "begun", "interrupted", "not begun"])
def store(request, tmp_path):
    """Yield a store with studies in some state."""
    file = str(tmp_path / "runs.db")
    if request.param == "complete":
        database(file)
    with Store.open(file) as opened:
        if request.param != "complete":
            study, epoch = driven(opened, owner=ME, add=[] if request.param == "not begun" else keys())
            if request.param != "not begun":
                results = [evaluation(key(0)), evaluation(key(1), fitness=3.0), evaluation(key(2), Status.DIVERGED)]
                opened.record(study, epoch, [*results, evaluation(key(0, 1))])
                opened.start_attempt(study, epoch, [key(1, 1)], 1, "node", 1)
            if request.param == "interrupted":
                opened.release(study, epoch, StudyStatus.INTERRUPTED)
        yield opened


def test_it_is_the_same_from_candidates_from_totals_and_from_json(store):
    for record in store.studies():
        found = WatchedStudy.of(store, record)
        assert WatchedStudy.of_totals(store.study_totals(record.id)) == found
        assert WatchedStudy.from_json(json.loads(json.dumps(asdict(found)))) == found


def test_a_driver_that_has_not_renewed_its_lease_is_lost(tmp_path):
    with Store.open(str(tmp_path / "runs.db")) as store:
        study = driven(store, owner="elsewhere:1", add=[key()])[0]
        assert WatchedStudy.of(store, store.study(study)).status == "running"
        with store._writing() as connection:
            connection.exec_driver_sql(
                "UPDATE studies SET renewed_at = renewed_at - 1000, renewed_uptime = renewed_uptime - 1000"
            )
        found = WatchedStudy.of(store, store.study(study))
        assert (found.status, found.runs) == ("driver lost", False)

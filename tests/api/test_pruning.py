"""Searches that end candidates early: their rows, what is counted and saved, and the same result in every way."""

from __future__ import annotations

import json
import math
import re

import pytest

import tuner
from tests.support import toy_functions
from tests.support.command_line import call
from tests.support.in_process import without_ray
from tuner.core.trial import Role, Status
from tuner.results.tables import search as tables
from tuner.storage import Store
from tuner.studies.planner import SearchRequest, plan_search

SPACE = tuner.space(rate=tuner.log(0.1, low=1e-6, high=10.0), other=tuner.log(0.1, low=1e-6, high=10.0))
STEPS = [4, 4, 4, *[16] * 7]  # with more, all are equal but for noise, which then decides what is pruned
LAST = len(STEPS) - 1


def tuned(database: str, **changes):
    with without_ray():
        size = {"population": 8, "steps": STEPS, "sigma": [3.0], "fresh_seeds": 3}
        arguments = {"space": SPACE, "database": database, "progress": False, **size, **changes}
        return tuner.tune(toy_functions.falling, **arguments)


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> str:
    return str(tmp_path_factory.mktemp("pruning") / "studies.db")


@pytest.fixture(scope="module")
def run(database):
    return tuned(database)


def rows(run):
    """Return what determines a result, of all candidates."""
    columns = ["role", "generation", "slot", "status", "fitness", "steps_done", "rate", "other", "seed"]
    return run.trials()[columns].sort_values(["role", "generation", "slot"]).reset_index(drop=True)


def test_each_slot_ends_as_something_and_what_was_ended_early_is_no_failure(run, database):
    summary = run["falling"].summary()
    counts = summary.counts
    assert (counts.total, counts.done) == (8 * len(STEPS), 8 * len(STEPS))
    assert counts.pruned > 3
    assert (counts.diverged, counts.failed, counts.timed_out) == (0, 0, 0)
    frame = run.trials()
    pruned = frame[frame.status == "pruned"]
    assert len(pruned) == counts.pruned
    assert set(pruned.role) == {"search"}
    assert set(pruned.steps_done) <= {4, 8, 12}
    assert not set(pruned.generation) & {0, 1, 2, 3, LAST}  # the rungs, the first with the full budget, the finalists
    assert 0 not in set(pruned.slot)  # the elite
    with Store.open(database) as store:
        reasons = [one.reason for one in store.candidates(store.find("falling")[0].id) if one.status is Status.PRUNED]
        assert store.check().faults == ()
    assert all(re.match(r"loss was \S+ after \d+ evaluations, above \S+, beyond which", one) for one in reasons)
    assert set(frame[frame.role != "search"].status) == {"finished"}


def test_the_account_of_evaluations_is_exact(run):
    summary, frame = run["falling"].summary(), run.trials()
    search = frame[frame.role == "search"]
    assert summary.search_cost.evaluations == search.steps_done.sum()
    assert summary.search_cost.evaluations + summary.saved == 8 * sum(STEPS)
    pruned = search[search.status == "pruned"]
    assert summary.pruned_cost.evaluations == pruned.steps_done.sum()
    assert summary.saved == (pruned.budget - pruned.steps_done).sum() > 0


def test_tables_show_what_was_ended_early_and_saved(run, database):
    summary = run["falling"].summary()
    shown = call("table", "falling", "--database", database)
    assert shown.code == 0, shown.err
    assert "timed out  pruned  total" in shown.out
    assert f"{summary.counts.pruned} individuals pruned, ended early" in shown.out
    assert re.search(r"^lost +nothing$", shown.out, re.MULTILINE)
    details = call("show", "falling", "--database", database).out
    assert "timed out  pruned  left" in details
    assert "reason" not in details.partition("did not finish")[2]
    layout = json.loads(call("table", "falling", "--format", "json", "--database", database).out)["studies"][0]
    assert layout["individuals"]["pruned"] == summary.counts.pruned
    assert layout["cost"]["saved_evaluations"] == summary.saved
    header, cells = tables.csv_rows([summary])
    row = dict(zip(header, cells[0], strict=True))
    assert (row["pruned"], row["saved_evaluations"]) == (summary.counts.pruned, summary.saved)


def test_an_interrupted_search_goes_on_to_the_same_result(run, tmp_path):
    seen = []

    class StopsInTheMiddle(tuner.Callback):
        def on_event(self, event):
            if getattr(event, "status", None) is Status.PRUNED:
                seen.append(event.key)
            if len(seen) == 2:
                raise KeyboardInterrupt

    database = str(tmp_path / "studies.db")
    with pytest.raises(KeyboardInterrupt):
        tuned(database, callback=StopsInTheMiddle)
    with without_ray():
        resumed = tuner.resume("falling", database=database, progress=False)
    assert rows(resumed).equals(rows(run))
    assert resumed["falling"].tuned == run["falling"].tuned


def test_without_milestones_a_candidate_that_was_pruned_would_have_been_worse_than_the_best(run, database):
    """The loss of the function is known: what was ended early was not among the best eight that were trained."""
    with Store.open(database) as store:
        found = [one for one in store.candidates(store.find("falling")[0].id) if one.key.role is Role.SEARCH]

    def final(one) -> float:
        return 1 + sum(math.log(rate / 0.01) ** 2 for rate in one.hyperparameters.values())

    full = sorted(final(one) for one in found if one.status is Status.FINISHED and one.steps == 16)
    assert all(final(one) > full[7] for one in found if one.status is Status.PRUNED)


@pytest.mark.parametrize("strategy", ["random", "cma-es"])
def test_other_strategies_end_nothing_early(strategy, tmp_path):
    run = tuned(str(tmp_path / "studies.db"), strategy=strategy, steps=[4], generations=2, fresh_seeds=1)
    assert "pruning" not in run["falling"].spec.parameters
    assert set(run.trials().status) == {"finished"}


@pytest.mark.parametrize(
    ("task", "changes", "prunes"),
    [
        ("pixelcnn", {}, True),
        ("pixelcnn", {"objective": "evaluations-to:training-loss<=0.5"}, False),
        ("pixelcnn", {"strategy": "paper"}, False),
        ("pixelcnn", {"preset": "paper"}, False),
        ("rosenbrock", {}, False),  # in cohorts of several lanes
    ],
)
def test_a_search_ends_candidates_early_where_each_is_trained_alone_and_its_curve_is_a_hint(task, changes, prunes):
    plan = plan_search(SearchRequest(**{"task": task, "preset": "quick", "optimizers": ("Adam",), **changes}))
    assert ("pruning" in plan.specs[0].parameters) is prunes

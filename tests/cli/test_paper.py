"""`lodo-tune paper`: search, comparison and report by one command, at what scale, and what it does not do twice."""

import re
import signal
import time

import pytest

from tests.support.command_line import call, run, start
from tests.support.report_values import database
from tuner.api import paper
from tuner.execution.executor import ClusterUnavailable
from tuner.storage import Store

REHEARSAL = (
    "paper", "--task", "rosenbrock", "--optimizers", "Momentum", "--scale", "0.1", "--output", "out", "--no-dashboard",
)  # fmt: skip


SLOW = pytest.mark.slow  # two sessions of Ray; the README rehearses in the quick suite


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory):
    """A rehearsal that nothing disturbs: its folder, and what it printed."""
    folder = tmp_path_factory.mktemp("rehearsed")
    return folder, run(*REHEARSAL, folder=folder)


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Return a function that gives the search and the comparison that a command asks for; nothing is trained."""
    monkeypatch.chdir(tmp_path)
    received = []
    monkeypatch.setattr(paper, "run_search", lambda request, *_, **__: received.append(request))
    monkeypatch.setattr(paper, "run_comparison", lambda request, *_, **__: received.append(request))

    def ask(*arguments):
        call("paper", "--output", "out", *arguments)  # which ends where the runs are to be read
        return received

    return ask


@SLOW
def test_one_command_prints_both_tables_and_leaves_tables_figures_and_a_report(rehearsed):
    folder, outcome = rehearsed
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("rosenbrock-rehearsal: rosenbrock, 10 generations × 10 individuals")
    assert "rosenbrock-rehearsal-comparison: rosenbrock, 20 gradient evaluations, 8 seeds each" in outcome.out
    for name in ("search/table.tex", "search/Momentum.yaml", "search/search.png", "comparison/table.csv"):
        assert (folder / "out" / name).exists(), name
    page = (folder / "out" / "report.html").read_text()
    assert "rosenbrock-rehearsal: search on rosenbrock" in page
    assert "rosenbrock-rehearsal-comparison: comparison on rosenbrock" in page


@SLOW
def test_the_same_command_again_trains_nothing_and_says_the_same(rehearsed):
    folder, outcome = rehearsed
    again = run(*REHEARSAL, folder=folder)
    assert (again.code, again.out) == (0, outcome.out)
    assert "rosenbrock-rehearsal is complete" in again.err
    assert "rosenbrock-rehearsal-comparison is complete" in again.err


@SLOW
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("--scale", "0.2"), r"with other settings \(population of Momentum\)"),
        (("--seed", "1"), r"with other settings \(seed of Momentum\)"),
        (("--optimizers", "Adam"), "with other optimizers, Momentum; here Adam"),
        (
            ("--objective", "training-loss:last=0.5"),
            r"\(objective of Momentum\).* Received: training-loss:last=0.5, where it has training-loss$",
        ),
    ],
)
def test_a_run_of_this_name_that_was_made_otherwise_is_refused(rehearsed, changed, said):
    folder, _ = rehearsed
    outcome = run(*REHEARSAL, *changed, folder=folder)
    assert outcome.code == 2
    assert re.search(said, outcome.err, re.MULTILINE)
    assert outcome.err.count("\n") == 1


@pytest.mark.slow  # resumption has tests of its own
@pytest.mark.faults
def test_after_a_kill_the_same_command_goes_on_to_the_same_tables(rehearsed, tmp_path):
    driver = start(*REHEARSAL, folder=tmp_path)
    finished = 0
    while finished < 20:
        assert driver.poll() is None, driver.communicate()[1]
        time.sleep(0.02)
        if (tmp_path / "lodo-tune.db").exists():
            with Store.open(str(tmp_path / "lodo-tune.db"), read_only=True) as store:
                finished = sum(sum(study.counts.values()) for study in store.studies())
    driver.send_signal(signal.SIGKILL)
    driver.communicate(timeout=300)
    again = run(*REHEARSAL, folder=tmp_path)
    assert again.code == 0, again.err

    def without_seconds(text):
        return re.sub(r"^(Momentum +\d.*) +\S+$", r"\1", text, flags=re.MULTILINE)

    assert without_seconds(again.out) == without_seconds(rehearsed[1].out)


def test_at_full_scale_it_is_the_paper_s_search_and_comparison(asked):
    search, comparison = asked("--task", "pixelcnn")
    assert (search.preset, search.steps, search.population, search.name) == ("paper", None, None, "pixelcnn-paper")
    assert (comparison.search, comparison.name) == ("pixelcnn-paper", "pixelcnn-paper-comparison")
    assert (comparison.steps, comparison.validate_every, comparison.test_examples) == (None, None, None)
    assert comparison.halve_learning_rate  # as the paper does for pixelcnn's long runs


def test_another_objective_is_that_of_the_search_whose_comparison_takes_it_over(asked):
    search, comparison = asked("--task", "rosenbrock", "--objective", "evaluations-to:training-loss<=0.1")
    assert search.objective == "evaluations-to:training-loss<=0.1"
    assert (comparison.search, comparison.objective) == (search.name, None)


def test_an_objective_that_the_task_cannot_measure_is_refused_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = call("paper", "--output", "out", "--task", "rosenbrock", "--objective", "validation.accuracy")
    assert outcome.code == 2
    assert "--objective: rosenbrock has no validation set, so take training-loss" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_a_rehearsal_has_shorter_budgets_fewer_individuals_and_fewer_looks_at_the_data(asked):
    """The bowl: 100, 300, 1,000, 10,000 × 0.01 with 20 at least, 32 × 0.1 with 8 at least, 100,000 × 0.01."""
    search, comparison = asked("--task", "noisy-quadratic-bowl", "--scale", "0.01")
    assert search.steps == (20, 20, 20, *[100] * 7)
    assert search.population == 8
    assert (comparison.steps, comparison.seeds, comparison.halve_learning_rate) == (1000, 8, False)
    search, comparison = asked("--task", "pixelcnn", "--scale", "0.01")[2:]
    assert (comparison.steps, comparison.validate_every, comparison.test_examples) == (3000, 300, 100)
    search, comparison = asked("--task", "rosenbrock", "--scale", "0.5")[4:]
    assert (search.steps, search.population, comparison.steps) == ((100,) * 10, 23, 100)  # 32 / √2 = 22.6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--output is missing"),
        (("--output", "out", "--scale", "0"), "--scale is above 0 and at most 1. Received: 0"),
        (("--output", "out", "--scale", "1.5"), "Received: 1.5"),
        (("--output", "mine"), "contains other files, such as 'thesis.tex'"),
        (("--output", "mine/thesis.tex"), "is not a folder"),
        (("--output", "out", "--name", "a/b"), "a/b"),
        (("--output", "out", "--optimizers", "Adan"), "Adan"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_before_anything_is_made(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    outcome = call("paper", "--task", "rosenbrock", *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_name_that_another_kind_of_run_has_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    database(tmp_path / "lodo-tune.db")
    outcome = call("paper", "--task", "rosenbrock", "--optimizers", "Adam,LODO", "--name", "second", "--output", "out")
    assert outcome.code == 2
    assert "there is a run 'second' with other settings" in outcome.err


def test_what_fails_for_now_is_continued_by_the_same_command(tmp_path, monkeypatch):
    def fails(*arguments, **keywords):
        raise ClusterUnavailable("gone")

    monkeypatch.setattr("tuner.api.paper.run_paper", fails)
    arguments = ("paper", "--task", "rosenbrock", "--output", tmp_path / "out", "--database", tmp_path / "a.db")
    outcome = call(*arguments)
    assert outcome.code == 75
    assert outcome.err.strip().endswith(f"Continue with: lodo-tune {' '.join(map(str, arguments))}")

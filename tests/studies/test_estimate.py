"""Estimates of the duration of a long search, and the confirmation before it starts."""

from dataclasses import replace

import pytest

from tests.support.builders import ADAM, LODO, spec
from tuner.api.tuning import confirmed
from tuner.cli.flags import flag_of
from tuner.cli.search import asks_before_a_long_search, confirm
from tuner.core.trial import Evaluation, Status
from tuner.studies.estimate import PROBE_COHORT, duration, long_run, measured_cost, seconds
from tuner.studies.planner import Plan, SearchRequest


class TimedExecutor:
    """An executor with given seconds per gradient evaluation of a cohort, which records what it trained."""

    def __init__(self, costs, status=Status.FINISHED):
        self.costs, self.status, self.trials = costs, status, []

    def evaluate(self, workload, trials, *, label):
        self.trials.append((workload.optimizer, workload.options, len(trials)))
        for trial in trials:
            share = self.costs[workload.optimizer] * trial.steps / workload.cohort_size
            yield Evaluation(trial.key, self.status, 1.0, [1.0], steps_done=trial.steps, seconds=share)


def study(space=ADAM, **fields):
    return spec(space, population=32, steps=(1000, 2000), **fields)  # cohorts of 16, three fresh seeds


def estimate_of(costs, specs, presets=(), workers=2):
    progress = []
    executor = TimedExecutor(costs)
    estimate = long_run(executor, specs, lambda: presets, workers, progress.append)
    return [] if estimate is None else estimate.lines(flag_of), executor, progress


def test_the_cost_of_a_cohort_is_measured_with_every_worker_busy():
    executor = TimedExecutor({"Adam": 0.25})
    assert measured_cost(executor, study(), workers=3) == pytest.approx(0.25)
    assert executor.trials == [("Adam", {}, 3 * 16)]


def test_the_cost_of_failed_candidates_is_unknown():
    assert measured_cost(TimedExecutor({"Adam": 0.25}, Status.FAILED), study(), workers=1) is None


def test_the_seconds_of_a_study_are_those_of_its_rounds_of_cohorts():
    # 32 individuals are 2 cohorts, and 2 · 3 fresh runs one more at the last budget.
    assert seconds(study(), cost=0.5, workers=1) == 0.5 * (2 * 3000 + 2000)
    assert seconds(study(), cost=0.5, workers=2) == 0.5 * (3000 + 2000)
    assert seconds(study(), cost=0.5, workers=9) == 0.5 * (3000 + 2000)
    single = replace(study(), workload=replace(study().workload, cohort_size=1))
    assert seconds(single, cost=0.5, workers=3) == 0.5 * (11 * 3000 + 2 * 2000)


def test_a_short_search_has_no_estimate_and_only_its_first_optimizer_is_measured():
    lines, executor, _ = estimate_of({"Adam": 1e-4, "LODO": 1e-4}, [study(), study(LODO)])
    assert lines == []
    assert [name for name, *_ in executor.trials] == ["Adam"]


def test_the_estimate_of_a_long_search_suggests_shorter_ones():
    quick = replace(study(), steps=(20,), generations=1, parameters={"sigmas": [1.0]})
    small = replace(quick, workload=replace(quick.workload, options={"batch_size": 8}))
    presets = [("quick", [quick]), ("small", [small])]
    lines, executor, progress = estimate_of({"Adam": 2.0, "LODO": 4.0}, [study(), study(LODO)], presets)
    assert lines == [
        # (2 + 4) · 5,000 s, at two cohorts a time
        "The search will train for about 8.3 h: 3 s per gradient evaluation as measured, 2 at a time",
        "  --preset quick would take about 2 min",  # 3 · 2 · 20 s: the same workload, at the mean cost
        "  --preset small would take about 1.3 min",  # 2 · 2 · 20 s, measured
        "  --steps 120,240 would take about 1 h",
    ]
    assert [name for name, *_ in executor.trials] == ["Adam", "LODO", "Adam"]
    assert progress[0] == "measuring Adam: a few steps"


def test_fewer_steps_than_a_useful_minimum_are_not_suggested():
    lines, _, _ = estimate_of({"Adam": 2000.0}, [study()])
    assert lines[-1].startswith("  --steps 20,40 would take about")
    short = replace(study(), steps=(20, 20))
    assert len(estimate_of({"Adam": 2000.0}, [short])[0]) == 1


def test_probes_take_no_more_steps_than_the_search():
    executor = TimedExecutor({"Adam": 1.0})
    assert measured_cost(executor, replace(study(), steps=(7, PROBE_COHORT + 1)), workers=1) == 1.0


@pytest.mark.parametrize(("value", "text"), [(40, "40 s"), (150, "2.5 min"), (36_000, "10 h"), (190_000, "2.2 days")])
def test_durations_are_formatted_in_readable_units(value, text):
    assert duration(value) == text


class Terminal:
    """A terminal report with a fixed answer to its question."""

    def __init__(self, answer):
        self.answer, self.printed = answer, []

    def say(self, text):
        self.printed.append(text)

    def confirm(self, lines, question):
        self.printed += [*lines, question]
        return self.answer


@pytest.mark.parametrize("answer", [True, False])
def test_a_long_search_starts_only_after_confirmation(answer):
    terminal = Terminal(answer)
    request = SearchRequest(task="rosenbrock")
    plan = Plan((replace(study(), steps=(10_000_000,) * 2),), (), "rosenbrock")
    executor = TimedExecutor({"Adam": 1.0, "Momentum": 1.0})
    starts = confirmed(request, plan, lambda estimate: confirm(terminal, estimate), terminal.say, executor, 2)
    assert starts == answer
    assert "Start the search?" in terminal.printed


def test_a_short_search_starts_without_confirmation():
    plan = Plan((study(),), (), "rosenbrock")
    assert confirmed(SearchRequest(task="rosenbrock"), plan, None, lambda text: None, TimedExecutor({"Adam": 1e-4}), 2)


def test_no_confirmation_is_requested_with_yes_or_without_a_terminal(monkeypatch):
    for is_terminal, yes in ((True, True), (False, False)):
        monkeypatch.setattr("sys.stdin.isatty", lambda is_terminal=is_terminal: is_terminal)
        monkeypatch.setattr("sys.stderr.isatty", lambda is_terminal=is_terminal: is_terminal)
        assert not asks_before_a_long_search(yes=yes)

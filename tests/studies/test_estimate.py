"""Before a long search whoever sits at the terminal is told how long it will take, and what would take less."""

from dataclasses import replace

import pytest

from tests.support.builders import ADAM, LODO, spec
from tuner.api.tuning import confirmed
from tuner.cli.flags import flag_of
from tuner.cli.search import asks_before_a_long_search, confirm
from tuner.core.trial import Evaluation, Status
from tuner.studies.estimate import PROBE_COHORT, duration, long_run, measured_cost, seconds
from tuner.studies.planner import Plan, SearchRequest


class Machine:
    """An executor that takes so many seconds a gradient evaluation of a cohort, and remembers what it trained."""

    def __init__(self, costs, status=Status.FINISHED):
        self.costs, self.status, self.trials = costs, status, []

    def evaluate(self, workload, trials, *, label):
        self.trials.append((workload.optimizer, workload.options, len(trials)))
        for trial in trials:
            share = self.costs[workload.optimizer] * trial.steps / workload.cohort_size
            yield Evaluation(trial.key, self.status, 1.0, [1.0], steps_done=trial.steps, seconds=share)


def study(space=ADAM, **fields):
    return spec(space, population=32, steps=(1000, 2000), **fields)  # cohorts of 16, three fresh seeds


def told(costs, specs, others=(), workers=2):
    said = []
    machine = Machine(costs)
    estimate = long_run(machine, specs, lambda: others, workers, said.append)
    return [] if estimate is None else estimate.lines(flag_of), machine, said


def test_a_cohort_s_cost_is_measured_with_every_worker_busy():
    machine = Machine({"Adam": 0.25})
    assert measured_cost(machine, study(), workers=3) == pytest.approx(0.25)
    assert machine.trials == [("Adam", {}, 3 * 16)]


def test_what_fails_is_not_measured():
    assert measured_cost(Machine({"Adam": 0.25}, Status.FAILED), study(), workers=1) is None


def test_a_study_takes_as_many_rounds_as_its_cohorts_fill():
    # 32 individuals are 2 cohorts, and 2 · 3 fresh runs one more at the last budget.
    assert seconds(study(), cost=0.5, workers=1) == 0.5 * (2 * 3000 + 2000)
    assert seconds(study(), cost=0.5, workers=2) == 0.5 * (3000 + 2000)
    assert seconds(study(), cost=0.5, workers=9) == 0.5 * (3000 + 2000)
    single = replace(study(), workload=replace(study().workload, cohort_size=1))
    assert seconds(single, cost=0.5, workers=3) == 0.5 * (11 * 3000 + 2 * 2000)


def test_of_a_short_search_nothing_is_said_and_only_its_first_optimizer_is_measured():
    lines, machine, _ = told({"Adam": 1e-4, "LODO": 1e-4}, [study(), study(LODO)])
    assert lines == []
    assert [name for name, *_ in machine.trials] == ["Adam"]


def test_a_long_search_is_told_with_what_would_take_less():
    quick = replace(study(), steps=(20,), generations=1, parameters={"sigmas": [1.0]})
    small = replace(quick, workload=replace(quick.workload, options={"batch_size": 8}))
    others = [("quick", [quick]), ("small", [small])]
    lines, machine, said = told({"Adam": 2.0, "LODO": 4.0}, [study(), study(LODO)], others)
    assert lines == [
        # (2 + 4) · 5,000 s, at two cohorts a time
        "The search will train for about 8.3 h: 3 s per gradient evaluation as measured, 2 at a time",
        "  --preset quick would take about 2 min",  # 3 · 2 · 20 s: the same workload, at the mean cost
        "  --preset small would take about 1.3 min",  # 2 · 2 · 20 s, measured
        "  --steps 120,240 would take about 1 h",
    ]
    assert [name for name, *_ in machine.trials] == ["Adam", "LODO", "Adam"]
    assert said[0] == "measuring Adam: a few steps"


def test_fewer_steps_are_not_suggested_below_what_says_something():
    lines, _, _ = told({"Adam": 2000.0}, [study()])
    assert lines[-1].startswith("  --steps 20,40 would take about")
    short = replace(study(), steps=(20, 20))
    assert len(told({"Adam": 2000.0}, [short])[0]) == 1


def test_probes_take_no_more_steps_than_the_search():
    machine = Machine({"Adam": 1.0})
    assert measured_cost(machine, replace(study(), steps=(7, PROBE_COHORT + 1)), workers=1) == 1.0


@pytest.mark.parametrize(("value", "text"), [(40, "40 s"), (150, "2.5 min"), (36_000, "10 h"), (190_000, "2.2 days")])
def test_durations_are_told_as_people_say_them(value, text):
    assert duration(value) == text


class Terminal:
    """What a report does, with an answer."""

    def __init__(self, answer):
        self.answer, self.said = answer, []

    def say(self, text):
        self.said.append(text)

    def confirm(self, lines, question):
        self.said += [*lines, question]
        return self.answer


@pytest.mark.parametrize("answer", [True, False])
def test_a_long_search_is_begun_only_with_a_yes(answer):
    terminal = Terminal(answer)
    request = SearchRequest(task="rosenbrock")
    plan = Plan((replace(study(), steps=(10_000_000,) * 2),), (), "rosenbrock")
    machine = Machine({"Adam": 1.0, "Momentum": 1.0})
    begun = confirmed(request, plan, lambda found: confirm(terminal, found), terminal.say, machine, 2)
    assert begun == answer
    assert "Begin?" in terminal.said


def test_a_short_search_is_begun_without_a_question():
    plan = Plan((study(),), (), "rosenbrock")
    assert confirmed(SearchRequest(task="rosenbrock"), plan, None, lambda text: None, Machine({"Adam": 1e-4}), 2)


def test_with_yes_or_without_a_terminal_nothing_is_measured_nor_asked(monkeypatch):
    for here, yes in ((True, True), (False, False)):
        monkeypatch.setattr("sys.stdin.isatty", lambda here=here: here)
        monkeypatch.setattr("sys.stderr.isatty", lambda here=here: here)
        assert not asks_before_a_long_search(yes=yes)

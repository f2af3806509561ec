"""What a run says of itself on standard error, and how long it says that it will take."""

import io
import math

import pytest
from rich.console import Console

from tests.support.builders import ADAM, LODO, spec, study
from tuner.api.time_left import TimeLeft
from tuner.cli.progress import TerminalProgress
from tuner.core.events import AttemptEnded, Progress
from tuner.core.trial import Evaluation, Key, Role, Status

KEYS = [Key(Role.SEARCH, 0, slot) for slot in range(4)]


class Clock:
    """A clock that stands until it is told to go on."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def report(console, clock):
    """Returns the listener of a report's one study."""
    progress = TerminalProgress(console=console, clock=clock)
    progress.begin([spec()])
    return progress.callback()


def said(console):
    return console.file.getvalue().splitlines()


def evaluation(slot, outcome):
    status = outcome if isinstance(outcome, Status) else Status.FINISHED
    return Evaluation(KEYS[slot], status, outcome if status is Status.FINISHED else math.inf, (), 100, 0.1)


def test_of_fresh_seeds_the_defaults_and_the_tuned_point_are_told_apart(report, console):
    keys = [Key(role, 0, slot) for role in (Role.DEFAULT, Role.TUNED) for slot in range(3)]
    report.on_study_begin(study(tuned=False))
    report.on_batch_begin("fresh seeds", 100, keys)
    for key, fitness in zip(keys, [5.0, 7.0, 6.0, 0.25, 1e-7, math.inf], strict=True):
        report.on_event(
            Evaluation(key, Status.FINISHED if fitness < math.inf else Status.DIVERGED, fitness, (), 100, 0.1)
        )
    report.on_study_end(study())
    (line,) = said(console)
    assert "6/6 done (100%), medians: default 6, tuned 0.125, 1 diverged, 0 failed;" in line


def test_elsewhere_than_in_a_terminal_a_generation_is_one_line_with_best_median_failures_and_time_left(
    report, console, clock
):
    report.on_study_begin(study(tuned=False))
    report.on_batch_begin("generation 0", 100, KEYS)
    clock.now = 4.0
    report.on_event(Progress(tuple(KEYS), 1, 1))  # 4 s to start; the pace counts from here: 4 of 2,400 are done
    clock.now = 5.0
    report.on_event(Progress(tuple(KEYS), 1, 50))
    for slot, outcome in enumerate([3.0, 1.0, Status.DIVERGED, Status.FAILED]):
        report.on_event(evaluation(slot, outcome))
    assert said(console) == []
    report.on_batch_begin("generation 1", 200, KEYS)
    # 396 evaluations in a second, 2,000 to do: 5 s
    assert said(console) == [
        "first/Adam  generation 0 (100 evaluations each): 4/4 done (100%), best 1, median 2, 1 diverged, 1 failed;"
        " about 5 s left"
    ]


def test_what_nobody_has_begun_yet_may_take_much_longer_and_is_said_to(console, clock):
    progress = TerminalProgress(console=console, clock=clock)
    progress.begin([spec(ADAM), spec(LODO)])
    report = progress.callback()
    report.on_study_begin(study(tuned=False))
    report.on_batch_begin("generation 0", 100, KEYS)
    for clock.now, steps in ((4.0, 1), (5.0, 100)):
        report.on_event(Progress(tuple(KEYS), 1, steps))
    for slot in range(4):
        report.on_event(evaluation(slot, 1.0))
    report.on_batch_begin("generation 1", 200, KEYS)
    assert said(console)[0].endswith("; more than 11 s left, 1 optimizer not started")


def test_an_attempt_that_came_to_nothing_is_said_at_once(report, console):
    report.on_study_begin(study(tuned=False))
    report.on_batch_begin("generation 0", 100, KEYS)
    report.on_event(AttemptEnded((KEYS[1],), 1, "worker crashed"))
    report.on_event(AttemptEnded((KEYS[2], KEYS[3]), 2, "split after: worker crashed"))
    assert said(console) == [
        "first/Adam generation 0 s01: attempt 1: worker crashed",
        "first/Adam generation 0 s02…: attempt 2: split after: worker crashed",
    ]


def test_results_on_record_count_as_done_but_not_towards_the_pace(report, console, clock):
    report.on_study_begin(study(tuned=False))
    report.on_batch_begin("generation 0", 100, KEYS)
    report.on_recorded_result(KEYS[0], Status.FINISHED, 7.0)
    report.on_recorded_result(KEYS[1], Status.TIMED_OUT, math.inf)
    report.on_study_end(study())
    assert said(console) == [
        "first/Adam  generation 0 (100 evaluations each): 2/4 done (50%), best 7, median 7, 0 diverged, 0 failed,"
        " 1 timed out; time left: not known yet"
    ]


def test_a_terminal_shows_the_state_while_it_changes():
    file = io.StringIO()
    with TerminalProgress(console=Console(file=file, force_terminal=True, width=200)) as report:
        report.begin([spec()])
        listener = report.callback()
        listener.on_study_begin(study(tuned=False))
        listener.on_batch_begin("generation 0", 100, KEYS)
        listener.on_event(evaluation(2, 0.25))
        report._live.refresh()
    assert "generation 0 (100 evaluations each): 1/4 done (25%), best 0.25" in file.getvalue()


def test_studies_that_run_side_by_side_have_a_line_each_and_share_the_time_left(clock):
    file = io.StringIO()
    with TerminalProgress(console=Console(file=file, force_terminal=True, width=200), clock=clock) as report:
        report.begin([spec()])
        for space in (ADAM, LODO):
            listener = report.callback()
            listener.on_study_begin(study(spec(space), tuned=False))
            listener.on_batch_begin("generation 0", 100, KEYS)
        file.truncate(0)
        report._live.refresh()
    shown = file.getvalue()
    assert shown.index("first/Adam  generation 0") < shown.index("first/LODO  generation 0")
    assert shown.count("time left: not known yet") == shown.count("first/LODO  generation 0")


def test_time_left_is_the_pace_since_the_first_sign_of_progress():
    left = TimeLeft(work=1_000)
    assert left.seconds(now=1.0) is None
    left.done(10, now=5.0)  # it took 5 s to start
    assert left.seconds(now=5.0) is None
    left.done(90, now=6.0)
    assert left.seconds(now=6.0) == pytest.approx(900 / 90)
    left.saved(800)
    assert left.seconds(now=6.0) == pytest.approx(100 / 90)
    assert left.seconds(now=7.0) == pytest.approx(100 / 45)  # nothing was done for a second


def test_nothing_is_left_at_the_end():
    left = TimeLeft(work=10)
    left.done(10, now=2.0)
    assert left.seconds(now=3.0) == 0.0

"""Reports that survive a lost worker: what a later attempt of the candidate finds."""

import math

import pytest

from tuner.core.errors import StopTraining
from tuner.core.objective import Objective
from tuner.core.trial import Status
from tuner.training.kept_reports import KeptReport, KeptReports
from tuner.training.reporting import Reporter

LAST = Objective(metric="validation.loss", reduction="end", window=None)


def reporter(path, *, budget=5, objective=LAST):
    return Reporter(budget, objective, KeptReports(path))


def steps(reporter):
    return [one.evaluations for one in reporter.take()]


def test_an_attempt_that_goes_on_has_the_reports_before_its_first_step(tmp_path):
    path = tmp_path / "x.reports"
    lost = reporter(path)
    for step in (1, 2, 3):
        lost(step, loss=1 / step)
    later = reporter(path)
    later(3, loss=0.5)  # its checkpoint was of step 2
    assert [(one.evaluations, one.metrics["loss"][0]) for one in later.take()] == [(1, 1.0), (2, 0.5), (3, 0.5)]
    third = reporter(path)
    third(4, loss=0.1)
    assert [one.metrics["loss"][0] for one in third.take()] == [1.0, 0.5, 0.5, 0.1]


def test_seconds_go_on_where_those_of_the_lost_attempt_ended(tmp_path):
    path = tmp_path / "x.reports"
    KeptReports(path).add(KeptReport(1, 100.0, {"loss": 1.0}))
    later = reporter(path)
    later(2, loss=1.0)
    assert [100.0 <= one.seconds < 200.0 for one in later.take()] == [True, True]


def test_an_attempt_that_starts_anew_has_its_own_reports_alone(tmp_path):
    path = tmp_path / "x.reports"
    lost = reporter(path)
    for step in (1, 2, 3):
        lost(step, loss=9.0)
    later = reporter(path)
    later(1, loss=1.0)
    later(2, loss=2.0)
    assert [one.metrics["loss"][0] for one in later.take()] == [1.0, 2.0]
    third = reporter(path)
    third(4, loss=4.0)  # step 3 of the first attempt belongs to another course
    assert steps(third) == [1, 2, 4]


def test_a_worker_lost_after_the_last_report_leaves_nothing_to_do(tmp_path):
    path = tmp_path / "x.reports"
    lost = reporter(path)
    for step in range(1, 6):
        lost(step, loss=1 / step)
    later = reporter(path)
    later.close()  # the function found that its checkpoint was at the end of the budget
    assert later.judge() == (Status.FINISHED, 0.2, "")
    assert steps(later) == [1, 2, 3, 4, 5]


def test_a_run_that_was_to_stop_is_told_so_again(tmp_path):
    path = tmp_path / "x.reports"
    lost = reporter(path)
    lost(1, loss=1.0)
    with pytest.raises(StopTraining):
        lost(2, loss=math.nan)
    later = reporter(path)
    with pytest.raises(StopTraining):
        later(3, loss=1.0)
    assert later.judge()[0] is Status.DIVERGED


def test_the_end_of_a_line_that_was_being_written_is_left_out(tmp_path):
    path = tmp_path / "x.reports"
    reporter(path)(1, loss=1.0)
    path.write_bytes(path.read_bytes() + b'\n[2, 0.1, {"lo')
    later = reporter(path)
    later(3, loss=1.0)
    assert steps(later) == [1, 3]
    third = reporter(path)
    third(4, loss=1.0)
    assert steps(third) == [1, 3, 4]


def test_where_reports_cannot_be_kept_training_goes_on_and_none_are_found(tmp_path):
    path = tmp_path / "no folder" / "x.reports"
    first = reporter(path)
    first(1, loss=1.0)
    first(5, loss=1.0)
    assert steps(first) == [1, 5]
    later = reporter(path)
    later(5, loss=1.0)
    assert steps(later) == [5]

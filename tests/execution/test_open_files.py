"""A low limit of open files is named where it is the likely cause."""

import resource

import pytest

from tuner.execution.executor import ClusterUnavailable
from tuner.execution.open_files import limit_of_files
from tuner.execution.ray import session
from tuner.execution.resources import Resources


def limited(monkeypatch, number):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (number, number))


@pytest.mark.parametrize(
    ("number", "text", "few"),
    [(256, "256", True), (1024, "1024", False), (resource.RLIM_INFINITY, "unlimited", False)],
)
def test_a_limit_is_shown_and_remarked_on_below_a_thousand_files(number, text, few, monkeypatch):
    limited(monkeypatch, number)
    shown, remark = limit_of_files()
    assert (shown, remark is not None) == (text, few)


@pytest.mark.parametrize(
    ("number", "told"), [(40, r"more open files: ulimit -n 4096 \(now 40\)$"), (4096, r"machine: no port$")]
)
def test_ray_that_does_not_start_is_told_with_the_limit_if_it_is_low(number, told, monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("no port")

    limited(monkeypatch, number)
    monkeypatch.setattr(session, "init_ray", fails)
    with pytest.raises(ClusterUnavailable, match=rf"^Ray does not start on this machine: .*{told}|{told}"):
        session.RaySession.start(Resources(workers=1))

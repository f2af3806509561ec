"""Data sets by name, and whether the network that they come from answers."""

from __future__ import annotations

import io
import threading
import urllib.error
import urllib.request
from typing import Any

import pytest

from tasks import places
from tasks.datasets import fingerprint

URL = "https://example.org/data.npz"


def test_an_unknown_data_set_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Unknown data set; there is: mnist, cifar10. Received: 'cifar'"):
        fingerprint("cifar")


def test_a_name_server_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    released, ended = threading.Event(), threading.Event()

    def hang(*args: Any, **kwargs: Any) -> None:
        released.wait(60)  # as a name server may, whatever the timeout that it was given
        ended.set()
        raise urllib.error.URLError("no name")

    monkeypatch.setattr(urllib.request, "urlopen", hang)
    monkeypatch.setattr(places, "PROBE_SECONDS", 0.1)
    answer = places.answers(URL)
    assert not ended.is_set()
    released.set()
    assert not answer


@pytest.mark.parametrize("error", [urllib.error.URLError("no name"), TimeoutError(), ValueError("odd proxy")])
def test_a_network_that_refuses_does_not_answer(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    assert not places.answers(URL)


def test_a_network_that_answers_is_seen_to(monkeypatch: pytest.MonkeyPatch) -> None:
    class Answer(io.BytesIO):
        status = 200

    monkeypatch.setattr(urllib.request, "urlopen", lambda *args, **kwargs: Answer())
    assert places.answers(URL)

"""Data sets by name, the folder they are looked for in, and whether the network that they come from answers."""

from __future__ import annotations

import io
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tasks import downloads
from tasks.data_folder import data_folder, using
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
    monkeypatch.setattr(downloads, "PROBE_SECONDS", 0.1)
    answer = downloads.answers(URL)
    assert not ended.is_set()
    released.set()
    assert not answer


@pytest.mark.parametrize("error", [urllib.error.URLError("no name"), TimeoutError(), ValueError("odd proxy")])
def test_a_network_that_refuses_does_not_answer(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    assert not downloads.answers(URL)


def test_a_network_that_answers_is_seen_to(monkeypatch: pytest.MonkeyPatch) -> None:
    class Answer(io.BytesIO):
        status = 200

    monkeypatch.setattr(urllib.request, "urlopen", lambda *args, **kwargs: Answer())
    assert downloads.answers(URL)


def test_the_data_folder_is_that_given_or_that_of_the_innermost_context_or_the_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LODO_DATA_DIR", raising=False)
    assert data_folder() is None
    monkeypatch.setenv("LODO_DATA_DIR", "~/variable")
    assert data_folder() == Path.home() / "variable"
    with using("/outer"):
        with using(Path("/inner")):
            assert data_folder() == Path("/inner")
            assert data_folder("/given") == Path("/given")
        with using(None):
            assert data_folder() == Path("/outer")
    assert data_folder() == Path.home() / "variable"


def test_the_data_folder_of_a_context_ends_with_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODO_DATA_DIR", "")
    with pytest.raises(LookupError), using("/outer"):
        raise LookupError
    assert data_folder() is None

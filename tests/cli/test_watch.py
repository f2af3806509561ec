"""`lodo-tune watch`: a search followed through its database alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import call
from tests.support.store_values import ME, candidate, driven, evaluation, hashes, key, keys, spec
from tuner.api.database import Database
from tuner.cli import watch
from tuner.core.study import StudyStatus
from tuner.core.trial import Status
from tuner.storage import Store


def watched(url: str, name: str, *deeds: object, interval: float = 1.0) -> list[str]:
    """Watch, with a deed done at each wait; return what was printed."""
    left = list(deeds)

    def sleep(seconds: float) -> None:
        assert seconds == interval
        if left:
            left.pop(0)()  # type: ignore[operator]

    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("click.echo", lambda line, err=False: lines.append(line))
        watch.follow(Database(url), name, interval, sleep=sleep)
    assert left == []
    return lines


def test_a_line_is_printed_when_a_generation_ends_and_when_the_study_does(tmp_path: Path) -> None:
    url = str(tmp_path / "studies.db")
    with Store.open(url) as store:
        study, epoch = driven(store, owner=ME, add=keys())

        def first() -> None:
            store.record(study, epoch, [evaluation(key(0)), evaluation(key(1)), evaluation(key(2), Status.DIVERGED)])

        def second() -> None:
            store.record(study, epoch, [evaluation(key(slot, 1), fitness=0.25 + slot) for slot in range(3)])

        def end() -> None:
            store.release(study, epoch, StudyStatus.COMPLETE)

        assert watched(url, "run", lambda: None, first, second, end) == [
            "run/Adam  running",
            "run/Adam  generation 0 (200 evaluations each): 2 finished, 1 diverged, best 0.5, median 0.5",
            "run/Adam  generation 1 (200 evaluations each): 3 finished, best 0.25, median 1.25",
            "run/Adam  complete",
        ]


def test_a_run_is_followed_from_study_to_study_and_an_interruption_says_how_to_go_on(tmp_path: Path) -> None:
    url = str(tmp_path / "studies.db")
    with Store.open(url) as store:
        one, epoch = driven(store, owner=ME, add=[key()])
        driven_later = store.create_study(spec(optimizer="Yogi")).id

        def between() -> None:
            store.release(one, epoch, StudyStatus.INTERRUPTED)

        def next_one() -> None:
            epochs.append(store.acquire(driven_later, owner=ME))
            store.add(driven_later, epochs[-1], [candidate(key())])

        def stop() -> None:
            store.release(driven_later, epochs[-1], StudyStatus.INTERRUPTED)

        epochs: list[int] = []
        nothing = [lambda: None] * (watch.IDLE_READINGS - 1)
        assert watched(url, "run", between, lambda: None, next_one, stop, *nothing) == [
            "run/Adam  running",
            "run/Yogi  waiting",
            "run/Adam  interrupted",
            "run/Yogi  running",
            "run/Yogi  interrupted",
            "no driver holds run/Adam, run/Yogi; continue with: lodo-tune resume run --database sqlite:///" + url,
        ]


def test_watching_changes_nothing_and_loads_neither_ray_nor_tensorflow(tmp_path: Path) -> None:
    url = str(tmp_path / "studies.db")
    with Store.open(url) as store:
        study, epoch = driven(store, owner=ME, add=keys())
        store.record(study, epoch, [evaluation(each) for each in keys()])
        store.release(study, epoch, StudyStatus.COMPLETE)
    before = hashes(tmp_path)["studies.db"]
    code = (
        "import sys\nfrom tuner.api.database import Database\nfrom tuner.cli.watch import follow\n"
        f"follow(Database({url!r}), 'run/Adam', 1.0)\n"
        "print(sorted({'ray', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert hashes(tmp_path)["studies.db"] == before


def test_what_cannot_be_watched_is_told_in_a_line(tmp_path: Path) -> None:
    url = tmp_path / "studies.db"
    assert "there is no database" in call("watch", "run", "--database", url).err
    Store.open(str(url)).close()
    assert "there is no study 'run'" in call("watch", "run", "--database", url).err
    for interval in (0, 1e300, "inf", "nan"):
        outcome = call("watch", "run", "--interval", interval, "--database", url)
        assert outcome.code == 2
        assert "--interval is a positive number of seconds, at most 86400" in outcome.err

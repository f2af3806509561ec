"""Drivers killed at any point: acknowledged results are kept, and the study resumes to the same rows."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import call
from tests.support.killed_driver import GENERATIONS, POINTS, POPULATION
from tests.support.postgresql import Server, a_postgresql_server  # noqa: F401 - a fixture
from tests.support.store_values import ME, driven, evaluation, key, keys, losses, start_python
from tuner.core.study import StudyStatus
from tuner.core.trial import Status
from tuner.storage import Store, Unreachable

pytestmark = pytest.mark.faults

COHORT_SIZE = 4
FAST = {("before a commit", 5), ("after a commit", 9), ("within training", 3)}
KILLED_AT = [
    pytest.param(point, count, marks=() if (point, count) in FAST else pytest.mark.slow)
    for point in POINTS
    for count in ((5, 9, 17) if "transaction" in point or "commit" in point else (1, 3))
]


def drive(url: str, point: str = POINTS[0], count: int = 0, *kind: str, **environment: str) -> subprocess.Popen[str]:
    """Start a driver that kills itself when it reaches a point for the count-th time; with count 0 never."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.killed_driver", url, point, str(count), *kind],
        cwd=Path(__file__).parents[2],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_driver(process: subprocess.Popen[str]) -> int:
    """Wait for a driver to end, and return its exit status: 0, or that of SIGKILL."""
    _, err = process.communicate(timeout=300)
    assert process.returncode in (0, -signal.SIGKILL), err
    return process.returncode


def rows(url: str) -> list[Any]:
    """Return the tuned point, the candidates and the curves of a complete study, without times and attempts."""
    with Store.open(url, read_only=True) as store:
        (study,) = store.studies()
        assert study.status == StudyStatus.COMPLETE
        assert store.check().faults == ()
        fields = ("key", "genome", "hyperparameters", "seed", "steps", "status", "fitness", "steps_done")
        candidates = store.candidates(study.id)
        assert len(candidates) == GENERATIONS * POPULATION + 4
        curves = [store.curve(study.id, each.key).tobytes() for each in candidates]
        return [study.tuned, [[getattr(each, name) for name in fields] for each in candidates], curves]


def repeated_candidates(url: str) -> int:
    with Store.open(url, read_only=True) as store:
        return sum(each.attempts > 1 for each in store.candidates(store.studies()[0].id))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    url = str(tmp_path_factory.mktemp("undisturbed") / "studies.db")
    assert wait_for_driver(drive(url)) == 0
    return rows(url)


@pytest.mark.parametrize(("point", "count"), KILLED_AT)
def test_a_search_whose_driver_was_killed_resumes_to_the_same_rows(
    undisturbed: list[Any], tmp_path: Path, point: str, count: int
) -> None:
    url = str(tmp_path / "studies.db")
    assert wait_for_driver(drive(url, point, count)) == -signal.SIGKILL
    assert wait_for_driver(drive(url)) == 0
    assert rows(url) == undisturbed
    assert repeated_candidates(url) <= COHORT_SIZE  # at most the cohort that was being trained


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_a_search_whose_driver_was_killed_twenty_times_ends_with_the_same_rows(
    undisturbed: list[Any], tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    url = str(tmp_path / "studies.db")
    if database == "postgresql":
        server: Server = request.getfixturevalue("postgresql_server")
        url = server.url(server.create_database())
    rng = random.Random(1)
    for _ in range(20):
        process = drive(url, COHORT_SECONDS="0.3")
        time.sleep(rng.uniform(0.6, 2.0))
        process.kill()
        process.communicate()
    assert wait_for_driver(drive(url)) == 0
    assert rows(url) == undisturbed


ENDLESS = """
store = Store.open(sys.argv[1])
study, epoch = driven(store, sys.argv[2], this_process(), add=[key(slot) for slot in range(4000)], population=4000)
for slot in range(4000):
    store.record(study, epoch, [evaluation(key(slot))])
    print(slot, flush=True)
"""


@pytest.mark.slow
def test_acknowledged_results_of_sixty_pairs_of_killed_writers_are_kept(tmp_path: Path) -> None:
    url, acknowledged = str(tmp_path / "studies.db"), 0
    rng = random.Random(2)
    for number in range(60):
        pair = [start_python(ENDLESS, url, f"run{number}-{side}") for side in range(2)]
        outputs = [[process.stdout.readline()] for process in pair if process.stdout is not None]
        time.sleep(rng.uniform(0.0, 0.2))
        for process, lines in zip(pair, outputs, strict=True):
            process.kill()
            assert process.stdout is not None
            lines += process.stdout.readlines()
            process.wait()
        with Store.open(url, read_only=True) as store:
            for side, lines in enumerate(outputs):
                (study,) = store.find(f"run{number}-{side}")
                printed = {key(int(line)) for line in lines if line.endswith("\n")}
                stored = {each.key for each in store.candidates(study.id) if each.status is Status.FINISHED}
                assert printed <= stored
                assert len(stored - printed) <= 1
                acknowledged += len(printed)
    with Store.open(url, read_only=True) as store:
        assert store.check().faults == ()
    assert acknowledged > 120


@pytest.mark.slow
@pytest.mark.postgresql
def test_a_search_resumes_to_the_same_rows_after_the_server_was_killed(
    undisturbed: list[Any], postgresql_server: Server
) -> None:
    url = postgresql_server.url(postgresql_server.create_database())
    process = drive(url, COHORT_SECONDS="0.3")
    time.sleep(2.0)
    postgresql_server.kill()
    _, err = process.communicate(timeout=300)
    postgresql_server.start()
    assert process.returncode != 0
    assert Unreachable.__name__ in err
    assert wait_for_driver(drive(url)) == 0
    assert rows(url) == undisturbed


MIGRATION = """
import os, signal
from tuner.storage import schema
schema.MIGRATIONS, schema.VERSION = sys.argv[2], sys.argv[3]
Store.open(sys.argv[1])
"""


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_a_killed_migration_leaves_the_old_database_and_a_backup(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    import shutil

    from tests.storage.test_migrations import LATER, NEWEST, migration
    from tuner.storage import maintenance, migrations

    url = str(tmp_path / "studies.db")
    if database == "postgresql":
        server: Server = request.getfixturevalue("postgresql_server")
        url = server.url(server.create_database())
    with Store.open(url) as store:
        study, epoch = driven(store, add=keys())
        store.record(study, epoch, [evaluation(key())])
    folder = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, folder)
    killing = migration(ending="import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    (folder / "versions" / f"{LATER}_later.py").write_text(killing)
    process = start_python(MIGRATION, url, str(folder), LATER)
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL
    assert maintenance.version(url) == NEWEST
    with Store.open(url) as store:
        assert store.check().faults == ()
        assert store.curve(study, key()).tobytes() == losses(key()).tobytes()
    if database == "sqlite":
        (backup,) = tmp_path.glob("*.backup")
        with Store.open(str(backup)) as store:
            assert store.curve(study, key()).tobytes() == losses(key()).tobytes()


DRIVER_OF_EIGHT = """
while time.time() < float(sys.argv[3]): time.sleep(0.005)
store = Store.open(sys.argv[1])
study, epoch = driven(store, sys.argv[2], this_process(), add=[key(slot) for slot in range(150)], population=150)
waits = []
for slot in range(150):
    begun = time.monotonic()
    store.record(study, epoch, [evaluation(key(slot))])
    waits.append(time.monotonic() - begun)
print(max(waits), flush=True)
"""


@pytest.mark.slow
def test_eight_drivers_can_write_to_one_file_without_lock_errors(tmp_path: Path) -> None:
    url = str(tmp_path / "studies.db")
    begin = str(time.time() + 3.0)
    drivers = [start_python(DRIVER_OF_EIGHT, url, f"run{number}", begin) for number in range(8)]
    outputs = [driver.communicate(timeout=300)[0] for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0] * 8
    print("worst wait for a commit:", max(map(float, outputs)))
    with Store.open(url, read_only=True) as store:
        assert [study.counts[Status.FINISHED] for study in store.studies()] == [150] * 8
        assert store.check().faults == ()


def test_recording_three_hundred_candidates_leaks_neither_memory_nor_descriptors(tmp_path: Path) -> None:
    def usage() -> tuple[float, int]:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(os.listdir("/proc/self/fd"))

    if not Path("/proc/self/statm").exists():
        pytest.skip("this system has no /proc")
    with Store.open(str(tmp_path / "studies.db")) as store:
        study, epoch = driven(store, owner=ME, add=[key(slot) for slot in range(400)])
        for slot in range(100):
            store.record(study, epoch, [evaluation(key(slot))])
        memory, descriptors = usage()
        for slot in range(100, 400):
            store.start_attempt(study, epoch, [key(slot)], 1, "node", 1)
            store.record(study, epoch, [evaluation(key(slot))])
        more, opened = usage()
    assert more - memory < 15
    assert opened - descriptors < 10


@pytest.mark.parametrize(
    ("point", "count"),
    [
        pytest.param("before a commit", 5),
        pytest.param("after a commit", 4, marks=pytest.mark.slow),
        pytest.param("within training", 3, marks=pytest.mark.slow),
    ],
)
def test_a_comparison_whose_driver_was_killed_resumes_to_the_same_table(tmp_path: Path, point: str, count: int) -> None:
    def results_of(url: str) -> Any:
        with Store.open(url, read_only=True) as store:
            (study,) = store.studies()
            assert study.status == StudyStatus.COMPLETE
            assert store.check().faults == ()
            runs = store.seed_runs(study.id)
            assert [run.series["validation"].evaluations.tolist() for run in runs] == [[0, 5]] * 16
            return [
                (run.candidate.key, run.candidate.fitness, run.losses.tobytes())
                for run in runs
                if run.losses is not None
            ]

    urls = [str(tmp_path / f"{name}.db") for name in ("whole", "killed")]
    assert wait_for_driver(drive(urls[0], POINTS[0], 0, "comparison")) == 0
    assert wait_for_driver(drive(urls[1], point, count, "comparison")) == -signal.SIGKILL
    assert wait_for_driver(drive(urls[1], POINTS[0], 0, "comparison")) == 0
    assert results_of(urls[0]) == results_of(urls[1])
    tables = [call("table", "run", "--format", "json", "--database", url).out for url in urls]
    created = [json.loads(text)["comparisons"][0].pop("created_at") for text in tables]
    assert tables[0].replace(created[0], "") == tables[1].replace(created[1], "")

"""A service and its drivers are killed at random moments; every run ends with the rows of one that was not disturbed.

`KILLS` of the environment is the number of kills. The moments are drawn by a generator with a seed.
"""

import contextlib
import json
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

import tuner
from tests.support.in_process_driver import TRAIN
from tests.support.postgresql import a_postgresql_server  # noqa: F401 - a fixture
from tests.support.supervised import PATIENCE, SMALL, rows
from tuner.api.submission import Catalogue, planned
from tuner.core.requests import State
from tuner.execution.in_process import InProcessExecutor
from tuner.service.supervisor.processes import DriverProcesses
from tuner.storage import ServiceStore, processes, this_process
from tuner.studies.callbacks import NoCallback
from tuner.studies.driver import run_studies

pytestmark = [pytest.mark.slow, pytest.mark.faults]
KILLS = int(os.environ.get("KILLS", "8"))
TOKEN = "k" * 43


def line_of(stream):
    """Return the next line of a process."""
    ready, _, _ = select.select([stream], [], [], PATIENCE)
    assert ready, "the service says nothing"
    return stream.readline()


class Service:
    """A service as a process, which is started again after each kill."""

    def __init__(self, database, command, workers):
        self.database, self.command, self.workers = database, command, workers
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [*self.command, self.database, TOKEN, str(self.workers)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.address = line_of(self.process.stdout).strip().rstrip("/")
        assert self.address.startswith("http"), "the service did not start"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def status(self, path, body=None):
        """Return the status and the text of a page, or of the answer to a body."""
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.address + path, data, headers)
        try:
            with urllib.request.urlopen(asked, timeout=300) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def ask(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        data = None if method == "GET" else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.address}/api/v1{path}", data, headers, method=method)
        with urllib.request.urlopen(asked, timeout=300) as answer:
            return json.load(answer)


def undisturbed(file, run, fields):
    """Return the rows of a run that a driver in this process trains."""
    with ServiceStore.open(str(file)) as store:
        studies = store.create_run(planned(run, fields, Catalogue.of()).specs)
        with InProcessExecutor(train=TRAIN) as executor:
            run_studies(store, studies, executor, NoCallback, owner=this_process())
        return rows(store, run)


def drivers(store):
    """Return the processes of the drivers that live."""
    found = [one for one in store.requests([State.STARTING, State.RUNNING]) if one.driver_lives]
    return [pid for one in found if (pid := processes.pid_of(one.driver)) is not None]


def until(condition, patience=PATIENCE):
    """Wait until a condition holds, and return what it returns."""
    end = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


class Killing:
    """Kills what a queue of small runs needs, at random moments; the queue never runs dry.

    Args:
        service: The service.
        store: Its database, which waits for a server that is away.
        chosen: Draws the moments, and what is killed.
        server: Of PostgreSQL. Default: none.
    """

    def __init__(self, service, store, chosen, server=None):
        self.service, self.store, self.chosen, self.server = service, store, chosen, server
        self.killed = {"service": 0, "driver": 0, **({} if server is None else {"server": 0})}
        self.submitted = {}
        self.seen = set()

    def keep_the_queue(self):
        """Submit runs, the last one twice, until three have not ended."""
        while sum(not one.state.is_ended for one in self.store.requests()) < 3:
            run = f"run-{len(self.submitted)}"
            self.submitted[run] = {**SMALL, "seed": len(self.submitted)}
            for _ in range(2):  # as after an answer that was cut off
                self.service.ask("PUT", f"/runs/{run}", self.submitted[run])

    def kill(self):
        """Kill one process, or the service and one of the others."""
        self.keep_the_queue()
        self.seen |= {*until(lambda: drivers(self.store))}
        time.sleep(self.chosen.uniform(0.0, 3.0))
        kinds = [kind for kind in self.killed if self.chosen.random() < 0.5] or ["driver"]
        if "service" in kinds:
            self.service.kill()
        if "driver" in kinds:
            living = drivers(self.store)
            self.seen |= {*living}
            for pid in living[:1]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.killed["driver"] += 1
        if "server" in kinds:
            self.server.kill()
            if "service" not in kinds:
                assert self.service.status("/health")[0] == 200
                for path in ("/ready", "/", "/queue"):
                    code, text = self.service.status(path)
                    assert (code, "cannot be reached" in text) == (503, True), (path, text)
            time.sleep(self.chosen.uniform(0.0, 3.0))
            self.server.start()
        if "service" in kinds:
            self.service.start()
        for kind in ("service", "server"):
            if kind in kinds:
                self.killed[kind] += 1

    def end(self):
        """Wait until all runs are complete and all drivers have ended."""
        until(lambda: all(one.state is State.COMPLETE for one in self.store.requests()), 3 * PATIENCE)
        until(lambda: not any(processes.start_ticks(pid) for pid in self.seen | {*drivers(self.store)}))


@pytest.mark.parametrize("kind", ["file", pytest.param("server", marks=pytest.mark.postgresql)])
def test_every_run_ends_with_the_same_rows_whatever_is_killed(tmp_path, monkeypatch, request, kind):
    monkeypatch.setenv("COHORT_SECONDS", "0.4")
    monkeypatch.setenv("DRIVERS_FOLDER", str(tmp_path / "drivers"))
    server = request.getfixturevalue("postgresql_server") if kind == "server" else None
    database = str(tmp_path / "runs.db") if server is None else server.url(server.create_database())
    service = Service(database, (sys.executable, "-m", "tests.support.killed_service"), workers=2)
    try:
        with ServiceStore.open(database, patience=60.0) as store:
            killing = Killing(service, store, random.Random(11), server)
            while sum(killing.killed.values()) < KILLS:
                killing.kill()
            killing.end()
            print(f"{killing.killed} of {len(killing.submitted)} runs")
            assert all(killing.killed.values())
            for run, fields in killing.submitted.items():
                assert rows(store, run) == undisturbed(tmp_path / f"{run}.db", run, fields)
            assert sorted(store.runs()) == sorted(killing.submitted)
            assert store.check().faults == ()
    finally:
        service.kill()


# Each of its ten cohorts trains for about a second, so that the kill comes while it trains.
ON_RAY = {
    "task": ["rosenbrock"],
    "optimizers": ["Adam", "Momentum"],
    "generations": 5,
    "population": 16,
    "steps": [20_000],
    "strategy": "genetic",
    "seed": 5,
}


@pytest.fixture(scope="module")
def undisturbed_on_ray(tmp_path_factory):
    """Return the rows of ON_RAY, which a search without a service finds."""
    file = tmp_path_factory.mktemp("undisturbed") / "runs.db"
    tuner.tune(**{**ON_RAY, "task": "rosenbrock"}, name="run", database=file, workers=2, progress=False)
    with ServiceStore.open(str(file)) as store:
        return rows(store, "run")


@pytest.mark.parametrize(
    ("killed", "is_served"),  # names of processes, "" for the driver itself; and whether the service lives on
    [(("",), False), (("raylet",), True), (("raylet", "gcs_server"), True), (("raylet", "gcs_server", ""), False)],
    ids=["driver and service", "raylet", "all of Ray", "all"],
)
def test_on_ray_as_well_and_no_worker_stays_behind(tmp_path, monkeypatch, undisturbed_on_ray, killed, is_served):
    monkeypatch.setenv("LODO_TUNE_TOKEN", TOKEN)
    database = str(tmp_path / "runs.db")
    service = Verb(database, None, workers=2)

    def request():
        return service.ask("GET", "/runs/run")["request"]

    try:
        service.ask("PUT", "/runs/run", ON_RAY)
        with ServiceStore.open(database) as store:
            until(lambda: service.ask("GET", "/runs/run").get("done", 0) >= 32)
            (driver,) = drivers(store)
            assert workers_of(driver)
            for name in killed:
                for pid in processes_of_session(driver, f"/{name}") if name else [driver]:
                    os.kill(pid, signal.SIGKILL)
            if is_served:
                until(lambda: request()["state"] == "complete" or request()["last_error"])
                print(request()["state"], request()["reason"])
            else:
                service.kill()
                service.start()
            until(lambda: request()["state"] == "complete", 2 * PATIENCE)
            assert drivers(store) == []
            until(lambda: workers_of(driver) == [])
            assert rows(store, "run") == undisturbed_on_ray
            assert store.check().faults == ()
    finally:
        service.kill()
        shutil.rmtree(DriverProcesses(database)._folder, ignore_errors=True)


class Verb(Service):
    """The verb `serve`, whose token is in the environment."""

    def start(self):
        command = [sys.executable, "-c", "from tuner.cli import main; main()", "serve", "--port", "0"]
        self.process = subprocess.Popen(
            [*command, "--database", self.database, "--workers", str(self.workers)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.address = re.search(r"http://[^ ]+", line_of(self.process.stderr))[0].rstrip("/")

    def kill(self):
        super().kill()
        self.process.stderr.close()


def workers_of(driver):
    """Return Ray's workers below a driver: while they start, wait and train, they are named otherwise."""
    titles = ("ray::lane", "ray::Trainer", "ray::rosenbrock")
    return [pid for title in titles for pid in processes_of_session(driver, title)]


def processes_of_session(leader, name):
    """Return the processes with a name in the session that a driver leads."""
    listed = subprocess.run(
        ["ps", "--no-headers", "-o", "pid,args", "--sid", str(leader)], capture_output=True, text=True
    )
    return [int(line.split()[0]) for line in listed.stdout.splitlines() if name in line]

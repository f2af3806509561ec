"""A service as it is seen from a browser, a program, a terminal and Python; and the table of what each can do.

The table is that of docs/guides/service-clients.md.
"""

import contextlib
import json
import re
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import tuner
from tests.support.command_line import call
from tests.support.reading_service import BEARER, TOKEN, application, served
from tests.support.report_values import database
from tuner.api.database import Database
from tuner.api.remote.service import Service
from tuner.cli.repeat_command import repeat_command
from tuner.core.requests import Cost, Outcome, State
from tuner.service.guard import COOKIE
from tuner.service.tokens import OPERATOR
from tuner.storage import ServiceStore, this_process

PAGE = Path(__file__).parents[2] / "docs/guides/service-clients.md"
FACES = ("page", "HTTP", "command line", "Python")


def table():
    """Return the cells of the table of the documentation: by what is done and the face, what the cell names."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    header, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert tuple(header[1:]) == FACES
    return {
        (row[0], face): re.findall("`([^`]+)`", cell) for row in rows for face, cell in zip(FACES, row[1:], strict=True)
    }


CELLS = table()


@dataclass
class Faces:
    """A service as it is seen from a browser, a program, a terminal and Python; and its database, as it is."""

    address: str
    store: ServiceStore
    local: Database
    session: str

    @property
    def python(self) -> Service:
        return tuner.connect(self.address, token=TOKEN)

    def page(self, path, form=None):
        """Return the text of a page, or that after a form was sent."""
        data = None if form is None else urllib.parse.urlencode(form, doseq=True).encode()
        headers = {"Cookie": f"{COOKIE}={self.session}", "Origin": self.address}
        with urllib.request.urlopen(urllib.request.Request(self.address + path, data, headers), timeout=300) as answer:
            return answer.read().decode()

    def http(self, method, path, body=None):
        """Return the body of an answer of the API."""
        headers = BEARER | ({} if method == "GET" else {"Content-Type": "application/json"})
        data = None if method == "GET" else json.dumps(body or {}).encode()
        asked = urllib.request.Request(f"{self.address}/api/v1{path}", data, headers, method=method)
        with urllib.request.urlopen(asked, timeout=300) as answer:
            return answer.read()

    def json(self, method, path, body=None):
        return json.loads(self.http(method, path, body))

    def line(self, *words):
        """Return what a command prints."""
        with mock.patch.dict("os.environ", {"LODO_TUNE_TOKEN": TOKEN, "LODO_TUNE_SERVER": self.address}):
            done = call(*words)
        assert done.code == 0, done
        return done.out

    def state(self, run):
        return self.store.request(run).state

    def queued(self, run):
        """Store a request that waits, as if it had been submitted; return its name."""
        fields = {"task": ["rosenbrock"], "optimizers": ["Adam"], "options": {}, "search_spaces": []}
        fields |= dict.fromkeys(("generations", "population", "steps", "sigma", "budget", "strategy", "objective"))
        fields |= {"preset": "quick", "seed": 0, "precision": None, "timeout": None, "max_attempts": 3}
        cost = Cost(studies=1, candidates=1, evaluations=1, width=1, rounds={"rosenbrock/Adam": 1})
        self.store.submit(run, by="operator", fields=fields, cost=cost)
        return run

    def paused(self, run):
        self.python.pause(self.queued(run))
        assert self.state(run) is State.PAUSED
        return run

    def running(self, run):
        """Store a request with a driver that has claimed it."""
        request = self.store.request(self.queued(run))
        epoch = self.store.start_driver(request.id, request.epoch, 1)
        self.store.claim(request.id, epoch, this_process())
        return run

    def failed(self, run):
        request = self.store.request(self.running(run))
        self.store.end_driver(request.id, request.epoch, Outcome.FAILED, "nothing works")
        assert self.state(run) is State.FAILED
        return run

    def desired(self, run):
        return str(self.store.request(run).desired)


class Cells(dict):
    """Tests of cells, by what is done and the face."""

    def of(self, what, face):
        """Return a decorator of the test of a cell."""

        def decorate(function: Callable) -> Callable:
            assert (what, face) not in self
            self[what, face] = function
            return function

        return decorate


def local(faces, *words):
    """Return what a command prints of the database itself."""
    done = call(*words, "--database", faces.local.source)
    assert done.code == 0, done
    return done.out


@contextlib.contextmanager
def served_faces(folder: Path) -> Iterator[Faces]:
    """Yield a service that starts no drivers, with the runs `first`, a search, and `second`, a comparison."""
    file = folder / "runs.db"
    database(file)
    app = application(str(file), repeat_command=repeat_command)
    with served(app) as address, ServiceStore.open(str(file)) as store:
        yield Faces(address, store, Database(str(file)), app.state.sessions.begin(OPERATOR))

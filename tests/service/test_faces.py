"""Pages, HTTP, command line and Python do the same: one table of verbs, and a test for each of its cells.

The table is that of docs/guides/service-clients.md; tests/service/test_faces_that_read.py tests the cells that read.
"""

import json
import re
import urllib.error

import pytest

import tuner
from tests.service.test_faces_that_read import CELLS_THAT_READ
from tests.support.command_line import call
from tests.support.faces import CELLS, FACES, Cells, Faces, local, served_faces
from tests.support.report_values import database
from tests.support.working_service import working
from tuner.api.database import Database
from tuner.api.remote.service import Service
from tuner.cli import commands
from tuner.core.requests import State
from tuner.service.description import description
from tuner.service.forms import ComparisonForm, RunForm
from tuner.storage import ServiceStore

CELLS_THAT_CHANGE = Cells()
SMALL = {"task": "rosenbrock", "preset": "quick", "optimizers": ["Momentum"], "generations": 2, "population": 4}
SMALL |= {"steps": [5], "seed": 1}
COMPARED = {"task": "rosenbrock", "search": "first", "optimizers": ["Adam"], "seeds": 2, "steps": 5}


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Yield a service that starts no drivers, with the runs `first`, a search, and `second`, a comparison."""
    with served_faces(tmp_path_factory.mktemp("faces")) as found:
        yield found


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Yield a service that trains, with the same runs."""
    file = tmp_path_factory.mktemp("trained") / "runs.db"
    database(file)
    with working(file, 2) as address, ServiceStore.open(str(file)) as store:
        yield Faces(address, store, Database(str(file)), "")


# What is submitted.


@CELLS_THAT_CHANGE.of("submit a search", "page")
def _(faces):
    form = {**SMALL, "steps": "5", "name": "by-page", "action": "submit"}
    assert "by-page" in faces.page("/new", form)
    assert faces.state("by-page") is State.QUEUED


@CELLS_THAT_CHANGE.of("submit a search", "HTTP")
def _(faces):
    assert faces.json("PUT", "/runs/by-http", SMALL)["state"] == "queued"
    assert dict(faces.store.request("by-http").fields)["steps"] == [5]


@CELLS_THAT_CHANGE.of("submit a search", "Python")
def _(faces):
    first = faces.python.submit(**SMALL, name="by-python")
    assert (first.run, first.state) == ("by-python", "queued")
    faces.json("PUT", "/runs/like-python", SMALL)
    assert faces.store.request("by-python").fields == faces.store.request("like-python").fields
    assert [faces.python.submit(**SMALL).run for _ in range(2)] == ["rosenbrock", "rosenbrock-2"]  # names that are free


@CELLS_THAT_CHANGE.of("check a search", "page")
def _(faces):
    checked = faces.page("/new", {**SMALL, "steps": "5", "action": "check"})
    assert "10 candidates" in checked  # 2 · 4, and each point once, because nothing is random


@CELLS_THAT_CHANGE.of("check a search", "HTTP")
def _(faces):
    assert faces.json("POST", "/runs:validate", SMALL)["cost"]["candidates"] == 10


@CELLS_THAT_CHANGE.of("submit a comparison", "page")
def _(faces):
    form = {**COMPARED, "task": "", "name": "compared-by-page", "action": "submit"}  # the task is that of the search
    assert "compared-by-page" in faces.page("/compare", form)
    faces.json("PUT", "/comparisons/like-page", COMPARED)
    assert faces.store.request("compared-by-page").fields == faces.store.request("like-page").fields


@CELLS_THAT_CHANGE.of("check a comparison", "page")
def _(faces):
    assert "2 runs, 10 gradient evaluations" in faces.page("/compare", {**COMPARED, "steps": "5", "action": "check"})


@pytest.mark.parametrize(("path", "form"), [("/new", RunForm), ("/compare", ComparisonForm)])
def test_the_form_of_a_page_has_each_field_of_a_request_once_and_no_other(faces, path, form):
    fields = re.findall('<(?:input|select|textarea)[^>]* name="([^"]+)"', faces.page(path))
    assert sorted({*fields}) == sorted({*form.model_fields, "name"})
    assert [field for field in {*fields} if fields.count(field) > 1] == ["optimizers"]  # a box of each


@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        ({"search": "nothing"}, "search", "there is no run"),
        ({"search": "nothing", "task": "rosenbrock"}, "search", "there is no run"),
        ({"defaults": "true"}, "task", "choose one, or a search"),
        ({"task": "rosenbrock"}, "search", "name the run whose tuned values are compared"),
        ({"search": "first", "steps": "many"}, "steps", "valid integer"),
        ({"search": "first", "sweep": "width"}, "sweep", "is one of momentum, depth, block-size"),
        ({"search": "first", "options": "path=/etc"}, "options", "is a number, true, false, or a word"),
        ({"search": "first", "name": "two words", "action": "submit"}, "name", "name"),
        ({"search": "first", "name": "", "action": "submit"}, "name", "give the run a name"),
    ],
)
def test_what_a_form_of_a_comparison_must_not_say_is_shown_beside_its_field(faces, form, field, words):
    with pytest.raises(urllib.error.HTTPError) as caught:
        faces.page("/compare", {"action": "check", **form})
    assert caught.value.code == 422
    text = caught.value.read().decode()
    (said,) = re.findall(f'id="error-{field}">([^<]+)<', text)
    assert words in said
    assert f'aria-describedby="error-{field}"' in text


@CELLS_THAT_CHANGE.of("submit a comparison", "HTTP")
def _(faces):
    found = faces.json("PUT", "/comparisons/compared", COMPARED)
    assert (found["state"], found["specification"]["search"]) == ("queued", "first")
    assert "lodo-tune compare --task rosenbrock --optimizers Adam --from first" in faces.page("/runs/compared")
    assert faces.json("GET", "/runs/compared")["kind"] == "comparison"


@CELLS_THAT_CHANGE.of("submit a comparison", "Python")
def _(faces):
    search = faces.python.run("first")
    submitted = faces.python.submit_comparison(search, optimizers="Adam", seeds=2, steps=5)
    assert submitted.run == "first-comparison"
    faces.json("PUT", "/comparisons/like-compared", COMPARED)
    assert faces.store.request("first-comparison").fields == faces.store.request("like-compared").fields


def test_an_exported_configuration_is_sent_as_its_text_by_each_face(faces, tmp_path):
    file = tmp_path / "adam.json"
    file.write_text(faces.local.run("first")["Adam"].export("json"), encoding="utf-8")
    body = {"task": "rosenbrock", "configs": [file.read_text(encoding="utf-8")], "seeds": 2, "steps": 5}
    faces.json("PUT", "/comparisons/of-file", body)
    faces.python.submit_comparison(task="rosenbrock", configs=file, seeds=2, steps=5, name="of-file-python")
    form = {**body, "steps": "5", "name": "of-file-page", "action": "submit"}
    assert "lodo-tune compare --task rosenbrock --seeds 2 --steps 5 --config config-1.yaml" in faces.page(
        "/compare", form
    )
    for run in ("of-file-python", "of-file-page"):
        assert faces.store.request(run).fields == faces.store.request("of-file").fields


@CELLS_THAT_CHANGE.of("check a comparison", "HTTP")
def _(faces):
    found = faces.json("POST", "/comparisons:validate", COMPARED)
    assert found["cost"] == {"studies": 1, "candidates": 2, "evaluations": 10, "cohorts_at_a_time": 1}


# What steers.


STEERED = {
    # what: the verb, what the run is before, what is desired of it afterwards, and what it is then
    "pause a run": ("pause", Faces.queued, "pause", State.PAUSED),
    "resume a run": ("resume", Faces.paused, "run", State.QUEUED),
    "stop a run": ("stop", Faces.running, "stop", State.RUNNING),
    "cancel a run": ("cancel", Faces.queued, "cancel", State.CANCELLED),
    "try a failed run again": ("retry-failed", Faces.failed, "run", State.QUEUED),
}


def _steer(what, face):
    verb, before, desired, after = STEERED[what]

    @CELLS_THAT_CHANGE.of(what, face)
    def _(faces):
        run = before(faces, f"{verb}-{face.replace(' ', '-')}")
        if face == "page":
            faces.page(f"/runs/{run}/verbs", {"verb": verb})
        elif face == "HTTP":
            assert faces.json("POST", f"/runs/{run}:{verb}")["requested"] == desired
        elif face == "Python":
            assert faces.python.ask(run, verb).requested == desired
            assert getattr(faces.python, verb.replace("-", "_"))(run).requested == desired  # again: nothing changes
        else:
            assert faces.line(verb, run).startswith(f"{run}  ")
        assert (faces.desired(run), faces.state(run)) == (desired, after)


for _what in STEERED:
    for _face in FACES:
        if (_what, _face) != ("resume a run", "command line"):  # which follows the run until it is complete; see below
            _steer(_what, _face)


CHECKED = sorted(CELLS_THAT_CHANGE)


@pytest.mark.parametrize(("what", "face"), CHECKED, ids=[f"{what}-{face}" for what, face in CHECKED])
def test_a_cell_of_the_table_does_what_it_says(what, face, faces, request):
    function = CELLS_THAT_CHANGE[what, face]
    needs_folder = "tmp_path" in function.__code__.co_varnames[: function.__code__.co_argcount]
    function(faces, *([request.getfixturevalue("tmp_path")] if needs_folder else []))


# Cells that wait for a run to be trained.

WAITING = {
    ("submit a search", "command line"),
    ("submit a comparison", "command line"),
    ("resume a run", "command line"),
}


def test_runs_that_were_submitted_by_the_command_line_and_by_python_are_followed_to_the_same_table(trained, tmp_path):
    words = ("--task", "rosenbrock", "--preset", "quick", "--optimizers", "Momentum", "--generations", 2, "--seed", 1)
    schedule = ("--population", 4, "--steps", 5)
    printed = trained.line(*words, *schedule, "--name", "by-line", "--output", tmp_path / "results")
    run = trained.python.tune(**SMALL, name="by-python", progress=False)
    assert printed == local(trained, "table", "by-line")
    assert printed.replace("by-line", "by-python")[:80] == str(run.table())[:80]
    assert run["Momentum"].tuned == trained.local.run("by-line")["Momentum"].tuned
    assert (tmp_path / "results" / "Momentum.json").is_file()
    compared = trained.python.compare(run, seeds=2, steps=5, progress=False)
    line = trained.line("compare", "--task", "rosenbrock", "--from", "by-python", "--seeds", 2, "--steps", 5, "--json")
    (one,) = json.loads(line)["comparisons"]
    assert (compared.name, one["run"]) == ("by-python-comparison", "by-python-comparison-2")
    assert len(compared.runs("Momentum")) == 2


def test_a_run_that_is_resumed_is_followed(trained):
    trained.python.submit(**SMALL, name="resumed")
    trained.python.pause("resumed")
    assert trained.line("resume", "resumed") == local(trained, "table", "resumed")


def test_a_run_that_has_failed_or_was_cancelled_ends_the_waiting_in_one_line(faces):
    for run, words in ((faces.failed("lost"), "is failed: nothing works"), (faces.queued("unwanted"), "is cancelled")):
        if run == "unwanted":
            faces.python.cancel(run)
        with pytest.raises(tuner.LodoTuneError, match=words):
            faces.python.wait(run, progress=False)


# The table is complete.


def test_the_table_has_each_cell_that_is_tested_and_no_other():
    named = {cell for cell, names in CELLS.items() if names}
    assert {*CELLS_THAT_CHANGE, *CELLS_THAT_READ, *WAITING} == named


def test_the_table_names_every_operation_of_the_api():
    named = {name for (_, face), names in CELLS.items() if face == "HTTP" for name in names}
    offered = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in description()["paths"].items()
        for method in methods
        if path.startswith("/api/v1/")
    }
    assert named == offered


def test_the_table_names_every_verb_that_works_on_a_service_and_the_others_say_that_they_do_not():
    named = {name for (_, face), names in CELLS.items() if face == "command line" for name in names}
    with_server = {
        name for name, verb in commands.commands.items() if any("--server" in one.opts for one in verb.params)
    }
    assert named == {"lodo-tune", *with_server}
    for verb in commands.commands.keys() - with_server:
        words = (
            [verb]
            if not hasattr(commands.commands[verb], "commands")
            else [verb, next(iter(commands.commands[verb].commands))]
        )
        done = call(*words, "--server", "http://127.0.0.1:1")
        assert done.code == 2, verb
        assert len(done.err.splitlines()) == 1, done.err
        assert "works on this machine, not on a service" in done.err or "No such option" in done.err, done.err


def test_the_table_names_every_method_of_a_service():
    named = {name for (_, face), names in CELLS.items() if face == "Python" for name in names}
    methods = {name for name, value in vars(Service).items() if callable(value) and not name.startswith("_")}
    assert {name for name in named if "." not in name} == methods
    for name in named - methods:
        kind, _, member = name.partition(".")
        assert hasattr(getattr(tuner, kind), member), name

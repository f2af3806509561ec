"""Pages, HTTP, command line and Python show the same: a test for each cell of the table of verbs that reads.

The table is that of docs/guides/service-clients.md; tests/service/test_faces.py tests its other cells.
"""

import json
import re
import urllib.request

import pytest

import tuner
from tests.support.faces import Cells, Faces, local, served_faces
from tests.support.reading_service import BEARER
from tuner.api.database import Database

CELLS_THAT_READ = Cells()
SMALL = {"task": "rosenbrock", "preset": "quick", "optimizers": ["Adam"], "generations": 2, "population": 4}


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Yield a service that starts no drivers, with the runs `first`, a search, and `second`, a comparison."""
    with served_faces(tmp_path_factory.mktemp("faces")) as found:
        yield found


@CELLS_THAT_READ.of("see the queue", "page")
def _(faces):
    assert faces.queued("waits-page") in faces.page("/queue")


@CELLS_THAT_READ.of("see the queue", "HTTP")
def _(faces):
    run = faces.queued("waits-http")
    assert run in [one["run"] for one in faces.json("GET", "/queue")["items"]]


@CELLS_THAT_READ.of("see the queue", "command line")
def _(faces):
    run = faces.queued("waits-line")
    assert f"{run}  queued: waits for the service\n" in faces.line("queue")
    assert run in [one["run"] for one in json.loads(faces.line("queue", "--json"))["runs"]]


@CELLS_THAT_READ.of("see the queue", "Python")
def _(faces):
    run = faces.queued("waits-python")
    assert faces.python.submitted(run) in faces.python.queue()


@CELLS_THAT_READ.of("follow a run", "page")
def _(faces):
    assert "data-live" in faces.page("/runs/first")  # live.js follows it; see test_pages_in_a_browser.py


@CELLS_THAT_READ.of("follow a run", "HTTP")
def _(faces):
    found = faces.json("GET", "/outputs/watch?study=first")
    assert [study["status"] for study in found["studies"]] == ["complete", "complete"]
    asked = urllib.request.Request(f"{faces.address}/api/v1/events", headers=BEARER)
    with urllib.request.urlopen(asked, timeout=300) as stream:
        assert any(stream.readline() == b"event: resync\n" for _ in range(6))


@CELLS_THAT_READ.of("follow a run", "command line")
def _(faces):
    assert faces.line("watch", "first") == local(faces, "watch", "first")


@CELLS_THAT_READ.of("follow a run", "Python")
def _(faces):
    lines = []
    assert faces.python.wait("first", lines.append).name == "first"
    assert lines[-1] == "first/LODO  complete"


@CELLS_THAT_READ.of("list runs and studies", "page")
def _(faces):
    text = faces.page("/")
    assert "/runs/first" in text
    assert "/runs/second" in text


@CELLS_THAT_READ.of("list runs and studies", "HTTP")
def _(faces):
    assert [one["name"] for one in faces.json("GET", "/runs")["items"]] == ["second", "first"]
    assert [one["name"] for one in faces.json("GET", "/runs/first/studies")] == ["first/Adam", "first/LODO"]
    assert faces.http("GET", "/outputs/studies?format=text").decode() == local(faces, "studies")


@CELLS_THAT_READ.of("list runs and studies", "command line")
def _(faces):
    for further in ((), ("--json",)):
        assert faces.line("studies", *further) == local(faces, "studies", *further)


@CELLS_THAT_READ.of("list runs and studies", "Python")
def _(faces):
    assert [run.name for run in faces.python.runs()] == [run.name for run in faces.local.runs()]
    assert [study.name for study in faces.python.studies()] == [study.name for study in faces.local.studies()]


@CELLS_THAT_READ.of("see a run or a study", "page")
def _(faces):
    (study, *_) = faces.store.find("first/Adam")
    run = faces.page("/runs/first")
    assert "learning_rate" in run
    assert 'rotate(-90)">fitness</text>' in run  # the vertical axis of the chart
    assert "first/Adam" in faces.page(f"/studies/{study.id}")


@CELLS_THAT_READ.of("see a run or a study", "HTTP")
def _(faces):
    (study, *_) = faces.store.find("first/Adam")
    assert faces.json("GET", "/runs/first")["studies"][0]["tuned"] == study.tuned
    assert faces.json("GET", f"/studies/{study.id}")["tuned"] == study.tuned
    assert len(faces.json("GET", f"/studies/{study.id}/generations")) == 2
    assert len(faces.json("GET", f"/studies/{study.id}/reasons")) == 2
    for format in ("text", "json"):
        shown = faces.http("GET", f"/outputs/show?study=first&format={format}").decode()
        assert shown == local(faces, "show", "first", "--format", format)


@CELLS_THAT_READ.of("see a run or a study", "command line")
def _(faces):
    for name in ("first", "first/Adam", "second"):
        assert faces.line("show", name, "--json") == local(faces, "show", name, "--json")


@CELLS_THAT_READ.of("see a run or a study", "Python")
def _(faces):
    here, there = faces.local.run("first"), faces.python.run("first")
    assert type(there) is type(here)
    assert there["Adam"].tuned == here["Adam"].tuned
    assert there.details("json") == here.details("json")
    assert there["LODO"].summary() == here["LODO"].summary()
    assert faces.python.run("first/LODO").optimizers == ("LODO",)


@CELLS_THAT_READ.of("see candidates", "page")
def _(faces):
    (study, *_) = faces.store.find("first/Adam")
    assert "diverged" in faces.page(f"/studies/{study.id}/candidates")
    assert "loss was nan" in faces.page("/candidates/2")


@CELLS_THAT_READ.of("see candidates", "HTTP")
def _(faces):
    (study, *_) = faces.store.find("first/Adam")
    found = faces.json("GET", f"/studies/{study.id}/candidates")
    assert found["total"] == len(faces.local.run("first/Adam").trials())
    assert faces.json("GET", "/candidates/2")["status"] == "diverged"
    assert faces.json("GET", "/candidates/1/curve?points=4")["length"] == 100
    assert faces.http("GET", "/outputs/trials?study=first&format=csv").decode() == local(faces, "trials", "first")


@CELLS_THAT_READ.of("see candidates", "command line")
def _(faces):
    for words in (("first",), ("second", "--json"), ()):
        assert faces.line("trials", *words) == local(faces, "trials", *words)


@CELLS_THAT_READ.of("see candidates", "Python")
def _(faces):
    here, there = faces.local.run("first"), faces.python.run("first")
    assert there.trials().equals(here.trials())
    assert there["Adam"].curve(0, 0).tobytes() == here["Adam"].curve(0, 0).tobytes()
    of_seeds = [run.runs("Adam", curves=True) for run in (faces.local.run("second"), faces.python.run("second"))]
    assert [one.losses.tobytes() for one in of_seeds[0]] == [one.losses.tobytes() for one in of_seeds[1]]


@CELLS_THAT_READ.of("read what a training function printed", "HTTP")
def _(faces):
    assert faces.http("GET", "/outputs/logs?study=first/Adam&candidate=g00/s00") == b""  # a task prints nothing


@CELLS_THAT_READ.of("read what a training function printed", "command line")
def _(faces):
    assert faces.line("logs", "first/Adam", "g00/s00") == local(faces, "logs", "first/Adam", "g00/s00")


@CELLS_THAT_READ.of("read what a training function printed", "Python")
def _(faces):
    assert faces.python.run("first")["Adam"].output("g00/s00") == ""


TABLES = (
    ("first",), ("first", "--details"), ("first", "second", "--format", "markdown"), ("second", "--format", "csv"),
    ("first", "--by-budget", "--json"), ("--format", "latex"), ("first", "--margin", "500%"),
    ("first", "--layout", "one", "--format", "latex", "--columns", "tuned,verdict", "--rename", "Adam=Adam 2014"),
)  # fmt: skip


@CELLS_THAT_READ.of("make tables", "page")
def _(faces):
    text = faces.page("/runs/first")
    assert all(hyperparameter in text for hyperparameter in faces.local.run("first")["Adam"].tuned)


@CELLS_THAT_READ.of("make tables", "HTTP")
def _(faces):
    expected = local(faces, "table", "first", "--format", "markdown")
    assert faces.http("GET", "/runs/first/table?format=markdown").decode() == expected
    both = faces.http("GET", "/outputs/table?study=first&study=second&format=text").decode()
    assert both == local(faces, "table", "first", "second")


@CELLS_THAT_READ.of("make tables", "command line")
def _(faces):
    for words in TABLES:
        assert faces.line("table", *words) == local(faces, "table", *words), words


@CELLS_THAT_READ.of("make tables", "Python")
def _(faces):
    here, there = faces.local.run("second").table(), faces.python.run("second").table()
    assert there.to_json() == here.to_json()
    assert there.to_dataframe().equals(here.to_dataframe())


@CELLS_THAT_READ.of("draw figures", "page")
def _(faces):
    assert "/api/v1/runs/first/figures/search" in faces.page("/runs/first/figures")


@CELLS_THAT_READ.of("draw figures", "HTTP")
def _(faces):
    expected = faces.local.figures("first", only=["search"], formats=["svg"])["first-search.svg"]
    assert faces.http("GET", "/runs/first/figures/search?format=svg") == expected
    query = "study=first&only=search&format=svg"
    assert faces.json("GET", f"/outputs/figures?{query}") == ["first-search.svg"]
    assert faces.http("GET", f"/outputs/figures/first-search.svg?{query}") == expected


@CELLS_THAT_READ.of("draw figures", "command line")
def _(faces, tmp_path):
    words = ("figures", "second", "--format", "png,svg", "--only", "final-losses", "--width", "3.3", "--log-y")
    for name, done in (("here", local), ("there", Faces.line)):
        printed = done(faces, *words, "--output", tmp_path / name)
        assert printed.replace(name, "") == "".join(
            f"{tmp_path}//second-final-losses.{format}\n" for format in ("png", "svg")
        )
    here, there = ({file.name: file.read_bytes() for file in (tmp_path / of).iterdir()} for of in ("here", "there"))
    assert there == here
    assert len(here) == 2


def test_figures_with_a_style_of_this_machine_are_those_of_the_database(faces, tmp_path):
    style = tmp_path / "mine.mplstyle"
    style.write_text("axes.facecolor: lightyellow\nfont.size: 7\n", encoding="utf-8")
    words = ("figures", "second", "--format", "svg", "--only", "final-losses", "--style", style)
    local(faces, *words, "--output", tmp_path / "here")
    faces.line(*words, "--output", tmp_path / "there")
    (here,), (there,) = (list((tmp_path / of).iterdir()) for of in ("here", "there"))
    assert (there.name, there.read_bytes()) == (here.name, here.read_bytes())
    assert b"ffffe0" in there.read_bytes()  # the colour that the style names


@CELLS_THAT_READ.of("draw figures", "Python")
def _(faces):
    figure = faces.python.run("first").figure("search-progress")
    assert [axes.get_title() for axes in figure.axes] == [
        axes.get_title() for axes in faces.local.run("first").figure("search-progress").axes
    ]


def _lasting(report):
    return re.sub(rb'<p class="soft">From .*?</p>', b"", report)


@CELLS_THAT_READ.of("write a report", "page")
def _(faces):
    assert "/api/v1/runs/first/report" in faces.page("/runs/first")


@CELLS_THAT_READ.of("write a report", "HTTP")
def _(faces):
    one = faces.http("GET", "/runs/first/report")
    assert _lasting(faces.http("GET", "/outputs/report?study=first")) == _lasting(one)
    assert b"lodo-tune --task rosenbrock" in one


@CELLS_THAT_READ.of("write a report", "command line")
def _(faces, tmp_path):
    local(faces, "report", "second", "--output", tmp_path / "here.html")
    faces.line("report", "second", "--output", tmp_path / "there.html")
    assert _lasting((tmp_path / "there.html").read_bytes()) == _lasting((tmp_path / "here.html").read_bytes())


@CELLS_THAT_READ.of("write a report", "Python")
def _(faces, tmp_path):
    here = faces.local.run("second").report(tmp_path / "here.html").read_bytes()
    there = faces.python.run("second").report(tmp_path / "there.html").read_bytes()
    assert _lasting(there) == _lasting(here)


@CELLS_THAT_READ.of("export a configuration", "page")
def _(faces):
    page = faces.page("/runs/first")
    for format in ("json", "yaml", "keras", "torch", "optax", "algoperf", "hydra"):  # all can express Adam
        assert f"/export?format={format}" in page


@CELLS_THAT_READ.of("export a configuration", "HTTP")
def _(faces):
    (study, *_) = faces.store.find("first/Adam")
    expected = local(faces, "export", "first/Adam", "--format", "yaml")
    assert faces.http("GET", f"/studies/{study.id}/export?format=yaml").decode().rstrip() == expected.rstrip()
    assert faces.http("GET", "/outputs/export?study=first/Adam&format=yaml").decode().rstrip() == expected.rstrip()


@CELLS_THAT_READ.of("export a configuration", "command line")
def _(faces, tmp_path):
    for format in ("json", "torch"):
        words = ("export", "first/Adam", "--format", format)
        assert faces.line(*words) == local(faces, *words)
        local(faces, *words, "--output", tmp_path / f"here.{format}")
        faces.line(*words, "--output", tmp_path / f"there.{format}")
        assert (tmp_path / f"there.{format}").read_bytes() == (tmp_path / f"here.{format}").read_bytes()


@CELLS_THAT_READ.of("export a configuration", "Python")
def _(faces):
    there = faces.python.run("first")
    assert (
        there["Adam"].export("keras")
        == there.export("Adam", "keras")
        == faces.local.run("first").export("Adam", "keras")
    )


@CELLS_THAT_READ.of("copy a run's rows", "HTTP")
def _(faces, tmp_path):
    file = tmp_path / "copy.db"
    file.write_bytes(faces.http("GET", "/runs/first/database"))
    copy = tuner.open_database(file)
    assert [run.name for run in copy.runs()] == ["first"]
    assert copy.check().faults == ()
    assert str(copy.run("first").table(details=True)) == str(faces.local.run("first").table(details=True))


@CELLS_THAT_READ.of("copy a run's rows", "Python")
def _(faces, tmp_path):
    target = Database(tmp_path / "target.db")
    assert [done for _, done in faces.python.run("first").database.copy_to(target)] == [True, True]
    assert str(target.run("first").table()) == str(faces.local.run("first").table())


@CELLS_THAT_READ.of("see what can be submitted", "page")
def _(faces):
    text = faces.page("/new")
    assert all(f'value="{name}"' in text for name in ("rosenbrock", "pixelcnn", "Adam", "LODO"))


@CELLS_THAT_READ.of("see what can be submitted", "HTTP")
def _(faces):
    assert "rosenbrock" in [one["name"] for one in faces.json("GET", "/tasks")]
    assert "LODO" in [one["name"] for one in faces.json("GET", "/optimizers")]
    (adam,) = [one["space"] for one in faces.json("GET", "/spaces") if one["optimizer"] == "Adam"]
    checked = faces.json("POST", "/runs:validate", {**SMALL, "optimizers": ["Adam"], "search_spaces": [adam]})
    assert checked["valid"], checked["errors"]


@CELLS_THAT_READ.of("see the workers", "page")
def _(faces):
    assert "worker" in faces.page("/queue")


@CELLS_THAT_READ.of("see the workers", "HTTP")
def _(faces):
    found = faces.json("GET", "/cluster")
    assert (found["workers"], found["ray"], found["supervisor"]) == (0, "own", None)


@CELLS_THAT_READ.of("make and revoke tokens", "page")
def _(faces):
    text = faces.page("/tokens", {"user": "ann", "scope": "read", "weight": "1", "days": "", "note": ""})
    assert "ann" in text
    (token, *_) = [one.id for one in faces.store.tokens() if one.user == "ann"]
    faces.page(f"/tokens/{token}/revoke", {})
    assert faces.store.tokens()[0].revoked_at is not None


@CELLS_THAT_READ.of("make and revoke tokens", "HTTP")
def _(faces):
    made = faces.json("POST", "/tokens", {"user": "bob", "scope": "read"})
    assert tuner.connect(faces.address, token=made["token"]).run("first").name == "first"
    assert made["id"] in [one["id"] for one in faces.json("GET", "/tokens")]
    assert faces.json("DELETE", f"/tokens/{made['id']}")["revoked_at"] is not None
    with pytest.raises(tuner.LodoTuneError, match="Send a valid token as `Authorization: Bearer TOKEN`"):
        tuner.connect(faces.address, token=made["token"]).runs()


@CELLS_THAT_READ.of("see what users have changed", "page")
def _(faces):
    assert faces.queued("noted-page") in faces.page("/tokens")


@CELLS_THAT_READ.of("see what users have changed", "HTTP")
def _(faces):
    run = faces.queued("noted-http")
    (line,) = faces.json("GET", "/audit?limit=1")
    assert (line["user"], line["action"], line["subject"]) == ("operator", "submit", run)


CHECKED = sorted(CELLS_THAT_READ)


@pytest.mark.parametrize(("what", "face"), CHECKED, ids=[f"{what}-{face}" for what, face in CHECKED])
def test_a_cell_of_the_table_does_what_it_says(what, face, faces, request):
    function = CELLS_THAT_READ[what, face]
    needs_folder = "tmp_path" in function.__code__.co_varnames[: function.__code__.co_argcount]
    function(faces, *([request.getfixturevalue("tmp_path")] if needs_folder else []))

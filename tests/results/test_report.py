"""`lodo-tune report`: what the page says, that nothing put into it becomes markup, and what is refused."""

import json
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from html.parser import HTMLParser

import pytest

from tests.results.test_comparison_table import HIGH, contest
from tests.support.builders import ADAM, LODO, fresh, run, search, spec, study
from tests.support.command_line import call
from tests.support.report_values import HOSTILE, database
from tuner.api import comparing, tuning
from tuner.cli.repeat_command import repeat_command
from tuner.core.study import StudySpec
from tuner.core.text import printable
from tuner.core.trial import Role, Status
from tuner.results.analysis.comparison import compare_runs
from tuner.results.analysis.fairness import effort
from tuner.results.analysis.summary import summarise
from tuner.results.figures import Picture
from tuner.results.report import ComparisonRun, SearchRun, document
from tuner.results.tables.table import Table
from tuner.storage import Store
from tuner.studies.comparison_planner import CompareRequest, plan_comparison
from tuner.studies.planner import SearchRequest, plan_search


class Read(HTMLParser):
    """A page's elements, its texts, and the attributes of its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += attrs

    def handle_data(self, data):
        self.text += f"{data}|"


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A database with a search and a comparison, and its report."""
    folder = tmp_path_factory.mktemp("stored")
    url = database(folder / "runs.db")
    outcome = call("report", "--database", url, "--output", folder / "report.html")
    assert outcome.code == 0, outcome.err
    return url, (folder / "report.html").read_text(encoding="utf-8")


def test_the_page_says_what_was_run_on_what_and_what_came_of_it(stored):
    url, page = stored
    text = Read(page).text
    assert page.startswith("<!DOCTYPE html>")
    for said in (
        "first: search on rosenbrock", "second: comparison on rosenbrock", "lodo-tune 0.1.0, tensorflow 2.21.0",
        "processor two cores, cores 2", "Fitness after 200 gradient evaluations", "initial_learning_rate",
        "Mean training loss in the last 10 % of the step budget", "95 % interval", "floor", "best values at a bound",
        "Best fitness so far", "Runs that did not finish", "loss was nan", "g01/s03", "seeds 0 to 3",
    ):  # fmt: skip
        assert said in text, said
    table = json.loads(call("table", "first", "--json", "--database", url).out)["studies"][0]
    assert f"|{table['individuals']['finished']}|" in text


def test_figures_are_within_the_page_and_nothing_is_asked_of_a_network(stored):
    _, page = stored
    read = Read(page)
    images = [value for name, value in read.attributes if name == "src"]
    assert read.tags["figure"] == len(images) >= 4
    assert all(image.startswith("data:image/svg+xml;base64,") for image in images)
    assert not re.search(r"(href|src)=\"(?!#|data:)", page)
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


def test_named_runs_are_all_that_the_page_holds(stored, tmp_path):
    url, _ = stored
    assert call("report", "second/LODO", "--database", url, "--output", tmp_path / "one.html").code == 0
    text = Read((tmp_path / "one.html").read_text(encoding="utf-8")).text
    assert "second: comparison" in text
    assert "first: search" not in text
    assert "|Adam|" not in text


def test_what_is_hostile_in_a_database_is_text_wherever_it_stands():
    bad = replace(
        spec(ADAM, run=HOSTILE, task=HOSTILE, options={HOSTILE: HOSTILE}, data={HOSTILE: HOSTILE}),
        versions={HOSTILE: HOSTILE},
        hardware={HOSTILE: [HOSTILE]},
        strategy=HOSTILE,
    )
    bad = replace(bad, workload=replace(bad.workload, optimizer=HOSTILE, precision=HOSTILE))
    failed = run(Role.SEARCH, 1, 3, Status.FAILED, reason=HOSTILE)
    runs = [*search(bad, (1.0, 2.0, 3.0, 4.0), (1.0, 2.0, 3.0)), replace(failed, error=HOSTILE, node=HOSTILE)]
    record = study(bad, notes=(HOSTILE,), status=HOSTILE, tuned=True)
    kind = document([SearchRun(((record, runs),), HOSTILE)], source=HOSTILE, version=HOSTILE, written_at=HOSTILE)
    good = spec(ADAM, options={"a": "b"}, data={"a": "b"})
    runs = [*search(good, (1.0, 2.0, 3.0, 4.0), (1.0, 2.0, 3.0)), replace(failed, reason="r", error="e")]
    other = document(
        [SearchRun(((study(good, notes=("n",), status="s"), runs),), "c")], source="s", version="v", written_at="w"
    )
    assert Read(kind).tags == Read(other).tags
    assert Read(kind).tags["script"] == 1
    assert "<script>hacked=1</script>" in Read(kind).text
    assert "‮" not in kind  # which turns text around, and is spelt
    assert r"\u202e" in kind


def specified(value, text):
    """Return a frozen value with every text within it replaced."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return text
    if is_dataclass(value):
        return replace(value, **{each.name: specified(getattr(value, each.name), text) for each in fields(value)})
    if isinstance(value, Mapping):
        return {specified(name, text): specified(entry, text) for name, entry in value.items()}
    return type(value)(specified(entry, text) for entry in value) if isinstance(value, list | tuple) else value


def with_text(value, text, *, keep=("space", "tuned", "hyperparameters", "objective")):
    """Return a record with every text of it replaced, but the keys without which nothing could be read."""
    found = {}
    for each in fields(value):
        inner = getattr(value, each.name)
        if each.name in keep:
            found[each.name] = inner
        elif is_dataclass(inner):
            found[each.name] = with_text(inner, text, keep=keep)
        else:
            found[each.name] = specified(inner, text)
    return replace(value, **found)


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "{{ 7*7 }}", "{% include 'page.html' %}", "a\"'`&<b>"])
def test_whatever_text_stands_in_a_record_the_page_shows_it_and_runs_nothing(text):
    of = spec(ADAM, options={"a": ["b"]}, data={"a": "b"})
    runs = [*search(of, (1.0, 2.0, 3.0, Status.FAILED), (1.0, 2.0, 3.0, Status.TIMED_OUT)), *fresh((1.0,), (2.0,))]
    runs = [with_text(replace(each, error="e", reason="r"), text) for each in runs]
    record = with_text(study(of, notes=("n",), owner="o", lease_left=-1.0), text)
    contender, seeds = contest(LODO, HIGH, data={"name": "a", "sha256": "b"})
    seeds = [replace(each, candidate=with_text(each.candidate, text)) for each in seeds]
    comparison = compare_runs([(with_text(contender, text), seeds)])
    picture = Picture(text, text, text.encode(), True)
    found = [
        SearchRun(((record, runs),), text, (picture,)),
        ComparisonRun(comparison, (with_text(contender, text),), text, (picture,)),
    ]
    page = document(found, source=text, version=text, written_at=text)
    read = Read(page)
    assert (read.tags["script"], read.tags["main"], read.tags["b"]) == (1, 1, 0)
    assert "49" not in read.text.replace("0.5", "")
    shown = [value for _, value in read.attributes if value] + read.text.split("|")
    assert sum(text in value for value in shown) > 30


def test_the_table_of_a_notebook_escapes_its_texts():
    of = spec(ADAM, run="<i>", strategy="{{ 7*7 }}")
    of = replace(of, workload=replace(of.workload, optimizer="<b>"))
    html = Table((summarise(study(of), search(of, (1.0,) * 4, (1.0,) * 4)),))._repr_html_()
    assert not {"i", "b", "script"} & Read(html).tags.keys()
    assert "{{ 7*7 }}" in Read(html).text
    assert Read(html).tags["table"] == 3


def test_control_characters_are_written_out_and_the_lines_of_a_traceback_keep_their_indentation():
    assert printable("x:\n    y\x1b[0m") == "x:\n    y\\x1b[0m"
    assert printable("\ud800") == r"\ud800"
    of = spec(ADAM)
    failed = replace(run(Role.SEARCH, 1, 3, Status.FAILED, reason="r"), error="x:\n    y\x1b[0m\ud800")
    page = document([SearchRun(((study(of), [failed]),), "c")], source="s", version="v", written_at="w")
    assert "<pre>x:\n    y\\x1b[0m\\ud800</pre>" in page


def test_the_volume_is_that_of_the_box_which_the_first_generation_reaches():
    """At σ 3: 12 for the learning rate, 12 for beta_2 (ln 0.001 = -6.9), and ln 0.1 to 0 with 6 below it for beta_1."""
    found = effort(study(spec()), [])
    assert found.volume == pytest.approx(12 * (6 + 2.302585) * 12)
    assert (found.dimensions, found.genes) == (3, 0)


def test_genes_at_a_bound_are_counted_among_the_newest_better_half():
    """The records' genomes are all 0, where beta is 0, its bound; a logarithm of 0 is within."""
    found = effort(study(spec()), search(spec(), (4.0, 3.0, 2.0, 1.0), (Status.DIVERGED,) * 4))
    assert (found.genes, found.at_a_bound, found.bounded) == (6, 4, ("beta_1", "beta_2"))


def test_the_best_so_far_begins_anew_where_the_budget_changes():
    of = spec(steps=(100, 100, 200, 200))
    found = effort(study(of), search(of, (4.0,) * 4, (5.0,) * 4, (9.0,) * 4, (Status.DIVERGED,) * 4))
    assert [each.best for each in found.milestones] == [4.0, 4.0, 9.0, 9.0]
    assert [each.planned for each in found.milestones] == [400, 800, 1600, 2400]


@pytest.mark.parametrize(
    "asked",
    [
        SearchRequest(task="rosenbrock"),
        SearchRequest(task="pixelcnn", preset="quick", optimizers=("LODO", "Adam"), seed=3),
        SearchRequest(task="noisy-quadratic-bowl,rosenbrock", preset="quick", seed=2),
        SearchRequest(task="rosenbrock", preset="quick", optimizers=("Adam", "Momentum"), seed=4, search_seeds=3),
        SearchRequest(task="rosenbrock", preset="quick", optimizers=("Adam",), fresh_seeds=16),
        SearchRequest(
            task="rosenbrock,noisy-quadratic-bowl", preset="quick", budget=400_000, population=5, optimizers=("Adam",)
        ),
        SearchRequest(task="noisy-quadratic-bowl,rosenbrock", strategy="random", preset="quick", budget=70_000),
        SearchRequest(task="rosenbrock,noisy-quadratic-bowl", generations=3, steps=(50,), optimizers=("Adam",)),
        SearchRequest(task="noisy-quadratic-bowl", generations=2, population=5, steps=(7, 9), sigma=(1.5, 0.25)),
        SearchRequest(
            task="rosenbrock", strategy="random", precision="float32", cpus_per_candidate=2, optimizers=("Yogi",)
        ),
    ],
)
def test_the_command_that_repeats_a_search_asks_for_the_same_search(asked, monkeypatch):
    specs = [replace(each, run="again") for each in plan_search(asked).specs]
    received = _requested(monkeypatch, tuning, "run_search")
    words = shlex.split(repeat_command(specs))
    assert words[0] == "lodo-tune"
    assert call(*words[1:]).code == 0
    assert list(plan_search(received[0]).specs) == specs


@pytest.mark.parametrize(
    "options",
    [
        {"steps": 50, "seeds": 3},
        {"halve_learning_rate": True, "seconds": 2.5, "validate_every": None},
        {"sweep": "depth", "test_examples": 9},
    ],
)
def test_the_command_that_repeats_a_comparison_asks_for_the_same_comparison(options, monkeypatch, tmp_path):
    asked = CompareRequest(task="noisy-quadratic-bowl", defaults=True, name="again", **options)
    specs = list(plan_comparison(asked, str(tmp_path / "none.db")).specs)
    received = _requested(monkeypatch, comparing, "run_comparison")
    assert call(*shlex.split(repeat_command(specs))[1:]).code == 0
    assert list(plan_comparison(received[0], str(tmp_path / "none.db")).specs) == specs


def _requested(monkeypatch, module, function):
    """Let a function of the API end the command; return the list of its requests."""
    received = []

    def end(request, *_, **__):
        received.append(request)
        sys.exit(0)

    monkeypatch.setattr(module, function, end)
    return received


def test_a_search_space_or_a_configuration_of_the_user_s_stands_as_a_file_to_be_given():
    mine = {**LODO, "hyperparameters": {**LODO["hyperparameters"], "momentum": {"scale": "decay", "default": 0.5}}}
    of: StudySpec = spec(mine, fresh_seeds=8)
    assert "--search-space FILE" in repeat_command([of])
    assert "--search-space" not in repeat_command([spec(LODO, fresh_seeds=8)])


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (("--output", "taken.html"), "taken.html exists; name another file, or give --force", 2),
        (("--output", "missing/report.html"), "there is no folder", 2),
        (("--output", "."), "is a file, such as report.html", 2),
        (("nothing",), "no study 'nothing'", 1),
        (("--database", "empty.db"), "empty.db has no study yet", 2),
        (("--database", "absent.db"), "absent.db", 1),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_nothing_is_written(arguments, said, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    database(tmp_path / "lodo-tune.db")
    Store.open("empty.db").close()
    (tmp_path / "taken.html").write_text("mine")
    before = {path.name for path in tmp_path.iterdir()}
    outcome = call("report", *arguments)
    assert outcome.code == code  # as of other verbs that read a database
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir() if not path.name.endswith(("-wal", "-shm"))} == {
        name for name in before if not name.endswith(("-wal", "-shm"))
    }
    assert (tmp_path / "taken.html").read_text() == "mine"


def test_force_replaces_the_file(stored, tmp_path):
    (tmp_path / "taken.html").write_text("mine")
    assert call("report", "--database", stored[0], "--output", tmp_path / "taken.html", "--force").code == 0
    assert (tmp_path / "taken.html").read_text().startswith("<!DOCTYPE html>")


def test_a_study_that_has_only_begun_has_a_report(tmp_path):
    with Store.open(str(tmp_path / "new.db")) as store:
        store.create_study(spec(ADAM))
    outcome = call("report", "--database", tmp_path / "new.db", "--output", tmp_path / "new.html")
    assert outcome.code == 0, outcome.err
    assert "0 of 8 individuals done" in (tmp_path / "new.html").read_text()


def test_neither_ray_nor_tensorflow_is_loaded(stored, tmp_path):
    program = (
        "import sys; from tuner import cli\n"
        f"sys.argv = ['lodo-tune', 'report', '--database', {stored[0]!r}, '--output', {str(tmp_path / 'r.html')!r}]\n"
        "try:\n    cli.main()\n"
        "except SystemExit as end:\n"
        "    print(end.code, {'ray', 'tensorflow', 'keras', 'deap'} & set(sys.modules), file=sys.__stdout__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "0 set()\n"


def test_fresh_runs_are_in_the_tuned_table_of_the_page():
    of = spec(ADAM)
    runs = [*search(of, (4.0, 3.0, 2.0, 1.0), (0.4, 0.3, 0.2, 0.1)), *fresh((9.0, 9.5, 10.0), (0.5, 0.25, 0.75))]
    page = document([SearchRun(((study(of), runs),), "c")], source="s", version="v", written_at="2026-01-01T00:00")
    assert "|9.50 ± 0.50|" in Read(page).text
    assert "|0.50 ± 0.25|" in Read(page).text

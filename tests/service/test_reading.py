"""The pages and resources that show runs, asked for over HTTP."""

import json
import re
import shutil
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from html.parser import HTMLParser

import numpy as np
import pytest

import tuner
from tests.frozen import FOLDER
from tests.studies.test_search_seeds import THREE, run
from tests.support.hostile_runs import LONG, MARKERS, fill
from tests.support.reading_service import BEARER, application, served
from tests.support.report_values import database
from tests.support.store_values import ME, candidate, driven, evaluation, key
from tuner.core.trial import Status
from tuner.service.live import Watcher
from tuner.service.reading import Reading
from tuner.service.study_cache import StudyCache
from tuner.storage import ServiceStore, UnknownCandidate, UnknownStudy, schema

PAGES = (
    "/",
    "/runs/{run}",
    "/runs/{run}/figures",
    "/studies/{study}",
    "/studies/{study}/candidates",
    "/candidates/{id}",
)


@dataclass
class Answer:
    """An answer over HTTP."""

    code: int
    headers: dict
    body: bytes

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


def get(address, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=BEARER | names), timeout=300) as answer:
            return Answer(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, dict(error.headers), error.read())


def elements(text):
    """Return the elements of a page as (name, attributes)."""
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append((tag, dict(attributes)))
    parser.feed(text)
    return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Serve the runs `first` (a search) and `second` (a comparison); yield address and file."""
    file = tmp_path_factory.mktemp("runs") / "runs.db"
    database(file)
    with served(application(str(file))) as address:
        yield address, file


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    file = tmp_path_factory.mktemp("hostile") / "runs.db"
    with ServiceStore.open(str(file)) as store:
        study = fill(store)
    with served(application(str(file))) as address:
        yield address, study


def test_no_text_of_a_database_becomes_markup_on_any_page(hostile):
    address, study = hostile
    for page in PAGES:
        for number in range(1, 6):
            answer = get(address + page.format(run="hostile", study=study, id=number))
            assert answer.code == 200, page
            assert [marker for marker in MARKERS if marker in answer.text] == [], page
    assert "&lt;script&gt;hacked" in answer.text
    assert LONG[:100] in get(f"{address}/candidates/2").text


def test_pages_have_a_policy_without_inline_code_and_hold_none(hostile):
    address, study = hostile
    for page in PAGES:
        answer = get(address + page.format(run="hostile", study=study, id=1))
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        for tag, attributes in elements(answer.text):
            assert tag not in ("style", "iframe", "object", "base"), page
            assert tag != "script" or attributes["src"] == "/static/live.js", page
            assert not [name for name in attributes if name == "style" or name.startswith("on")], page
            for name in ("src", "href", "action"):
                assert attributes.get(name, "/").startswith(("/", "?", "#", "data:,")), page


def test_a_page_that_has_not_changed_is_not_sent_again(tmp_path):
    with ServiceStore.open(str(tmp_path / "runs.db")) as store:
        study, epoch = driven(store, owner=ME, add=[key(slot) for slot in range(3)])
        with served(application(str(tmp_path / "runs.db"))) as address:
            for page in ("/runs/run", f"/studies/{study}", "/api/v1/runs/run", f"/api/v1/studies/{study}"):
                first = get(address + page)
                again = get(address + page, If_None_Match=first.headers["etag"])
                assert (again.code, again.body) == (304, b"")
            slot = int(get(f"{address}/api/v1/studies/{study}").json["counts"]["finished"])
            store.record(study, epoch, [evaluation(key(slot))])
            assert get(address + page, If_None_Match=first.headers["etag"]).code == 200


def test_several_searches_for_an_optimizer_are_told_apart_and_no_one_of_them_is_called_clearly_better(tmp_path):
    file = str(tmp_path / "runs.db")
    with ServiceStore.open(file) as store:
        run(store, THREE)
        name, studies = THREE[0].run, {study.spec.label: study.id for study in store.studies()}
    with served(application(file)) as address:
        page = get(f"{address}/runs/{name}").text
        assert all(f">{label}<" in page for label in studies)
        assert "It is the best of several searches for each optimizer" in page
        assert "Adam@1" in get(f"{address}/studies/{studies['Adam@1']}").text
        table = get(f"{address}/api/v1/runs/{name}/table?format=text").text
        assert "over 3 searches" in table
        listed = get(f"{address}/api/v1/runs/{name}").json
        assert {study["name"] for study in listed["studies"]} >= {f"{name}/Adam@2", f"{name}/LODO@0"}


def test_every_address_of_a_page_stays_below_the_root_path(tmp_path):
    file = tmp_path / "runs.db"
    database(file)
    with served(application(str(file), root_path="/tune")) as address:
        for page in PAGES:
            text = get(address + page.format(run="first", study=1, id=1)).text
            found = re.findall(r"(?:src|href|action)=\"(/[^\"]*)\"", text)
            assert found
            assert [one for one in found if not one.startswith("/tune/")] == []
        assert get(f"{address}/static/live.js").code == 200


def test_a_hidden_run_and_what_belongs_to_it_do_not_exist(tmp_path):
    with ServiceStore.open(str(tmp_path / "runs.db")) as store:
        study, _ = driven(store, "secret", add=[key()])
        driven(store, "open", add=[key()])
        other = Reading(store, StudyCache(store), frozenset({"secret"}))
        for call in (lambda: other.run("secret"), lambda: other.study(study), lambda: other.totals(study)):
            with pytest.raises(UnknownStudy) as error:
                call()
            assert "open" not in str(error.value)  # nothing is suggested
        with pytest.raises(UnknownStudy) as error:
            other.run("secre")
        assert "secret" not in str(error.value)
        with pytest.raises(UnknownCandidate):
            other.candidate(1)
        assert [records[0].spec.run for records in other.runs()[0].rows] == ["open"]


def test_resources_say_what_the_python_api_says(runs):
    address, file = runs
    run = tuner.open_database(file).run("first")
    resource = get(f"{address}/api/v1/runs/first").json
    assert [study["optimizer"] for study in resource["studies"]] == list(run.optimizers)
    trials = run["Adam"].trials()
    listed, cursor = [], ""
    while cursor is not None:
        part = get(f"{address}/api/v1/studies/1/candidates?limit=5{cursor and '&cursor=' + cursor}").json
        listed, cursor = listed + part["items"], part["next"]
    assert part["total"] == len(listed) == len(trials)
    expected = trials.sort_values("role", key=lambda roles: roles != "search", kind="stable").to_dict("records")
    for one, row in zip(listed, expected, strict=True):
        assert (one["generation"], one["slot"], one["role"]) == (row["generation"], row["slot"], row["role"])
        assert (one["status"], one["seed"]) == (row["status"], row["seed"])
        assert one["value"] == (row["fitness"] if np.isfinite(row["fitness"]) else None)
    curve = get(f"{address}/api/v1/candidates/{listed[0]['id']}/curve").json
    assert curve["losses"] == run["Adam"].curve(0, 0).tolist()
    few = get(f"{address}/api/v1/candidates/{listed[0]['id']}/curve?points=10").json
    assert len(few["losses"]) <= 10
    assert max(few["losses"]) == max(curve["losses"])  # no spike is lost
    assert [curve["losses"][at - 1] for at in few["evaluations"]] == few["losses"]


def test_outputs_are_the_files_that_the_python_api_writes(runs):
    address, file = runs
    run = tuner.open_database(file).run("first")
    for format in ("text", "markdown", "csv", "json", "latex"):
        assert get(f"{address}/api/v1/runs/first/table?format={format}").text == run.table().to_format(format) + "\n"
    assert get(f"{address}/api/v1/studies/1/export?format=keras").text == run.export("Adam", "keras") + "\n"


@pytest.mark.slow
def test_figures_and_reports_are_drawn_in_another_process_and_kept(runs):
    address, _ = runs
    first = get(f"{address}/api/v1/runs/first/figures/search")
    assert first.headers["content-type"] == "image/svg+xml"
    assert b"<svg" in first.body
    assert "sandbox" in first.headers["content-security-policy"]
    again = get(f"{address}/api/v1/runs/first/figures/search", If_None_Match=first.headers["etag"])
    assert again.code == 304
    assert b"hacked=1</script>" not in get(f"{address}/api/v1/runs/first/report").body


# Changes


class Stream:
    """A stream of events that is read in a thread."""

    def __init__(self, address, cursor=None):
        headers = BEARER | ({} if cursor is None else {"Last-Event-ID": cursor})
        self._answer = urllib.request.urlopen(urllib.request.Request(f"{address}/api/v1/events", headers=headers))

    def event(self):
        """Return the next event as (kind, cursor, data)."""
        fields = {}
        while True:
            line = self._answer.readline().decode().rstrip("\n")
            if not line and "event" in fields:
                return fields["event"], fields["id"], json.loads(fields["data"])
            if not line:
                continue
            name, _, value = line.partition(": ")
            fields[name] = value

    def rest(self):
        return self._answer.read()

    def close(self):
        self._answer.close()


def test_a_stream_that_is_cut_again_and_again_misses_no_change_and_repeats_none(tmp_path):
    with ServiceStore.open(str(tmp_path / "runs.db")) as store:
        study, epoch = driven(store, owner=ME)
        with served(application(str(tmp_path / "runs.db"))) as address:
            stream = Stream(address)
            kind, cursor, _ = stream.event()
            assert kind == "resync"  # a client without a cursor reads everything
            stream.close()
            numbers = []
            for slot in range(20):
                store.add(study, epoch, [candidate(key(slot))])  # while no stream is open, or just after one is
                stream = Stream(address, cursor)
                kind, cursor, data = stream.event()
                assert (kind, data["study"], data["run"]) == ("study", study, "run")
                numbers.append(data["number"])
                stream.close()
            first = numbers[0]
            assert numbers == list(range(first, first + 20))


def test_a_cursor_of_another_process_is_answered_with_resync(tmp_path):
    with ServiceStore.open(str(tmp_path / "runs.db")) as store:
        driven(store)
        watcher = Watcher(store)
        watcher.start()
        for cursor in (None, "", "x", "deadbeef-1", "-", watcher.cursor() + "x"):
            assert watcher.since(cursor) is None
        assert watcher.since(watcher.cursor()) == []
        watcher.stop()


def test_a_new_and_a_deleted_study_are_changes(tmp_path):
    with ServiceStore.open(str(tmp_path / "runs.db")) as store:
        watcher = Watcher(store)
        watcher._look()
        start = watcher.cursor()
        study, epoch = driven(store)
        watcher._look()
        (created,) = watcher.since(start)
        assert (created.study, created.run) == (study, "run")
        store.release(study, epoch, "interrupted")
        store.delete(study)
        watcher._look()
        (deleted,) = watcher.since(created.cursor)
        assert (deleted.study, deleted.number) == (study, None)


def test_the_end_of_the_server_ends_its_streams(tmp_path):
    ServiceStore.open(str(tmp_path / "runs.db")).close()
    with served(application(str(tmp_path / "runs.db"))) as address:
        stream = Stream(address)
        stream.event()
        ended = threading.Event()
        threading.Thread(target=lambda: (stream.rest(), ended.set()), daemon=True).start()
    assert ended.wait(20)


def test_changes_of_a_hidden_run_are_not_streamed(tmp_path):
    with ServiceStore.open(str(tmp_path / "runs.db")) as store:
        secret, epoch = driven(store, "secret", owner=ME)
        shown, other = driven(store, "shown", owner=ME)
        with served(application(str(tmp_path / "runs.db"), frozenset({"secret"}))) as address:
            stream = Stream(address)
            assert stream.event()[0] == "resync"
            store.add(secret, epoch, [candidate(key())])
            store.add(shown, other, [candidate(key())])
            assert stream.event()[2]["study"] == shown
            stream.close()


def test_totals_that_are_kept_are_those_that_are_read(tmp_path):
    with ServiceStore.open(str(tmp_path / "runs.db")) as store:
        study, epoch = driven(store, owner=ME, generations=3, population=2)
        cache = StudyCache(store)
        for number, each in enumerate([key(slot, generation) for generation in range(3) for slot in range(2)]):
            store.add(study, epoch, [candidate(each)])
            assert cache.totals(study).generations == store.study_totals(study).generations
            status = Status.DIVERGED if number == 1 else Status.FINISHED
            others = {} if number == 1 else {"fitness": float(number)}
            store.record(study, epoch, [evaluation(each, status, **others)])
            assert cache.totals(study).generations == store.study_totals(study).generations
            assert cache.totals(study) is cache.totals(study)
            assert cache.reasons(study) == store.reasons(study)
            assert cache.reasons(study) is cache.reasons(study)
        store.release(study, epoch, "interrupted")
        assert cache.study(study).status == "interrupted"
        store.delete(study)
        with pytest.raises(UnknownStudy):
            cache.study(study)


def test_every_study_of_a_database_of_every_kind_has_its_pages_and_resources(tmp_path):
    file = tmp_path / "kinds.db"
    shutil.copy(FOLDER / f"{schema.VERSION}.db", file)  # searches on one task and on several, and a comparison
    with ServiceStore.open(str(file)) as store:
        ids = {record.spec.name: record.id for record in store.studies()}
        firsts = [store.candidate_page(study, limit=1)[0].rows[0].id for study in ids.values()]
        several = next(record for record in store.studies() if record.is_search and record.search.further)
    with served(application(str(file))) as address:
        for path in (
            *(f"/runs/{name.partition('/')[0]}" for name in ids),
            *(f"/studies/{study}{part}" for study in ids.values() for part in ("", "/candidates")),
            *(f"/candidates/{number}" for number in firsts),
        ):
            assert get(f"{address}{path}", **BEARER).code == 200, path
            assert get(f"{address}/api/v1{path}", **BEARER).code == 200, path
        generations = get(f"{address}/api/v1/studies/{several.id}/generations", **BEARER).json
        page = get(f"{address}/runs/{several.spec.run}", **BEARER).text
    tasks = [part.workload.task for part in several.search.parts]
    assert [one["task"] for one in generations] == tasks * several.search.generations
    assert [one["steps"] for one in generations[:2]] == [part.steps[0] for part in several.search.parts]
    assert "improvement" in page

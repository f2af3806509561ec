"""`tuner.connect` and `--server`: what goes wrong between here and a service, and what is not sent."""

import contextlib
import http.server
import json
import threading
import time

import pytest

import tuner
from tests.support.command_line import call
from tests.support.cutting_proxy import CuttingProxy
from tests.support.reading_service import TOKEN, application, served
from tests.support.report_values import database
from tests.support.store_values import candidate, evaluation, key, keys, spec
from tuner.api.remote.events import ServerEvent, events, parsed
from tuner.api.remote.following import Follower
from tuner.api.watching import Printed, changes
from tuner.core.errors import InvalidRequest, LodoTuneError
from tuner.core.study import StudyStatus
from tuner.storage import ServiceStore, StorageError, Store, this_process

PATIENCE = 120  # seconds after which what is waited for is taken as missing; nothing is asserted about less


@contextlib.contextmanager
def answering(*answers):
    """Yield the address of a server that gives these answers, the last again and again, and what it was asked."""
    asked, left = [], list(answers)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, dict(self.headers)))
            status, headers, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_POST = do_GET  # noqa: N815 - named by the base class

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def problem(status, **members):
    body = json.dumps({"type": "about:blank", "title": "x", "status": status, "detail": "a detail", **members})
    return status, {"Content-Type": "application/problem+json"}, body.encode()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Yield the file of a database with the run `first`, and the address of a service on it."""
    file = tmp_path_factory.mktemp("connect") / "runs.db"
    database(file)
    with served(application(str(file))) as address:
        yield file, address


@pytest.mark.parametrize(
    "url",
    ["lab:8080", "ftp://lab", "http://", "http://u:p@lab", "http://lab?token=x", "http://lab/#x", "http://lab:x", ""],
)
def test_what_is_no_address_of_a_service_is_refused_without_repeating_what_may_be_a_secret(url):
    with pytest.raises(InvalidRequest, match="is the address of a service") as caught:
        tuner.connect(url, token=TOKEN)
    assert "u:p" not in str(caught.value)
    assert "token=x" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "with space", "with\nline", "größe"])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(InvalidRequest, match="token is a token of the service"):
        tuner.connect("http://lab", token=token)


def test_the_token_is_in_no_text_of_a_service():
    service = tuner.connect("http://127.0.0.1:9", token=TOKEN)
    with pytest.raises(LodoTuneError) as caught:
        service.queue()
    assert all(TOKEN not in text for text in (repr(service), repr(service.connection), str(caught.value)))


def test_this_machine_is_not_reached_through_a_proxy(service, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert [run.name for run in tuner.connect(service[1], token=TOKEN).runs()] == ["first", "second"]


def test_another_machine_is_reached_through_a_proxy_where_there_is_one(monkeypatch):
    with answering((200, {}, b'{"items": []}')) as (address, asked):
        monkeypatch.setenv("http_proxy", address)
        monkeypatch.setenv("no_proxy", "")
        assert tuner.connect("http://lab.example", token=TOKEN).queue() == []
    assert asked[0][0] == "http://lab.example/api/v1/queue"


def test_a_token_is_not_sent_where_a_service_leads_elsewhere():
    with (
        answering((200, {}, b"{}")) as (elsewhere, asked),
        answering((302, {"Location": elsewhere}, b"")) as (url, _),
        pytest.raises(LodoTuneError, match="302"),
    ):
        tuner.connect(url, token=TOKEN).queue()
    assert asked == []


def test_what_is_no_service_is_said_to_be_none():
    with (
        answering((404, {"Content-Type": "text/html"}, b"<h1>Not here</h1>")) as (url, _),
        pytest.raises(LodoTuneError, match="is not a lodo-tune service") as caught,
    ):
        tuner.connect(url, token=TOKEN).queue()
    assert "Not here" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "kind", "code", "text"),
    [
        (problem(404), StorageError, 1, "a detail"),
        (problem(409, differences={"seed": {}}), LodoTuneError, 1, "a detail"),
        (problem(403), LodoTuneError, 1, "a detail"),
        (problem(422, field="seed", detail="seed: is wrong"), InvalidRequest, 2, "seed: is wrong"),
        (
            problem(422, field="steps", accepted="is less than {budget}. Received: 3"),
            InvalidRequest,
            2,
            "steps is less than budget. Received: 3",
        ),
        (problem(422, exit_code=1), LodoTuneError, 1, "a detail"),
        (problem(500), LodoTuneError, 1, "a detail"),
        (problem(503), LodoTuneError, 75, "a detail"),
        ((502, {}, b"x"), LodoTuneError, 75, "the proxy in front of it answers 502"),
        (problem(404, detail="two\nlines\x1b[1m"), StorageError, 1, "two lines"),
    ],
)
def test_an_answer_that_refuses_is_the_error_that_a_call_here_would_raise(answer, kind, code, text):
    with answering(answer) as (url, _), pytest.raises(kind) as caught:
        tuner.connect(url, token=TOKEN).queue()
    assert caught.value.exit_code == code
    assert text in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert "\x1b" not in str(caught.value)


def test_flags_stand_in_errors_of_a_service_as_in_those_of_this_machine(monkeypatch):
    monkeypatch.setenv("LODO_TUNE_TOKEN", TOKEN)
    with answering(problem(422, field="search", accepted="is missing, or {defaults}")) as (url, _):
        outcome = call("compare", "--task", "rosenbrock", "--server", url)
    assert (outcome.code, outcome.err) == (2, "lodo-tune: --from is missing, or --defaults\n")


def test_an_output_that_is_not_ready_is_waited_for():
    busy = problem(503)
    busy[1]["Retry-After"] = "0"
    with answering(busy, busy, (200, {}, b'{"items": []}')) as (url, asked):
        assert tuner.connect(url, token=TOKEN).queue() == []
    assert len(asked) == 3


def test_a_service_that_is_started_again_meanwhile_is_asked_again(service, monkeypatch):
    file, _ = service
    port = []
    with served(application(str(file))) as address:
        port.append(int(address.rpartition(":")[2]))
    python = tuner.connect(f"http://127.0.0.1:{port[0]}", token=TOKEN)
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 2:  # the service is back before the third attempt
            entered.enter_context(served(application(str(file)), port[0]))

    monkeypatch.setattr("tuner.api.remote.connection.time.sleep", pause)
    with contextlib.ExitStack() as entered:
        assert len(python.runs()) == 2
    assert len(pauses) == 2


def test_arguments_of_this_machine_and_code_of_ones_own_are_not_sent():
    def task(hyperparameters, *, seed, budget, report):
        del hyperparameters, seed, budget, report

    service = tuner.connect("http://127.0.0.1:9", token=TOKEN)
    for arguments, field in (
        ({"task": "rosenbrock", "workers": 4}, "workers"),
        ({"task": "rosenbrock", "database": "x.db"}, "database"),
        ({"task": task}, "task"),
        ({"task": "my_task.py:Mine"}, "task"),
        ({"task": "rosenbrock", "optimizers": ["Adam", "mine.py:Mine"]}, "optimizers"),
        ({"task": "rosenbrock", "search_space": "nowhere.yaml"}, "search_spaces"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            service.submit(**arguments)
        assert caught.value.field == field
        assert ("ask the operator to install its package" in str(caught.value)) == (field in ("task", "optimizers"))
    with pytest.raises(InvalidRequest, match="task is missing"):
        service.submit_comparison("first")
    with pytest.raises(InvalidRequest, match="configs: x cannot be read: No such file"):
        service.submit_comparison("first", task="rosenbrock", configs=("x",))


# A run that changes.


def test_the_rows_of_a_run_are_sent_again_only_when_it_has_changed_and_one_that_runs_is_shown_as_running(tmp_path):
    file = tmp_path / "runs.db"
    sent = []
    with ServiceStore.open(str(file)) as store, served(application(str(file))) as address:
        study = store.create_study(spec())
        epoch = store.acquire(study.id, owner=this_process())
        store.add(study.id, epoch, [candidate(one) for one in keys()])
        store.record(study.id, epoch, [evaluation(key(0))])
        service = tuner.connect(address, token=TOKEN)
        plain = service.connection.get

        def get(path, **query):
            answer = plain(path, **query)
            sent.append((path, answer.status))
            return answer

        service.connection.get = get
        run = service.run("run")
        assert [one.status for one in run] == ["running"]
        assert (run.trials().status == "finished").sum() == 1
        store.record(study.id, epoch, [evaluation(key(1))])
        assert (run.trials().status == "finished").sum() == 2
        with pytest.raises(InvalidRequest, match="is changed by the service alone"):
            run.database.delete("run")
        store.release(study.id, epoch, StudyStatus.INTERRUPTED)
    statuses = [status for path, status in sent if path.endswith("/database")]
    assert statuses.count(200) == 2
    assert statuses.count(304) >= 2


def test_parts_of_a_stream_are_events_as_the_standard_says_and_one_that_is_cut_off_is_none():
    lines = [b"retry: 1\n", b"\n", b": hello\n", b"id: 1\n", b"event: study\n", b'data: {"a":\n', b"data: 1}\n", b"\n"]
    lines += [b"data: x\r\n", b"\r\n", b"id: 2\n", b"event: queue\n", b"data: {}\n"]
    assert list(parsed(lines)) == [ServerEvent("study", "1", '{"a":\n1}'), ServerEvent("message", "1", "x")]


def test_a_stream_of_which_there_is_enough_ends_with_its_next_line(service):
    connection, seen = tuner.connect(service[1], token=TOKEN).connection, []
    for event in events(connection, is_over=lambda: bool(seen)):
        seen.append(event.kind)
    assert seen == ["resync"]


@pytest.mark.parametrize("cuts", [5, pytest.param(100, marks=pytest.mark.slow)])
def test_no_change_is_missed_or_told_twice_over_cut_connections(tmp_path, cuts):
    file = tmp_path / "runs.db"
    database(file)
    with ServiceStore.open(str(file)) as store, served(application(str(file))) as address:
        study = store.create_study(spec())
        epoch = store.acquire(study.id, owner=this_process())
        # The head of an answer alone has more than 300 bytes.
        with CuttingProxy(int(address.rpartition(":")[2]), seed=0, most=900) as proxy:
            connection = tuner.connect(proxy.address, token=TOKEN).connection
            seen, number = [], 0
            for event in events(connection, sleep=lambda _: None):
                if event.kind == "study" and json.loads(event.data)["run"] == "run":
                    seen.append(json.loads(event.data)["number"])
                if event.kind == "resync" or seen[-1:] == [store.changes_of(study.id)]:
                    if proxy.cut >= cuts:
                        break
                    store.add_note(study.id, epoch, f"note {number}")
                    number += 1
        last = store.changes_of(study.id)
    assert proxy.cut >= cuts
    assert seen == sorted(set(seen))  # each number once, and in order
    assert seen[-1] == last


def test_a_run_is_followed_through_cut_connections_to_the_lines_of_one_who_reads_the_database(tmp_path):
    file = tmp_path / "runs.db"
    with ServiceStore.open(str(file)) as store, served(application(str(file))) as address:
        study = store.create_study(spec())
        epoch = store.acquire(study.id, owner=this_process())
        store.add(study.id, epoch, [candidate(one) for one in keys()])
        lines, printed = [], Printed()
        with CuttingProxy(int(address.rpartition(":")[2]), seed=1, most=700) as proxy:
            connection = tuner.connect(proxy.address, token=TOKEN).connection
            steps = [
                lambda: store.record(study.id, epoch, [evaluation(key(slot)) for slot in range(3)]),
                lambda: store.record(study.id, epoch, [evaluation(key(slot, 1)) for slot in range(3)]),
                lambda: store.release(study.id, epoch, StudyStatus.COMPLETE),
            ]
            end = time.monotonic() + PATIENCE
            with Follower(connection, "run", 0.05) as follower:
                while not lines or not lines[-1].endswith("complete"):
                    assert time.monotonic() < end
                    new = changes(follower.look().studies, printed)
                    lines += new
                    if steps and (new or len(steps) == 3):
                        steps.pop(0)()
                    follower.wait()
    assert lines == [
        "run/Adam  running",
        "run/Adam  generation 0 (200 evaluations each): 3 finished, best 0.5, median 0.5",
        "run/Adam  generation 1 (200 evaluations each): 3 finished, best 0.5, median 0.5",
        "run/Adam  complete",
    ]


# What others may not see.


def test_what_verbs_print_and_the_rows_of_a_private_run_are_shown_to_nobody_else(tmp_path):
    file = tmp_path / "runs.db"
    database(file)
    with served(application(str(file), hidden=frozenset({"second"}))) as address:
        service = tuner.connect(address, token=TOKEN)
        get = service.connection.get
        for path in (
            "/outputs/show", "/outputs/table", "/outputs/trials", "/outputs/export", "/outputs/report",
            "/outputs/figures", "/outputs/watch",
        ):  # fmt: skip
            for name in ("second", "second/Adam"):
                with pytest.raises(StorageError, match="there is no run 'second'"):
                    get(path, study=name)
        with pytest.raises(StorageError, match="there is no run 'second'"):
            get("/outputs/logs", study="second/Adam", candidate="g00/s00")
        with pytest.raises(StorageError, match="there is no run 'second'"):
            service.run("second")
        for path in ("/outputs/studies", "/outputs/table", "/outputs/trials", "/outputs/report"):
            body = get(path).body
            assert (b"first" in body, b"second/" in body, b'"second"' in body) == (True, False, False), path
        assert not any("second" in name for name in get("/outputs/figures").json())
        compared = service.connection.send(
            "POST", "/comparisons:validate", {"task": "rosenbrock", "search": "second", "seeds": 2, "steps": 5}
        ).json()
        assert (compared["valid"], compared["errors"][0]["field"]) == (False, "search")


def test_a_study_that_cannot_be_read_is_named_after_the_others_were_printed(tmp_path, monkeypatch):
    file = tmp_path / "runs.db"
    database(file)
    with Store.open(str(file)) as store, store._writing() as connection:
        connection.exec_driver_sql("UPDATE studies SET steps = 'x' WHERE id = 2")
    monkeypatch.setenv("LODO_TUNE_TOKEN", TOKEN)
    with served(application(str(file))) as address:
        here, there = call("studies", "--database", file), call("studies", "--server", address)
    assert (there.code, there.out) == (here.code, here.out)
    assert here.out.count("\n") == 5
    assert there.err == here.err


def test_a_service_below_a_path_of_a_proxy_is_reached_there(tmp_path):
    file = tmp_path / "runs.db"
    database(file)
    with served(application(str(file), root_path="/tune")) as address:
        assert address.endswith("/tune")
        for url in (address, f"{address}/"):
            service = tuner.connect(url, token=TOKEN)
            assert [run.name for run in service.runs()] == ["first", "second"]
            assert service.url == address

"""What operators of a service see: metrics, ids of requests, the log, and how it ends."""

import contextlib
import http.client
import io
import json
import logging
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from unittest import mock

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.command_line import start
from tests.support.reading_service import BEARER, TOKEN, application, served
from tests.support.report_values import database
from tuner.core.requests import Cost, Outcome
from tuner.service import logs
from tuner.service.live import Watcher
from tuner.storage import ServiceStore, this_process

ROOT = Path(__file__).parents[2]
PATIENCE = 120  # seconds after which what is waited for is taken as missing; nothing is asserted about less


def ask(address, path, headers=BEARER, method="GET"):
    """Return status, headers and body of an answer."""
    request = urllib.request.Request(address + path, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@pytest.fixture
def service(tmp_path):
    """Yield the address of a service on a database with the runs `first` and `second`, and its store."""
    file = tmp_path / "runs.db"
    database(file)
    with served(application(str(file), workers=3)) as address, ServiceStore.open(str(file)) as store:
        yield address, store


def values(address):
    """Return the values of all metrics by name and labels."""
    status, headers, body = ask(address, "/metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def test_metrics_have_requests_runs_and_the_queue(service):
    address, store = service
    cost = Cost(studies=1, candidates=1, evaluations=1, width=1, rounds={"rosenbrock/Adam": 1})
    for name, user in (("a", "ann"), ("b", "ann"), ("c", "bob")):
        store.submit(name, by=user, fields={"task": ["rosenbrock"]}, cost=cost)
    request = store.request("c")
    epoch = store.start_driver(request.id, request.epoch, 1)
    store.claim(request.id, epoch, this_process())
    store.heartbeat(request.id, epoch, 2)
    for path in ("/api/v1/runs/first", "/api/v1/runs/second", "/api/v1/runs/nothing", "/nowhere", "/api/v1/studies/x"):
        ask(address, path)
    found = values(address)
    assert found["lodo_tune_http_requests_total", "/api/v1/runs/{name}", "200", "GET"] == 2
    assert found["lodo_tune_http_requests_total", "/api/v1/runs/{name}", "404", "GET"] == 1
    assert found["lodo_tune_http_requests_total", "404", "GET", "other"] == 1
    assert found["lodo_tune_http_request_seconds_count", "/api/v1/runs/{name}"] == 3
    assert [found["lodo_tune_submitted_runs", state] for state in ("queued", "running", "failed")] == [2, 1, 0]
    assert (found["lodo_tune_queue_length",], found["lodo_tune_queue_users",]) == (2, 1)
    assert found["lodo_tune_studies", "complete"] == 4
    assert (found["lodo_tune_workers",], found["lodo_tune_workers_used",]) == (3, 2)
    assert found["lodo_tune_supervised",] == 0
    assert found["lodo_tune_event_streams",] == 0
    store.end_driver(request.id, epoch, Outcome.INTERRUPTED, "lost")
    assert values(address)["lodo_tune_failing_runs",] == 1
    assert not any("first" in part for key in found for part in key)  # names of runs are no labels


def test_the_page_for_operators_names_each_metric(service):
    page = (ROOT / "docs/guides/service-operation.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(lodo_tune_[a-z_]+)`|, `(lodo_tune_[a-z_]+)` \|", page, re.MULTILINE))
    named = {one or other for one, other in documented}
    ask(service[0], "/health")
    families = text_string_to_metric_families(ask(service[0], "/metrics")[2].decode())
    offered = {f"{one.name}_total" if one.type == "counter" else one.name for one in families}
    assert named == {name for name in offered if name.startswith("lodo_tune") and not name.endswith("_created")}


def test_metrics_need_a_token(service):
    status, headers, body = ask(service[0], "/metrics", {})
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
    assert b"lodo_tune" not in body


def test_a_stream_that_does_not_send_is_behind_by_the_changes_since(tmp_path):
    file = tmp_path / "runs.db"
    database(file)
    with ServiceStore.open(str(file)) as store:
        watcher = Watcher(store)
        watcher._look()
        before = watcher.cursor()
        watcher._wake[lambda: None] = watcher._place_of(before)
        assert (watcher.streams, watcher.behind) == (1, 0)
        for number in range(3):
            watcher._note(1, "first", number)
        assert watcher.behind == 3


@pytest.mark.parametrize(("given", "is_kept"), [("abc-1.2_3", True), ("a b", False), ("<x>", False), ("a" * 65, False)])
def test_an_answer_has_the_id_of_its_request_or_a_new_one(service, given, is_kept):
    status, headers, body = ask(service[0], "/api/v1/runs/nothing", {**BEARER, "X-Request-ID": given})
    number = headers["X-Request-ID"]
    assert (status, json.loads(body)["request_id"]) == (404, number)
    assert (number == given) is is_kept
    assert re.fullmatch("[A-Za-z0-9._-]{1,64}", number)


def test_what_the_guard_refuses_has_an_id_as_well(service):
    _, headers, body = ask(service[0], "/api/v1/runs", {"X-Request-ID": "mine"})
    assert (headers["X-Request-ID"], json.loads(body)["request_id"]) == ("mine", "mine")


@contextlib.contextmanager
def logged(format):
    """Yield the text of the log while it is written in a format; the loggers are as before afterwards."""
    names = ("lodo_tune", "tuner", "uvicorn")
    before = [(one, one.handlers, one.propagate, one.level) for one in map(logging.getLogger, names)]
    out = io.StringIO()
    try:
        with mock.patch.object(sys, "stderr", out):
            logs.configure(format)
            yield out
    finally:
        for logger, handlers, propagate, level in before:
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)


def test_each_request_is_a_line_of_json_without_secrets(service):
    with logged("json") as out:
        ask(service[0], "/api/v1/runs/first?cursor=a-secret", {**BEARER, "X-Request-ID": "one"})
        ask(service[0], "/nowhere%0Afaked", {**BEARER, "X-Request-ID": "two"})
        ask(service[0], "/health")
        with mock.patch("tuner.service.routes.resources.RunResource.of", side_effect=RuntimeError("broken inside")):
            status, _, body = ask(service[0], "/api/v1/runs/first", {**BEARER, "X-Request-ID": "three"})
        end = time.monotonic() + 60
        while out.getvalue().count('"three"') < 2 and time.monotonic() < end:  # the answer comes before its line
            time.sleep(0.01)
    lines = list(map(json.loads, out.getvalue().splitlines()))
    access = {line["request_id"]: line for line in lines if line["logger"] == "lodo_tune.access"}
    assert list(access) == ["one", "two", "three"]
    first = access["one"]
    assert (first["method"], first["path"], first["status"]) == ("GET", "/api/v1/runs/first", 200)
    assert (first["user"], first["level"], first["client"]) == ("operator", "info", "127.0.0.1")
    assert access["two"]["path"] == "/nowhere\nfaked"  # which is one line of the log
    assert (status, json.loads(body)["request_id"]) == (500, "three")
    (fault,) = [line for line in lines if "traceback" in line and line["logger"].startswith("tuner")]
    assert (fault["request_id"], fault["level"]) == ("three", "error")
    assert "broken inside" in fault["traceback"]
    assert "broken inside" not in body.decode()
    assert "a-secret" not in out.getvalue()
    assert TOKEN not in out.getvalue()


def test_the_log_for_people_has_warnings_alone(service):
    with logged("text") as out:
        ask(service[0], "/api/v1/runs/first")
        logging.getLogger("tuner.service.live").warning("changes cannot be read")
    assert out.getvalue() == "warning: changes cannot be read\n"


def test_a_service_that_is_terminated_hands_the_queue_over_and_leaves_nothing(tmp_path):
    file = tmp_path / "runs.db"
    database(file)
    service = start("serve", "--port", 0, "--workers", 1, "--database", file, folder=tmp_path, LODO_TUNE_TOKEN=TOKEN)
    try:
        address = re.search(r"http://[^/]+", service.stderr.readline()).group()
        assert ask(address, "/api/v1/outputs/trials?study=first")[0] == 200  # which starts another process
        with ServiceStore.open(str(file)) as store:
            while store.supervisor() is None:
                assert service.poll() is None
            service.send_signal(signal.SIGTERM)
            out, err = service.communicate(timeout=PATIENCE)
            assert (service.returncode, out, err.strip()) == (143, "", "lodo-tune: terminated")
            assert store.supervisor() is None
    finally:
        service.kill()
        service.wait()


def test_a_service_that_is_ended_finishes_what_it_answers_and_its_streams(tmp_path):
    file = tmp_path / "runs.db"
    database(file)
    service = subprocess.Popen(
        [sys.executable, "-m", "tests.support.killed_service", str(file), TOKEN, "1"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        address = service.stdout.readline().strip().rstrip("/")
        host = address.removeprefix("http://")
        stream = http.client.HTTPConnection(host, timeout=PATIENCE)
        stream.request("GET", "/api/v1/events", headers=BEARER)
        events = stream.getresponse()
        assert events.readline() == b"retry: 1000\n"
        # Starts the process that makes outputs, which then has imported what it draws with.
        assert ask(address, "/api/v1/outputs/report?study=first")[0] == 200
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(ask(address, "/api/v1/outputs/report?study=second")))
        waiting.start()
        while "1.0" not in str(values(address)["lodo_tune_outputs_waiting",]):
            assert waiting.is_alive()
        service.send_signal(signal.SIGTERM)
        waiting.join(PATIENCE)
        assert answers[0][0] == 200
        assert b"event:" in events.read()  # to its end
        _, err = service.communicate(timeout=PATIENCE)
        assert service.returncode in (0, -signal.SIGTERM)
        assert "Traceback" not in err
    finally:
        service.kill()
        service.wait()

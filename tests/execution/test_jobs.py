"""The job service of a cluster, in the place of which a small server answers."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import ray

from tuner.execution.ray.jobs import Jobs


class Dashboard(BaseHTTPRequestHandler):
    """Answers as Ray's dashboard does, to what a submission asks."""

    def do_GET(self):
        self._answer({"version": "4", "ray_version": ray.__version__, "ray_commit": ray.__commit__})

    def do_POST(self):
        self.server.submitted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer({"job_id": "raysubmit_1", "submission_id": "raysubmit_1"})

    def log_message(self, *_):
        pass

    def _answer(self, document):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())


@pytest.fixture
def dashboard():
    with HTTPServer(("127.0.0.1", 0), Dashboard) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("given", [None, "example.org"])
def test_the_dashboard_is_asked_directly_whatever_proxy_is_set(given, dashboard, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")  # nobody listens there
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    if given:
        monkeypatch.setenv("NO_PROXY", given)
    jobs = Jobs(f"http://127.0.0.1:{dashboard.server_port}")
    assert jobs.submit(["lodo-tune", "resume", "bowl"], None, {}) == "raysubmit_1"
    assert dashboard.submitted["entrypoint"] == "lodo-tune resume bowl"

"""Who gets an answer: each attack is refused by the guard, and a user with the token is not."""

import http.client
import threading
import urllib.parse

import pytest
import uvicorn

from tests.support.report_values import database
from tuner.service.app import create_app
from tuner.service.settings import ServiceSettings
from tuner.service.tokens import SESSION_SECONDS, Sessions
from tuner.storage import ServiceStore

TOKEN = "t" * 43
ORIGIN = {"Origin": "http://tune.example.org"}
HOST = {"Host": "tune.example.org"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def clock():
    return [1_000.0]


@pytest.fixture(scope="module", params=["", "/tune"], ids=["at the root", "below a path"])
def root(request):
    return request.param


@pytest.fixture(scope="module")
def port(tmp_path_factory, clock, root):
    file = tmp_path_factory.mktemp("guard") / "runs.db"
    database(file)
    settings = ServiceSettings(str(file), port=0, root_path=root, public_hosts=("tune.example.org",))
    app = create_app(settings, ServiceStore.open(str(file)), Sessions(TOKEN, lambda: clock[0]))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    yield server.servers[0].sockets[0].getsockname()[1]
    app.state.watcher.stop()
    server.should_exit = True
    thread.join(timeout=300)


@pytest.fixture
def ask(port, root):
    """Return a function that sends a request for a path below the root, and returns its answer with the body read."""

    def send(method, path, headers=None, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        connection.request(method, root + path, body, {**HOST, **(headers or {})})
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        connection.close()
        return answer

    return send


def login(ask, token=TOKEN, **headers):
    body = urllib.parse.urlencode({"token": token, "next": "/runs/first"})
    return ask("POST", "/login", {**ORIGIN, **headers}, body)


def session(ask):
    return {"Cookie": login(ask).headers["Set-Cookie"].partition(";")[0]}


@pytest.mark.parametrize("path", ["/", "/runs/first", "/studies/1", "/candidates/1"])
def test_a_page_without_a_session_leads_to_the_login_which_leads_back(ask, root, path):
    answer = ask("GET", path)
    assert answer.status == 303
    assert answer.headers["Location"] == f"{root}/login?next={urllib.parse.quote(path, safe='')}"
    assert "first" not in answer.text


@pytest.mark.parametrize(
    "path", ["/api/v1/runs", "/api/v1/events", "/api/v1/openapi.json", "/api/v1/runs/first/report"]
)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"},
                                     {"Cookie": "lodo_tune_session=wrong"}])  # fmt: skip
def test_the_api_answers_nobody_without_the_token(ask, path, headers):
    answer = ask("GET", path, headers)
    assert answer.status == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_user_with_the_token_reads_the_api_and_a_browser_has_a_session_after_the_login(ask, root):
    assert ask("GET", "/api/v1/runs", BEARER).status == 200
    answer = login(ask)
    assert (answer.status, answer.headers["Location"]) == (303, f"{root}/runs/first")
    cookie = answer.headers["Set-Cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert f"path={root or '/'}" in cookie
    assert "secure" not in cookie  # the proxy of this request spoke http
    assert "first" in ask("GET", "/runs/first", session(ask)).text
    assert "; secure" in login(ask, Origin="https://tune.example.org").headers["Set-Cookie"].lower()


def test_a_wrong_token_begins_no_session_and_is_not_repeated_on_the_page(ask):
    answer = login(ask, token="<script>wrong")
    assert answer.status == 401
    assert "Set-Cookie" not in answer.headers
    assert "wrong" not in answer.text


def test_a_session_ends_by_logging_out_and_by_time(ask, clock):
    first, second = session(ask), session(ask)
    assert ask("POST", "/logout", {**first, **ORIGIN}).status == 303
    assert ask("GET", "/", first).status == 303
    assert ask("GET", "/", second).status == 200
    clock[0] += SESSION_SECONDS
    assert ask("GET", "/", second).status == 303


@pytest.mark.parametrize("host", ["evil.example.org", "evil.example.org:8080", "127.0.0.1.evil.org", "", "[::2]:80"])
def test_a_name_that_an_attacker_has_resolved_to_this_machine_is_refused(ask, host):
    assert ask("GET", "/", {**session(ask), "Host": host}).status == 421
    assert ask("GET", "/health", {"Host": host}).status == 421
    assert ask("DELETE", "/api/v1/runs/first", {**BEARER, "Host": host}).status == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:99", "tune.example.org:443"])
def test_the_names_of_the_service_are_accepted_with_any_port(ask, host):
    assert ask("GET", "/health", {"Host": host}).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("origin", [None, "null", "http://evil.example.org", "http://tune.example.org.evil.org",
                                    "http://tune.example.org:99", "file://tune.example.org"])  # fmt: skip
def test_a_page_elsewhere_changes_nothing_with_the_session_of_a_user(ask, method, origin):
    headers = session(ask) | ({} if origin is None else {"Origin": origin})
    assert ask(method, "/logout", headers).status == 403
    assert ask(method, "/api/v1/runs/first", headers).status == 403
    assert ask("GET", "/", session(ask)).status == 200


@pytest.mark.parametrize(
    "wanted", ["//evil.org", "https://evil.org", "/\\evil.org", "javascript:alert(1)", "/a\nb", ""]
)
def test_a_login_leads_to_no_other_place(ask, root, wanted):
    answer = ask("POST", "/login", ORIGIN, urllib.parse.urlencode({"token": TOKEN, "next": wanted}))
    assert answer.headers["Location"] == f"{root}/"


def test_a_body_that_is_no_token_is_not_read_to_its_end(ask):
    assert ask("POST", "/login", ORIGIN, "token=" + "a" * 20_000).status == 413


@pytest.mark.parametrize("path", ["/", "/login", "/api/v1/runs", "/static/page.css", "/runs/none", "/health"])
def test_every_answer_has_the_headers_that_keep_it_to_itself(ask, path):
    answer = ask("GET", path, BEARER)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    if answer.headers["Content-Type"].startswith("text/html"):
        assert "default-src 'none'; script-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/runs/none", "/runs/..%2F..%2Fetc%2Fpasswd", "/static/..%2Froutes.py", "/studies/99",
                                  "/candidates/999999999999999999999", "/nothing"])  # fmt: skip
def test_what_does_not_exist_is_a_page_that_says_so(ask, path):
    assert ask("GET", path, BEARER).status == 404


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/runs/none", 404, None),
        ("/studies/99", 404, None),
        ("/candidates/99999", 404, None),
        ("/runs?limit=0", 422, "limit"),
        ("/runs?cursor=x", 422, "cursor"),
        ("/studies/1/candidates?sort=colour", 422, "sort"),
        ("/runs/first/table?format=xlsx", 422, "format"),
        ("/studies/x", 422, "study"),
        ("/nothing", 404, None),
    ],
)
def test_errors_of_the_api_are_problems_that_name_the_field(ask, path, status, field):
    import json

    answer = ask("GET", f"/api/v1{path}", BEARER)
    body = json.loads(answer.text)
    assert (answer.status, body["status"], body.get("field")) == (status, status, field)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert body["title"]
    assert "\n" not in body["detail"]


def test_a_method_that_is_not_offered_is_refused(ask):
    assert ask("DELETE", "/api/v1/runs/first", {**BEARER, **JSON}).status == 405


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_of_another_page_cannot_send_what_the_api_takes(ask, method, kind):
    headers = session(ask) | ORIGIN | ({} if kind is None else {"Content-Type": kind})
    assert ask(method, "/api/v1/tokens/1", headers).status == 415
    assert ask(method, "/api/v1/tokens/1", {**BEARER, **headers}).status == 415


def test_a_token_from_another_origin_changes_nothing(ask):
    headers = {**BEARER, **JSON, "Origin": "http://evil.example.org"}
    assert ask("POST", "/api/v1/tokens", headers, '{"user": "eve"}').status == 403


def test_a_body_that_is_too_large_is_refused_before_it_is_read(ask):
    assert ask("PUT", "/api/v1/runs/r", {**BEARER, **JSON, "Content-Length": str(2**40)}).status == 413


def test_the_service_lives_and_is_ready_without_a_token(ask):
    assert ask("GET", "/health").text == '{"status":"ok"}'
    assert ask("GET", "/ready").text == '{"status":"ok"}'


def test_a_proxy_may_take_the_root_path_off_or_leave_it(port, root):
    for prefix in ("", root):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        connection.request("GET", f"{prefix}/api/v1/runs", headers={**HOST, **BEARER})
        assert connection.getresponse().status == 200
        connection.close()

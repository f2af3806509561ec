"""Pages that submit, steer and make tokens, as a browser without scripts uses them."""

import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

import pytest

from tests.support.reading_service import application, served
from tests.support.report_values import database
from tuner.service.guard import COOKIE
from tuner.service.tokens import Identity, included


@dataclass
class Answer:
    """An answer over HTTP."""

    code: int
    url: str
    text: str


class _Service:
    def __init__(self, app, address):
        self.app, self.address = app, address

    def as_user(self, user, scope):
        """Return a function that sends a form, or asks for a page, with a session of a user."""
        session = self.app.state.sessions.begin(Identity(user, frozenset(included(scope))))

        def send(path, form=None, **headers):
            data = None if form is None else urllib.parse.urlencode(form, doseq=True).encode()
            sent = {"Cookie": f"{COOKIE}={session}", "Origin": self.address} | headers
            try:
                with urllib.request.urlopen(
                    urllib.request.Request(self.address + path, data, sent), timeout=300
                ) as got:
                    return Answer(got.status, got.url, got.read().decode())
            except urllib.error.HTTPError as error:
                return Answer(error.code, error.url, error.read().decode())

        return send


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    file = tmp_path_factory.mktemp("changing") / "runs.db"
    database(file)
    app = application(str(file))
    with served(app) as address:
        yield _Service(app, address)


@pytest.fixture(scope="module")
def ann(service):
    return service.as_user("ann", "submit")


SMALL = {"name": "small", "task": "rosenbrock", "preset": "quick", "optimizers": ["Adam", "LODO"], "seed": "4"}


def test_a_run_is_checked_before_it_is_started_and_its_page_says_how_to_start_it_elsewhere(service, ann):
    form = ann("/new?task=rosenbrock").text
    assert '<option value="rosenbrock" selected>' in form
    checked = ann("/new", {**SMALL, "action": "check", "generations": "", "steps": "50, 100"})
    assert checked.code == 200
    # By hand: 2 · 16 · 150, 2 · 8 · 100 of LODO, and 2 · 100 of Adam, whose points are trained once.
    assert "82 candidates, 6,600 gradient evaluations" in checked.text
    assert "lodo-tune --task rosenbrock --optimizers Adam,LODO --preset quick --steps 50,100 --seed 4" in checked.text
    assert 'value="50, 100"' in checked.text  # what was entered stays
    assert service.app.state.store.request("small") is None
    started = ann("/new", {**SMALL, "action": "submit"})
    assert started.url.endswith("/runs/small")
    assert "Submitted by" in started.text
    assert "tuner.tune(" in started.text
    assert ann("/new", {**SMALL, "action": "submit"}).url.endswith("/runs/small")  # again: the same run
    refused = ann("/new", {**SMALL, "action": "submit", "seed": "5"})
    assert (refused.code, "another specification: seed" in refused.text) == (409, True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "../etc"}, "should match pattern"),
        ({"generations": "many"}, "valid integer"),
        ({"steps": "10,,20"}, "valid integer"),
        ({"options": "batch size"}, "pattern"),
        ({"search_spaces": "<script>alert(1)</script>"}, "search-space-1.yaml"),
        ({"name": ""}, "give the run a name"),
        ({"name": "<script>"}, "a run&#39;s name is"),
    ],
)
def test_what_is_wrong_with_a_form_stands_beside_its_field(ann, changes, message):
    answer = ann("/new", {**SMALL, **changes, "action": "submit"})
    assert answer.code == 422
    assert message in answer.text
    assert "<script>" not in answer.text.replace('<script src="', "")


def test_the_page_of_a_run_has_the_verbs_that_are_possible(service, ann):
    ann("/new", {**SMALL, "name": "steered", "action": "submit"})
    paused = ann("/runs/steered/verbs", {"verb": "pause"})
    assert paused.url.endswith("/runs/steered")
    assert re.findall(r'name="verb" value="([a-z-]+)"', paused.text) == ["resume", "cancel"]
    assert "steered" in ann("/queue").text
    other = service.as_user("bob", "submit")
    assert 'name="verb"' not in other("/runs/steered").text
    assert other("/runs/steered/verbs", {"verb": "cancel"}).code == 403
    assert service.as_user("rita", "read")("/runs/steered/verbs", {"verb": "cancel"}).code == 403
    assert ann("/runs/steered/verbs", {"verb": "explode"}).code == 422
    ended = ann("/runs/steered/verbs", {"verb": "cancel"})
    assert 'name="verb"' not in ended.text
    assert "steered" not in ann("/queue").text


def test_the_queue_says_of_each_run_why_it_waits_and_when_it_is_expected_to_start(service, ann):
    store = service.app.state.store
    ann("/new", {**SMALL, "name": "waiting", "action": "submit"})
    request = store.request("waiting")
    store.grant({}, {request.id: ("waits behind 2 of ann's runs", 7200.0)})
    assert "waits behind 2 of ann&#39;s runs; expected to start in about 2 h" in ann("/queue").text
    store.grant({}, {request.id: ("waits behind 2 of ann's runs", None)})
    assert "when it starts is not known yet" in ann("/queue").text


def test_a_private_run_is_on_no_page_of_others(service, ann):
    ann("/new", {**SMALL, "name": "secret", "is_private": "true", "action": "submit"})
    assert "secret" in ann("/queue").text
    bob = service.as_user("bob", "operate")
    assert bob("/runs/secret").code == 404
    assert "secret" not in bob("/queue").text
    assert bob("/runs/secret/verbs", {"verb": "cancel"}).code == 404


def test_a_token_is_shown_once_opens_the_pages_and_is_revoked(service):
    admin = service.as_user("operator", "admin")
    made = admin("/tokens", {"user": "carl", "scope": "read", "days": "2", "note": "<b>laptop</b>"})
    token = re.search(r"<pre[^>]*>([\w-]{43})</pre>", made.text)[1]
    assert "<b>laptop" not in made.text
    assert token not in admin("/tokens").text
    asked = urllib.request.Request(f"{service.address}/queue", headers={"Authorization": f"Bearer {token}"})
    assert urllib.request.urlopen(asked, timeout=300).status == 200
    number = re.search(r"/tokens/(\d+)/revoke", admin("/tokens").text)[1]
    assert "revoked" in admin(f"/tokens/{number}/revoke", {}).text
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(
            urllib.request.Request(f"{service.address}/api/v1/runs", headers={"Authorization": f"Bearer {token}"}),
            timeout=300,
        )
    assert admin("/tokens", {"user": "-", "scope": "read"}).code == 422
    assert admin("/tokens", {"user": "carl", "days": "soon"}).code == 422


def test_pages_are_for_those_whose_token_permits_them(service, ann):
    reads = service.as_user("rita", "read")
    assert (reads("/new").code, reads("/tokens").code, ann("/tokens").code) == (403, 403, 403)
    assert ">New run<" not in reads("/").text
    assert ">Tokens<" not in ann("/").text
    assert ann("/new", {**SMALL, "action": "submit"}, Origin="http://evil.example.org").code == 403

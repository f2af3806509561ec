"""Submission over HTTP: what is accepted, what is refused, and who may do what."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass

import pytest

from tests.support.reading_service import BEARER, application, served
from tests.support.report_values import database
from tuner.api.submission import Catalogue, planned
from tuner.core.errors import InvalidRequest
from tuner.service.catalogue_file import read_catalogue
from tuner.service.settings import Quota
from tuner.storage import ServiceStore

SMALL = {"task": "rosenbrock", "optimizers": ["Adam"], "preset": "quick", "seed": 3}


@dataclass
class Answer:
    """An answer over HTTP."""

    code: int
    json: object
    headers: dict


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Serve a database with the run `first`; no driver is started, and a user may have twelve runs."""
    file = tmp_path_factory.mktemp("submission") / "runs.db"
    database(file)
    with served(application(str(file), quota=Quota(queued=12))) as address:
        yield address


@pytest.fixture(scope="module")
def ask(address):
    """Return a function that sends JSON to a path of the API with a token, and returns the answer."""

    def send(method, path, body=None, token=None, **headers):
        bearer = BEARER if token is None else {"Authorization": f"Bearer {token}"}
        data = None if method == "GET" else json.dumps(body).encode()
        kind = {} if method == "GET" else {"Content-Type": "application/json"}
        asked = urllib.request.Request(f"{address}/api/v1{path}", data, bearer | kind | headers, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=300) as answer:
                return Answer(answer.status, json.load(answer), dict(answer.headers))
        except urllib.error.HTTPError as error:
            return Answer(error.code, json.load(error), dict(error.headers))

    return send


@pytest.fixture(scope="module")
def token(ask):
    """Return a function that makes a token of a user."""

    def make(user, scope="submit", **further):
        answer = ask("POST", "/tokens", {"user": user, "scope": scope, **further})
        assert answer.code == 201, answer.json
        return answer.json["token"]

    return make


def test_a_run_is_submitted_once_and_again_with_another_specification_refused_with_the_differences(ask):
    first = ask("PUT", "/runs/small", SMALL)
    assert (first.code, first.json["state"], first.json["requested"]) == (201, "queued", "run")
    again = ask("PUT", "/runs/small", {**SMALL, "task": ["rosenbrock"]})  # one task may stand alone
    assert (again.code, again.json["created_at"]) == (200, first.json["created_at"])
    other = ask("PUT", "/runs/small", {**SMALL, "seed": 4, "population": 8})
    assert other.code == 409
    assert other.json["differences"] == {
        "population": {"stored": None, "received": 8},
        "seed": {"stored": 3, "received": 4},
    }
    run = ask("GET", "/runs/small").json
    assert (run["status"], run["studies"], run["request"]["submitted_by"]) == ("queued", [], "operator")
    assert [one["run"] for one in ask("GET", "/queue").json["items"]] == ["small"]
    assert ask("PUT", "/runs/first", SMALL).code == 409  # a run that was started elsewhere


def test_a_dry_run_says_what_a_request_costs_and_stores_nothing(ask):
    found = ask("POST", "/runs:validate", {"task": "rosenbrock", "preset": "quick", "optimizers": ["Adam", "LODO"]})
    assert found.json["valid"]
    # By hand: two studies of five generations of 16, and on fresh seeds twice 8 runs of LODO and twice one of Adam, of
    # which nothing depends on the seed; all of 200 evaluations.
    assert found.json["cost"] == {"studies": 2, "candidates": 178, "evaluations": 35_600, "cohorts_at_a_time": 2}
    assert found.json["resolved"]["strategy"] == "genetic"
    assert found.json["training_seconds"] is not None  # the database has a search on this task
    assert len(ask("GET", "/queue").json["items"]) == 1


def test_a_request_may_choose_the_number_of_fresh_seeds(ask):
    found = ask("POST", "/runs:validate", {**SMALL, "optimizers": ["LODO"], "fresh_seeds": 20}).json
    assert found["resolved"]["fresh_seeds"] == 20
    assert found["cost"]["candidates"] == 5 * 16 + 2 * 20  # the preset's generations, and default and tuned point


def test_a_run_with_several_searches_of_each_optimizer_costs_as_many_times_as_much(ask):
    one, three = (ask("POST", "/runs:validate", {**SMALL, "search_seeds": count}).json for count in (1, 3))
    assert three["resolved"]["optimizers"] == one["resolved"]["optimizers"] == ["Adam"]
    for name in ("studies", "candidates", "evaluations"):
        assert three["cost"][name] == 3 * one["cost"][name]


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"task": "nothing"}, "task", "is one of"),
        ({"task": "tests.support.fake_training:Task"}, "task", "should match pattern"),
        ({"task": "/etc/passwd"}, "task", "should match pattern"),
        ({"task": "my_task.py:MyTask"}, "task", "should match pattern"),
        ({"task": []}, "task", "at least 1 item"),
        ({"optimizers": ["os:system"]}, "optimizers", "should match pattern"),
        ({"optimizers": ["Mine=mine.py:Mine"]}, "optimizers", "should match pattern"),
        ({"optimizers": ["keras:Adam"]}, "optimizers", "is one of"),
        ({"strategy": "other"}, "strategy", "is one of"),
        ({"generations": 0}, "generations", "greater than or equal to 1"),
        ({"generations": "3"}, "generations", "valid integer"),
        ({"steps": [10, -1]}, "steps", "greater than or equal to 1"),
        ({"steps": [10, 20], "generations": 3}, "steps", "steps"),
        ({"seed": 2**63}, "seed", "less than"),
        ({"objective": "nothing"}, "objective", "objective"),
        pytest.param({"options": {"data_dir": "words"}}, "options", "data_dir", marks=pytest.mark.slow),
        ({"options": {"path": "/etc"}}, "options", "is a number, true, false, or a word"),
        ({"options": {"path": ".."}}, "options", "is a number, true, false, or a word"),
        ({"search_spaces": ["optimizer: Adam\nhyperparameters: {}"]}, "search_spaces", "search-space-1.yaml"),
        ({"search_spaces": ["&a [*a]"]}, "search_spaces", "anchors and aliases"),
        ({"memory_per_candidate": 0}, "memory_per_candidate", "greater than or equal to 0.01"),
        ({"memory_per_candidate": 4}, "memory_per_candidate", "only candidates of a training function have a limit"),
        ({"search_spaces": ["a" * 70_000]}, "search_spaces", "of 1 to 65,536 characters"),
        ({"database": "sqlite://"}, "database", "not permitted"),
        ({"address": "10.0.0.1:6379"}, "address", "not permitted"),
        ({"data_dir": "/etc"}, "data_dir", "not permitted"),
        ({"output": "/tmp"}, "output", "not permitted"),
        ({"precision": "float8"}, "precision", "float32, float64"),
        ({"weight": 0}, "weight", "greater than or equal"),
    ],
)
def test_what_a_request_must_not_say_is_refused_by_field_and_leaves_nothing(ask, changes, field, message):
    body = {**SMALL, **changes}
    found = ask("POST", "/runs:validate", body)
    assert (found.code, found.json["valid"], found.json["cost"]) == (200, False, None)
    assert found.json["errors"][0]["field"] == field
    assert message in found.json["errors"][0]["message"]
    refused = ask("PUT", "/runs/refused", body)
    assert (refused.code, refused.json["field"]) == (422, field)
    assert "/tmp" not in refused.json["detail"].replace("output", "")
    assert ask("GET", "/runs/refused").code == 404


@pytest.mark.parametrize("name", ["-begins", "a" * 65, "with%20space", "semi;colon"])
def test_a_name_that_breaks_the_rule_is_refused(ask, name):
    assert ask("PUT", f"/runs/{name}", SMALL).code == 422


def test_a_search_space_is_data_as_text_or_as_json(ask):
    space = {"optimizer": "Adam", "hyperparameters": {"learning_rate": {"scale": "log", "default": 0.02}}}
    text = "optimizer: Adam\nhyperparameters:\n  learning_rate: {scale: log, default: 0.02}\n"
    for each in (space, text):
        assert ask("POST", "/runs:validate", {**SMALL, "search_spaces": [each]}).json["valid"]
    fields = {**SMALL, "task": ["rosenbrock"], "search_spaces": [text]}
    (spec,) = planned("run", fields, Catalogue.of()).specs
    assert spec.space["hyperparameters"]["learning_rate"]["default"] == 0.02


def test_a_verb_is_repeated_without_effect_and_shows_what_is_wanted_and_what_is_reached(ask):
    ask("PUT", "/runs/steered", SMALL)
    for _ in range(2):
        answer = ask("POST", "/runs/steered:pause")
        assert (answer.code, answer.json["requested"], answer.json["state"]) == (202, "pause", "paused")
    assert ask("POST", "/runs/steered:resume").json["state"] == "queued"
    assert ask("POST", "/runs/steered:retry-failed").code == 202  # it waits already
    assert ask("POST", "/runs/steered:cancel").json["state"] == "cancelled"
    assert ask("POST", "/runs/steered:cancel").code == 202
    for verb in ("pause", "resume", "stop", "retry-failed"):
        refused = ask("POST", f"/runs/steered:{verb}")
        assert (refused.code, "is cancelled" in refused.json["detail"]) == (409, True)
    assert ask("POST", "/runs/none:pause").code == 404
    assert ask("POST", "/runs/steered:explode").code in (404, 405)


def test_scopes_permit_what_they_say(ask, token):
    reads, submits, operates = token("rita", "read"), token("sam", "submit"), token("otto", "operate")
    ask("PUT", "/runs/of-sam", SMALL, submits)
    assert ask("GET", "/runs/of-sam", token=reads).code == 200
    assert ask("PUT", "/runs/of-rita", SMALL, reads).code == 403
    assert ask("POST", "/runs:validate", SMALL, reads).code == 403
    assert ask("POST", "/runs/of-sam:pause", token=reads).code == 403
    ask("PUT", "/runs/of-operator", SMALL)
    assert ask("POST", "/runs/of-operator:pause", token=submits).code == 403
    assert ask("POST", "/runs/of-sam:pause", token=submits).code == 202
    assert ask("POST", "/runs/of-sam:resume", token=operates).code == 202
    for mine in (reads, submits, operates):
        assert ask("GET", "/tokens", token=mine).code == 403
        assert ask("POST", "/tokens", {"user": "eve", "scope": "admin"}, mine).code == 403
        assert ask("DELETE", "/tokens/1", token=mine).code == 403
        assert ask("GET", "/audit", token=mine).code == 403


def test_a_private_run_is_not_there_for_others(ask, token):
    ann, bob = token("ann"), token("bob", "operate")
    assert ask("PUT", "/runs/secret", {**SMALL, "is_private": True}, ann).code == 201
    assert ask("GET", "/runs/secret", token=ann).json["request"]["is_private"]
    for method, path in (
        ("GET", "/runs/secret"), ("GET", "/runs/secret/studies"), ("GET", "/runs/secret/table"),
        ("GET", "/runs/secret/report"), ("POST", "/runs/secret:cancel"),
    ):  # fmt: skip
        assert ask(method, path, token=bob).code == 404
    assert "secret" not in json.dumps(ask("GET", "/queue", token=bob).json)
    taken = ask("PUT", "/runs/secret", SMALL, bob)
    assert (taken.code, "differences" in taken.json) == (409, False)
    assert ask("GET", "/runs/secret").code == 200  # the operator administers


def test_a_token_ends_when_it_is_revoked_and_is_stored_as_its_hash_alone(ask, address):
    made = ask("POST", "/tokens", {"user": "carl", "scope": "submit", "note": "laptop", "days": 1}).json
    assert (made["scopes"], len(made["token"])) == (["read", "submit"], 43)
    assert ask("GET", "/runs", token=made["token"]).code == 200
    listed = next(one for one in ask("GET", "/tokens").json if one["id"] == made["id"])
    assert "token" not in listed
    assert listed["last_used_at"] is not None
    assert listed["expires_at"] > listed["created_at"]
    assert ask("DELETE", f"/tokens/{made['id']}").json["revoked_at"] is not None
    assert ask("GET", "/runs", token=made["token"]).code == 401
    assert ask("DELETE", f"/tokens/{made['id']}").code == 200  # repeated: no effect
    assert ask("DELETE", "/tokens/9999").code == 404
    trail = [(line["action"], line["subject"]) for line in ask("GET", "/audit").json]
    assert ("create token", "carl") in trail
    assert ("revoke token", "carl") in trail
    assert made["token"] not in json.dumps(ask("GET", "/audit").json)


def test_an_expired_token_is_none(tmp_path):
    with ServiceStore.open(str(tmp_path / "runs.db")) as store:
        record = store.create_token(user="ann", sha256="0" * 64, scopes=["read"], by="operator", days=1e-9)
        assert store.valid_token(sha256="0" * 64) is None
        assert store.valid_token(token_id=record.id) is None


def test_a_user_has_no_more_runs_than_the_quota(ask, token):
    many = token("mary")
    codes = [ask("PUT", f"/runs/mary-{number}", {**SMALL, "seed": number}, many).code for number in range(13)]
    assert codes == [201] * 12 + [409]
    assert ask("POST", "/runs/mary-0:cancel", token=many).code == 202
    assert ask("PUT", "/runs/mary-12", SMALL, many).code == 201


def test_the_catalogue_offers_what_ships(ask):
    tasks = {one["name"]: one for one in ask("GET", "/tasks").json}
    assert tasks["rosenbrock"]["presets"] == ["paper", "quick"]
    optimizers = {one["name"]: one for one in ask("GET", "/optimizers").json}
    assert "learning_rate" in optimizers["Adam"]["hyperparameters"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tasks: [nothing]", "no installed package offers this task"),
        ("optimizers: [os:system]", "no installed package offers this optimizer"),
        ("strategies: [nothing]", "no installed package offers this strategy"),
        ("modules: [os]", "the keys of .* are tasks, optimizers, strategies"),
        ("[tasks]", "is a mapping"),
        ("tasks: rosenbrock", "is a list of names"),
        ("tasks: [", "line 1: not YAML"),
    ],
)
def test_a_catalogue_that_offers_what_is_not_there_is_refused(tmp_path, text, message):
    file = tmp_path / "catalogue.yaml"
    file.write_text(text)
    with pytest.raises(InvalidRequest, match=message):
        read_catalogue(file)


def test_a_catalogue_adds_names_of_keras(tmp_path):
    file = tmp_path / "catalogue.yaml"
    file.write_text("optimizers: [keras:Nadam]")
    read_catalogue(file).check({"task": ["rosenbrock"], "optimizers": ["keras:Nadam", "Adam"]})


def test_null_stands_for_the_default_of_a_field(ask):
    nothing = dict.fromkeys(("optimizers", "steps", "sigma", "generations", "population", "budget", "strategy"))
    assert ask("PUT", "/runs/nulls", {"task": "rosenbrock", "preset": "quick", **nothing}).code == 201
    assert ask("PUT", "/runs/nulls", {"task": "rosenbrock", "preset": "quick"}).code == 200


def test_a_comparison_is_submitted_once_and_only_of_what_is_in_the_catalogue_or_may_be_seen(ask, token):
    body = {"task": "rosenbrock", "search": "first", "seeds": 3, "steps": 20}
    first = ask("PUT", "/comparisons/compared", body)
    assert (first.code, first.json["cost"]["candidates"]) == (201, 6)  # two optimizers on three seeds
    assert ask("PUT", "/comparisons/compared", body).code == 200
    assert ask("PUT", "/comparisons/compared", {**body, "seeds": 4}).json["differences"] == {
        "seeds": {"stored": 3, "received": 4}
    }
    assert ask("PUT", "/runs/compared", SMALL).code == 409
    for changes, field in (
        ({"search": "nothing"}, "search"),
        ({"search": None}, "search"),
        ({"task": "other"}, "task"),
        ({"optimizers": ["Momentum"]}, "optimizers"),
        ({"search": None, "defaults": True, "optimizers": ["mine.py:Mine"]}, "optimizers"),
        ({"seconds": 5, "timeout": 4}, "timeout"),
        ({"configs": ["/etc/passwd"]}, "configs"),
    ):
        refused = ask("PUT", "/comparisons/refused", {**body, **changes})
        assert (refused.code, refused.json["field"]) == (422, field), refused.json
    assert ask("PUT", "/comparisons/unread", body, token=token("reader", "read")).code == 403


@pytest.fixture
def exported(ask):
    """Return the exported configuration of Adam of the search `first`."""
    study = next(one for one in ask("GET", "/runs/first/studies").json if one["name"] == "first/Adam")
    return ask("GET", f"/studies/{study['id']}/export?format=json").json


def test_exported_configurations_are_compared_as_text_or_as_json_without_a_search(ask, exported):
    body = {"task": "rosenbrock", "seeds": 3, "steps": 20}
    for config in (exported, json.dumps(exported)):
        found = ask("POST", "/comparisons:validate", {**body, "configs": [config]}).json
        assert (found["errors"], found["resolved"]["optimizers"], found["cost"]["candidates"]) == ([], ["Adam"], 3)
    both = {**body, "configs": [exported], "search": "first"}
    assert ask("POST", "/comparisons:validate", both).json["resolved"]["optimizers"] == ["Adam", "LODO"]
    (spec,) = planned("run", {**body, "kind": "comparison", "task": ["rosenbrock"], "configs": [json.dumps(exported)]},
                      Catalogue.of()).specs  # fmt: skip
    assert spec.points[0].hyperparameters == pytest.approx(exported["hyperparameters"])
    assert spec.source.startswith("config-1.yaml (sha256 ")
    asked = ask("PUT", "/comparisons/without", {**body, "defaults": True, "optimizers": ["Adam"]})
    assert "configs" not in asked.json["specification"]  # as it was stored before configurations were taken


def test_a_configuration_imports_no_code_and_what_is_wrong_with_it_is_named(ask, exported, tmp_path):
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')\nclass Evil: pass\n")
    place = f"{tmp_path / 'evil.py'}:Evil"
    for config, field, words in (
        ({**exported, "optimizer": "Evil", "place": place}, "configs", "config-1.yaml: Evil is not an optimizer of"),
        ({**exported, "place": place}, "configs", "config-1.yaml: Adam is not an optimizer of"),
        ({**exported, "optimizer": place}, "configs", "is not an optimizer of"),
        ({"optimizer": "Adam"}, "configs", "takes an export as JSON or YAML"),
        ({**exported, "hyperparameters": {"learning_rate": "fast"}}, "configs", "is a finite number"),
        ("[", "configs", "config-1.yaml, line 1"),
        ("", "configs", "of 1 to 65,536 characters"),
    ):
        refused = ask("PUT", "/comparisons/refused", {"task": "rosenbrock", "configs": [config]})
        assert (refused.code, refused.json["field"]) == (422, field), refused.json
        assert words in refused.json["detail"]
        assert "lodo-configs" not in refused.json["detail"]  # the folder of the service
    missing = {"task": "rosenbrock", "configs": [exported], "optimizers": ["Adam", "LODO"]}
    assert ask("PUT", "/comparisons/refused", missing).json["field"] == "search"
    assert not (tmp_path / "imported").exists()


def test_a_body_that_is_no_text_is_refused_as_one(address):
    headers = BEARER | {"Content-Type": "application/json"}
    asked = urllib.request.Request(f"{address}/api/v1/runs:validate", b"\xa5\xd7~", headers, method="POST")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(asked, timeout=300)
    assert (caught.value.code, json.load(caught.value)["title"]) == (400, "Bad Request")


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "PATCH"])
def test_a_method_that_a_path_has_not_is_answered_by_those_that_it_has(address, method):
    for path, methods in (("/runs/first", "GET, PUT"), ("/tokens", "GET, POST"), ("/queue", "GET")):
        asked = urllib.request.Request(
            f"{address}/api/v1{path}", headers=BEARER | {"Content-Type": "application/json"}, method=method
        )
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(asked, timeout=300)
        assert (caught.value.code, caught.value.headers["Allow"]) == (405, methods)

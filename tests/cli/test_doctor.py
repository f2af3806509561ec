"""`lodo-tune doctor`: what a bug report needs, likely problems, and no secrets."""

import json
import socket
import sqlite3
import subprocess
import sys

import pytest

from tests.support.command_line import call, run
from tests.support.report_values import database

SECRET = "geheim-und-lang"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LODO_TUNE_DATABASE", raising=False)
    return tmp_path


def facts(*arguments):
    outcome = call("doctor", "--json", *arguments)
    assert outcome.code == 0, outcome.err
    document = json.loads(outcome.out)
    return {(fact["section"], fact["name"]): fact for fact in document["facts"]}, document["troubles"]


def test_it_names_versions_machine_and_database(folder):
    database("studies.db")
    found, _ = facts("--database", "studies.db")
    import keras
    import ray
    import tensorflow as tf

    assert found["versions", "tensorflow"]["value"] == tf.__version__
    assert found["versions", "keras"]["value"] == keras.__version__
    assert found["versions", "ray"]["value"] == ray.__version__
    assert found["database", "journal mode"]["value"] == "wal"
    assert found["database", "state"]["value"].startswith("schema 000")
    assert int(found["processor", "cores that are used"]["value"]) >= 1


def test_text_and_json_say_the_same(folder):
    outcome = call("doctor")
    found, troubles = facts()
    for fact in found.values():
        assert fact["name"] in outcome.out
    assert f"troubles: {len(troubles)}" in outcome.out


def test_a_database_that_is_not_there_yet_is_no_trouble_and_is_not_made(folder):
    found, _ = facts("--database", "new.db")
    assert found["database", "state"]["trouble"] is None
    assert not (folder / "new.db").exists()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"postgresql://me:{SECRET}@127.0.0.1:1/x", "cannot be reached"),
        (f"postgresql://me:{SECRET}@127.0.0.1:SILENT/x", "no answer within"),
        (f"mysql://me:{SECRET}@host/x", "is not supported"),
        ("foreign.db", "of another program"),
    ],
)
def test_a_database_that_cannot_be_used_is_a_trouble(url, expected, folder, monkeypatch):
    with sqlite3.connect("foreign.db") as other:
        other.execute("CREATE TABLE a (b)")
    monkeypatch.setattr("tuner.api.doctor.DATABASE_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connections are accepted and not answered
        monkeypatch.setenv("LODO_TUNE_DATABASE", url.replace("SILENT", str(silent.getsockname()[1])))
        _, troubles = facts()
    assert any(expected in trouble for trouble in troubles), troubles


def test_no_secret_is_printed(folder):
    secrets = {
        "LODO_TUNE_DATABASE": f"postgresql://me:{SECRET}@127.0.0.1:1/x?password={SECRET}",
        "RAY_AUTH_TOKEN": SECRET,
        "RAY_JOB_CONFIG_JSON_ENV_VAR": SECRET,
        "RAY_REDIS_PASSWORD": SECRET,
        "PGPASSWORD": SECRET,
        "https_proxy": f"http://me:{SECRET}@proxy:3128",
        "HTTP_PROXY": f"me:{SECRET}@proxy:3128",
        "ALL_PROXY": f"socks5://me:a@b/{SECRET}@proxy:3128",
        "TF_API_KEY": SECRET,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    for more in ((), ("--json",)):
        outcome = run("doctor", *more, folder=folder, **secrets)
        assert outcome.code == 0, outcome.err
        assert "RAY_AUTH_TOKEN" in outcome.out
        assert SECRET not in outcome.out + outcome.err


def test_what_will_cause_trouble_is_pointed_out(folder, monkeypatch):
    (folder / "numpy.py").touch()
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setattr("tuner.training.keras_settings._given", "torch")
    monkeypatch.setattr("tuner.api.machine_facts.cpu_quota", lambda: 0.5)
    monkeypatch.setattr("tuner.api.machine_facts.memory_limit", lambda: 2**29)
    monkeypatch.setattr("tuner.api.machine_facts.writable_home", lambda: None)
    found, troubles = facts()
    assert len(troubles) >= 4
    assert "rename it" in found["folders", "numpy.py"]["trouble"]
    assert "is not used" in found["Keras", "backend"]["trouble"]
    assert found["processor", "quota"]["value"] == "0.5 cores"
    assert "too little for TensorFlow" in found["memory", "limit of the container"]["trouble"]
    assert found["folders", "home"]["value"] == "none that can be written"  # no run needs one


def test_neither_tensorflow_nor_ray_is_loaded(folder):
    program = (
        "import sys; from tuner import cli\n"
        "sys.argv = ['lodo-tune', 'doctor']\n"
        "try:\n    cli.main()\n"
        "except SystemExit:\n    print({'tensorflow', 'ray', 'keras'} & set(sys.modules), file=sys.__stdout__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"

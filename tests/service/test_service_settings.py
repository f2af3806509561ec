"""Settings of a service, its token, and the verb that starts it."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request

import pytest

from tests.support.command_line import call
from tuner.core.errors import InvalidRequest
from tuner.service import serving
from tuner.service.settings import ServiceSettings
from tuner.service.tokens import MAX_SESSIONS, OPERATOR, Sessions, new_token


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"host": "0.0.0.0"}, r"^host: an interface that other machines reach needs behind_proxy.*Received: '0.0.0.0'"),
        ({"host": "example.org"}, r"^host is an IP address of this machine, or localhost. Received: 'example.org'"),
        ({"port": 70_000}, r"^port is a number from 0 to 65535. Received: 70000"),
        ({"root_path": "tune"}, r"^root_path is a path such as \"/tune\""),
        ({"root_path": "/tune/"}, r"^root_path is a path such as"),
        ({"public_hosts": ("http://x",)}, r"^behind_proxy is a name of a host, such as tune.example.org"),
    ],
)
def test_settings_that_are_not_accepted_are_named(changes, message):
    with pytest.raises(InvalidRequest, match=message):
        ServiceSettings("runs.db", **changes)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_needs_no_proxy(host):
    assert ServiceSettings("runs.db", host=host).accepted_hosts >= {"localhost", "127.0.0.1", "[::1]"}


def test_another_interface_is_accepted_behind_a_proxy():
    settings = ServiceSettings("runs.db", host="0.0.0.0", public_hosts=("Tune.Example.org",))
    assert "tune.example.org" in settings.accepted_hosts


def test_tokens_have_256_bits_and_differ():
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(re.fullmatch(r"[\w-]{43}", token) for token in tokens)  # 43 digits of 6 bits


def test_the_oldest_session_ends_where_there_are_too_many():
    sessions = Sessions(new_token())
    begun = [sessions.begin() for _ in range(MAX_SESSIONS + 1)]
    identities = [sessions.identity_of_session(each) for each in (begun[0], begun[1], begun[-1])]
    assert identities == [None, OPERATOR, OPERATOR]


def test_the_verb_serves_until_it_is_interrupted(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", "from tuner.cli import main; main()", "serve", "--port", "0"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        address = re.search(r"http://127\.0\.0\.1:\d+/", process.stderr.readline())[0]
        token = process.stderr.readline().removeprefix("Token: ").strip()
        asked = urllib.request.Request(f"{address}api/v1/runs", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(asked, timeout=300) as answer:
            assert answer.read() == b'{"items":[],"next":null,"previous":null}'
    finally:
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=300)[1]
    assert process.returncode == 130, rest
    assert "lodo-tune: interrupted" in rest.splitlines()
    assert token not in rest


def test_the_service_loads_neither_tensorflow_nor_ray():
    code = "import sys, tuner.service.serving; print({'tensorflow', 'keras', 'ray', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_port_that_is_taken_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        outcome = call("serve", "--port", taken.getsockname()[1])
    assert outcome.code == 2
    assert re.fullmatch(
        r"lodo-tune: --port: another program listens on it; 0 takes a free one. Received: \d+\n", outcome.err
    )
    assert not (tmp_path / "lodo-tune.db").exists()


def test_a_token_that_could_be_guessed_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LODO_TUNE_TOKEN", "secret")
    outcome = call("serve", "--port", 0)
    assert outcome.code == 2
    assert outcome.err.startswith("lodo-tune: LODO_TUNE_TOKEN has at least 32 characters")
    assert "secret" not in outcome.err


def test_without_the_extra_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *_: None)
    outcome = call("serve")
    assert outcome.code == 1
    assert outcome.err.strip() == "lodo-tune: the service needs the extra 'service': pip install 'lodo-tune[service]'"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no priority of its own")
def test_threads_that_answer_give_way_and_processes_that_others_start_do_not():
    def niceness():
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def answer():
        serving.give_way()
        pool.append(niceness())
        thread = threading.Thread(target=lambda: pool.append(niceness()))
        thread.start()
        thread.join()

    before, pool = niceness(), []
    thread = threading.Thread(target=answer)
    thread.start()
    thread.join()
    assert pool == [min(19, before + serving.NICENESS)] * 2
    code = "import os; print(os.getpriority(os.PRIO_PROCESS, 0))"
    assert int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout) == before

"""The process that draws figures and reports ends with the service, however that ends."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

from tests.support.reading_service import BEARER, application, served
from tests.support.report_values import database
from tuner.service.drawing import Drawer
from tuner.service.own_process import Busy
from tuner.service.rendering import Output

PATIENCE = 120  # seconds after which what is waited for is taken as missing; nothing is asserted about less


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    file = tmp_path_factory.mktemp("drawing") / "runs.db"
    database(file)
    return str(file)


def wait_until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_drawing_that_runs_is_ended_with_the_service(file):
    drawer = Drawer(file)

    def draw():
        with contextlib.suppress(Busy, asyncio.CancelledError):
            asyncio.run(drawer.draw(Output.of("report", "first"), "state"))

    thread = threading.Thread(target=draw)
    thread.start()
    wait_until(lambda: drawer._process._pool is not None and drawer._process._pool._processes)
    (process,) = drawer._process._pool._processes.values()
    drawer.close()
    process.join(PATIENCE)
    thread.join(PATIENCE)
    assert process.exitcode == -signal.SIGTERM
    assert not thread.is_alive()


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
def test_the_process_ends_when_the_service_is_killed(file):
    program = (
        "import asyncio, sys, time\n"
        "from tuner.service.drawing import Drawer\n"
        "from tuner.service.rendering import Output\n"
        "if __name__ == '__main__':\n"
        "    drawer = Drawer(sys.argv[1])\n"
        "    asyncio.run(drawer.draw(Output.of('report', 'first'), 'state'))\n"
        "    print(*drawer._process._pool._processes, flush=True)\n"
        "    time.sleep(600)\n"
    )
    script = f"{file}.py"
    with open(script, "w", encoding="utf-8") as opened:
        opened.write(program)
    with subprocess.Popen([sys.executable, script, file], stdout=subprocess.PIPE, text=True) as service:
        process = int(service.stdout.readline())
        assert is_running(process)
        service.kill()
    wait_until(lambda: not is_running(process))


def is_running(process):
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as opened:
            return opened.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_drawing_for_which_there_is_no_room_may_be_asked_for_again(file, monkeypatch):
    async def busy(*_):
        raise Busy("8 drawings wait already; try again later")

    monkeypatch.setattr(Drawer, "draw", busy)
    with served(application(file)) as address:
        asked = urllib.request.Request(f"{address}/api/v1/runs/first/report", headers=BEARER)
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(asked, timeout=PATIENCE)
    assert caught.value.code == 503
    assert json.loads(caught.value.read())["detail"] == "8 drawings wait already; try again later"

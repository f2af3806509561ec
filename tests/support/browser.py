"""Chromium without a window, spoken to by its DevTools protocol: what a page does, says, asks for and looks like."""

import asyncio
import base64
import contextlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

import aiohttp  # Ray's dashboard brings it along
import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)")

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0",
    "--remote-allow-origins=*", "--no-first-run", "--disable-background-networking",
)  # fmt: skip


class Page:
    """One tab. Every method waits until what it asks for is done."""

    def __init__(self, loop, session, socket) -> None:
        self._loop, self._session, self._socket = loop, session, socket
        self._number = 0
        self.problems: list[str] = []  # errors and warnings of the console, exceptions, blocked content
        self.requests: list[str] = []  # addresses that were asked for

    def ask(self, method: str, **parameters):
        """Says one thing to the browser, and returns its answer."""
        return self._loop.run_until_complete(self._ask(method, parameters))

    async def _ask(self, method, parameters, until=None):
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        answer = None
        while answer is None or until is not None:
            message = await self._socket.receive_json(timeout=60)
            if message.get("id") == self._number:
                assert "error" not in message, message
                answer = message["result"]
            elif message.get("method") == until:
                until = None
            self._note(message)
        return answer

    def _note(self, message) -> None:
        method, said = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.problems.append(str(said["exceptionDetails"]))
        elif method == "Log.entryAdded":
            self.problems.append(said["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
            self.problems.append(str(said["args"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])

    def open(self, address: str, *, width: int, height: int = 900, scripts: bool = True) -> None:
        """Loads a page in a window of this width, in CSS pixels, up to its load event."""
        for domain in ("Runtime", "Log", "Network", "Page"):
            self.ask(f"{domain}.enable")
        self.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self._loop.run_until_complete(self._ask("Page.navigate", {"url": address}, until="Page.loadEventFired"))

    def value(self, expression: str):
        """Returns what a JavaScript expression is, as JSON has it."""
        found = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def picture(self) -> bytes:
        """Returns the whole page as a PNG."""
        found = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(found["data"])

    def printed(self) -> bytes:
        """Returns the page as it is printed: a PDF."""
        return base64.b64decode(self.ask("Page.printToPDF")["data"])


@contextlib.contextmanager
def browser() -> Iterator[Page]:
    """Starts Chromium, and gives its first tab."""
    with tempfile.TemporaryDirectory(prefix="lodo-browser-", ignore_cleanup_errors=True) as profile:
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        loop = asyncio.new_event_loop()
        session = None
        try:
            said = ""
            for line in process.stderr:
                said += line
                if "DevTools listening on" in line:
                    break
            port = re.search(r"ws://[^:]+:(\d+)/", said)
            assert port, said

            async def connect():
                opened = aiohttp.ClientSession()
                async with opened.get(f"http://127.0.0.1:{port[1]}/json") as answer:
                    tabs = await answer.json()
                address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
                return opened, await opened.ws_connect(address, max_msg_size=0)

            session, socket = loop.run_until_complete(connect())
            yield Page(loop, session, socket)
        finally:
            if session is not None:
                loop.run_until_complete(session.close())
            loop.close()
            process.terminate()
            process.communicate(timeout=30)

"""Headless Chromium, controlled by the DevTools protocol: console, requests, values and pictures of a page."""

import asyncio
import base64
import contextlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

import aiohttp  # a dependency of Ray's dashboard
import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)")

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0",
    "--remote-allow-origins=*", "--no-first-run", "--disable-background-networking",
)  # fmt: skip


class Page:
    """One tab; every method waits until its command has been executed."""

    def __init__(self, loop, session, socket) -> None:
        self._loop, self._session, self._socket = loop, session, socket
        self._number = 0
        self.problems: list[str] = []  # errors and warnings of the console, exceptions, blocked content
        self.requests: list[str] = []  # URLs that were requested

    def ask(self, method: str, **parameters):
        """Send a command to the browser, and return its result."""
        return self._loop.run_until_complete(self._ask(method, parameters))

    async def _ask(self, method, parameters, until=None):
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        answer = None
        while answer is None or until is not None:
            message = await self._socket.receive_json(timeout=300)
            if message.get("id") == self._number:
                assert "error" not in message, message
                answer = message["result"]
            elif message.get("method") == until:
                until = None
            self._note(message)
        return answer

    def _note(self, message) -> None:
        method, parameters = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.problems.append(str(parameters["exceptionDetails"]))
        elif method == "Log.entryAdded":
            self.problems.append(parameters["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.problems.append(str(parameters["args"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])

    def open(self, address: str, *, width: int, height: int = 900, scripts: bool = True) -> None:
        """Load a page in a window of a width in CSS pixels, and wait for its load event."""
        for domain in ("Runtime", "Log", "Network", "Page"):
            self.ask(f"{domain}.enable")
        self.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self._loop.run_until_complete(self._ask("Page.navigate", {"url": address}, until="Page.loadEventFired"))

    def value(self, expression: str):
        """Return the value of a JavaScript expression, as JSON represents it."""
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def picture(self) -> bytes:
        """Return a picture of the whole page as PNG."""
        result = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(result["data"])

    def printed(self) -> bytes:
        """Return the printed page as PDF."""
        return base64.b64decode(self.ask("Page.printToPDF")["data"])


@contextlib.contextmanager
def browser() -> Iterator[Page]:
    """Start Chromium, and yield its first tab."""
    with tempfile.TemporaryDirectory(prefix="lodo-browser-", ignore_cleanup_errors=True) as profile:
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        loop = asyncio.new_event_loop()
        session = None
        try:
            output = ""
            for line in process.stderr:
                output += line
                if "DevTools listening on" in line:
                    break
            port = re.search(r"ws://[^:]+:(\d+)/", output)
            assert port, output

            async def connect():
                client = aiohttp.ClientSession()
                async with client.get(f"http://127.0.0.1:{port[1]}/json") as answer:
                    tabs = await answer.json()
                address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
                return client, await client.ws_connect(address, max_msg_size=0)

            session, socket = loop.run_until_complete(connect())
            yield Page(loop, session, socket)
        finally:
            if session is not None:
                loop.run_until_complete(session.close())
            loop.close()
            process.terminate()
            process.communicate(timeout=300)

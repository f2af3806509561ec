"""Runs a service until it is interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import sys
import threading
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from tuner.core.errors import InvalidRequest
from tuner.service import logs
from tuner.service.app import create_app
from tuner.service.settings import ServiceSettings
from tuner.service.supervisor.processes import DriverProcesses
from tuner.service.supervisor.supervisor import Supervisor
from tuner.service.tokens import Sessions
from tuner.storage import ServiceStore

STOP_SECONDS = 10  # for requests that are being answered when the service ends
DRAWING_SECONDS = 7  # for drawings among them, so that the others are answered by 503 before the end

NICENESS = 5
"""How much nicer the threads that answer requests are than the supervisor and drivers, which go first."""


class _Server(uvicorn.Server):
    """The server of an application; calls a function when it is ready, and ends streams and drawings when it ends."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], app: FastAPI) -> None:
        super().__init__(config)
        self._ready, self._state = ready, app.state

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._state.watcher.end_streams()
        asyncio.get_running_loop().call_later(DRAWING_SECONDS, self._state.end_drawings)
        await super().shutdown(sockets)


def serve(settings: ServiceSettings, token: str, ready: Callable[[str], None], log_format: str = "text") -> None:
    """Serve until an interruption, SIGTERM included, ends it.

    Args:
        settings: Of the service.
        token: What a user has to show.
        ready: Takes the address of the service once it answers.
        log_format: "text", for warnings and errors, or "json", for a line per request as well. Default "text".

    Raises:
        InvalidRequest: The address cannot be listened on.
        StorageError: The database cannot be opened.
    """
    log_settings = logs.configure(log_format)
    listener = _listener(settings)
    # Opening it for writing brings an older schema up to date, which reading it would refuse.
    store = ServiceStore.open(settings.database)
    app = create_app(settings, store, Sessions(token))
    supervisor = None
    if settings.workers:
        # With an own connection: a page that waits for the database must not keep the supervisor waiting.
        its_store = ServiceStore.open(settings.database)
        supervisor = Supervisor(settings, its_store, DriverProcesses(settings.database))
        supervisor.start()
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    server = _Server(
        uvicorn.Config(
            app,
            **log_settings,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_SECONDS,
        ),
        lambda: ready(f"http://{shown}:{port}{settings.root_path}/"),
        app,
    )
    give_way()
    try:
        server.run(sockets=[listener])
    finally:
        if supervisor is not None:
            supervisor.stop()
            its_store.close()


def give_way() -> None:
    """Let other processes of this machine go first, on Linux: this thread, and the threads that it starts from now on.

    Threads that run already keep their priority, and so do the processes that they start.
    """
    if sys.platform != "linux":  # elsewhere the priority is that of the whole process, and its drivers would inherit it
        return
    thread = threading.get_native_id()
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)


def _listener(settings: ServiceSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise InvalidRequest("port", ": another program listens on it; 0 takes a free one", settings.port) from None
        if error.errno == errno.EACCES:
            raise InvalidRequest(
                "port", ": the system reserves it for others; take one from 1024", settings.port
            ) from None
        raise InvalidRequest("host", f"is an address of this machine ({error.strerror})", settings.host) from None
    return listener

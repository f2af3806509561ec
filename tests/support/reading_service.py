"""The service on a database, in a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI

from tuner.service.app import create_app
from tuner.service.reading import Reading
from tuner.service.settings import ServiceSettings
from tuner.service.tokens import Sessions
from tuner.storage import ServiceStore

TOKEN = "a" * 43


BEARER = {"Authorization": f"Bearer {TOKEN}"}


def application(
    url: str,
    hidden: frozenset[str] | None = None,
    root_path: str = "",
    sessions: Sessions | None = None,
    **settings: Any,
) -> FastAPI:
    """Return the application, whose token is TOKEN and may read all runs but some.

    Args:
        url: The database.
        hidden: Names of the runs that are hidden. Default: those that are hidden from the user.
        root_path: Path below which it is reached. Default: "".
        sessions: Recognises users. Default: new ones.
        settings: Further settings of the service.
    """
    store = ServiceStore.open(url)
    app = create_app(ServiceSettings(url, root_path=root_path, **settings), store, sessions or Sessions(TOKEN))
    reading = app.state.reading
    if hidden is not None:
        app.state.reading = lambda request: Reading(store, reading(request).cache, hidden)
    app.state.root_path = root_path
    return app


class _Server(uvicorn.Server):
    """A server that ends the streams before it waits for them, as the service's own does."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets=None) -> None:
        self._app.state.watcher.stop()
        await super().shutdown(sockets)


@contextlib.contextmanager
def served(app: FastAPI, port: int = 0) -> Iterator[str]:
    """Serve an application on this machine; yield its address."""
    listener = socket.create_server(("127.0.0.1", port))
    server = _Server(uvicorn.Config(app, log_level="warning"), app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{app.state.root_path}"
    finally:
        server.should_exit = True
        thread.join(timeout=300)
        listener.close()

"""The pages and the GET half of the HTTP API on a database, without tokens, in a process or a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from tuner.service.drawing import Drawer
from tuner.service.live import Watcher
from tuner.service.pages import routes as pages
from tuner.service.reading import Reading
from tuner.service.routes import events, outputs, resources
from tuner.service.study_cache import StudyCache
from tuner.storage import Store


def application(url: str, hidden: frozenset[str] = frozenset()) -> FastAPI:
    """Return an application whose only user may read all runs but some."""
    store = Store.open(url)
    watcher, cache = Watcher(store), StudyCache(store)

    @contextlib.asynccontextmanager
    async def life(_):
        watcher.start()
        yield
        watcher.stop()
        app.state.drawer.close()
        store.close()

    app = FastAPI(lifespan=life)
    app.state.reading = lambda request: Reading(store, cache, hidden)
    app.state.watcher, app.state.drawer = watcher, Drawer(url)
    for each in (resources.router, outputs.router, events.router, pages.router):
        app.include_router(each)
    return app


class _Server(uvicorn.Server):
    """A server that ends the streams before it waits for them."""

    def __init__(self, config: uvicorn.Config, watcher: Watcher) -> None:
        super().__init__(config)
        self._watcher = watcher

    async def shutdown(self, sockets=None) -> None:
        self._watcher.stop()
        await super().shutdown(sockets)


@contextlib.contextmanager
def served(app: FastAPI, root_path: str = "", port: int = 0) -> Iterator[str]:
    """Serve an application on this machine, as a proxy would below a path; yield its address."""

    async def below(scope, receive, send):
        await app({**scope, "root_path": root_path}, receive, send)

    listener = socket.create_server(("127.0.0.1", port))
    server = _Server(uvicorn.Config(below, log_level="warning"), app.state.watcher)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{root_path}"
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        listener.close()

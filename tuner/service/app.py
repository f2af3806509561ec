"""The application: routes, the guard in front of them, and what they read from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from tuner.service import problems
from tuner.service.drawing import Drawer
from tuner.service.guard import Guard
from tuner.service.live import Watcher
from tuner.service.pages import routes as pages
from tuner.service.reading import Reading
from tuner.service.routes import events, login, outputs, resources, state
from tuner.service.settings import ServiceSettings
from tuner.service.study_cache import StudyCache
from tuner.service.tokens import Sessions
from tuner.storage import Store


def create_app(settings: ServiceSettings, store: Store, sessions: Sessions) -> FastAPI:
    """Return the application of a service.

    Args:
        settings: Of the service.
        store: The database, which is read; it is closed when the application ends.
        sessions: Recognises the token and sessions.
    """
    watcher, cache, drawer = Watcher(store), StudyCache(store), Drawer(settings.database)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        watcher.start()
        yield
        watcher.stop()
        drawer.close()
        store.close()

    # Swagger's and ReDoc's pages load scripts from elsewhere.
    app = FastAPI(
        title="lodo-tune",
        lifespan=life,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.reading = lambda request: Reading(store, cache)
    app.state.watcher, app.state.drawer, app.state.sessions = watcher, drawer, sessions
    for api in (resources.router, outputs.router, events.router):
        app.include_router(api, responses=problems.RESPONSES)
    for other in (state.router, login.router, pages.router):
        app.include_router(other)
    problems.install(app)
    app.add_middleware(Guard, settings=settings, sessions=sessions)
    return app

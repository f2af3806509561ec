"""The application: routes, the guard in front of them, and what they read from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

from tuner.service import problems
from tuner.service.drawing import Drawer
from tuner.service.guard import Guard
from tuner.service.live import Watcher
from tuner.service.metrics import Metrics
from tuner.service.observing import Observed
from tuner.service.pages import actions
from tuner.service.pages import routes as pages
from tuner.service.planning import Planner
from tuner.service.reading import Reading
from tuner.service.routes import events, login, outputs, rendered, requests, resources, state, tokens
from tuner.service.routes.access import identity_of
from tuner.service.settings import ServiceSettings
from tuner.service.study_cache import StudyCache
from tuner.service.tokens import Sessions
from tuner.service.turns import check_turn
from tuner.storage import ServiceStore


def create_app(settings: ServiceSettings, store: ServiceStore, sessions: Sessions) -> FastAPI:
    """Return the application of a service.

    Args:
        settings: Of the service.
        store: The database; it is closed when the application ends.
        sessions: Recognises tokens and sessions.
    """
    watcher, cache, drawer = Watcher(store), StudyCache(store), Drawer(settings.database, settings.repeat_command)
    planner = Planner(settings.catalogue, settings.cpus_per_candidate, settings.database)
    sessions.look_into(store)
    store.admit_by(check_turn)

    def end_drawings() -> None:
        """Have drawings and plans that are not ready answered by 503."""
        drawer.close()
        planner.close()

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        watcher.start()
        yield
        store.stop_waiting()
        watcher.stop()
        drawer.close()
        planner.close()
        store.close()

    # Swagger's and ReDoc's pages load scripts from elsewhere.
    app = FastAPI(
        title="lodo-tune",
        lifespan=life,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.reading = lambda request: Reading.of(store, cache, identity_of(request))
    app.state.watcher, app.state.drawer, app.state.sessions = watcher, drawer, sessions
    app.state.settings, app.state.planner, app.state.store = settings, planner, store
    # `requests` first: the path of a verb, /runs/{name}:pause, is a path of a run otherwise.
    apis = (requests.router, resources.router, outputs.router, rendered.router, events.router, tokens.router)
    for api in apis:
        app.include_router(api, responses=problems.RESPONSES)
    for other in (state.router, login.router, actions.router, pages.router):
        app.include_router(other)
    app.state.end_drawings = end_drawings
    unexpected = problems.install(app)
    app.add_middleware(Guard, settings=settings, sessions=sessions)
    gauges: dict[str, tuple[str, Callable[[], float]]] = {
        "lodo_tune_event_streams": ("Streams of events that are open.", lambda: watcher.streams),
        "lodo_tune_events_behind": ("Changes that the slowest stream has not sent yet.", lambda: watcher.behind),
        "lodo_tune_changes_age_seconds": ("Seconds since changes were last read.", lambda: watcher.age),
        "lodo_tune_outputs_waiting": ("Tables, figures and reports that are made or wait.", lambda: drawer.waiting),
        "lodo_tune_plans_waiting": ("Requests that are planned or wait for it.", lambda: planner.waiting),
    }
    metrics = app.state.metrics = Metrics(settings, store, gauges)
    app.add_middleware(Observed, metrics=metrics, unexpected=unexpected)
    return app

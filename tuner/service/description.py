"""The description of the HTTP API, without a database."""

from __future__ import annotations

from typing import Any

from tuner.service.app import create_app
from tuner.service.settings import ServiceSettings
from tuner.service.tokens import Sessions, new_token
from tuner.storage import ServiceStore


def description() -> dict[str, Any]:
    """Return what the service offers as /api/v1/openapi.json."""
    store = ServiceStore.open("sqlite://")
    try:
        app = create_app(ServiceSettings("sqlite://"), store, Sessions(new_token()))
        return app.openapi()
    finally:
        store.close()

"""Metrics of the service in the text format of Prometheus.

Counts of requests are kept here; everything else is read when it is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client import Counter as Count
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tuner.core.requests import State
from tuner.core.study import StudyStatus
from tuner.service.settings import ServiceSettings
from tuner.storage import ServiceStore

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
STATUSES = (StudyStatus.RUNNING, StudyStatus.INTERRUPTED, StudyStatus.STOPPED, StudyStatus.COMPLETE)
STREAMS = ("/api/v1/events",)  # which last as long as their clients


class Metrics:
    """Counts requests, and returns all metrics.

    Args:
        settings: Of the service.
        store: The database.
        gauges: Further values by name: a description, and what returns the number.
    """

    def __init__(
        self, settings: ServiceSettings, store: ServiceStore, gauges: Mapping[str, tuple[str, Callable[[], float]]]
    ) -> None:
        self._registry = CollectorRegistry()
        self._requests = Count(
            "lodo_tune_http_requests",
            "Requests that were answered, by method, route and status.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "lodo_tune_http_request_seconds",
            "Seconds until a request was answered, by route; without streams of events.",
            ("route",),
            buckets=BUCKETS,
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)
        self._registry.register(_Now(settings, store, gauges))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request.

        Args:
            method: HTTP method.
            route: Path of the route, with names of parameters instead of their values.
            status: HTTP status.
            seconds: Until it was answered.
        """
        self._requests.labels(method, route, str(status)).inc()
        if route not in STREAMS:
            self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return all metrics.

        Raises:
            StorageError: The database cannot be read.
        """
        return generate_latest(self._registry)


class _Now(Collector):
    """Values that are read when they are asked for."""

    def __init__(
        self, settings: ServiceSettings, store: ServiceStore, gauges: Mapping[str, tuple[str, Callable[[], float]]]
    ) -> None:
        self._settings, self._store, self._gauges = settings, store, gauges

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Return nothing, so that the database is not read at registration."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the values as they are now."""
        requests = self._store.requests()
        states = Counter[str](one.state for one in requests)
        yield _by("lodo_tune_submitted_runs", "Runs that were submitted, by state.", "state", tuple(State), states)
        statuses = self._store.study_statuses()
        yield _by("lodo_tune_studies", "Studies of all runs, by status.", "status", STATUSES, statuses)
        waiting = [one for one in requests if one.state is State.QUEUED]
        yield GaugeMetricFamily("lodo_tune_queue_length", "Runs that wait for a worker.", len(waiting))
        yield GaugeMetricFamily(
            "lodo_tune_queue_users", "Users with runs that wait.", len({one.submitted_by for one in waiting})
        )
        failing = sum(one.failures > 0 for one in requests if not one.state.is_ended)
        yield GaugeMetricFamily("lodo_tune_failing_runs", "Runs whose last driver has died or failed.", failing)
        yield GaugeMetricFamily("lodo_tune_workers", "Workers of the service.", self._settings.workers)
        used = sum(one.using for one in requests if one.state.has_driver)
        yield GaugeMetricFamily("lodo_tune_workers_used", "Workers that drivers use.", used)
        is_supervised = self._store.supervisor() is not None
        yield GaugeMetricFamily("lodo_tune_supervised", "Whether a service starts drivers: 1 or 0.", is_supervised)
        for name, (text, read) in self._gauges.items():
            yield GaugeMetricFamily(name, text, read())


def _by(name: str, text: str, label: str, all_values: Sequence[str], counts: Mapping[str, int]) -> GaugeMetricFamily:
    """Return a gauge with a value for each state, also for those that nothing has."""
    family = GaugeMetricFamily(name, text, labels=[label])
    for value in all_values:
        family.add_metric([value], counts.get(value, 0))
    return family

"""The port that Prometheus reads: what this process counted, and how much work waits in all.

A port of its own, closed by default: figures of all organizations are for the operator.
"""

import asyncio
from collections.abc import Generator, Iterable
from concurrent.futures import TimeoutError as WaitTimeout
from contextlib import contextmanager
from typing import cast

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from services.operations import JobsOverview, jobs_overview
from services.resources import Resources, StartRefused
from services.settings import Settings

log = structlog.get_logger()

_LIMIT_S = 5.0


class PlatformCollector(Collector):
    """Asks the database and Redis when it is read, and never in between."""

    def __init__(self, resources: Resources, loop: asyncio.AbstractEventLoop) -> None:
        self._resources = resources
        self._loop = loop

    def describe(self) -> Iterable[Metric]:
        """Nothing: otherwise the registry would read it to learn its names."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """From the server's thread; the queries run on the loop that owns the pools."""
        asked = asyncio.run_coroutine_threadsafe(jobs_overview(self._resources), self._loop)
        try:
            overview = asked.result(_LIMIT_S)
        except (SQLAlchemyError, RedisError, OSError, WaitTimeout) as error:
            asked.cancel()
            log.warning("work_unknown", error=type(error).__name__)
            return [_gauge("nis2_work_known", _KNOWN, 0)]
        return [_gauge("nis2_work_known", _KNOWN, 1), *_families(overview)]


_KNOWN = "1 when database and Redis told how much work waits."


def _families(overview: JobsOverview) -> Iterable[Metric]:
    work = GaugeMetricFamily("nis2_work", "Rows of unfinished work.", labels=("kind", "status"))
    for name, number in overview.counts.items():
        work.add_metric(name.split(), number)
    yield work
    yield _gauge("nis2_queue_jobs", "Messages that wait in Redis.", overview.queued)
    yield _gauge(
        "nis2_oldest_pending_seconds",
        "Age of the scan or report that has waited longest; 0 when none waits.",
        overview.oldest_pending_s or 0,
    )
    yield _gauge(
        "nis2_worker_alive",
        "1 while a worker has given a sign of life.",
        int(overview.worker_status is not None),
    )
    yield _gauge("nis2_workers_busy", "Workers that hold leases.", len(overview.workers))


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, value=value)


@contextmanager
def metrics_server(settings: Settings, resources: Resources) -> Generator[None]:
    """Serve while the block lasts, if ``NIS2_METRICS_PORT`` is set. Raises StartRefused."""
    if settings.metrics_port is None:
        yield
        return
    registry = CollectorRegistry()
    registry.register(PlatformCollector(resources, asyncio.get_running_loop()))
    registry.register(cast("Collector", REGISTRY))  # a registry collects as collectors do
    try:
        server, thread = start_http_server(
            settings.metrics_port, settings.metrics_host, registry=registry
        )
    except OSError as error:
        raise StartRefused(
            f"NIS2_METRICS_PORT {settings.metrics_port} on {settings.metrics_host} cannot be"
            f" listened on: {error.strerror or error}"
        ) from error
    try:
        yield
    finally:
        # Not waited for: an answer under way may be waiting for this very loop.
        server.shutdown()
        server.server_close()
        del thread

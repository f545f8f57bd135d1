"""The worker process: what it opens, and what the arq command reads.

``arq jobs.worker.WorkerSettings`` runs it, ``--check`` asks whether one lives, ``--burst`` works
until the queue is empty.
"""

import os
import socket
from contextlib import AsyncExitStack
from typing import Any, ClassVar

import structlog
from arq.connections import RedisSettings
from arq.cron import CronJob
from arq.worker import Function, Worker, create_worker

from jobs.context import Ctx, JobContext
from jobs.functions import CRON, FUNCTIONS
from services.logs import set_up_logging
from services.metrics_server import metrics_server
from services.own_endpoints import own_endpoints
from services.queue import (
    HEALTH_KEY,
    QUEUE_NAME,
    deserialize_job,
    redis_settings,
    serialize_job,
)
from services.resources import StartRefused, open_resources
from services.scanner.data_file import DataFileError
from services.scanner.engine import NetworkScanner, open_context
from services.scans import Worker as ScanWorker
from services.settings import Settings
from services.tracing import tracing

log = structlog.get_logger()

_IN_PROGRESS_S = 30
"""How long arq keeps a dead worker's job from others; the leases in the database decide anyway."""
_IS_STOPPING = "nis2_is_stopping"


async def start(ctx: Ctx) -> None:
    """Open what the jobs need. Raises StartRefused when the installation is not ready."""
    set_up_logging()
    settings = Settings.model_validate({})  # from the environment
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(
            tracing(settings.tracing_endpoint, ratio=settings.tracing_ratio, service="worker")
        )
        resources = await stack.enter_async_context(open_resources(settings))
        policy = settings.address_policy(await own_endpoints(settings))
        try:
            probes = await stack.enter_async_context(open_context(settings.probe_options(), policy))
        except DataFileError as error:
            raise StartRefused(str(error)) from error
        scanner = NetworkScanner(probes)
        worker = ScanWorker(
            database=resources.database,
            scanner=scanner,
            locate=scanner.addresses,
            name=f"{socket.gethostname()}:{os.getpid()}",
            lease_s=settings.scan_lease_s,
            is_stopping=ctx.get(_IS_STOPPING, lambda: False),
        )
        stack.enter_context(metrics_server(settings, resources))
        JobContext(resources, worker, stack.pop_all()).put_into(ctx)
    log.info("worker_started", name=worker.name)


async def stop(ctx: Ctx) -> None:
    await JobContext.of(ctx).stack.aclose()


class WorkerSettings:
    """What the arq command reads."""

    functions: ClassVar[list[Function]] = FUNCTIONS
    cron_jobs: ClassVar[list[CronJob]] = CRON
    queue_name: ClassVar[str] = QUEUE_NAME
    health_check_key: ClassVar[str] = HEALTH_KEY
    health_check_interval: ClassVar[int] = 10
    redis_settings: ClassVar[RedisSettings]
    max_jobs: ClassVar[int]
    max_tries: ClassVar[int] = 10
    poll_delay: ClassVar[float] = 0.2
    job_completion_wait: ClassVar[int]
    job_serializer: ClassVar[Any] = staticmethod(serialize_job)  # Any: arq's own types
    job_deserializer: ClassVar[Any] = staticmethod(deserialize_job)
    on_startup: ClassVar[Any] = staticmethod(start)
    on_shutdown: ClassVar[Any] = staticmethod(stop)


_settings = Settings.model_validate({})  # from the environment: arq reads the class at import
WorkerSettings.redis_settings = redis_settings(_settings.redis_url)
WorkerSettings.max_jobs = _settings.worker_jobs
WorkerSettings.job_completion_wait = _settings.worker_finish_s


def make_worker() -> Worker:
    """A worker whose lost jobs come back after half a minute rather than after an hour."""
    # The class is what the arq command wants; its Protocol names attributes one by one.
    worker = create_worker(WorkerSettings)  # pyright: ignore[reportArgumentType]
    worker.in_progress_timeout_s = _IN_PROGRESS_S
    worker.ctx[_IS_STOPPING] = lambda: not worker.allow_pick_jobs
    return worker

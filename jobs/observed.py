"""Around every job: where it comes from in logs and trace, how it ended in the metrics."""

import functools
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from jobs.context import Ctx
from services.metrics import JOB_DURATION, JOBS, timed
from services.tracing import request_id_of, span

if TYPE_CHECKING:  # generic in its stub alone
    from types import CoroutineType

log = structlog.get_logger()

JobFunction = Callable[..., "CoroutineType[Any, Any, None]"]  # Any: as arq has it


def observed(name: str, job: JobFunction) -> JobFunction:
    """``job`` under its name; what it raises is counted and raised again."""

    @functools.wraps(job)
    async def run(ctx: Ctx, *ids: str, origin: Mapping[str, str] | None = None) -> None:
        carried = origin or {}
        began = time.perf_counter()
        with (
            structlog.contextvars.bound_contextvars(
                job=name, job_id=ctx.get("job_id"), **request_id_of(carried)
            ),
            span(f"job {name}", parent=carried, **request_id_of(carried)),
            timed(JOB_DURATION, name),
        ):
            outcome = "failed"
            try:
                await job(ctx, *ids)
                outcome = "done"
            finally:
                JOBS.labels(name, outcome).inc()
                if ids:  # a row's job; what only the clock started is no news
                    duration_ms = round((time.perf_counter() - began) * 1000, 1)
                    log.info("job", outcome=outcome, duration_ms=duration_ms)

    return run

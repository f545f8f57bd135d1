"""Follows one request through the processes that serve it: gateway, job, probe.

Its id stands in every log line, always. Spans (OpenTelemetry, W3C Trace Context) go to a collector
when ``NIS2_TRACING_ENDPOINT`` names one; without it nothing of OpenTelemetry is imported.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

import structlog
from pydantic import AnyHttpUrl

from services.version import VERSION

if TYPE_CHECKING:  # OpenTelemetry's SDK is installed where it is wanted
    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACE = "traceparent"
_REQUEST = "request_id"


class _Current:
    """The tracer of this process; None while spans go nowhere."""

    tracer: "Tracer | None" = None


@asynccontextmanager
async def tracing(
    endpoint: AnyHttpUrl | None, *, ratio: float, service: str
) -> AsyncGenerator[None]:
    """Send spans to ``endpoint`` (OTLP over HTTP) while the block lasts, and the rest at its end.

    ``ratio`` is the share of traces kept that begin here.
    """
    if endpoint is None:
        yield
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - see the module's first lines
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415 - as above

    resource = Resource.create({"service.name": service, "service.version": VERSION})
    provider = TracerProvider(
        sampler=ParentBasedTraceIdRatio(ratio), resource=resource, shutdown_on_exit=False
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(str(endpoint))))
    _Current.tracer = provider.get_tracer("nis2", VERSION)
    try:
        yield
    finally:
        _Current.tracer = None
        await asyncio.to_thread(provider.shutdown)


class Spanning:
    """A span under way; every method does nothing when spans go nowhere."""

    def __init__(self, tracer: "Tracer | None") -> None:
        self._is_on = tracer is not None

    def describe(self, name: str, **attributes: str | int) -> None:
        """What is known only at the end: a route's name, a status."""
        if not self._is_on:
            return
        from opentelemetry.trace import get_current_span  # noqa: PLC0415 - see the module's first lines

        current = get_current_span()
        current.update_name(name)
        current.set_attributes(attributes)


@contextmanager
def span(
    name: str, *, parent: Mapping[str, str] | None = None, **attributes: str
) -> Generator[Spanning]:
    """One step of a trace. ``parent`` holds the ``traceparent`` of the process before."""
    tracer = _Current.tracer
    if tracer is None:
        yield Spanning(None)
        return
    with tracer.start_as_current_span(
        name,
        context=_context_of(parent) if parent is not None else None,
        attributes=attributes,
    ):
        yield Spanning(tracer)


def origin() -> dict[str, str]:
    """Where the work at hand comes from, for a message to carry to another process."""
    carried: dict[str, str] = {}
    if request_id := structlog.contextvars.get_contextvars().get(_REQUEST):
        carried[_REQUEST] = str(request_id)
    if _Current.tracer is not None:
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - see the module's first lines
            TraceContextTextMapPropagator,
        )

        TraceContextTextMapPropagator().inject(carried)
    return carried


def request_id_of(carried: Mapping[str, str]) -> dict[str, str]:
    """The request id of a message, if it has one fit for a log."""
    request_id = carried.get(_REQUEST, "")
    return {_REQUEST: request_id} if REQUEST_ID.fullmatch(request_id) else {}


def _context_of(carried: Mapping[str, str]) -> "Context":
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - see the module's first lines
        TraceContextTextMapPropagator,
    )

    kept = {_TRACE: carried[_TRACE]} if _TRACE in carried else {}
    return TraceContextTextMapPropagator().extract(kept)

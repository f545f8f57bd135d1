"""One request is followed through gateway, job and probe: by its id in the logs, and by spans."""

import gzip
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import structlog
from httpx2 import AsyncClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from pydantic import AnyHttpUrl

from services.scanner.engine import NetworkScanner, open_context
from services.settings import Settings
from services.tracing import origin, request_id_of, span, tracing
from tests.conftest import RunJobs
from tests.jobs.conftest import StartScan
from tests.lab.web_server import Site, html, serve_site
from tests.members import Member
from tests.scanners import StubScanner

_SITE = Site(pages={"/": html("<title>Shop</title>")})


@dataclass
class Collector:
    """A collector of spans on loopback."""

    address: AnyHttpUrl
    spans: list[Span] = field(default_factory=list[Span])

    def named(self, name: str) -> Span:
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def ancestors(self, span: Span) -> list[str]:
        by_id = {each.span_id: each for each in self.spans}
        names: list[str] = []
        while (above := by_id.get(span.parent_span_id)) is not None:
            names.append(above.name)
            span = above
        return names


@contextmanager
def _collector() -> Generator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            request = ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    collector.spans.extend(scope.spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    collector = Collector(AnyHttpUrl(f"http://127.0.0.1:{server.server_port}/v1/traces"))
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_scan_is_one_trace_from_the_request_to_the_probe(
    client: AsyncClient, start_scan: StartScan, run_jobs: RunJobs, settings: Settings
) -> None:
    with _collector() as collector:
        async with (
            tracing(collector.address, ratio=1, service="test"),
            serve_site(_SITE, host="127.0.77.3", port=8080),
            open_context(settings.probe_options(), settings.address_policy()) as context,
        ):
            await start_scan("127.0.77.3")
            await run_jobs(NetworkScanner(context))

    suite = collector.named("suite http")
    assert collector.ancestors(suite) == [
        "target",
        "job run_batch",
        "job plan_scan",
        "POST /api/v1/scans",
    ]
    assert suite.trace_id == collector.named("POST /api/v1/scans").trace_id


async def test_without_a_collector_nothing_is_carried_but_the_request_id() -> None:
    async with tracing(None, ratio=1, service="test"):
        with structlog.contextvars.bound_contextvars(request_id="abc"), span("nothing") as step:
            step.describe("nothing", status=200)
            assert origin() == {"request_id": "abc"}


def test_a_message_cannot_write_into_the_log() -> None:
    assert request_id_of({"request_id": "fine-1"}) == {"request_id": "fine-1"}
    assert request_id_of({"request_id": "two\nlines"}) == {}
    assert request_id_of({}) == {}


async def test_the_request_id_stands_in_every_line_of_the_jobs_it_caused(
    client: AsyncClient, admin: Member, run_jobs: RunJobs
) -> None:
    headers = admin.headers | {"X-Request-Id": "from-the-front-end"}
    asset = await client.post("/api/v1/assets", json={"target_value": "192.0.2.1"}, headers=headers)
    await client.post("/api/v1/scans", json={"asset_ids": [asset.json()["id"]]}, headers=headers)

    with _captured() as lines:
        await run_jobs(StubScanner())

    jobs = [line for line in lines if line["event"] == "job"]
    assert [line["job"] for line in jobs] == ["plan_scan", "run_batch", "finalize_scan"]
    assert {line["request_id"] for line in lines} == {"from-the-front-end"}
    assert all("scan_id" in line for line in lines if line.get("job") == "run_batch")


@contextmanager
def _captured() -> Generator[list[structlog.typing.EventDict]]:
    """What is logged, with what is bound to the context."""
    capture = structlog.testing.LogCapture()
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, capture])
    try:
        yield capture.entries
    finally:
        structlog.configure(processors=before)

"""One website on a real socket, looked at by one of the rooms that ask beside the root."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Generic, TypeVar

from services.scanner.allowance import Allowance
from services.scanner.check import CheckResult, Endpoint, Outcome
from services.scanner.context import ProbeContext
from services.scanner.http.probe import probe_web
from services.scanner.site import Site
from services.scanner.suite import Suite
from tests.lab.certificates import Authority
from tests.scanner.http.conftest import NAME, at, make_context
from tests.scanner.http.raw_server import Behaviour, Request, response, serve

Facts = TypeVar("Facts")


@dataclass(frozen=True, slots=True)
class Seen(Generic[Facts]):
    """What a room saw and concluded, and what it asked."""

    facts: Facts | None
    results: Mapping[str, CheckResult]
    requests: tuple[Request, ...]
    """The root's own one left out."""

    def outcome(self, check_id: str) -> str:
        """``passed``, ``failed``, ``not_evaluated`` or ``not_applicable``."""
        verdict = self.results[check_id].verdict
        if verdict.outcome is Outcome.NOT_EVALUATED and not verdict.is_applicable:
            return "not_applicable"
        return verdict.outcome.value

    def reason(self, check_id: str) -> str:
        return self.results[check_id].verdict.reason

    def failed(self) -> set[str]:
        return {check_id for check_id in self.results if self.outcome(check_id) == "failed"}


@cache
def tls_context() -> ssl.SSLContext:
    identity = Authority.create("Site Lab Root").issue([NAME])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as directory:
        context.load_cert_chain(*identity.write(Path(directory)))
    return context


def limited(context: ProbeContext, requests: int) -> ProbeContext:
    """A context whose target may still be asked so often."""
    return replace(context, allowance=Allowance(requests))


async def look(
    suite: Suite[Site, Facts],
    behave: Behaviour,
    *,
    is_tls: bool = False,
    context: ProbeContext | None = None,
    host: str = NAME,
) -> Seen[Facts]:
    """The root first, as the engine does it, then the room."""
    context = context or make_context()
    async with serve(behave, ssl_context=tls_context() if is_tls else None) as server:
        web = await probe_web(context, at(server.port, is_tls=is_tls, host=host))
        asked = len(server.requests)
        endpoint = Endpoint(host, server.port, "https" if is_tls else "http")
        seen = await suite.run(context, Site(web), endpoint)
        results = {result.check.id: result for result in seen.results}
        return Seen(seen.facts, results, tuple(server.requests[asked:]))


def text(body: str, *headers: str, status: int = 200) -> bytes:
    return response(status, "Content-Type: text/plain", *headers, body=body.encode())


def binary(body: bytes, *headers: str) -> bytes:
    return response(200, "Content-Type: application/octet-stream", *headers, body=body)

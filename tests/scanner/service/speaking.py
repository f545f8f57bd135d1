"""Servers that know a few questions, and what a suite says about them."""

import asyncio
from collections.abc import Callable, Mapping
from ipaddress import ip_address

from services.scanner.check import CheckResult, Endpoint, Outcome
from services.scanner.context import ProbeContext
from services.scanner.net.identify import Door, identify
from services.scanner.service import SUITES_BY_SERVICE, ServiceSubject
from tests.scanner.net.listeners import Behaviour, listening

LOCALHOST = ip_address("127.0.0.1")
Results = dict[str, CheckResult]


def knows(answers: Mapping[bytes, bytes], *, greeting: bytes = b"") -> Behaviour:
    """Answers what begins like one of the questions, and hangs up on everything else."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        while asked := await reader.read(4096):
            answer = next((a for q, a in answers.items() if asked.startswith(q)), None)
            if answer is None:
                return
            writer.write(answer)
            await writer.drain()

    return behaviour


def serves(pages: Mapping[str, tuple[int, str, str]], *, server: str = "lab") -> Behaviour:
    """HTTP: status, content type and body by path; 404 for the rest."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ")[1].decode()
        status, kind, body = pages.get(path, (404, "text/plain", "404 page not found\n"))
        writer.write(
            f"HTTP/1.1 {status} Lab\r\nServer: {server}\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
        )
        await writer.drain()
        await reader.read()

    return behaviour


async def judged(
    context: ProbeContext, behaviour: Behaviour, service: str | None = None
) -> tuple[str, Results]:
    """The name that identification gives, and the results of the suite for it."""
    async with listening(behaviour) as server:
        found = service
        if found is None:
            found = (await identify(context, Door(LOCALHOST, server.port, None))).name
        suite = SUITES_BY_SERVICE[found]
        seen = await suite.run(
            context,
            ServiceSubject(LOCALHOST, server.port, found),
            Endpoint("lab", server.port, "tcp"),
        )
    return found, {result.check.id: result for result in seen.results}


def failed(results: Results) -> set[str]:
    return _with(results, lambda result: result.verdict.outcome is Outcome.FAILED)


def passed(results: Results) -> set[str]:
    return _with(results, lambda result: result.verdict.outcome is Outcome.PASSED)


def _with(results: Results, is_wanted: Callable[[CheckResult], bool]) -> set[str]:
    return {check_id for check_id, result in results.items() if is_wanted(result)}

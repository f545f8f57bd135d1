"""Questions to one web endpoint, and what became of each. The only place of the rooms with I/O."""

import asyncio
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.scanner.address import Address
from services.scanner.context import ProbeContext
from services.scanner.http.client import Exchange, fetch
from services.scanner.http.urls import WebUrl
from services.scanner.site.subject import Site
from services.scanner.suite import ProbeError

MOST_UNANSWERED = 3
"""In a row; after that the server is left alone."""
_AT_ONCE = 3
DEFAULT_BODY_BYTES = 64 * 1024
_TOO_MANY_REQUESTS = 429
_FIRST_SERVER_ERROR = 500


def random_name() -> str:
    """A name that no server has, of lower-case letters alone: it fits any pattern of paths."""
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(14))


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one question."""

    url: WebUrl
    exchange: Exchange | None = None
    reason: str = ""
    """Why there is no answer, in words fit for a report."""

    @property
    def status(self) -> int:
        """0 where there is no answer."""
        return 0 if self.exchange is None else self.exchange.status

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110 15.3

    @property
    def body(self) -> bytes:
        return b"" if self.exchange is None else self.exchange.body

    @property
    def is_whole(self) -> bool:
        return self.exchange is not None and not self.exchange.body_note

    @property
    def content_type(self) -> str:
        """In lower case, without parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def is_html(self) -> bool:
        start = self.body[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        return self.content_type in {"text/html", "application/xhtml+xml"} or start.startswith(
            (b"<!doctype html", b"<html")
        )

    @property
    def why_unknown(self) -> str:
        """Why this says nothing about what is served there; empty when it does."""
        if self.exchange is None:
            return self.reason
        is_refusal = self.status == _TOO_MANY_REQUESTS or self.status >= _FIRST_SERVER_ERROR
        return f"the server answered {self.status}" if is_refusal else ""

    def header(self, name: str) -> str:
        """The first value of a header; empty without one."""
        wanted = name.lower().encode("latin-1")
        values = () if self.exchange is None else self.exchange.headers
        first = next((value for key, value in values if key.lower() == wanted), b"")
        return first.decode("utf-8", "replace").strip()


class Asker:
    """Asks one site for one room; gives up after three questions in a row without an answer."""

    def __init__(self, context: ProbeContext, site: Site) -> None:
        self._context = context
        self._site = site
        self._unanswered = 0
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def ask(
        self,
        url: WebUrl,
        *,
        headers: Mapping[str, str] | None = None,
        max_body_bytes: int = DEFAULT_BODY_BYTES,
    ) -> Reply:
        """GET a URL of the site. What the server does instead of answering becomes a reason."""
        async with self._turns:
            return await self._ask(url, headers, max_body_bytes)

    async def _ask(
        self, url: WebUrl, headers: Mapping[str, str] | None, max_body_bytes: int
    ) -> Reply:
        if self._unanswered >= MOST_UNANSWERED:
            return Reply(url, reason=f"stopped after {MOST_UNANSWERED} requests without an answer")
        try:
            exchange = await fetch(
                self._context,
                url,
                await self._address_of(url.host),
                headers=headers,
                timeout_s=self._context.options.exchange_timeout_s,
                max_body_bytes=max_body_bytes,
            )
        except (ProbeError, OSError) as error:
            self._unanswered += 1
            return Reply(url, reason=str(error) or type(error).__name__)
        self._unanswered = 0
        return Reply(url, exchange)

    async def _address_of(self, host: str) -> Address:
        """Where to ask; another name of the site (www) is resolved and vetted as a whole."""
        if host == self._site.page_url.host:
            return self._site.address
        found = await self._context.resolver.addresses(host)
        if not found.addresses:
            raise ProbeError(f"{host} has no address: {found.reason}")
        for candidate in found.addresses:
            self._context.connector.policy.check(candidate)
        is_same = self._site.address in found.addresses
        return self._site.address if is_same else found.addresses[0]

    async def ask_paths(
        self, targets: Iterable[str], *, max_body_bytes: int = DEFAULT_BODY_BYTES
    ) -> dict[str, Reply]:
        """Several paths, three at a time; each reply by its path."""
        async with asyncio.TaskGroup() as tasks:
            asked = {
                target: tasks.create_task(
                    self.ask(self._site.url(target), max_body_bytes=max_body_bytes)
                )
                for target in dict.fromkeys(targets)
            }
        return {target: task.result() for target, task in asked.items()}

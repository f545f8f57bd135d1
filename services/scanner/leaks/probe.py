"""Fetches the page and the site's own scripts, and keeps what was found in them, masked."""

import asyncio
import re
from dataclasses import dataclass, field

from services.scanner.check import Outcome, Verdict
from services.scanner.context import ProbeContext
from services.scanner.http.client import MAX_SCRIPT_BYTES
from services.scanner.http.facts import Answer, LoadKind
from services.scanner.http.urls import WebUrl, is_same_site, parse_url, resolve_location
from services.scanner.leaks.facts import Leak, LeakFacts
from services.scanner.leaks.search import Place, find_leaks
from services.scanner.site import Asker, Reply, Site
from services.scanner.text import clean

MOST_SCRIPTS = 20
"""Source maps included; each is read to its first 2 MiB."""
_MOST_LEAKS = 100
_SOURCE_MAP = re.compile(r"[#@] ?sourceMappingURL=([^\s'\"]{1,500})")
_TAIL = 4096


async def probe_leaks(context: ProbeContext, site: Site) -> LeakFacts:
    """At most 21 requests. What the server does never raises."""
    content = site.content
    if isinstance(content, Verdict):
        is_unseen = content.outcome is not Outcome.PASSED and content.is_applicable
        return LeakFacts(no_page=content.reason, is_page_unseen=is_unseen)
    reading = _Reading(Asker(context, site), site, context.options.secret_hash_key)
    unread_page = await reading.read_page(content)
    await reading.read_scripts(_own_scripts(site, content))
    return LeakFacts(
        unread_page=unread_page,
        scripts_read=reading.scripts_read,
        unread_scripts=tuple(reading.unread),
        leaks=tuple(dict.fromkeys(reading.leaks))[:_MOST_LEAKS],
    )


@dataclass(slots=True)
class _Reading:
    """Goes through the texts of one site, one after the other: at most one is in memory."""

    asker: Asker
    site: Site
    hash_key: bytes
    leaks: list[Leak] = field(default_factory=list[Leak])
    unread: list[str] = field(default_factory=list[str])
    scripts_read: int = 0

    async def read_page(self, page: Answer) -> str:
        """Why it was not read, or not to its end; empty when it was."""
        reply = await self._fetch(page.url)
        if reply.why_unknown or not reply.is_success:
            return clean(reply.why_unknown or f"the server answered {reply.status}", 300)
        await self._search(reply, is_script=False)
        return "" if reply.exchange is None else reply.exchange.body_note

    async def read_scripts(self, scripts: tuple[WebUrl, ...]) -> None:
        """The scripts, then the source maps that they name, as far as the number allows."""
        queue = list(scripts)
        for number, url in enumerate(queue):
            if number >= MOST_SCRIPTS:
                self.unread.append(f"{len(queue) - number} more scripts than {MOST_SCRIPTS}")
                return
            reply = await self._fetch(url)
            if reply.why_unknown:
                self.unread.append(clean(f"{url}: {reply.why_unknown}", 300))
            elif reply.is_success and not reply.is_html:
                await self._search(reply, is_script=True)
                self._note_script(reply)
                source_map = self._source_map(reply)
                if source_map is not None and source_map not in queue:
                    queue.append(source_map)

    def _note_script(self, reply: Reply) -> None:
        self.scripts_read += 1
        if reply.exchange is not None and reply.exchange.body_note:
            self.unread.append(clean(f"{reply.url}: {reply.exchange.body_note}", 300))

    async def _fetch(self, url: WebUrl) -> Reply:
        return await self.asker.ask(url, max_body_bytes=MAX_SCRIPT_BYTES)

    async def _search(self, reply: Reply, *, is_script: bool) -> None:
        host = self.site.facts.subject.host
        place = Place(clean(str(reply.url), 300), host, is_script, self.hash_key)
        # Patterns are work for the processor: a thread, so that other targets go on.
        self.leaks += await asyncio.to_thread(_found, reply.body, place)

    def _source_map(self, reply: Reply) -> WebUrl | None:
        tail = reply.body[-_TAIL:].decode("utf-8", "replace")
        names = _SOURCE_MAP.findall(tail)
        if not names or str(names[-1]).startswith("data:"):
            return None
        try:
            url = resolve_location(reply.url, str(names[-1]))
        except ValueError:
            return None
        return url if _is_own(self.site, url) else None


def _found(body: bytes, place: Place) -> tuple[Leak, ...]:
    return find_leaks(body.decode("utf-8", "replace"), place)


def _own_scripts(site: Site, page: Answer) -> tuple[WebUrl, ...]:
    """Of the same host or its www variant; what strangers serve is not this site's leak."""
    found: dict[WebUrl, None] = {}
    for load in () if page.page is None else page.page.loads:
        if load.kind is not LoadKind.SCRIPT:
            continue
        try:
            url = parse_url(load.url)
        except ValueError:
            continue
        if _is_own(site, url):
            found[url] = None
    return tuple(found)


def _is_own(site: Site, url: WebUrl) -> bool:
    page = site.page_url
    is_same_door = url.port == page.port and url.is_tls == page.is_tls
    return is_same_door and is_same_site(url.host, page.host)

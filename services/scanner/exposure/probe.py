"""Asks for what should not be there: random names first, then the candidates, then directories.

At most 24 requests where nothing is found; each hit costs one or two more.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from posixpath import dirname
from urllib.parse import urlsplit

from services.scanner.check import Verdict
from services.scanner.context import ProbeContext
from services.scanner.exposure.candidates import Candidate, candidates_of, git_config
from services.scanner.exposure.facts import ExposureFacts, FileKind, Hit, Trace
from services.scanner.exposure.reading import is_listing, trace_kind
from services.scanner.http.urls import parse_url, resolve_location
from services.scanner.site import Asker, Reply, Site, random_name
from services.scanner.text import clean

_USUAL_DIRECTORIES = ("/uploads/", "/images/")
_MOST_DIRECTORIES = 2
_SAME_LENGTH = 0.05
_SAME_START = 1024
_FIRST_ERROR = 400
_NOT_THE_APPLICATION = frozenset({429, 502, 503, 504})
_ARCHIVE_LABELS = frozenset(
    {"archive", "dist", "download", "downloads", "ftp", "mirror", "mirrors", "releases"}
)


async def probe_exposure(context: ProbeContext, site: Site) -> ExposureFacts:
    """What the server does never raises; what it does instead of answering is kept as a reason."""
    url = clean(site.page_url.origin, 300)
    asker = Asker(context, site)
    baseline = await _baseline(asker)
    if site.onward is not None and all(_goes_to_https(reply) for reply in baseline.values()):
        return ExposureFacts(url, onward=clean(site.onward.origin, 300))
    search = _Search(asker, site, tuple(baseline.values()))
    hits, unknown = await search.files()
    directories = await asker.ask_paths(_directories(site))
    replies = {**baseline, **directories}
    listed = [path for path, reply in directories.items() if await _is_listing(reply)]
    unlisted = [reply.why_unknown for reply in directories.values() if reply.why_unknown]
    traces, errors = await _traces(replies)
    unseen = next((reply.why_unknown for reply in replies.values() if not reply.status), "")
    return ExposureFacts(
        url=url,
        hits=hits,
        unknown=unknown,
        listings=tuple(listed),
        directories=tuple(directories),
        unknown_directories=clean(next(iter(unlisted), ""), 300),
        traces=traces,
        error_pages=errors,
        unknown_errors=clean(unseen, 300),
        is_public_archive=site.page_url.host.partition(".")[0] in _ARCHIVE_LABELS,
    )


async def _baseline(asker: Asker) -> dict[str, Reply]:
    """What is said to names that cannot exist, in the shapes of the candidates.

    The last one is not valid UTF-8: a question that careless code stumbles over.
    """
    name = random_name()
    paths = (f"/{name}", f"/.{name}/{random_name()}", f"/{random_name()}.env", f"/{name}/%ff")
    return await asker.ask_paths(paths)


def _goes_to_https(reply: Reply) -> bool:
    """To the same place with TLS: then the redirect stands before everything else."""
    try:
        onward = resolve_location(reply.url, reply.header("location"))
    except ValueError:
        return False
    return reply.status // 100 == 3 and onward.is_tls and reply.header("location") != ""  # noqa: PLR2004 - 3xx


@dataclass(frozen=True, slots=True)
class _Search:
    """The candidates of one site, with what the server says to nonsense."""

    asker: Asker
    site: Site
    baseline: tuple[Reply, ...]

    async def files(self) -> tuple[tuple[Hit, ...], dict[FileKind, str]]:
        """What is served, and for each other kind why that is not known, if it is not."""
        hits: list[Hit] = []
        unknown: dict[FileKind, str] = {}
        candidates = candidates_of(self.site.page_url.host)
        async with asyncio.TaskGroup() as tasks:
            looks = [tasks.create_task(self._look(candidate)) for candidate in candidates]
        for candidate, look in zip(candidates, looks, strict=True):
            found = look.result()
            if isinstance(found, Hit):
                hits.append(found)
            elif found:
                unknown.setdefault(candidate.kind, clean(found, 300))
        for hit in hits:
            unknown.pop(hit.kind, None)
        return tuple(hits), unknown

    async def _look(self, candidate: Candidate) -> Hit | str:
        """A hit, or why it is not known; empty when it is known that there is none."""
        reply = await self._ask(candidate.path, candidate.max_bytes)
        if reply.why_unknown:
            return f"{candidate.path}: {reply.why_unknown}"
        if not self._proves(candidate, reply):
            return ""
        # The server may say the same to every name of this shape.
        folder, _, name = candidate.path.rpartition("/")
        suffix = name[name.find(".", 1) :] if "." in name[1:] else ""
        sibling = await self._ask(f"{folder}/{random_name()}{suffix}", candidate.max_bytes)
        if sibling.why_unknown and not sibling.status:
            return f"{candidate.path}: not confirmed, {sibling.why_unknown}"
        if self._proves(candidate, sibling):
            return ""
        if candidate.kind is FileKind.GIT:
            return await self._confirm_git(candidate, reply)
        return Hit(candidate.kind, candidate.path, candidate.proof(reply))

    async def _confirm_git(self, candidate: Candidate, head: Reply) -> Hit | str:
        config = await self._ask("/.git/config", candidate.max_bytes)
        if config.why_unknown:
            return f"/.git/config: {config.why_unknown}"
        proof = git_config(config) if config.is_success and not config.is_html else ""
        return Hit(candidate.kind, "/.git/", f"{candidate.proof(head)}, {proof}") if proof else ""

    async def _ask(self, path: str, max_bytes: int) -> Reply:
        return await self.asker.ask(self.site.url(path), max_body_bytes=max_bytes)

    def _proves(self, candidate: Candidate, reply: Reply) -> bool:
        if not reply.is_success or (reply.is_html and not candidate.may_be_html):
            return False
        is_soft = any(_is_same(reply, nonsense) for nonsense in self.baseline)
        return not is_soft and candidate.proof(reply) != ""


def _is_same(reply: Reply, nonsense: Reply) -> bool:
    """Whether an answer is the one that a name gets which does not exist."""
    if not nonsense.is_success:
        return False
    if reply.body[:_SAME_START] == nonsense.body[:_SAME_START]:
        return True
    lengths = len(reply.body), len(nonsense.body)
    are_whole = reply.is_whole and nonsense.is_whole
    return are_whole and abs(lengths[0] - lengths[1]) <= _SAME_LENGTH * max(lengths)


def _directories(site: Site) -> tuple[str, ...]:
    """The page's own directory, two that it loads from, and else the usual ones."""
    content = site.content
    page = None if isinstance(content, Verdict) else content.page
    loaded = (_own_directory(site, load.url) for load in (page.loads if page else ()))
    paths = (_directory_of(site.page_url.target), *filter(None, loaded), *_USUAL_DIRECTORIES)
    return tuple(dict.fromkeys(paths))[: _MOST_DIRECTORIES + 1]


def _own_directory(site: Site, url: str) -> str | None:
    try:
        parsed = parse_url(url)
    except ValueError:
        return None
    is_own = parsed.host == site.page_url.host and parsed.port == site.page_url.port
    return (
        _directory_of(parsed.target) if is_own and parsed.is_tls == site.page_url.is_tls else None
    )


def _directory_of(target: str) -> str:
    path = urlsplit(target).path
    folder = path if path.endswith("/") else dirname(path)
    return folder.rstrip("/") + "/"


async def _is_listing(reply: Reply) -> bool:
    # Reading HTML is work for the processor: a thread, so that other targets go on.
    return reply.is_success and reply.is_html and await asyncio.to_thread(is_listing, reply.body)


async def _traces(replies: Mapping[str, Reply]) -> tuple[tuple[Trace, ...], int]:
    """The stack traces among the error answers, and how many of those there were."""
    errors = {path: reply for path, reply in replies.items() if _is_error_page(reply)}
    kinds = await asyncio.to_thread(_kinds, errors.items())
    traces = (Trace(path, errors[path].status, kind) for path, kind in kinds.items() if kind)
    return tuple(traces), len(errors)


def _is_error_page(reply: Reply) -> bool:
    return reply.status >= _FIRST_ERROR and reply.status not in _NOT_THE_APPLICATION


def _kinds(errors: Iterable[tuple[str, Reply]]) -> dict[str, str]:
    return {path: trace_kind(reply.body) for path, reply in errors}

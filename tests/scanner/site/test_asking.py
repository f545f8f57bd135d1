"""How a site is asked: politely, within its allowance, and only where it was vetted."""

import asyncio
from ipaddress import ip_address

from services.scanner.allowance import Allowance
from services.scanner.http.probe import probe_web
from services.scanner.http.urls import WebUrl
from services.scanner.site import Asker, Site, random_name
from services.scanner.site.asking import MOST_UNANSWERED
from tests.scanner.http.conftest import NAME, at, make_context
from tests.scanner.http.raw_server import Request, always, html, response, serve
from tests.scanner.site_lab import limited


async def test_every_request_of_a_target_is_counted_and_none_is_made_beyond() -> None:
    context = limited(make_context(), 5)

    async with serve(always(html("x"))) as server:
        asker = Asker(context, Site(await probe_web(context, at(server.port))))
        replies = await asker.ask_paths(f"/{n}" for n in range(10))
        requests = len(server.requests)

    assert requests == 5
    assert context.allowance.left == 0
    assert sum(reply.status == 200 for reply in replies.values()) == 4
    assert {r.reason for r in replies.values() if not r.status} >= {
        "the scan has made the 5 requests it may make"
    }


def test_without_a_limit_everything_is_counted_all_the_same() -> None:
    allowance = Allowance()
    allowance.take()

    assert (allowance.taken, allowance.left) == (1, None)


async def test_at_most_three_questions_are_open_at_once() -> None:
    open_now, most = 0, 0

    async def behave(_: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.02)
        open_now -= 1
        writer.write(html("x"))

    async with serve(behave) as server:
        context = make_context()
        asker = Asker(context, Site(await probe_web(context, at(server.port))))
        await asker.ask_paths(f"/{n}" for n in range(12))

    assert most <= 3


async def test_a_server_that_hangs_up_three_times_is_asked_no_more() -> None:
    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.target == "/":
            writer.write(html("x"))

    async with serve(behave) as server:
        context = make_context()
        site = Site(await probe_web(context, at(server.port)))
        asker = Asker(context, site)
        replies = [await asker.ask(site.url("/x")) for _ in range(5)]
        paths = [request.target for request in server.requests]

    assert paths == ["/", *["/x"] * MOST_UNANSWERED]
    assert "stopped after 3" in replies[-1].reason


async def test_another_name_of_the_site_that_means_a_forbidden_address_is_not_asked() -> None:
    context = make_context({NAME: ("127.0.0.1",), f"www.{NAME}": ("169.254.169.254",)})

    async with serve(always(html("x"))) as server:
        site = Site(await probe_web(context, at(server.port)))
        reply = await Asker(context, site).ask(WebUrl("http", f"www.{NAME}", server.port))

    assert reply.status == 0
    assert "never scanned" in reply.reason


async def test_files_are_asked_for_where_the_page_is() -> None:
    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        host = request.header("Host")
        is_www = host.startswith("www.")
        writer.write(html("x") if is_www else response(301, f"Location: http://www.{host}/shop/"))

    async with serve(behave) as server:
        site = Site(await probe_web(make_context(), at(server.port)))

    assert site.url("/.env").host == f"www.{NAME}"
    assert site.address == ip_address("127.0.0.1")
    assert site.url("/.env").target == "/.env"


def test_random_names_are_never_the_same() -> None:
    assert len({random_name() for _ in range(1000)}) == 1000

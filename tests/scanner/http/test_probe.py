"""Chains of redirects over real sockets: what is followed, what is refused, what is kept."""

import asyncio
import json
import ssl
from ipaddress import ip_address

import pytest

from services.scanner.address import AddressRefused
from services.scanner.check import Endpoint, Outcome
from services.scanner.context import ProbeContext
from services.scanner.http import HTTP_SUITE, HTTPS_SUITE, describe
from services.scanner.http.facts import Ending, WebSubject
from services.scanner.http.probe import MAX_HOPS, probe_web
from services.scanner.suite import ProbeError
from tests.scanner.http.conftest import NAME, at, make_context
from tests.scanner.http.raw_server import Request, always, html, pages, response, serve


def redirect(location: str, *headers: str, status: int = 302) -> bytes:
    return response(status, f"Location: {location}", *headers, "Content-Length: 0")


async def test_a_page_without_redirects(context: ProbeContext) -> None:
    async with serve(always(html("<title>Shop</title>", "Server: nginx"))) as server:
        facts = await probe_web(context, at(server.port))

    assert facts.ending is Ending.ANSWERED
    assert [answer.status for answer in facts.answers] == [200]
    assert facts.final.page is not None
    assert facts.final.page.title == "Shop"
    assert facts.final.address == ip_address("127.0.0.1")


async def test_relative_redirects_are_followed_in_order(context: ProbeContext) -> None:
    site = pages({"/": redirect("a/b?x=1"), "/a/b?x=1": redirect("../c"), "/c": html("end")})

    async with serve(site) as server:
        facts = await probe_web(context, at(server.port))

    assert [request.target for request in server.requests] == ["/", "/a/b?x=1", "/c"]
    assert facts.ending is Ending.ANSWERED
    assert [answer.status for answer in facts.answers] == [302, 302, 200]


async def test_http_leads_to_https_on_the_same_host(
    context: ProbeContext, tls: ssl.SSLContext
) -> None:
    async with serve(always(html("secure")), ssl_context=tls) as secure:
        target = f"https://{NAME}:{secure.port}/"
        async with serve(always(redirect(target))) as plain:
            facts = await probe_web(context, at(plain.port))

    assert [str(url) for url in facts.hops] == [f"http://{NAME}:{plain.port}/", target]
    assert secure.requests[0].server_name == NAME


async def test_a_fresh_name_goes_into_sni_after_a_redirect(
    context: ProbeContext, tls: ssl.SSLContext
) -> None:
    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        host = request.header("Host")
        to_www = redirect(f"https://www.{host}/")
        writer.write(html("www") if host.startswith("www.") else to_www)

    async with serve(behave, ssl_context=tls) as server:
        facts = await probe_web(context, at(server.port, is_tls=True))

    assert [request.server_name for request in server.requests] == [NAME, f"www.{NAME}"]
    assert facts.final.page is not None


@pytest.mark.parametrize(
    "location",
    [
        "http://elsewhere.test/",
        "//elsewhere.test/",
        r"/\elsewhere.test/",
        "http://169.254.169.254/",
    ],
)
async def test_another_site_is_recorded_and_not_fetched(
    context: ProbeContext, location: str
) -> None:
    async with serve(always(redirect(location))) as server:
        facts = await probe_web(context, at(server.port))

    assert facts.ending is Ending.OFF_SCOPE
    assert facts.next_url is not None
    assert facts.next_url.host in {"elsewhere.test", "169.254.169.254"}
    assert server.connections == 1


async def test_a_hop_whose_name_means_a_forbidden_address_is_refused() -> None:
    context = make_context({NAME: ("127.0.0.1",), f"www.{NAME}": ("169.254.169.254",)})

    async with serve(always(redirect(f"http://www.{NAME}/latest/meta-data"))) as server:
        facts = await probe_web(context, at(server.port))

    assert facts.ending is Ending.REFUSED
    assert "never scanned" in facts.reason
    assert len(facts.answers) == 1


async def test_a_name_that_is_rebound_between_two_hops_is_refused() -> None:
    context = make_context({NAME: ("10.0.0.5",)})

    async with serve(pages({"/": redirect("/next"), "/next": html("never")})) as server:
        facts = await probe_web(context, at(server.port))

    assert facts.ending is Ending.REFUSED
    assert [request.target for request in server.requests] == ["/"]


async def test_one_forbidden_address_among_several_refuses_the_hop() -> None:
    context = make_context({f"www.{NAME}": ("127.0.0.1", "169.254.169.254")})

    async with serve(always(redirect(f"http://www.{NAME}/"))) as server:
        facts = await probe_web(context, at(server.port))

    assert facts.ending is Ending.REFUSED


async def test_a_forbidden_first_address_is_refused(context: ProbeContext) -> None:
    subject = WebSubject(NAME, ip_address("169.254.169.254"), 80, is_tls=False)

    with pytest.raises(AddressRefused):
        await probe_web(context, subject)


async def test_a_hop_without_an_address_ends_the_chain() -> None:
    context = make_context({})

    async with serve(always(redirect(f"http://www.{NAME}/"))) as server:
        facts = await probe_web(context, at(server.port))

    assert facts.ending is Ending.FAILED
    assert "no address" in facts.reason


@pytest.mark.parametrize(
    "location",
    [
        "ftp://shop.example.test/",
        "http://user:pass@shop.example.test/",
        "http://127.1/",
        "http://[",
    ],
)
async def test_a_location_that_cannot_be_requested_ends_the_chain(
    context: ProbeContext, location: str
) -> None:
    async with serve(always(redirect(location))) as server:
        facts = await probe_web(context, at(server.port))

    assert facts.ending is Ending.BAD_LOCATION
    assert facts.next_url is None


async def test_the_same_address_twice_is_a_loop(context: ProbeContext) -> None:
    async with serve(pages({"/": redirect("/a"), "/a": redirect("/")})) as server:
        facts = await probe_web(context, at(server.port))

    assert facts.ending is Ending.LOOP
    assert [request.target for request in server.requests] == ["/", "/a"]


async def test_more_than_ten_redirects_are_too_many(context: ProbeContext) -> None:
    async def onward(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(redirect(request.target + "x"))

    async with serve(onward) as server:
        facts = await probe_web(context, at(server.port))

    assert facts.ending is Ending.TOO_MANY
    assert len(facts.answers) == MAX_HOPS + 1


async def test_a_redirect_that_only_wants_its_cookie_back_is_no_loop(context: ProbeContext) -> None:
    async def gate(request: Request, writer: asyncio.StreamWriter) -> None:
        is_known = request.header("Cookie") == "seen=1"
        writer.write(html("welcome") if is_known else redirect("/", "Set-Cookie: seen=1"))

    async with serve(gate) as server:
        facts = await probe_web(context, at(server.port))

    assert facts.ending is Ending.ANSWERED
    assert facts.final.status == 200


async def test_a_secure_cookie_does_not_go_out_over_plain_http(
    context: ProbeContext, tls: ssl.SSLContext
) -> None:
    async with serve(always(html("plain"))) as plain:
        target = f"http://{NAME}:{plain.port}/"
        answer = redirect(target, "Set-Cookie: a=1; Secure", "Set-Cookie: b=2")
        async with serve(always(answer), ssl_context=tls) as secure:
            await probe_web(context, at(secure.port, is_tls=True))

    assert plain.requests[0].header("Cookie") == "b=2"


async def test_a_dead_second_hop_keeps_the_first_answer(context: ProbeContext) -> None:
    async with serve(always(b"")) as gone:
        dead = gone.port

    async with serve(always(redirect(f"http://{NAME}:{dead}/"))) as server:
        facts = await probe_web(context, at(server.port))

    assert facts.ending is Ending.FAILED
    assert "no connection" in facts.reason
    assert len(facts.answers) == 1


async def test_a_slow_chain_ends_after_three_exchanges_worth_of_time() -> None:
    context = make_context(exchange_timeout_s=0.3)

    async def dawdle(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        writer.write(redirect(request.target + "x"))

    async with serve(dawdle) as server:
        facts = await probe_web(context, at(server.port))

    assert facts.ending is Ending.FAILED
    assert 3 <= len(facts.answers) <= 5


async def test_nothing_but_garbage_is_an_error_not_a_fact(context: ProbeContext) -> None:
    async with serve(always(b"SSH-2.0-OpenSSH_9\r\n")) as server:
        with pytest.raises(ProbeError):
            await probe_web(context, at(server.port))


async def test_hostile_text_is_cleaned_and_cookie_values_are_dropped(context: ProbeContext) -> None:
    answer = html(
        "<title>a\x00b\u202ec</title>", "Server: x\x01\u00ff", "Set-Cookie: sid=secret; Path=/"
    )

    async with serve(always(answer)) as server:
        facts = await probe_web(context, at(server.port))

    shown = json.dumps(describe(facts))
    assert "secret" not in shown
    assert "\\u0000" not in shown
    assert "\\u202e" not in shown
    assert '"sid"' in shown


async def test_json_is_not_read_as_a_page(context: ProbeContext) -> None:
    answer = response(200, "Content-Type: application/json", body=b'{"a": "<html>"}')

    async with serve(always(answer)) as server:
        facts = await probe_web(context, at(server.port))

    assert facts.final.page is None
    assert not facts.final.is_html


async def test_a_page_without_a_type_is_known_by_its_beginning(context: ProbeContext) -> None:
    async with serve(always(response(200, body=b"\n<!DOCTYPE html><title>x</title>"))) as server:
        facts = await probe_web(context, at(server.port))

    assert facts.final.is_html


async def test_utf16_and_legacy_encodings_are_read(context: ProbeContext) -> None:
    utf16 = response(200, "Content-Type: text/html", body="<title>Ä</title>".encode("utf-16"))
    latin = response(
        200, "Content-Type: text/html; charset=ISO-8859-1", body=b"<title>\xc4</title>"
    )

    for answer in (utf16, latin):
        async with serve(always(answer)) as server:
            facts = await probe_web(context, at(server.port))
        assert facts.final.page is not None
        assert facts.final.page.title == "Ä"


async def test_the_suites_judge_a_bad_pair_of_endpoints(
    context: ProbeContext, tls: ssl.SSLContext
) -> None:
    page = html("<h1>Shop</h1>", "Server: nginx/1.18.0", "Set-Cookie: PHPSESSID=1")

    async with serve(always(page), ssl_context=tls) as secure, serve(always(page)) as plain:
        https = await HTTPS_SUITE.run(
            context, at(secure.port, is_tls=True), Endpoint(NAME, secure.port, "https")
        )
        http = await HTTP_SUITE.run(context, at(plain.port), Endpoint(NAME, plain.port, "http"))

    assert {r.check.id for r in https.results if r.verdict.outcome is Outcome.FAILED} == {
        "http.hsts.missing",
        "http.csp.missing",
        "http.frame.missing",
        "http.nosniff.missing",
        "http.referrer.missing",
        "http.permissions.missing",
        "http.isolation.missing",
        "http.waf.none",
        "http.cookie.no_secure",
        "http.cookie.no_httponly",
        "http.cookie.no_samesite",
        "http.info.server_version",
    }
    assert "http.redirect.missing" in {
        r.check.id for r in http.results if r.verdict.outcome is Outcome.FAILED
    }


async def test_a_good_pair_of_endpoints_has_no_finding(
    context: ProbeContext, tls: ssl.SSLContext
) -> None:
    page = html(
        "<h1>Shop</h1>",
        "Strict-Transport-Security: max-age=63072000; includeSubDomains",
        "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
        "X-Content-Type-Options: nosniff",
        "Referrer-Policy: strict-origin",
        "Permissions-Policy: camera=()",
        "Cross-Origin-Opener-Policy: same-origin",
        "Set-Cookie: __Host-sid=1; Path=/; Secure; HttpOnly; SameSite=Lax",
        "Server: nginx",
    )

    async with serve(always(page), ssl_context=tls) as secure:
        to_https = redirect(f"https://{NAME}:{secure.port}/", "Server: nginx/1.18.0")
        async with serve(always(to_https)) as plain:
            https = await HTTPS_SUITE.run(
                context, at(secure.port, is_tls=True), Endpoint(NAME, secure.port, "https")
            )
            http = await HTTP_SUITE.run(context, at(plain.port), Endpoint(NAME, plain.port, "http"))

    every = (*https.results, *http.results)
    failed = [r.check.id for r in every if r.verdict.outcome is Outcome.FAILED]
    # Facts, not faults: nothing showed itself, and browsers do not ship with the lab's name.
    assert failed == ["http.hsts.not_preloaded", "http.waf.none"]
    assert sum(r.verdict.outcome is Outcome.PASSED for r in https.results) > 15


async def test_a_dead_port_leaves_every_check_not_evaluated(context: ProbeContext) -> None:
    async with serve(always(b"")) as gone:
        dead = gone.port

    result = await HTTP_SUITE.run(context, at(dead), Endpoint(NAME, dead, "http"))

    assert result.facts is None
    assert result.error is not None
    assert {r.verdict.outcome for r in result.results} == {Outcome.NOT_EVALUATED}

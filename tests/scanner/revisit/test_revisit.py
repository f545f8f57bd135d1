"""CORS and nonces over real sockets: who is let in, who is not, and what could not be seen."""

import asyncio
import itertools
from collections.abc import Callable

import pytest

from services.scanner.revisit import SUITE
from services.scanner.revisit.facts import RevisitFacts
from tests.scanner.http.conftest import NAME, make_context
from tests.scanner.http.raw_server import Behaviour, Request, always, html, response
from tests.scanner.site_lab import Seen, limited, look

REFLECT = "http.cors.reflect_credentials"
NULL = "http.cors.null_credentials"
WEAK = "http.cors.weak_match"
WILDCARD = "http.cors.wildcard"
CORS = (REFLECT, NULL, WEAK, WILDCARD)
NONCE = "http.csp.static_nonce"
CREDENTIALS = "Access-Control-Allow-Credentials: true"


def allowing(accepts: Callable[[str], bool], *lines: str) -> Behaviour:
    """Reflects the origins that a comparison lets through."""

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        origin = request.header("Origin")
        granted = (f"Access-Control-Allow-Origin: {origin}", *lines) if accepts(origin) else ()
        writer.write(html("<p>x", *granted))

    return behave


def _cors(seen: Seen[RevisitFacts]) -> tuple[str, ...]:
    return tuple(seen.outcome(check_id) for check_id in CORS)


async def test_a_server_that_knows_no_cors_lets_nobody_in() -> None:
    seen = await look(SUITE, always(html("x")), is_tls=True)

    assert _cors(seen) == ("passed",) * 4
    origins = [request.header("Origin") for request in seen.requests]
    assert len(origins) == 5
    assert origins[1] == "null"
    assert origins[2].endswith(NAME)
    assert origins[3].startswith(f"https://{NAME}.")
    assert origins[4] == f"http://{NAME}"
    assert {request.method for request in seen.requests} == {"GET"}


async def test_any_origin_with_credentials_is_confirmed_by_a_second_one_and_told_once() -> None:
    seen = await look(SUITE, allowing(lambda _: True, CREDENTIALS), is_tls=True)

    assert _cors(seen) == ("failed", "not_applicable", "not_applicable", "passed")
    assert len({request.header("Origin") for request in seen.requests}) == 2


async def test_any_origin_without_credentials_is_no_fault() -> None:
    seen = await look(SUITE, allowing(lambda _: True), is_tls=True)

    assert _cors(seen) == ("passed",) * 4


async def test_an_allow_list_of_one_partner_is_no_fault() -> None:
    partner = "Access-Control-Allow-Origin: https://partner.example"
    seen = await look(SUITE, always(html("x", partner, CREDENTIALS)), is_tls=True)

    assert _cors(seen) == ("passed",) * 4


async def test_null_with_credentials_is_a_fault() -> None:
    seen = await look(SUITE, allowing(lambda origin: origin == "null", CREDENTIALS), is_tls=True)

    assert _cors(seen) == ("passed", "failed", "passed", "passed")


def _ends_so(origin: str) -> bool:
    return origin.startswith("https:") and origin.endswith(NAME)


def _begins_so(origin: str) -> bool:
    return origin.startswith(f"https://{NAME}")


def _is_plain(origin: str) -> bool:
    return origin == f"http://{NAME}"


@pytest.mark.parametrize(
    ("accepts", "mark"), [(_ends_so, "prefix"), (_begins_so, "suffix"), (_is_plain, "plain")]
)
async def test_a_careless_comparison_is_told_by_its_kind(
    accepts: Callable[[str], bool], mark: str
) -> None:
    seen = await look(SUITE, allowing(accepts, CREDENTIALS), is_tls=True)

    assert _cors(seen) == ("passed", "passed", "failed", "passed")
    assert [p.discriminator for p in seen.results[WEAK].verdict.problems] == [mark]


async def test_a_plain_endpoint_may_trust_its_own_origin() -> None:
    seen = await look(SUITE, allowing(lambda origin: origin == f"http://{NAME}", CREDENTIALS))

    assert _cors(seen) == ("passed",) * 4


async def test_a_star_is_told_as_a_fact() -> None:
    star = "Access-Control-Allow-Origin: *"
    seen = await look(SUITE, always(html("x", star, CREDENTIALS)), is_tls=True)

    assert _cors(seen) == ("passed", "passed", "passed", "failed")


async def test_an_address_is_asked_without_names_made_of_it() -> None:
    seen = await look(SUITE, always(html("x")), is_tls=True, host="127.0.0.1")

    origins = [request.header("Origin") for request in seen.requests]
    assert not any(origin.endswith("127.0.0.1") for origin in origins if origin[:5] == "https")
    assert _cors(seen) == ("passed",) * 4


async def test_refusals_and_time_outs_are_no_verdict() -> None:
    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(response(429) if request.header("Origin") else html("x"))

    async def hang(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.header("Origin"):
            await asyncio.sleep(60)
        writer.write(html("x"))

    refused = await look(SUITE, behave, is_tls=True)
    hanging = await look(SUITE, hang, is_tls=True, context=make_context(exchange_timeout_s=0.3))
    spent = await look(SUITE, always(html("x")), is_tls=True, context=limited(make_context(), 1))

    for seen in (refused, hanging, spent):
        assert _cors(seen) == ("not_evaluated",) * 4


async def test_only_what_was_asked_is_judged_when_the_allowance_ends_on_the_way() -> None:
    context = limited(make_context(), 3)  # the root, a random origin, null
    seen = await look(SUITE, always(html("x")), is_tls=True, context=context)

    assert _cors(seen) == ("passed", "passed", "not_evaluated", "passed")


async def test_a_plain_endpoint_that_leads_to_https_is_not_asked_and_passes() -> None:
    seen = await look(SUITE, always(response(301, f"Location: https://{NAME}:1/")))

    assert seen.requests == ()
    assert {seen.outcome(check_id) for check_id in (*CORS, NONCE)} == {"passed"}


def with_nonce(next_nonce: Callable[[], str], *lines: str) -> Behaviour:
    async def behave(_: Request, writer: asyncio.StreamWriter) -> None:
        policy = f"Content-Security-Policy: script-src 'nonce-{next_nonce()}'"
        writer.write(html("x", policy, *lines))

    return behave


async def test_the_same_nonce_twice_is_a_fault() -> None:
    seen = await look(SUITE, with_nonce(lambda: "c3RhdGlj"), is_tls=True)

    assert seen.outcome(NONCE) == "failed"
    assert "?" in seen.requests[-1].target


async def test_a_fresh_nonce_passes_and_so_does_a_page_without_one() -> None:
    numbers = itertools.count()
    fresh = await look(SUITE, with_nonce(lambda: f"fresh{next(numbers)}"), is_tls=True)
    without = await look(SUITE, always(html("x")), is_tls=True)

    assert fresh.outcome(NONCE) == without.outcome(NONCE) == "passed"


async def test_a_static_nonce_in_the_page_itself_is_seen() -> None:
    page = '<meta http-equiv="Content-Security-Policy" content="script-src \'nonce-c3RhdGlj\'"><p>x'
    seen = await look(SUITE, always(html(page)), is_tls=True)

    assert seen.outcome(NONCE) == "failed"


async def test_a_copy_from_a_cache_proves_nothing() -> None:
    seen = await look(SUITE, with_nonce(lambda: "c3RhdGlj", "Age: 120"), is_tls=True)

    assert seen.outcome(NONCE) == "not_evaluated"


async def test_a_query_that_is_refused_proves_nothing() -> None:
    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        policy = "Content-Security-Policy: script-src 'nonce-c3RhdGlj'"
        writer.write(response(403) if "?" in request.target else html("x", policy))

    seen = await look(SUITE, behave, is_tls=True)

    assert seen.outcome(NONCE) == "not_evaluated"


async def test_without_a_page_the_answers_still_tell_who_is_let_in() -> None:
    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        origin = request.header("Origin")
        writer.write(response(401, f"Access-Control-Allow-Origin: {origin}", CREDENTIALS))

    seen = await look(SUITE, behave, is_tls=True)

    assert seen.outcome(REFLECT) == "failed"
    assert seen.outcome(NONCE) == "not_evaluated"

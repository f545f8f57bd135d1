"""security.txt over real sockets: there, absent, expired, broken, and not to be had."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.scanner.disclosure import SUITE
from services.scanner.disclosure.probe import PATH
from tests.scanner.http.conftest import NAME, make_context
from tests.scanner.http.raw_server import Request, html, pages, response
from tests.scanner.site_lab import Seen, limited, look, text

# The whole day: every process of a parallel run must name its tests alike.
NEXT_YEAR = (datetime.now(UTC) + timedelta(days=200)).strftime("%Y-%m-%dT00:00:00Z")
GOOD = f"# Say it here\nContact: mailto:security@{NAME}\r\nExpires: {NEXT_YEAR}\n"
SIGNED = (
    "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
    + GOOD
    + "-----BEGIN PGP SIGNATURE-----\n\niQEzBAEBCAAdFiEE\n=abcd\n-----END PGP SIGNATURE-----\n"
)
CHECKS = ("missing", "expired", "invalid", "unsigned")


async def _look(answer: bytes, **more: bytes) -> Seen[object]:
    site = {"/": html("<p>x"), PATH: answer, **{"/" + k: v for k, v in more.items()}}
    return await look(SUITE, pages(site), is_tls=True)  # pyright: ignore[reportReturnType] - the facts are not looked at


def _outcomes(seen: Seen[object]) -> tuple[str, ...]:
    return tuple(seen.outcome(f"sectxt.{name}") for name in CHECKS)


async def test_a_good_file_is_there_current_and_well_formed() -> None:
    seen = await _look(text(GOOD))

    assert _outcomes(seen) == ("passed", "passed", "passed", "failed")
    assert [request.target for request in seen.requests] == [PATH]


async def test_a_signed_file_passes_everything_and_says_that_nobody_verified() -> None:
    seen = await _look(text(SIGNED))

    assert _outcomes(seen) == ("passed",) * 4
    assert "not verified" in seen.reason("sectxt.unsigned")


@pytest.mark.parametrize(
    "answer",
    [
        response(404),
        response(403),
        html("<!doctype html><p>Contact: us"),
        text("Not found, but with 200\n"),
        response(302, "Location: http://shop.example.test/.well-known/security.txt"),
    ],
    ids=["404", "403", "html", "soft 404", "without TLS"],
)
async def test_what_is_no_security_txt_counts_as_missing(answer: bytes) -> None:
    seen = await _look(answer)

    assert _outcomes(seen) == ("failed", "passed", "passed", "passed")


@pytest.mark.parametrize(
    ("root", "outcome"),
    [
        (html("<p>x"), "failed"),
        (response(302, "Location: /home"), "not_applicable"),
        (response(401), "not_applicable"),
        (response(200, "Content-Type: application/json", body=b"{}"), "not_applicable"),
    ],
    ids=["page", "redirect to nothing", "401", "API"],
)
async def test_an_api_at_another_port_needs_no_security_txt(root: bytes, outcome: str) -> None:
    seen = await look(SUITE, pages({"/": root}), is_tls=True)

    assert seen.outcome("sectxt.missing") == outcome


@pytest.mark.parametrize(
    "answer",
    [
        response(503),
        response(429),
        response(302, "Location: https://elsewhere.test/security.txt"),
        response(302, "Location: ftp://x/"),
    ],
    ids=["503", "429", "another site", "no web address"],
)
async def test_what_cannot_be_seen_is_not_judged(answer: bytes) -> None:
    seen = await _look(answer)

    assert _outcomes(seen) == ("not_evaluated",) * 4


async def test_a_time_out_is_no_verdict() -> None:
    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.target == "/":
            writer.write(html("x"))
        else:
            await asyncio.sleep(60)

    context = make_context(exchange_timeout_s=0.3)
    seen = await look(SUITE, behave, is_tls=True, context=context)

    assert {result.verdict.outcome for result in seen.results.values()} == {"not_evaluated"}


async def test_a_spent_allowance_is_no_verdict() -> None:
    seen = await look(
        SUITE, pages({"/": html("x")}), is_tls=True, context=limited(make_context(), 1)
    )

    assert seen.requests == ()
    assert "the 1 requests it may make" in seen.reason("sectxt.missing")


async def test_a_redirect_within_the_site_is_followed() -> None:
    seen = await _look(response(301, "Location: /moved"), moved=text(GOOD))

    assert seen.outcome("sectxt.missing") == "passed"


async def test_a_redirect_to_the_www_variant_is_followed() -> None:
    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        host = request.header("Host")
        onward = response(301, f"Location: https://www.{host}{PATH}")
        answers = {"/": html("x"), PATH: text(GOOD) if host.startswith("www.") else onward}
        writer.write(answers[request.target])

    seen = await look(SUITE, behave, is_tls=True)

    assert seen.outcome("sectxt.missing") == "passed"
    assert [r.header("Host").split(":")[0] for r in seen.requests] == [NAME, f"www.{NAME}"]


async def test_redirects_without_end_are_no_file() -> None:
    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        is_root = request.target == "/"
        writer.write(html("x") if is_root else response(302, f"Location: {request.target}x"))

    seen = await look(SUITE, behave, is_tls=True)

    assert seen.outcome("sectxt.missing") == "failed"
    assert len(seen.requests) == 3


async def test_an_expired_file_is_told() -> None:
    seen = await _look(text(f"Contact: https://{NAME}/\nExpires: 2020-01-01T00:00:00z\n"))

    assert _outcomes(seen) == ("passed", "failed", "passed", "failed")
    assert seen.reason("sectxt.expired") == "security.txt expired on 2020-01-01"


async def test_without_a_date_nobody_knows_whether_it_expired() -> None:
    seen = await _look(text(f"Contact: mailto:a@{NAME}\n"))

    assert _outcomes(seen) == ("passed", "not_evaluated", "failed", "failed")
    assert "Expires is missing" in seen.reason("sectxt.invalid")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (f"Expires: {NEXT_YEAR}\n", "Contact is missing"),
        (GOOD + f"Expires: {NEXT_YEAR}\n", "Expires is given 2 times"),
        (GOOD + "Preferred-Languages: en\nPreferred-Languages: de\n", "given 2 times"),
        (GOOD + "Contact: security@example.test\n", "is no URI"),
        (GOOD + "Policy: http://example.test/policy\n", "is not https"),
        (GOOD + "Policy:https://example.test/policy\n", "no blank after the colon"),
        (GOOD + "Canonical: https://other.test/.well-known/security.txt\n", "Canonical"),
        (GOOD + "Please be kind to us\n", "neither a field nor a comment"),
        ("Contact: mailto:a@b.test\nExpires: next year\n", "no date and time"),
        ("Contact: mailto:a@b.test\nExpires: 2027-02-30T00:00:00Z\n", "calendar"),
        (SIGNED.replace("-----END PGP SIGNATURE-----", ""), "the OpenPGP frame is broken"),
        (SIGNED + "Contact: mailto:evil@evil.test\n", "outside the signed part"),
    ],
)
async def test_what_breaks_the_rules_is_named(body: str, fault: str) -> None:
    seen = await _look(text(body))

    assert seen.outcome("sectxt.invalid") == "failed"
    assert fault in seen.reason("sectxt.invalid")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (response(200, "Content-Type: text/html", body=GOOD.encode()), "its type is text/html"),
        (response(200, "Content-Type: application/json", body=GOOD.encode()), "its type is"),
        (response(200, body=GOOD.encode()), "its type is not given"),
        (response(200, "Content-Type: text/plain; charset=latin-1", body=GOOD.encode()), "charset"),
        (response(200, "Content-Type: text/plain", body=GOOD.encode() + b"# \xff\n"), "not UTF-8"),
    ],
)
async def test_its_type_and_encoding_are_judged(answer: bytes, fault: str) -> None:
    seen = await _look(answer)

    assert seen.outcome("sectxt.invalid") == "failed"
    assert fault in seen.reason("sectxt.invalid")
    assert seen.outcome("sectxt.missing") == "passed"


@pytest.mark.parametrize(
    "body",
    [
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD + "\n# a comment: with a colon\n\nHiring: https://example.test/jobs\n",
        GOOD + "Acknowledgements-Of-Ours: free text, for unknown fields are legal\n",
        GOOD + "Contact: tel:+49-30-1234567\n",
    ],
)
async def test_what_the_rules_allow_is_no_fault(body: str) -> None:
    seen = await _look(text(body))

    assert seen.reason("sectxt.invalid") == "security.txt is well-formed"


async def test_canonical_names_the_address_it_was_found_at() -> None:
    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        canonical = f"Canonical: https://{request.header('Host').upper()}{PATH}\n"
        writer.write(html("x") if request.target == "/" else text(GOOD + canonical))

    seen = await look(SUITE, behave, is_tls=True)

    assert seen.outcome("sectxt.invalid") == "passed"

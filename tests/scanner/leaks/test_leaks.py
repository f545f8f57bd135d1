"""Pages and scripts over real sockets: what is read, what is told, and what never leaves."""

import asyncio
from dataclasses import replace

import pytest

from services.scanner.leaks import SUITE, LeakFacts, describe
from services.scanner.leaks.probe import MOST_SCRIPTS
from tests.scanner.http.conftest import make_context
from tests.scanner.http.raw_server import Request, always, html, pages, response
from tests.scanner.leaks.made_keys import PUBLIC, SECRETS, pem
from tests.scanner.site_lab import Seen, limited, look

BODY = "http.secret.body"
SCRIPT = "http.secret.script"
PUBLIC_KEY = "http.secret.public_key"
KEY = SECRETS["stripe_secret_key"]


def script(text: str, *headers: str) -> bytes:
    return response(200, "Content-Type: text/javascript", *headers, body=text.encode())


def _outcomes(seen: Seen[LeakFacts]) -> tuple[str, ...]:
    return tuple(seen.outcome(check_id) for check_id in (BODY, SCRIPT, PUBLIC_KEY))


async def test_a_page_without_keys_passes() -> None:
    site = {"/": html('<script src="/app.js"></script>'), "/app.js": script("let a = 1")}
    seen = await look(SUITE, pages(site), is_tls=True)

    assert _outcomes(seen) == ("passed",) * 3
    assert [request.target for request in seen.requests] == ["/", "/app.js"]


@pytest.mark.parametrize("kind", ["github_token", "aws_access_key", "private_key"])
async def test_a_key_in_the_page_is_told_masked(kind: str) -> None:
    seen = await look(SUITE, always(html(f"<!-- {SECRETS[kind]} -->")), is_tls=True)

    assert _outcomes(seen) == ("failed", "passed", "passed")
    (problem,) = seen.results[BODY].verdict.problems
    assert problem.discriminator.startswith(kind)
    assert seen.facts is not None
    everything = repr(seen.facts) + repr(seen.results) + repr(describe(seen.facts))
    assert SECRETS[kind][8:] not in everything
    assert seen.facts.leaks[0].as_info().keys() == {
        "kind", "url", "preview", "hash", "is_public_by_design"
    }  # fmt: skip


async def test_a_key_in_a_script_of_the_site_is_told_there() -> None:
    site = {"/": html('<script src="app.js"></script>'), "/app.js": script(f'k="{KEY}"')}
    seen = await look(SUITE, pages(site), is_tls=True)

    assert _outcomes(seen) == ("passed", "failed", "passed")
    assert "/app.js" in seen.reason(SCRIPT)


async def test_a_source_map_is_read_too() -> None:
    site = {
        "/": html('<script src="/js/app.js"></script>'),
        "/js/app.js": script("a()\n//# sourceMappingURL=app.js.map"),
        "/js/app.js.map": response(200, "Content-Type: application/json", body=KEY.encode()),
    }
    seen = await look(SUITE, pages(site), is_tls=True)

    assert seen.outcome(SCRIPT) == "failed"


async def test_a_key_far_down_in_a_large_bundle_is_found() -> None:
    bundle = script("a=1;" * 400_000 + f'"{KEY}"')
    site = {"/": html('<script src="/app.js"></script>'), "/app.js": bundle}
    seen = await look(SUITE, pages(site), is_tls=True)

    assert seen.outcome(SCRIPT) == "failed"


async def test_a_script_beyond_two_mebibytes_is_not_judged_as_clean() -> None:
    site = {"/": html('<script src="/a.js"></script>'), "/a.js": script("a=1;" * 600_000)}
    seen = await look(SUITE, pages(site), is_tls=True)

    assert _outcomes(seen) == ("passed", "not_evaluated", "not_evaluated")


async def test_a_script_of_strangers_is_not_asked_for() -> None:
    page = (
        '<script src="https://cdn.example/x.js"></script><script src="http://shop.example.test/y">'
    )
    seen = await look(SUITE, always(html(page)), is_tls=True)

    assert [request.target for request in seen.requests] == ["/"]
    assert seen.outcome(SCRIPT) == "passed"


@pytest.mark.parametrize("kind", sorted(PUBLIC))
async def test_a_publishable_key_is_a_fact_and_no_secret(kind: str) -> None:
    seen = await look(SUITE, always(html(f"<script>k='{PUBLIC[kind]}'</script>")), is_tls=True)

    assert _outcomes(seen) == ("passed", "passed", "failed")


async def test_a_missing_script_answered_by_a_page_is_no_script() -> None:
    site = {"/": html('<script src="/gone.js"></script>'), "/gone.js": html(f"<p>{KEY}")}
    seen = await look(SUITE, pages(site), is_tls=True)

    assert seen.outcome(SCRIPT) == "passed"


async def test_at_most_twenty_scripts_are_read_and_the_rest_is_not_judged() -> None:
    tags = "".join(f'<script src="/{n}.js"></script>' for n in range(MOST_SCRIPTS + 5))

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(html(tags) if request.target == "/" else script("a"))

    seen = await look(SUITE, behave, is_tls=True)

    assert len(seen.requests) == 1 + MOST_SCRIPTS
    assert _outcomes(seen) == ("passed", "not_evaluated", "not_evaluated")
    assert "5 more scripts" in seen.reason(SCRIPT)


async def test_scripts_that_do_not_come_are_no_verdict() -> None:
    async def hang(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.target != "/":
            await asyncio.sleep(60)
        writer.write(html('<script src="/a.js"></script>'))

    context = make_context(exchange_timeout_s=0.3)
    seen = await look(SUITE, hang, is_tls=True, context=context)

    assert _outcomes(seen) == ("passed", "not_evaluated", "not_evaluated")


async def test_a_page_that_does_not_come_again_is_no_verdict() -> None:
    seen = await look(SUITE, always(html("x")), is_tls=True, context=limited(make_context(), 1))

    assert _outcomes(seen) == ("not_evaluated", "passed", "not_evaluated")


async def test_an_error_page_is_no_page() -> None:
    seen = await look(SUITE, always(response(500, body=KEY.encode())), is_tls=True)

    assert _outcomes(seen) == ("not_evaluated",) * 3
    assert seen.requests == ()


async def test_a_plain_endpoint_that_leads_to_https_passes_unasked() -> None:
    answer = response(301, "Location: https://shop.example.test:1/")
    seen = await look(SUITE, always(answer))

    assert _outcomes(seen) == ("passed",) * 3
    assert seen.requests == ()


async def test_the_hash_is_keyed_by_the_options() -> None:
    digests: set[str] = set()
    for key in (b"", b"one", b"two"):
        context = make_context()
        context = replace(context, options=replace(context.options, secret_hash_key=key))
        seen = await look(SUITE, always(html(KEY)), is_tls=True, context=context)
        assert seen.facts is not None
        digests.add(seen.facts.leaks[0].digest)

    assert len(digests) == 3


async def test_a_key_in_json_at_the_root_is_found() -> None:
    answer = response(200, "Content-Type: application/json", body=pem().encode())
    seen = await look(SUITE, always(answer), is_tls=True)

    assert seen.outcome(BODY) == "failed"

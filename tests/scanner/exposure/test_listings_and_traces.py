"""Directory listings and error pages over real sockets."""

import asyncio
import time

import pytest

from services.scanner.exposure import SUITE
from services.scanner.exposure.facts import ExposureFacts
from services.scanner.exposure.reading import is_listing, trace_kind
from tests.scanner.http.conftest import make_context
from tests.scanner.http.raw_server import Request, always, html, pages, response
from tests.scanner.site_lab import Seen, limited, look

LISTING = "http.listing"
TRACE = "http.info.stacktrace"

APACHE = (
    "<html><head><title>Index of /files</title></head><body><h1>Index of /files</h1><table>"
    '<a href="?C=N;O=D">Name</a><a href="/">Parent Directory</a></table>'
)
NGINX = '<title>Index of /</title><h1>Index of /</h1><hr><pre><a href="../">../</a>'
PYTHON_ROOT = (
    "<title>Directory listing for /</title><h1>Directory listing for /</h1>"
    '<ul><li><a href="a.txt">a.txt</a></ul>'
)
IIS = '<title>shop - /images/</title><h1>shop - /images/</h1><a href="/">[To Parent Directory]</a>'

PYTHON = 'Traceback (most recent call last):\n  File "/srv/app.py", line 12, in view\nKeyError: 1'
JAVA = (
    "java.lang.NullPointerException: x\n\tat org.shop.Web.get(Web.java:42)\n"
    "\tat org.apache.Core.run(Core.java:7)"
)
DOTNET = (
    "[System.NullReferenceException: Object reference not set]\n"
    "   at Shop.Web.Page_Load(Object sender, EventArgs e) in C:\\web\\Page.cs:line 12"
)
PHP = "<b>Fatal error</b>: Uncaught Error in <b>/var/www/index.php</b> on line <b>12</b>"
NODE = "TypeError: x is not a function<br> &nbsp; at handler (/srv/app/server.js:10:15)"
RUBY = "NameError (undefined): app/controllers/shop.rb:12:in `show'"
GO = "goroutine 17 [running]:\nmain.handler()\n\t/srv/main.go:12 +0x1d"
TRACES = {"Python": PYTHON, "Java": JAVA, ".NET": DOTNET, "PHP": PHP, "Node.js": NODE,
          "Ruby": RUBY, "Go": GO}  # fmt: skip


async def _missing(answer: bytes) -> Seen[ExposureFacts]:
    """A site that says one thing to every name it does not have."""

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(html("<p>x") if request.target == "/" else answer)

    return await look(SUITE, behave, is_tls=True)


@pytest.mark.parametrize("body", [APACHE, NGINX, PYTHON_ROOT])
async def test_a_root_that_lists_its_files_is_told(body: str) -> None:
    seen = await look(SUITE, pages({"/": html(body)}), is_tls=True)

    assert seen.outcome(LISTING) == "failed"
    assert [p.discriminator for p in seen.results[LISTING].verdict.problems] == ["/"]


async def test_the_directories_that_a_page_loads_from_are_looked_at() -> None:
    page = html('<script src="/static/js/app.js"></script><img src="https://cdn.test/x/y.png">')
    site = pages({"/": page, "/static/js/": html(IIS)})
    seen = await look(SUITE, site, is_tls=True)

    assert [p.discriminator for p in seen.results[LISTING].verdict.problems] == ["/static/js/"]
    assert seen.facts is not None
    assert seen.facts.directories == ("/", "/static/js/", "/uploads/")


@pytest.mark.parametrize(
    "body",
    [
        "<title>Index of /</title><p>An article about listings",
        '<title>Shop</title><a href="../">up</a>',
        '<title>Index of prices</title><a href="?sort=price">sort</a>',
        "<title>Directory listing for /</title>",
    ],
)
async def test_what_only_talks_of_listings_passes(body: str) -> None:
    seen = await look(SUITE, pages({"/": html(body)}), is_tls=True)

    assert seen.outcome(LISTING) == "passed"


async def test_a_public_mirror_is_a_fact_and_no_fault() -> None:
    host = "mirror.example.test"
    context = make_context({host: ("127.0.0.1",)})
    seen = await look(SUITE, always(html(APACHE)), is_tls=True, context=context, host=host)

    assert seen.results[LISTING].verdict.problems[0].severity == "info"


async def test_a_directory_that_could_not_be_asked_is_not_judged() -> None:
    context = limited(make_context(), 20)
    seen = await look(SUITE, pages({"/": html("x")}), is_tls=True, context=context)

    assert seen.outcome(LISTING) == "not_evaluated"


@pytest.mark.parametrize(("kind", "body"), TRACES.items())
async def test_a_stack_trace_on_an_error_page_is_told_by_its_language(kind: str, body: str) -> None:
    answer = response(500, "Content-Type: text/html", body=f"<pre>{body}</pre>".encode())
    seen = await _missing(answer)

    assert seen.outcome(TRACE) == "failed"
    assert [p.discriminator for p in seen.results[TRACE].verdict.problems] == [kind]


async def test_a_trace_that_only_a_malformed_request_brings_out_is_seen() -> None:
    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        trace = response(400, "Content-Type: text/plain", body=PYTHON.encode())
        is_odd = request.target.endswith("%ff")
        writer.write(html("x") if request.target == "/" else trace if is_odd else response(404))

    seen = await look(SUITE, behave, is_tls=True)

    assert seen.outcome(TRACE) == "failed"


async def test_an_escaped_trace_is_read() -> None:
    escaped = PYTHON.replace('"', "&quot;")
    seen = await _missing(response(500, "Content-Type: text/html", body=escaped.encode()))

    assert seen.outcome(TRACE) == "failed"


async def test_an_article_that_quotes_a_trace_is_no_error_page() -> None:
    article = html(f"<h1>How to read</h1><pre>{PYTHON}</pre>")
    seen = await _missing(article)

    assert seen.outcome(TRACE) == "not_evaluated"
    assert seen.reason(TRACE) == "the server showed no error page"


@pytest.mark.parametrize(
    "body",
    ["Not found", "Error: see line 12 of your request", "An Exception happened at the counter",
     "Warning: the shop closes at 8", "Traceback (most recent call last) is all we know"],
)  # fmt: skip
async def test_a_plain_error_page_passes(body: str) -> None:
    seen = await _missing(response(404, "Content-Type: text/html", body=body.encode()))

    assert seen.outcome(TRACE) == "passed"


async def test_a_gateway_in_trouble_is_no_error_page_of_the_application() -> None:
    seen = await _missing(response(503, body=PYTHON.encode()))

    assert seen.outcome(TRACE) == "not_evaluated"


@pytest.mark.parametrize(
    "hostile",
    [
        b"<a href=" * 20_000,
        b"at " * 40_000,
        b"a.b." * 30_000,
        b"Aa::" * 30_000,
        b"x.php" * 25_000,
        b"<title>" * 20_000 + b"Index of /" * 1000,
        b"java.lang." + b"a" * 120_000,
    ],
)
def test_reading_hostile_pages_ends(hostile: bytes) -> None:
    """TGT-4: milliseconds on a quiet machine; a pattern that explodes takes minutes."""
    started = time.process_time()

    assert trace_kind(hostile) == ""
    assert not is_listing(hostile)
    assert time.process_time() - started < 5

"""What pages load and tell: third parties, mixed content, listings, traces."""

from collections.abc import Iterator
from dataclasses import replace

from tests.lab.ground.web import GOOD_HEADERS, WebCase, page, serve
from tests.lab.lab import Lab
from tests.lab.truth import Case
from tests.lab.web_server import html


def _content() -> Iterator[WebCase]:
    seal = "sha384-" + "A" * 64
    sri, active, passive = "http.sri.missing", "http.mixed.active", "http.mixed.passive"
    for case, body, must, traps in (
        (
            "sri-none",
            "<script src=https://cdn.other.test/a.js></script>",
            sri,
            f"{active} {passive}",
        ),
        ("sri-style", "<link rel=stylesheet href=//cdn.other.test/a.css>", sri, active),
        (
            "sri-sealed",
            f'<script src=https://cdn.other.test/a.js integrity="{seal}" crossorigin></script>',
            "",
            sri,
        ),
        ("sri-own-sub-domain", "<script src=https://static.web.lab/a.js></script>", "", sri),
        ("sri-in-comment", "<!-- <script src=https://cdn.other.test/a.js></script> -->", "", sri),
        (
            "sri-in-template",
            "<template><script src=https://cdn.other.test/a.js></script></template>",
            "",
            sri,
        ),
        (
            "sri-tag-manager",
            "<script src=https://www.googletagmanager.com/gtm.js></script>",
            "",
            sri,
        ),
        ("sri-image", "<img src=https://cdn.other.test/a.png>", "", f"{sri} {passive}"),
        ("mixed-script", "<script src=http://mixed-script.web.lab/a.js></script>", active, passive),
        ("mixed-frame", "<iframe src=http://mixed-frame.web.lab/x></iframe>", active, passive),
        ("mixed-image", "<img src=http://mixed-image.web.lab/a.png>", passive, active),
        ("mixed-link", "<a href=http://mixed-link.web.lab/>there</a>", "", f"{active} {passive}"),
        ("mixed-in-text", "<p>http://a.web.lab/a.js</p>", "", f"{active} {passive}"),
    ):
        yield WebCase(case, must, traps, root=page(body))
    upgraded = GOOD_HEADERS["Content-Security-Policy"] + "; upgrade-insecure-requests"
    yield WebCase(
        "mixed-upgraded",
        "",
        f"{active} {passive}",
        {"Content-Security-Policy": upgraded},
        root=page(
            "<script src=http://mixed-upgraded.web.lab/a.js></script><img src=http://mixed-upgraded.web.lab/a>"
        ),
    )
    listing = "http.listing"
    index = '<h1>Index of /</h1><a href="?C=N;O=D">Name</a><a href="../">Parent Directory</a>'
    yield WebCase(
        "listing",
        listing,
        "",
        root=html(f"<html><head><title>Index of /</title></head><body>{index}</body></html>"),
    )
    yield WebCase(
        "listing-in-text", "", listing, root=page("<p>How to switch off Index of / pages</p>")
    )
    trace = "http.info.stacktrace"
    python = (
        "Traceback (most recent call last):\n"
        '  File "/srv/app/views.py", line 12, in show\n'
        "    return pages[name]\nKeyError: 'x'\n"
    )
    java = (
        "java.lang.NullPointerException\n\tat com.shop.Cart.show(Cart.java:41)\n"
        "\tat com.shop.Main.run(Main.java:9)\n"
    )
    php = (
        "<b>Fatal error</b>:  Uncaught Error: Call to undefined function x() in"
        " /var/www/html/index.php:3\nStack trace:\n#0 {main}\n  thrown in"
        " <b>/var/www/html/index.php</b> on line <b>3</b><br />"
    )
    for case, text in (("trace-python", python), ("trace-java", java), ("trace-php", php)):
        failing = html(f"<pre>{text}</pre>")
        yield WebCase(
            case,
            trace,
            "",
            answer=lambda r, p=failing: (
                None if r.path in {"/", "/.well-known/security.txt"} else replace(p, status=500)
            ),
        )
    yield WebCase("trace-in-blog", "", trace, root=page(f"<pre>{python}</pre>"))


def cases(lab: Lab) -> Iterator[Case]:
    for case in _content():
        yield serve(lab, case)

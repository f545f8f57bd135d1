"""Reading error pages, listings and status pages of servers. Pure; patterns are bounded."""

import html
import re
from html.parser import HTMLParser
from itertools import islice

_MOST_CHARACTERS = 128 * 1024
_MOST_TEXT = 500
_MOST_LINKS = 200
_LISTING_TITLE = re.compile(
    r"(Index of|Directory listing for|Directory:) ?/.{0,300}", re.IGNORECASE
)
_IIS_TITLE = re.compile(r".{1,200} - /.{0,300}")
_SORTING = re.compile(r"\?C=[NMSD][;&]O=[AD]|\?sort=|\?ORDER=", re.IGNORECASE)


class _Outline(HTMLParser):
    """Title, headings and links of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.headings: list[str] = []
        self.links: list[tuple[str, str]] = []
        self._open = ""
        self._text = ""
        self._href = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"title", "h1", "a"}:
            self._open, self._text = tag, ""
            self._href = next((value or "" for name, value in attrs if name == "href"), "")

    def handle_data(self, data: str) -> None:
        if self._open and len(self._text) < _MOST_TEXT:
            self._text += data[:_MOST_TEXT]

    def handle_endtag(self, tag: str) -> None:
        if tag != self._open:
            return
        text = " ".join(self._text.split())
        match tag:
            case "title":
                self.title = self.title or text
            case "h1":
                self.headings.append(text)
            case _ if len(self.links) < _MOST_LINKS:
                self.links.append((self._href[:_MOST_TEXT], text))
            case _:
                pass
        self._open = ""


def _text_of(body: bytes) -> str:
    return body[:_MOST_CHARACTERS].decode("utf-8", "replace")


def _outline(body: bytes) -> _Outline:
    outline = _Outline()
    try:
        outline.feed(_text_of(body))
    except AssertionError:  # the parser's complaint about some broken declarations: keep the rest
        return outline
    return outline


def is_listing(body: bytes) -> bool:
    """A title of a listing, and the links that only a listing has."""
    page = _outline(body)
    named = [text for text in (page.title, *page.headings[:3]) if _LISTING_TITLE.fullmatch(text)]
    has_parent = any(
        href in {"../", ".."}
        or text.lower().strip("[] ") in {"parent directory", "to parent directory"}
        for href, text in page.links
    )
    has_sorting = any(_SORTING.search(href) for href, _ in page.links)
    if named and (has_parent or has_sorting):
        return True
    # Python's own server has neither at its root, and says the same thing twice instead.
    is_python = len(named) > 1 and named[0].lower().startswith("directory listing for /")
    is_iis = _IIS_TITLE.fullmatch(page.title) is not None and has_parent
    return is_iis or (is_python and bool(page.links))


def is_phpinfo(body: bytes) -> bool:
    page = _outline(body)
    is_titled = page.title.lower().endswith("phpinfo()")
    return is_titled and any(h.startswith("PHP Version ") for h in page.headings)


def is_server_status(body: bytes) -> bool:
    page = _outline(body)
    is_headed = any(h.startswith("Apache Server Status for ") for h in page.headings)
    return is_headed and "uptime:" in _text_of(body).lower()


# What a language prints when nobody catches an error: a header line and a frame of the stack, or
# a line that only its debugger writes.
_TRACES: tuple[tuple[str, tuple[re.Pattern[str], ...]], ...] = (
    (
        "Python",
        (
            re.compile(r"Traceback \(most recent call last\)"),
            re.compile(r'File "[^"\n]{1,300}", line \d{1,7}'),
        ),
    ),
    ("Django debug page", (re.compile(r"You're seeing this error because you have DEBUG = True"),)),
    ("Werkzeug debugger", (re.compile(r"// Werkzeug Debugger"),)),
    (
        "Java",
        (
            re.compile(r"\b[a-z][\w$]{0,60}(?:\.[\w$]{1,80}){1,12}(?:Exception|Error)\b"),
            re.compile(r"\bat [\w$.<>/@]{3,200}\([\w$]{1,100}\.(?:java|kt|scala|groovy):\d{1,6}\)"),
        ),
    ),
    (
        ".NET",
        (
            re.compile(r"\b[A-Z]\w{0,60}(?:\.\w{1,80}){1,12}Exception\b"),
            re.compile(r"\bat [\w.<>`\[\],+]{3,200}\([^()\n]{0,300}\)"),
        ),
    ),
    (
        "PHP",
        (
            re.compile(r"\b(?:Fatal error|Parse error|Warning|Notice|Deprecated)(?:</b>)?: "),
            re.compile(r"\.(?:php|inc|phtml)(?:</b>)?(?: on line (?:<b>)?|:)\d{1,6}"),
        ),
    ),
    ("Laravel debug page", (re.compile(r"\bvendor/laravel/framework/[\w/]{1,200}\.php"),)),
    (
        "Node.js",
        (
            re.compile(r"\b[A-Z]\w{0,40}Error: |\bError: "),
            re.compile(
                r"\bat (?:[^()\n]{1,200} \()?(?:file://|node:|/|[A-Z]:\\)[^()\n]{1,300}:\d{1,6}:\d{1,6}"
            ),
        ),
    ),
    (
        "Ruby",
        (
            re.compile(r"\b[A-Z]\w{0,60}(?:::\w{1,60}){0,6}Error\b"),
            re.compile(r"\.rb:\d{1,6}:in [`'][^'\n]{1,200}'"),
        ),
    ),
    (
        "Go",
        (
            re.compile(r"\bgoroutine \d{1,9} \[running\]:"),
            re.compile(r"\.go:\d{1,6}"),
        ),
    ),
)


def trace_kind(body: bytes) -> str:
    """Whose stack trace a page shows; empty for none. All patterns of a kind must be there."""
    text = html.unescape(_text_of(body)).replace("<br>", "\n").replace("<br/>", "\n")
    # In lines of at most 4 KB: no pattern reaches over more (TGT-4).
    pieces = [
        line[start : start + 4096]
        for line in text.split("\n")
        for start in range(0, len(line), 4096)
    ]
    kinds = (
        kind
        for kind, patterns in _TRACES
        if all(any(pattern.search(piece) for piece in pieces) for pattern in patterns)
    )
    return next(islice(kinds, 1), "")

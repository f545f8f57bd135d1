"""Reading HTML by a parser, within bounds: pages are written by strangers. Pure."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin

from services.scanner.http.facts import Form, Load, LoadKind, Page
from services.scanner.text import clean

MAX_PAGE_CHARACTERS = 512 * 1024
_PIECE = 32 * 1024
_MAX_LOADS = 500
_MAX_FORMS = 50
_MAX_POLICIES = 5
_MAX_URL = 2048

_INERT = frozenset({"template", "noscript", "textarea", "title", "xmp", "noembed", "noframes"})
"""Elements whose content is text, or does not take part in the page a browser with script shows."""
_LOADS: dict[str, tuple[tuple[str, LoadKind], ...]] = {
    "script": (("src", LoadKind.SCRIPT), ("href", LoadKind.SCRIPT)),  # href: SVG's script
    "iframe": (("src", LoadKind.FRAME),),
    "frame": (("src", LoadKind.FRAME),),
    "object": (("data", LoadKind.PLUGIN),),
    "embed": (("src", LoadKind.PLUGIN),),
    "img": (("src", LoadKind.IMAGE), ("srcset", LoadKind.IMAGE)),
    "input": (("src", LoadKind.IMAGE),),
    "audio": (("src", LoadKind.MEDIA),),
    "video": (("src", LoadKind.MEDIA), ("poster", LoadKind.IMAGE)),
    "source": (("src", LoadKind.MEDIA), ("srcset", LoadKind.IMAGE)),
    "track": (("src", LoadKind.MEDIA),),
}
_LINKS = {"stylesheet": LoadKind.STYLE, "modulepreload": LoadKind.SCRIPT}
_DATA_BLOCK = re.compile(r"(text|application)/(javascript|ecmascript|x-javascript)|module|")

Attributes = dict[str, str]


def read_page(html: str, url: str, *, is_whole: bool = True) -> Page:
    """What the page loads and asks for; URLs are made absolute against ``url``. Never raises."""
    reader = _Reader(url)
    text = html[:MAX_PAGE_CHARACTERS]
    # In pieces and without close(): what a page leaves unfinished is not scanned again and again.
    for start in range(0, len(text), _PIECE):
        try:
            reader.feed(text[start : start + _PIECE])
        except AssertionError:  # the parser's own complaint about some broken declarations
            return reader.page(is_whole=False)
    return reader.page(is_whole=is_whole and len(text) == len(html))


class _Reader(HTMLParser):
    """Collects while the parser calls; ``page`` is what came of it."""

    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self._base = url
        self._url = url
        self._inert: list[str] = []
        self._title: list[str] = []
        self._has_title = False
        self._loads: list[Load] = []
        self._form_action: str | None = None
        self._forms: list[Form] = []
        self._has_password_field = False
        self._policies: list[str] = []
        self._referrer: str | None = None

    def page(self, *, is_whole: bool) -> Page:
        return Page(
            title=clean(" ".join("".join(self._title).split()), 200),
            loads=tuple(dict.fromkeys(self._loads)),
            password_forms=tuple(dict.fromkeys(self._forms)),
            has_password_field=self._has_password_field,
            meta_policies=tuple(self._policies),
            meta_referrer=self._referrer,
            is_whole=is_whole and len(self._loads) < _MAX_LOADS,
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._inert:
            return
        if tag in _INERT:
            self._inert.append(tag)
            return
        attributes: Attributes = {}
        for name, value in attrs:
            attributes.setdefault(name, value or "")  # HTML: the first of a name counts
        self._read_element(tag, attributes)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # In HTML a slash closes nothing: <script src=x /> is a start tag.
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and not self._inert:
            self._form_action = None
        if self._inert and tag == self._inert[-1]:
            self._inert.pop()
            self._has_title = self._has_title or tag == "title"

    def handle_data(self, data: str) -> None:
        if self._inert and self._inert[-1] == "title" and not self._has_title:
            self._title.append(data[:1000])

    def _read_element(self, tag: str, attributes: Attributes) -> None:
        if tag == "base" and attributes.get("href") and self._base == self._url:
            self._base = self._absolute(attributes["href"])
        elif tag == "meta":
            self._read_meta(attributes)
        elif tag == "link":
            self._read_link(attributes)
        elif tag == "form":
            # No action, or an empty one: the page itself, whatever its base says.
            action = attributes.get("action", "").strip()
            self._form_action = self._absolute(action) if action else self._url
        elif tag == "input" and attributes.get("type", "").strip().lower() == "password":
            self._note_password(attributes)
        elif tag in _LOADS:
            self._read_loads(tag, attributes)

    def _read_meta(self, attributes: Attributes) -> None:
        content = attributes.get("content", "")
        if attributes.get("http-equiv", "").strip().lower() == "content-security-policy":
            if len(self._policies) < _MAX_POLICIES:
                self._policies.append(clean(" ".join(content.split()), 8192))
        elif attributes.get("name", "").strip().lower() == "referrer":
            self._referrer = clean(content.strip(), 100)

    def _read_link(self, attributes: Attributes) -> None:
        rel = attributes.get("rel", "").lower().split()
        kind = next((_LINKS[word] for word in rel if word in _LINKS), None)
        if kind is not None:
            self._add(kind, attributes.get("href", ""), attributes.get("integrity", ""))

    def _read_loads(self, tag: str, attributes: Attributes) -> None:
        if tag == "script" and not _runs(attributes.get("type", "")):
            return
        if tag == "input" and attributes.get("type", "").strip().lower() != "image":
            return
        for attribute, kind in _LOADS[tag]:
            value = attributes.get(attribute, "")
            candidates = _candidates(value) if attribute == "srcset" else [value]
            for candidate in candidates:
                self._add(kind, candidate, attributes.get("integrity", ""))

    def _note_password(self, attributes: Attributes) -> None:
        self._has_password_field = True
        if self._form_action is not None and len(self._forms) < _MAX_FORMS:
            self._forms.append(Form(self._form_action))
        if attributes.get("formaction") and len(self._forms) < _MAX_FORMS:
            self._forms.append(Form(self._absolute(attributes["formaction"])))

    def _add(self, kind: LoadKind, reference: str, integrity: str) -> None:
        if reference.strip() and len(self._loads) < _MAX_LOADS:
            self._loads.append(Load(kind, self._absolute(reference), clean(integrity, 500)))

    def _absolute(self, reference: str) -> str:
        stripped = reference.strip()[:_MAX_URL].replace("\\", "/")
        try:
            return clean(urljoin(self._base, stripped), _MAX_URL)
        except ValueError:
            return ""


def _runs(kind: str) -> bool:
    """Whether a script element is a script; with another type it is a block of data."""
    essence = kind.partition(";")[0].strip().lower()
    return _DATA_BLOCK.fullmatch(essence) is not None


def _candidates(srcset: str) -> list[str]:
    """The URLs of a srcset attribute; a comma inside a URL is not followed by a blank."""
    return [
        words[0]
        for part in re.split(r",\s", srcset[: 4 * _MAX_URL])[:20]
        if (words := part.strip().strip(",").split())
    ]

"""Going through one text: every verified key, masked on the spot. Pure."""

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from services.scanner.leaks.facts import Leak
from services.scanner.leaks.formats import FORMATS
from services.scanner.leaks.verification import is_private_key
from services.scanner.text import clean

MOST_LEAKS = 50
"""In one text."""
_MOST_MATCHES = 500
_MOST_PEM_CHARACTERS = 12 * 1024
_PREVIEW = 4
_DIGEST_HEX = 32
# base64 of pictures and fonts: by chance anything stands in there.
_DATA_URI = re.compile(r"data:[A-Za-z0-9.+/-]{1,80}(?:;[A-Za-z0-9=-]{1,40}){0,3};base64,")
_BASE64 = re.compile(r"[A-Za-z0-9+/=%]{0,8388608}")
_PEM_BEGIN = "-----BEGIN "
_PEM_TITLE = re.compile(r"((?:RSA |EC |DSA |OPENSSH )?PRIVATE KEY)-----")
_SERVICE_ACCOUNT_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text came from, and the key that its hashes are made with."""

    url: str
    host: str
    is_script: bool
    hash_key: bytes

    def leak(self, kind: str, value: str, preview: str, *, is_public: bool = False) -> Leak:
        said = f"{self.host}\0{kind}\0{value}".encode("utf-8", "replace")
        digest = hmac.new(self.hash_key, said, hashlib.sha256).hexdigest()[:_DIGEST_HEX]
        return Leak(
            kind, self.url, clean(preview[:_PREVIEW], _PREVIEW), digest, is_public, self.is_script
        )


def find_leaks(text: str, place: Place) -> tuple[Leak, ...]:
    """Each key once, at most fifty. The cost grows with the length of the text and no faster."""
    bare = without_data_uris(text)
    found = dict.fromkeys((*_by_format(bare, place), *_private_keys(bare, place)))
    return tuple(found)[:MOST_LEAKS]


def without_data_uris(text: str) -> str:
    """The text with the content of its ``data:`` addresses taken out."""
    kept: list[str] = []
    position = 0
    while (match := _DATA_URI.search(text, position)) is not None:
        kept.append(text[position : match.end()])
        content = _BASE64.match(text, match.end())
        position = match.end() if content is None else content.end()
    return "".join((*kept, text[position:]))


def _by_format(text: str, place: Place) -> Iterator[Leak]:
    for form in FORMATS:
        for match in islice(form.pattern.finditer(text), _MOST_MATCHES):
            if form.stands_alone(match) and form.verify(match):
                # What is left of the fixed beginning says no more than the kind does.
                yield place.leak(form.kind, match[0], match[0], is_public=form.is_public)


def _private_keys(text: str, place: Place) -> Iterator[Leak]:
    """PEM blocks, also inside of JSON and script strings, where lines end in an escape."""
    position = 0
    for _ in range(_MOST_MATCHES):
        start = text.find(_PEM_BEGIN, position)
        if start < 0:
            return
        position = start + len(_PEM_BEGIN)
        title = _PEM_TITLE.match(text, position)
        if title is None:
            continue
        last = f"-----END {title[1]}-----"
        end = text.find(last, title.end(), start + _MOST_PEM_CHARACTERS)
        if end < 0:
            continue
        pem = text[start : end + len(last)]
        if is_private_key(pem):
            around = text[max(start - _SERVICE_ACCOUNT_CHARACTERS, 0) : end + 2000]
            is_google = '"service_account"' in around and "client_email" in around
            kind = "google_service_account_key" if is_google else "private_key"
            body = re.sub(r"\\n|\s", "", text[title.end() : title.end() + 40])
            yield place.leak(kind, re.sub(r"\\n|\\r|\s", "", pem), body)

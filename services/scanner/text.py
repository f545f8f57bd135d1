"""Text from targets, cleaned at the boundary, so that nothing hostile travels further in."""

import re

REPLACEMENT = "\ufffd"

# C0 and C1 controls with DEL (NUL breaks PostgreSQL's JSONB, ESC a terminal), the marks and
# overrides of the bidirectional algorithm (UAX #9: they reorder what a reader sees), the line and
# paragraph separators, lone surrogates (no UTF-8 for them) and noncharacters at the end of the BMP.
_HOSTILE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def clean(text: str | bytes, limit: int) -> str:
    """At most ``limit`` characters of what a target said, each fit for JSON, SQL and a page.

    Bytes are read as UTF-8. What is hostile, line breaks included, becomes U+FFFD; text that was
    cut ends with an ellipsis inside the limit. (TGT-5)
    """
    # Four bytes make at most one character more: cut before the costly part.
    decoded = text[: 4 * limit + 4].decode("utf-8", "replace") if isinstance(text, bytes) else text
    cleaned = _HOSTILE.sub(REPLACEMENT, decoded[: limit + 1])
    return cleaned if len(cleaned) <= limit else cleaned[: max(limit - 1, 0)] + "…"


_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text without NUL and lone surrogates, which neither JSONB nor UTF-8 can hold.

    The last guard before a result leaves the engine; line breaks stay.
    """
    return _NOT_STORABLE.sub(REPLACEMENT, text)

"""Text from targets cannot hurt a database, a terminal or a page (TGT-5)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.text import clean, storable


@given(st.one_of(st.text(), st.binary()), st.integers(1, 300))
def test_clean_text_is_short_and_storable(text: str | bytes, limit: int) -> None:
    """TGT-5."""
    cleaned = clean(text, limit)

    assert len(cleaned) <= limit
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in cleaned)
    assert clean(cleaned, limit) == cleaned


@pytest.mark.parametrize(
    "hostile",
    ["\x00", "\x1b", "\r", "\n", "\x7f", "\x85", "\u202e", "\u2066", "\u200f", "\u2028", "\ud800"],
    ids=ascii,
)
def test_a_hostile_character_becomes_the_replacement_character(hostile: str) -> None:
    assert clean(f"a{hostile}b", 10) == "a\ufffdb"


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=50))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert clean(text, 50) == text
    assert storable(text) == text


def test_what_is_cut_says_so() -> None:
    assert clean("abcdef", 4) == "abc…"
    assert clean("é".encode() * 100, 3) == "éé…"


@given(st.text())
def test_storable_text_goes_through_json_and_keeps_its_lines(text: str) -> None:
    stored = storable(text)

    assert "\x00" not in stored
    assert json.loads(json.dumps(stored).encode()) == stored
    assert stored.count("\n") == text.count("\n")

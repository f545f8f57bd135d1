"""Secrets at rest: sealed for one row, with keys that change (SEC-1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.keyring import Keyring, SealBroken, derive_key

_NEW = Keyring(("a secret of the installation that is long", "an earlier secret that is long"))
_OLD = Keyring(("an earlier secret that is long",))
_texts = st.text(st.characters(codec="utf-8"), max_size=200)


@given(_texts, _texts)
def test_what_is_sealed_opens_in_its_own_place(secret: str, place: str) -> None:
    assert _NEW.open(_NEW.seal(secret, place), place) == secret


@given(_texts, _texts, _texts)
def test_and_nowhere_else(secret: str, place: str, elsewhere: str) -> None:
    if place != elsewhere:
        with pytest.raises(SealBroken):
            _NEW.open(_NEW.seal(secret, place), elsewhere)


@given(st.binary(max_size=80))
def test_what_was_never_sealed_does_not_open(rubbish: bytes) -> None:
    with pytest.raises(SealBroken):
        _NEW.open(rubbish, "row 1")


@given(st.data())
def test_every_changed_bit_is_noticed(data: st.DataObject) -> None:
    sealed = bytearray(_NEW.seal("a seed", "row 1"))
    index = data.draw(st.integers(0, len(sealed) - 1))
    sealed[index] ^= data.draw(st.integers(1, 255))

    with pytest.raises(SealBroken):
        _NEW.open(bytes(sealed), "row 1")


def test_an_earlier_secret_still_opens_and_no_longer_seals() -> None:
    old = _OLD.seal("a seed", "row 1")

    assert _NEW.open(old, "row 1") == "a seed"
    assert not _NEW.is_current(old)
    assert _NEW.is_current(_NEW.seal("a seed", "row 1"))
    with pytest.raises(SealBroken):
        _OLD.open(_NEW.seal("a seed", "row 1"), "row 1")


def test_the_same_secret_never_looks_the_same_twice() -> None:
    assert _NEW.seal("a seed", "row 1") != _NEW.seal("a seed", "row 1")


def test_each_purpose_has_a_key_of_its_own() -> None:
    purposes = ("access tokens", "csrf tokens", "secrets at rest")

    assert len({derive_key("a secret", purpose) for purpose in purposes}) == len(purposes)

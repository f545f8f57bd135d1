"""Content Security Policy: effective directives, fall-backs, what counts and what is inert."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.http.csp import Policy, parse_policies


def policy(text: str) -> Policy:
    (parsed,) = parse_policies((text,))
    return parsed


def test_names_are_case_insensitive_and_the_first_of_a_name_counts() -> None:
    parsed = policy("Script-SRC 'self'; script-src *;; IMG-src a.test ; ")

    assert parsed.directives == {"script-src": ("'self'",), "img-src": ("a.test",)}


def test_commas_and_several_headers_make_several_policies() -> None:
    assert len(parse_policies(("default-src 'self', script-src a", "img-src b", " , "))) == 3


def test_meta_policies_are_not_split_and_lose_what_meta_cannot_say() -> None:
    (parsed,) = parse_policies(("frame-ancestors 'none'; img-src a,b",), is_meta=True)

    assert list(parsed.directives) == ["img-src"]


def test_script_falls_back_to_default() -> None:
    parsed = policy("default-src 'self'")

    assert parsed.effective("script-src-elem") == ("'self'",)
    assert parsed.effective("object-src") == ("'self'",)
    assert parsed.effective("frame-ancestors") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("script-src 'unsafe-inline'", True),
        ("default-src 'Unsafe-Inline'", True),
        ("script-src 'self'", False),
        ("script-src 'unsafe-inline' 'nonce-abc'", False),
        ("script-src 'unsafe-inline' 'sha256-AAAA='", False),
        ("script-src 'unsafe-inline' 'strict-dynamic'", False),
        ("style-src 'unsafe-inline'; script-src 'self'", False),
        ("default-src 'unsafe-inline'; script-src 'self'", False),
        ("script-src 'self'; script-src-attr 'unsafe-inline'", True),
    ],
)
def test_when_inline_script_runs(text: str, *, expected: bool) -> None:
    assert policy(text).allows_inline_script is expected


@pytest.mark.parametrize(
    ("text", "wide"),
    [
        ("script-src *; object-src 'none'", True),
        ("script-src https:; object-src 'none'", True),
        ("script-src DATA:; object-src 'none'", True),
        ("script-src https://*; object-src 'none'", True),
        ("script-src 'self' cdn.test *.cdn.test; object-src 'none'", False),
        ("script-src 'nonce-a' 'strict-dynamic' https:; object-src 'none'", False),
        ("object-src 'none'", True),
        ("default-src 'none'", False),
    ],
)
def test_when_script_sources_are_wide(text: str, *, wide: bool) -> None:
    assert bool(policy(text).wide_scripts) is wide


def test_plugins_need_a_limit_of_their_own() -> None:
    assert policy("script-src 'self'").wide_objects
    assert policy("default-src *; script-src 'self'").wide_objects
    assert not policy("default-src 'self'").wide_objects


def test_wasm_eval_is_not_eval() -> None:
    assert policy("script-src 'unsafe-eval'").allows_eval
    assert not policy("script-src 'wasm-unsafe-eval'").allows_eval


def test_framing_is_limited_by_names_and_not_by_a_star() -> None:
    assert policy("frame-ancestors 'none'").limits_framing
    assert policy("frame-ancestors https://a.test").limits_framing
    assert not policy("frame-ancestors *").limits_framing
    assert not policy("frame-ancestors https:").limits_framing
    assert not policy("default-src 'none'").limits_framing


@given(st.lists(st.text(), max_size=5), st.booleans())
def test_no_text_whatever_breaks_the_parser(texts: list[str], is_meta: bool) -> None:  # noqa: FBT001 - hypothesis
    for parsed in parse_policies(tuple(texts), is_meta=is_meta):
        assert parsed.directives
        assert isinstance(parsed.allows_inline_script, bool)
        assert isinstance(parsed.wide_scripts, tuple)


def test_a_flood_of_policies_is_bounded() -> None:
    assert len(parse_policies((",".join(["img-src a"] * 10_000),))) == 20

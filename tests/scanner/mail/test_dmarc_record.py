"""Reading DMARC records: vectors after RFC 9989, and anything at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.mail.dkim import parse_key
from services.scanner.mail.dmarc import Policy, is_dmarc, parse_dmarc, walk_names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v=DMARC1; p=none", True),
        ("v=DMARC1;p=none", True),
        ("v = DMARC1 ; p=none", True),
        ("V=DMARC1", True),
        ("v=DMARC1", True),
        ("v=dmarc1; p=none", False),
        ("v=DMARC12; p=none", False),
        ("v=DMARC1 p=none", False),
        ("p=none; v=DMARC1", False),
        ("v=DMARC2; p=none", False),
        ("", False),
    ],
)
def test_the_version_comes_first(text: str, *, expected: bool) -> None:
    assert is_dmarc(text) is expected


def test_every_tag_is_read() -> None:
    record = parse_dmarc(
        "v=DMARC1; p=Reject; sp=quarantine; np=none; pct=30; t=y; psd=n;"
        " rua=mailto:a@b.example!10m, mailto:c@d.example; x-unknown=1;"
    )

    assert (record.p, record.sp, record.np) == (Policy.REJECT, Policy.QUARANTINE, Policy.NONE)
    assert (record.percent, record.is_testing, record.psd) == (30, True, "n")
    assert record.rua == ("mailto:a@b.example!10m", "mailto:c@d.example")
    assert record.errors == ()


def test_a_record_without_policy_is_valid_and_means_none() -> None:
    record = parse_dmarc("v=DMARC1; rua=mailto:a@b.example")

    assert (record.p, record.policy, record.errors) == (None, Policy.NONE, ())


@pytest.mark.parametrize(
    "tags", ["pct=abc", "pct=1000", "pct=-1", "t=maybe", "adkim=x", "ri=often", "psd=?", ""]
)
def test_optional_tags_are_passed_over_when_wrong(tags: str) -> None:
    record = parse_dmarc(f"v=DMARC1; p=reject; {tags}")

    assert (record.policy, record.errors) == (Policy.REJECT, ())


@pytest.mark.parametrize(
    "tags",
    [
        "p=rejct",
        "p=",
        "p=reject; sp=all",
        "p=none; np=x",
        "p=none p=none; reject",
        "p=none; p=none",
    ],
)
def test_a_wrong_policy_is_an_error(tags: str) -> None:
    assert parse_dmarc(f"v=DMARC1; {tags}").errors


@pytest.mark.parametrize(
    "uri", ["a@b.example", "https://b.example", "mailto:", "mailto:a@@b", "http:a"]
)
def test_an_address_that_is_none_is_not_counted(uri: str) -> None:
    assert parse_dmarc(f"v=DMARC1; p=none; rua={uri}").rua == ()


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("example.com", ["example.com", "com"]),
        ("a.b.example.com", ["a.b.example.com", "b.example.com", "example.com", "com"]),
        (
            "a.b.c.d.e.f.g.h.i.j.mail.example.com",
            [
                "a.b.c.d.e.f.g.h.i.j.mail.example.com",
                "g.h.i.j.mail.example.com",
                "h.i.j.mail.example.com",
                "i.j.mail.example.com",
                "j.mail.example.com",
                "mail.example.com",
                "example.com",
                "com",
            ],
        ),
    ],
)
def test_the_walk_asks_eight_times_at_most(domain: str, expected: list[str]) -> None:
    assert walk_names(domain) == expected


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert parse_dmarc(f"v=DMARC1;{text}").policy in Policy
    parse_key("s1", text)


@given(
    st.lists(
        st.sampled_from(
            ["p", "=", ";", "none", "rua", "mailto:", "a@b", ",", "t", "y", "pct", "9", " "]
        )
    )
)
def test_no_mixture_of_tags_breaks_the_reader(parts: list[str]) -> None:
    record = parse_dmarc("v=DMARC1;" + "".join(parts))

    assert all(uri.startswith("mailto:") for uri in record.rua)

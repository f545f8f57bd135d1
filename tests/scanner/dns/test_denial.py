"""What a signed NSEC record proves about a DS, and what it must not be taken for."""

import dns.name
import dns.rrset
import pytest

from services.scanner.dns.denial import NoDs, prove_no_ds

ZONE = dns.name.from_text("test")


@pytest.mark.parametrize(
    ("child", "owner", "rdata", "expected"),
    [
        ("a.test", "a.test", "b.test. NS RRSIG NSEC", NoDs.UNSIGNED_DELEGATION),
        ("a.test", "a.test", "b.test. A RRSIG NSEC", NoDs.NO_CUT),
        ("a.test", "a.test", "b.test. NS DS RRSIG NSEC", None),
        ("a.test", "a.test", "b.test. NS SOA RRSIG NSEC", None),
        ("a.test", "a.test", "b.test. CNAME RRSIG NSEC", NoDs.NO_CUT),
        ("b.test", "a.test", "c.test. A RRSIG NSEC", NoDs.NO_CUT),
        ("d.test", "a.test", "c.test. A RRSIG NSEC", None),
        ("z.test", "y.test", "test. A RRSIG NSEC", NoDs.NO_CUT),
        ("x.a.test", "a.test", "b.test. NS RRSIG NSEC", None),
        ("x.a.test", "a.test", "b.test. DNAME RRSIG NSEC", None),
        ("b.test", "a.test", "x.b.test. A RRSIG NSEC", NoDs.NO_CUT),
    ],
)
def test_a_record_proves_what_it_says_and_no_more(
    child: str, owner: str, rdata: str, expected: NoDs | None
) -> None:
    proof = dns.rrset.from_text(f"{owner}.", 60, "IN", "NSEC", rdata)

    assert prove_no_ds(dns.name.from_text(child), ZONE, [proof]) is expected


def test_without_records_nothing_is_proved() -> None:
    assert prove_no_ds(dns.name.from_text("a.test"), ZONE, []) is None


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("not-base32hex!", "1 0 0 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A"),
        ("2t7b4g4vsa5smi47k61mv5bv1a22bojr", "9 0 0 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A"),
    ],
)
def test_hashes_that_cannot_be_read_prove_nothing(label: str, text: str) -> None:
    owner = dns.name.Name([label.encode(), *ZONE.labels])
    proof = dns.rrset.from_text(owner, 60, "IN", "NSEC3", text)

    assert prove_no_ds(dns.name.from_text("a.test"), ZONE, [proof]) is None


def test_absurd_iterations_are_not_computed() -> None:
    owner = "2t7b4g4vsa5smi47k61mv5bv1a22bojr.test."
    text = "1 0 65535 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A"
    proof = dns.rrset.from_text(owner, 60, "IN", "NSEC3", text)

    assert prove_no_ds(dns.name.from_text("a.test"), ZONE, [proof]) is NoDs.TOO_COSTLY

"""The keys that DNSSEC validation starts from: IANA's, or the operator's own root."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import dns.dnssec
import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

_KINDS = {"DS": dns.rdatatype.DS, "DNSKEY": dns.rdatatype.DNSKEY}


@dataclass(frozen=True, slots=True)
class TrustAnchors:
    """DS and DNSKEY records of the root."""

    records: tuple[Any, ...]  # Any: rdata classes are made at run time

    def trusted(self, keys: tuple[Any, ...]) -> tuple[Any, ...]:
        """Those of the root's keys that an anchor vouches for."""
        return tuple(key for key in keys if any(_vouches(r, key) for r in self.records))


def _vouches(anchor: Any, key: Any) -> bool:  # noqa: ANN401 - rdata classes are made at run time
    if anchor.rdtype == dns.rdatatype.DNSKEY:
        return anchor.key == key.key and anchor.algorithm == key.algorithm
    return matches_ds(dns.name.root, anchor, key)


def matches_ds(zone: dns.name.Name, ds: Any, key: Any) -> bool:  # noqa: ANN401 - rdata classes are made at run time
    """The DS is this key's (RFC 4034 section 5). False for digests that cannot be computed."""
    if ds.algorithm != key.algorithm or ds.key_tag != key.key_id():
        return False
    try:
        made = dns.dnssec.make_ds(zone, key, ds.digest_type, validating=True)
    except (dns.exception.DNSException, ValueError):
        return False
    return made.digest == ds.digest


@cache
def load_anchors(path: Path | None) -> TrustAnchors:
    """From a file of DS or DNSKEY lines for the root; None gives IANA's.

    Raises ValueError with the line that cannot be read, OSError for the file.
    """
    if path is None:
        text = files("services.scanner.dns").joinpath("root-anchors.txt").read_text("utf-8")
    else:
        text = path.read_text("utf-8")
    lines = (line.partition(";")[0].strip() for line in text.splitlines())
    records = tuple(_parse(line) for line in lines if line)
    if not records:
        raise ValueError(f"{path}: no DS or DNSKEY line in the trust anchor file")
    return TrustAnchors(records)


def _parse(line: str) -> Any:  # noqa: ANN401 - rdata classes are made at run time
    words = line.split()
    kind = next((i for i, w in enumerate(words) if w.upper() in _KINDS), None)
    if kind is None or (kind > 0 and words[0] != "."):
        raise ValueError(f"trust anchor: {line[:60]!r} is no DS or DNSKEY line for the root")
    rdtype = _KINDS[words[kind].upper()]
    try:
        return dns.rdata.from_text(dns.rdataclass.IN, rdtype, " ".join(words[kind + 1 :]))
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"trust anchor: {line[:60]!r}: {error}") from error

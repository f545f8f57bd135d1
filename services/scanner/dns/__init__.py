"""DNS: what a domain's zone says, who serves it, and whether its chain of trust is whole."""

from services.scanner.dns import checks, dnssec_checks, name_checks
from services.scanner.dns.facts import DnsFacts, Records
from services.scanner.dns.probe import probe_dns
from services.scanner.suite import Suite

SUITE: Suite[str, DnsFacts] = Suite(
    "dns", probe_dns, dnssec_checks.CHECKS + checks.CHECKS + name_checks.CHECKS
)
"""The subject is a domain name in A-label form."""


def describe(facts: DnsFacts) -> dict[str, object]:
    """The facts as JSON, for ``dns_info``."""
    dnssec = facts.dnssec
    return {
        "name": facts.name,
        "zone": facts.zone,
        "records": {
            kind: _records(records)
            for kind, records in (
                ("A", facts.a),
                ("AAAA", facts.aaaa),
                ("MX", facts.mx),
                ("NS", facts.ns),
            )
        },
        "name_servers": [
            {"name": s.name, "addresses": [str(a) for a in s.addresses], "reason": s.reason}
            for s in facts.name_servers
        ],
        "servers_asked": [
            {"address": str(s.address), "state": s.state.value, "transfer": s.is_transfer_open}
            for s in facts.servers
        ],
        "delegation": {
            "parent": facts.delegation.parent or None,
            "name_servers": list(facts.delegation.name_servers),
        },
        "alias": list(facts.alias.chain),
        "caa": {
            "lookup": facts.caa.lookup.value,
            "found_at": facts.caa.found_at,
            "records": [f'{r.flags} {r.tag} "{r.value}"' for r in facts.caa.records],
        },
        "dnssec": {
            "security": dnssec.security.value,
            "reason": dnssec.reason,
            "fault": None if dnssec.fault is None else dnssec.fault.value,
            "broken_at": dnssec.broken_at or None,
            "denial": None if facts.denial.kind is None else facts.denial.kind.value,
            "algorithms": sorted({key.algorithm for key in dnssec.keys}),
            "signed_until": None
            if dnssec.signed_until is None
            else dnssec.signed_until.isoformat(),
        },
    }


def _records(records: Records) -> dict[str, object]:
    return {"lookup": records.lookup.value, "values": list(records.values)}


__all__ = ["SUITE", "DnsFacts", "describe"]
